"""Google Ads: customers, entities, and reports by GAQL. Start with `source`."""
