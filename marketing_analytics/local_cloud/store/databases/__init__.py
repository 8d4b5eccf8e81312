"""The two databases that can hold the store: a SQLite file, and a PostgreSQL server."""
