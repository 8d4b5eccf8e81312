"""What everything that is served shares: shield, guard, hosts, frame, words, timing.

Imports only `core`.
"""
