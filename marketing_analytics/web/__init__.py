"""What everything that is served shares: shield, guard, hosts, words.

Imports only `core`.
"""
