"""LinkedIn Ads: accounts, entities, and daily figures by Rest.li. Start with `source`."""
