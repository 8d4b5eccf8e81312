"""Where the marts are: a DuckDB file or a schema of PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import MachineError, UserError, not_set
from marketing_analytics.warehouse import duckdb, postgresql

WAREHOUSE, SCHEMA, RAW = "MARKETING_WAREHOUSE", "MARKETING_SCHEMA", "MARKETING_RAW_DATABASE"
WAIT_SECONDS = 60.0
# the name under which dbt attaches the raw database of a DuckDB file
RAW_ALIAS = "raw"


@dataclass(frozen=True)
class Place:
    """A warehouse, the schema of its marts, and the raw file that views of DuckDB stand on."""

    warehouse: str
    schema: str
    raw_database: Path | None = None

    @property
    def monitor_schema(self) -> str:
        """Return the schema of what the watch keeps."""
        return f"{self.schema}_monitor"

    @property
    def is_duckdb(self) -> bool:
        """Return whether it is a file."""
        return "://" not in self.warehouse

    def __str__(self) -> str:
        """Return its name for people, without a secret."""
        return self.warehouse if self.is_duckdb else postgresql.without_password(self.warehouse)


def place_of(warehouse: str | None, schema: str | None, raw_database: str | None = None) -> Place:
    """Return the place of options, or else of the environment. Raise UserError."""
    given = warehouse or os.environ.get(WAREHOUSE, "")
    wanted = schema or os.environ.get(SCHEMA, "")
    absent = {
        name: purpose
        for name, value, purpose in (
            (WAREHOUSE, given, "a DuckDB file or a postgresql:// address"),
            (SCHEMA, wanted, "the schema of the marts"),
        )
        if not value
    }
    if absent:
        raise not_set(absent, flags={WAREHOUSE: "--warehouse", SCHEMA: "--schema"})
    scheme, separator, _ = given.partition("://")
    if not separator:
        raw = raw_database or os.environ.get(RAW, "")
        is_file = raw and "://" not in raw
        path = Path(given).expanduser()
        if not path.is_file():
            raise UserError(f"there is no DuckDB file at {path}", hint="give another --warehouse")
        return Place(str(path), wanted, Path(raw).expanduser() if is_file else None)
    if scheme in {"postgresql", "postgres"}:
        return Place(postgresql.checked_url(given), wanted)
    raise UserError(
        f"no marts can be read at a {scheme} address",
        hint="give a path for a DuckDB file, or postgresql://user:<password>@host/name",
    )


@contextmanager
def opened(
    place: Place, *, is_read_only: bool = True, wait_seconds: float = WAIT_SECONDS
) -> Iterator[Any]:
    """Yield a connection with `execute(sql, values)`, `?` for values; close it.

    While it is open nobody else can write a DuckDB file: do nothing else meanwhile.
    """
    if not place.is_duckdb:
        connection = postgresql.connect(place.warehouse, is_read_only=is_read_only)
    else:
        connection = duckdb.connect(
            Path(place.warehouse), is_read_only=is_read_only, wait_seconds=wait_seconds
        )
    try:
        if is_read_only and place.raw_database is not None:
            attach(connection, place.raw_database)
        yield connection
    finally:
        connection.close()


def attach(connection: Any, raw_database: Path) -> None:
    """Attach the raw database, as dbt does. Raise MachineError where that is not possible."""
    if not raw_database.exists():
        raise MachineError(duckdb.no_raw_database(raw_database))
    connection.execute(f"attach {duckdb.quoted(raw_database)} as {RAW_ALIAS} (read_only)")


def rows_of(connection: Any, query: str, values: Sequence[Any] = ()) -> list[Mapping[str, Any]]:
    """Return the rows of a query by the names of their columns."""
    cursor = connection.execute(query, list(values))
    names = [column[0].lower() for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def named(*parts: str) -> str:
    """Return a name of SQL, each part in quotes."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)
