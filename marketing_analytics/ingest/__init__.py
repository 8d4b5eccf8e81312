"""Sync ad platforms, email tools and the shop database into raw tables, on dlt."""
