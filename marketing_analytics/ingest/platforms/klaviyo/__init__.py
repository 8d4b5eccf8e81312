"""Klaviyo: profiles, events, campaigns and flows. Start with `source`."""
