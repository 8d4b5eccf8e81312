"""Store a few rows in one transaction; a load of dlt costs half a second, however small it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from marketing_analytics.ingest.engine.tables import LOADED_AT, Table
from marketing_analytics.ingest.raw.unchanged import scope_of

# dlt copies more of them faster than they are inserted
FEW_ROWS = 2_000
ROWS_AT_ONCE = 500


def store_rows(connection: Any, schema: str, table: Table, rows: Any, loaded_at: datetime) -> None:
    """Put Arrow rows into a declared table, in the place of those of the same scope."""
    where, values = scope_of(table, [rows])
    connection.execute(f'delete from "{schema}"."{table.name}" {where}', values)  # noqa: S608
    names = ", ".join(f'"{name}"' for name in (*table.columns, LOADED_AT, "_dlt_load_id"))
    stamp = loaded_at, str(loaded_at.timestamp())
    columns = [rows.column(name).to_pylist() for name in table.columns]
    found = [[*row, *stamp] for row in zip(*columns, strict=True)]
    insert_rows(connection, f'"{schema}"."{table.name}"', names, found)


def insert_rows(connection: Any, table: str, names: str, rows: Sequence[Sequence[Any]]) -> None:
    """Add rows to a table, some hundred by a statement."""
    for first in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[first : first + ROWS_AT_ONCE]
        marks = ", ".join("?" for _ in some[0])
        values = ", ".join(f"({marks})" for _ in some)
        query = f"insert into {table} ({names}) values {values}"  # noqa: S608
        connection.execute(query, [value for row in some for value in row])
