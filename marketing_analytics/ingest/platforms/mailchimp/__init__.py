"""Mailchimp: campaigns, activity and automations. Start with `source`."""
