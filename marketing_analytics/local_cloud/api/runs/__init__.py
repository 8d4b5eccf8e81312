"""Runs over the API: operations, what they show, logs and artifacts."""
