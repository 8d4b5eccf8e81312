"""Jobs over the API: operations, their fields, and what they show."""
