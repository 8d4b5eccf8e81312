"""The shop's own database, as SQLite and PostgreSQL. Start with `database`."""
