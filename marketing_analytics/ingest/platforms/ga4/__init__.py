"""The GA4 BigQuery export: a file a day. Start with `source`."""
