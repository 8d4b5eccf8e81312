"""The shop's database: customers, orders, refunds, consents, budgets. Start with `source`."""
