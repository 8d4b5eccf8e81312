"""One module an engine: how to connect, who writes and who waits.

Imports only `core`.
"""
