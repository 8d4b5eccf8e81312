"""The web shop: visits, and their GA4 export. Start with `visits`."""
