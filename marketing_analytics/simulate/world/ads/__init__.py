"""Advertising: accounts and ads, their days, and what platforms claim. Start with `catalog`."""
