"""Shopify: orders, refunds and customers by its Admin API."""
