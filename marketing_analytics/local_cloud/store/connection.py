"""Open the store, write to it in transactions, and make records of its rows.

A connection belongs to one thread; every thread opens its own. Statements outside of
`transaction` commit at once. What fails raises the errors of sqlite3, on PostgreSQL too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from marketing_analytics.cloud_api.states import Status
from marketing_analytics.local_cloud.store.databases.interface import Connection, Row, Value
from marketing_analytics.local_cloud.store.databases.postgresql import Database, ServerConnection
from marketing_analytics.local_cloud.store.databases.sqlite import open_file
from marketing_analytics.local_cloud.store.databases.statements import load_sql

__all__ = [
    "Connection",
    "Database",
    "Place",
    "Row",
    "Value",
    "find",
    "find_all",
    "load_sql",
    "now_text",
    "open_connection",
    "record",
    "records",
    "time_of",
    "time_text",
    "transaction",
]

Kind = TypeVar("Kind")
# where a store is: a SQLite file, or a database on a server
Place = Path | Database


def open_connection(
    place: Place | str, *, is_reading: bool = False, patience_seconds: float = 0.0
) -> Connection:
    """Return a connection to an existing store; nothing can be written through a reading one.

    A server that is away is waited for `patience_seconds`.
    """
    if isinstance(place, Database):
        return ServerConnection(place, is_reading=is_reading, patience_seconds=patience_seconds)
    return open_file(place, is_reading=is_reading)


@contextmanager
def transaction(connection: Connection) -> Iterator[Connection]:
    """Run a write transaction; it waits for its turn first, so it never fails half way."""
    connection.begin()
    try:
        yield connection
        # a commit can fail as well; an open transaction would block the connection for good
        connection.commit()
    except BaseException:
        # sqlite ends some by itself, such as on a full disk
        if connection.in_transaction:
            connection.rollback()
        raise


def find(
    connection: Connection, kind: type[Kind], statement: str, values: Mapping[str, Value]
) -> Kind | None:
    """Return the first row of a statement as a dataclass, or None."""
    row = connection.execute(statement, values).fetchone()
    return record(kind, row) if row else None


def find_all(
    connection: Connection, kind: type[Kind], statement: str, values: Mapping[str, Value]
) -> list[Kind]:
    """Return the rows of a statement as dataclasses."""
    return records(kind, connection.execute(statement, values).fetchall())


def record(kind: type[Kind], row: Row) -> Kind:
    """Return a row as a dataclass; columns that it has no field for are left out."""
    return records(kind, [row])[0]


def records(kind: type[Kind], rows: Sequence[Row]) -> list[Kind]:
    """Return the rows of one statement as dataclasses."""
    if not rows:
        return []
    # a type variable does not pass for a key of a cache
    plain: type = kind
    names, places, made = reading(plain, tuple(rows[0].keys()))
    found = []
    for row in rows:
        # by place: a row looks a name up among all of its columns
        values = dict(zip(names, [row[place] for place in places], strict=True))
        for name, make in made:
            values[name] = make(values[name])
        found.append(kind(**values))
    return found


@cache
def reading(
    kind: type, columns: tuple[str, ...]
) -> tuple[list[str], list[int], list[tuple[str, Callable[[int], int]]]]:
    """Return the fields of a dataclass, their places, and what makes a truth or a status of one."""
    hints = get_type_hints(kind)
    kinds: dict[Any, Callable[[int], int]] = {bool: bool, Status: Status}
    made = [(name, kinds[hint]) for name, hint in hints.items() if hint in kinds]
    return list(hints), [columns.index(name) for name in hints], made


def now_text() -> str:
    """Return the time as the store writes it: `2026-01-02 03:04:05.000006+00:00`."""
    return time_text(datetime.now(UTC))


def time_text(value: datetime) -> str:
    """Return a time as the store writes it; text order is time order."""
    return value.astimezone(UTC).isoformat(sep=" ", timespec="microseconds")


def time_of(text: str) -> datetime:
    """Return the time of a text written by `time_text`."""
    return datetime.fromisoformat(text)
