"""The marts that are watched, and the schema beside them in which the watch keeps what it knows."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import MachineError, UserError, not_set
from marketing_analytics.warehouse import duckdb
from marketing_analytics.warehouse.marts import (
    LOCK_WAIT_SECONDS,
    SCHEMA,
    WAREHOUSE,
    Marts,
    marts_of,
)

# schemas of the database itself, and of what the watch keeps
OWN_SCHEMA = re.compile(r"^(pg_.*|information_schema)$|_monitor$")


class Place(Marts):
    """Marts of a schema that is named, and the schema of what the watch keeps."""

    @property
    def monitor_schema(self) -> str:
        """Return the schema of what the watch keeps."""
        return f"{self.schema}_monitor"


def place_of(warehouse: str | None, schema: str | None, raw_database: str | None = None) -> Place:
    """Return the place of options, or else of the environment. Raise UserError."""
    absent = {
        name: purpose
        for name, value, purpose in (
            (WAREHOUSE, warehouse, "a DuckDB file or a postgresql:// address"),
            (SCHEMA, schema, "the schema of the marts"),
        )
        if not (value or os.environ.get(name, ""))
    }
    if absent:
        raise not_set(absent, flags={WAREHOUSE: "--warehouse", SCHEMA: "--schema"})
    is_file = raw_database and "://" not in raw_database
    raw = Path(raw_database).expanduser() if raw_database and is_file else None
    found = marts_of(warehouse, schema, raw)
    return Place(found.address, found.schema, found.raw)


@contextmanager
def opened(
    place: Place, *, is_read_only: bool = True, wait_seconds: float = LOCK_WAIT_SECONDS
) -> Iterator[Any]:
    """Yield a connection as `Marts.opened` does. Raise MachineError where views cannot be read."""
    if is_read_only and place.raw is not None and not place.raw.exists():
        raise MachineError(duckdb.no_raw_database(place.raw))
    with place.opened(is_read_only=is_read_only, wait_seconds=wait_seconds) as connection:
        yield connection


def check_schema(connection: Any, place: Place) -> None:
    """Raise UserError where there is no schema of the marts."""
    query = "select schema_name from information_schema.schemata order by schema_name"
    names = list(dict.fromkeys(str(name) for (name,) in connection.execute(query).fetchall()))
    if place.schema in names:
        return
    known = [name for name in names if not OWN_SCHEMA.search(name)]
    near = difflib.get_close_matches(place.schema, known, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    raise UserError(
        f"there is no schema {place.schema!r} in {place}",
        hint=f"{meant}schemas there: {', '.join(known) or 'none; build the marts first'}",
    )


def rows_of(connection: Any, query: str, values: Sequence[Any] = ()) -> list[Mapping[str, Any]]:
    """Return the rows of a query by the names of their columns."""
    cursor = connection.execute(query, list(values))
    names = [column[0].lower() for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def named(*parts: str) -> str:
    """Return a name of SQL, each part in quotes."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)
