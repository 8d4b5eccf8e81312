"""Raw tables before their first row: dbt can build its models, whatever is set up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.engine.persons import restricted
from marketing_analytics.ingest.engine.tables import DELETED, LOADED_AT, REJECTED, Table
from marketing_analytics.ingest.platforms import source_names

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
    """Create the tables of sources that have none yet, and absent columns, as dlt would."""
    present = columns_by_table(connection)
    for source, tables in sources.items():
        declare_tables(connection, source, (*tables, REJECTED), present)


def declare_tables(
    connection: Any,
    schema: str,
    tables: Iterable[Table],
    present: Mapping[tuple[str, str], set[str]] | None = None,
) -> None:
    """Create tables of a schema that are absent, and absent columns."""
    present = columns_by_table(connection) if present is None else present
    declared = list(tables)
    absent = [table for table in declared if (schema, table.name) not in present]
    if absent:
        connection.execute(f'create schema if not exists "{schema}"')
    for table in absent:
        listed = ", ".join(f'"{name}" {kind}' for name, kind in columns_of(table).items())
        connection.execute(f'create table "{schema}"."{table.name}" ({listed})')
    for table in declared:
        known = present.get((schema, table.name), columns_of(table))
        for name, kind in columns_of(table).items():
            if name not in known:
                connection.execute(
                    f'alter table "{schema}"."{table.name}" add column "{name}" {kind}'
                )


def check_is_ours(connection: Any, place: Any) -> None:
    """Raise UserError for a database in which somebody else has tables named like ours."""
    query = "select table_schema, table_name from information_schema.tables"
    present = set(connection.execute(query).fetchall())
    if ("_ingest", "identity") in present:
        return
    named = {*source_names(), *map(restricted, source_names()), "_ingest"}
    for schema, table in sorted(present):
        if schema in named:
            raise UserError(
                f"{place} has a table {schema}.{table} that ingestion did not make",
                hint="give a database of its own with --raw-database",
            )


def columns_by_table(connection: Any) -> dict[tuple[str, str], set[str]]:
    """Return the columns of all tables, by schema and name."""
    query = "select table_schema, table_name, column_name from information_schema.columns"
    found: dict[tuple[str, str], set[str]] = {}
    for schema, table, column in connection.execute(query).fetchall():
        found.setdefault((schema, table), set()).add(column)
    return found


def tables_of(connection: Any, source: str) -> set[str]:
    """Return the names of the tables that a source has."""
    query = "select table_name from information_schema.tables where table_schema = ?"
    return {name for (name,) in connection.execute(query, [source]).fetchall()}


def columns_of(table: Table) -> dict[str, str]:
    """Return the columns of a stored table and their types in SQL."""
    columns = {name: SQL_TYPES[kind] for name, kind in table.stored.columns.items()}
    columns[LOADED_AT] = SQL_TYPES["time"]
    if table.mode == "parts":
        columns[DELETED] = SQL_TYPES["flag"]
    return columns | {"_dlt_load_id": "varchar not null"}
