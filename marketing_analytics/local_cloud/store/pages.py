"""One page of a list: rows, and how many rows match in all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar

from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Value,
    load_sql,
    records,
)
from marketing_analytics.local_cloud.store.narrowing import counting, narrowed

Item = TypeVar("Item")
Filter = Value | list[int] | list[str]
EVERYTHING = 2**62


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Rows of one page and the count of all rows that match its filters."""

    rows: list[Item]
    total_count: int


def read_page(
    connection: Connection,
    kind: type[Item],
    name: str,
    filters: Mapping[str, Filter],
    known: Sequence[str],
) -> Page[Item]:
    """Run `list_{name}` with filters, lists as JSON; filters that are not given match all."""
    values: dict[str, Value] = dict.fromkeys(known)
    values |= {"limit": 100, "offset": 0, "order_by": "id", "state": 1}
    values |= {key: json_when_list(value) for key, value in filters.items()}
    return page_of(connection, kind, load_sql(name)[f"list_{name}"], values)


def page_of(
    connection: Connection, kind: type[Item], listing: str, values: Mapping[str, Value]
) -> Page[Item]:
    """Return one page of a list; a first page that is not full needs no count."""
    limit = int(values["limit"] or 0)
    # -1 asks for all there are; not every database takes it for that
    limit = EVERYTHING if limit < 0 else limit
    values = {**values, "limit": limit}
    rows = connection.execute(narrowed(listing, values), values).fetchall()
    is_whole = not values["offset"] and len(rows) < limit
    total = len(rows) if is_whole else count_of(connection, listing, values)
    return Page(records(kind, rows), total)


def count_of(connection: Connection, listing: str, values: Mapping[str, Value]) -> int:
    """Return how many rows a list has in all; the store remembers it until something is written."""
    statement = narrowed(counting(listing), values)
    return connection.count(statement, {name: values[name] for name in names_in(statement)})


@cache
def names_in(statement: str) -> list[str]:
    """Return the names of the values of a statement."""
    return sorted(set(re.findall(r":(\w+)", statement)))


def json_when_list(value: Filter) -> Value:
    """Return lists as the JSON text that `json_each` reads, everything else unchanged."""
    return json.dumps(value) if isinstance(value, list) else value
