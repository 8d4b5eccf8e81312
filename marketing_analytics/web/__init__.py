"""What everything that is served shares: shield, guard, hosts, frame, words.

Imports only `core`.
"""
