"""Environment variables over the API: operations, and what they show."""
