"""What every platform's sync shares: pacing, windows, state, tables, loading.

May import `core` and knows no platform. Start reading at `job`, then `pipeline`.
"""
