"""Raw tables before their first row: dbt can build its models, whatever is set up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marketing_analytics.ingest.engine.tables import DELETED, LOADED_AT, REJECTED, Table

SQL_TYPES = {
    "text": "varchar",
    "count": "bigint",
    "flag": "boolean",
    "date": "date",
    "time": "timestamp with time zone",
    "money": "decimal(18, 2)",
    "rate": "decimal(18, 4)",
    "fraction": "decimal(18, 6)",
}


def declare(connection: Any, sources: Mapping[str, Iterable[Table]]) -> None:
    """Create the tables of sources that have none yet, as dlt would."""
    query = "select table_schema, table_name from information_schema.tables"
    present = set(connection.execute(query).fetchall())
    for source, tables in sources.items():
        absent = [t for t in (*tables, REJECTED) if (source, t.name) not in present]
        if absent:
            connection.execute(f'create schema if not exists "{source}"')
        for table in absent:
            connection.execute(f'create table "{source}"."{table.name}" ({columns_of(table)})')


def columns_of(table: Table) -> str:
    """Return the columns of a stored table in SQL."""
    columns = {name: SQL_TYPES[kind] for name, kind in table.stored.columns.items()}
    columns[LOADED_AT] = SQL_TYPES["time"]
    if table.mode == "parts":
        columns[DELETED] = SQL_TYPES["flag"]
    columns["_dlt_load_id"] = "varchar not null"
    return ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
