"""Runs on pages: what lists and a page show, and where the time went."""
