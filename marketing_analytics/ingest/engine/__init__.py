"""What every platform's sync shares: pacing, windows, state, tables, loading.

May import `core`; the platforms are found by name. Start reading at `run`.
"""
