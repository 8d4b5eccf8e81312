"""E-mail: what is sent to whom, and what they do with it. Start with `mailing`."""
