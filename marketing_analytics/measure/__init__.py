"""What SQL cannot fit, where the warehouse runs no Python: marts in, parameters out.

Imports only `core`.
"""
