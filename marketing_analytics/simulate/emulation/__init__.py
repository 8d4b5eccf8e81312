"""What every emulator shares: the clock and the control door, and a built world read back.

Imports only `core`; the world is met through its files. Start reading at `emulator`.
"""
