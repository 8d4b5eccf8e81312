"""Meta Ads: accounts, entities, and insights by report jobs. Start with `source`."""
