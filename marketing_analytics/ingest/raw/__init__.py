"""Where rows land: the raw database, a DuckDB file or a PostgreSQL server."""
