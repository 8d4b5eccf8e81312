"""What every page shares: guard, hosts, words.

Imports only `core`.
"""
