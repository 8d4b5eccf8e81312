"""Shopify: the emulator of its Admin API."""
