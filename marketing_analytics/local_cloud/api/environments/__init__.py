"""Environments over the API: operations, and what they show."""
