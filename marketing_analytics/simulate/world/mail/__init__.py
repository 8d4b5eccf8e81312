"""E-mail: what is planned, what is sent to whom, what they do with it. Start with `plan`."""
