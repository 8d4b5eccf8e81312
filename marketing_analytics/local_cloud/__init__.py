"""A local dbt Cloud: the Administrative API over SQLite, and real dbt runs on DuckDB."""
