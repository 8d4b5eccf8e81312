"""One page of a list: rows, and how many rows match in all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from marketing_analytics.local_cloud.store.connection import Value, load_sql, records

Item = TypeVar("Item")
Filter = Value | list[int] | list[str]


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Rows of one page and the count of all rows that match its filters."""

    rows: list[Item]
    total_count: int


def read_page(
    connection: sqlite3.Connection,
    kind: type[Item],
    name: str,
    filters: Mapping[str, Filter],
    known: Sequence[str],
) -> Page[Item]:
    """Run `list_{name}` with filters, lists as JSON; filters that are not given match all."""
    values: dict[str, Value] = dict.fromkeys(known)
    values |= {"limit": 100, "offset": 0, "order_by": "id", "state": 1}
    values |= {key: json_when_list(value) for key, value in filters.items()}
    statements = load_sql(name)
    rows = connection.execute(statements[f"list_{name}"], values).fetchall()
    if rows:
        return Page(records(kind, rows), rows[0]["total_count"])
    if not values["offset"]:
        return Page([], 0)
    return Page([], connection.execute(statements[f"count_{name}"], values).fetchone()[0])


def json_when_list(value: Filter) -> Value:
    """Return lists as the JSON text that `json_each` reads, everything else unchanged."""
    return json.dumps(value) if isinstance(value, list) else value
