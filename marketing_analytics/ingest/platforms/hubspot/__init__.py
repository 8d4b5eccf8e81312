"""HubSpot: contacts, companies, deals, campaigns, e-mails, workflows. Start with `source`."""
