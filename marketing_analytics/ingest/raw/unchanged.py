"""Find what of a package is stored already as it is: lists mostly come as they were.

Such tables need not go through dlt, where each costs a merge of its own; that they were seen
again is noted in their `_loaded_at`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from marketing_analytics.ingest.engine.tables import DELETED, LOADED_AT, Table

# to compare more costs as much as to load them
MOST_ROWS = 2_000


def is_stored(connection: Any, source: str, table: Table, batches: Sequence[Any]) -> bool:
    """Return whether a table holds exactly these rows where they would go."""
    count = sum(batch.num_rows for batch in batches)
    if not count and table.mode != "replace":
        return True
    if count > MOST_ROWS:
        return False
    names = ", ".join(f'"{name}"' for name in table.columns)
    where, values = scope_of(table, batches)
    query = f'select {names} from "{source}"."{table.name}" {where} limit {MOST_ROWS + 1}'  # noqa: S608
    stored = connection.execute(query, values).fetchall()
    found = {
        row
        for batch in batches
        if DELETED not in batch.column_names
        for row in zip(*(batch.column(name).to_pylist() for name in table.columns), strict=True)
    }
    return len(stored) == len(found) and set(stored) == found


def scope_of(table: Table, batches: Sequence[Any]) -> tuple[str, list[list[Any]]]:
    """Return the condition, and its values, for the rows that a load would replace."""
    names = {"replace": (), "merge": table.key, "parts": table.part_by}[table.mode]
    if not names:
        return "", []
    columns = [[v for batch in batches for v in batch.column(n).to_pylist()] for n in names]
    distinct = list(dict.fromkeys(zip(*columns, strict=True)))
    listed = ", ".join(f'"{name}"' for name in names)
    where = f"where ({listed}) in (select {', '.join('unnest(?)' for _ in names)})"
    return where, [list(column) for column in zip(*distinct, strict=True)]


def touch(
    connection: Any,
    source: str,
    batches: Mapping[Table, Sequence[Any]],
    loaded_at: datetime,
) -> None:
    """Note that the rows were seen again."""
    for table, rows in batches.items():
        if any(batch.num_rows for batch in rows):
            where, values = scope_of(table, rows)
            query = f'update "{source}"."{table.name}" set {LOADED_AT} = ? {where}'  # noqa: S608
            connection.execute(query, [loaded_at, *values])
