"""Customers: who they are, what they buy, and what they give back. Start with `people`."""
