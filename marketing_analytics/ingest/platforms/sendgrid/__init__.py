"""SendGrid: statistics and suppressions of its API, and the events of its signed webhook."""
