"""What a CI run checks beside its steps: the style of the SQL, and what it changes in the data."""
