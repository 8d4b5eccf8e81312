"""Filters of lists under a name, kept for everybody who uses the account."""
