"""The marts, wherever they are built: a DuckDB file or a schema of a PostgreSQL server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import MissingSettingError, UserError
from marketing_analytics.warehouse import duckdb, postgresql

LOCK_WAIT_SECONDS = 60.0
# every build that a page can be made of has it
KNOWN_MART = "fct_conversions"
SCHEMES = ("postgresql://", "postgres://")
WAREHOUSE, SCHEMA, RAW = "MARKETING_WAREHOUSE", "MARKETING_SCHEMA", "MARKETING_RAW_DATABASE"
CHOOSE = "say which one with --schema or MARKETING_SCHEMA"
SCHEMAS_SQL = (
    "select schema_name from information_schema.schemata where catalog_name = current_database()"
)
# the name under which dbt attaches the raw database of a DuckDB file
RAW_ALIAS = "raw"


@dataclass(frozen=True)
class Marts:
    """Where the marts are; `raw` is the DuckDB file that their views read, if there is one."""

    address: str
    schema: str = ""
    raw: Path | None = None

    @property
    def is_postgresql(self) -> bool:
        """Return whether a server holds them."""
        return self.address.startswith(SCHEMES)

    def __str__(self) -> str:
        """Return the name for people, without a secret."""
        return postgresql.without_password(self.address) if self.is_postgresql else self.address

    @contextmanager
    def opened(
        self, *, is_read_only: bool = True, wait_seconds: float = LOCK_WAIT_SECONDS
    ) -> Iterator[Any]:
        """Yield a connection with `execute(sql, values)`, `?` for values; close it.

        While it is open nobody else can write a DuckDB file: do nothing else meanwhile. Raise
        LockedError, MachineError and PlatformError as the engine's connection does.
        """
        if self.is_postgresql:
            address = postgresql.checked_url(self.address)
            connection = postgresql.connect(address, is_read_only=is_read_only)
        else:
            connection = duckdb.connect(
                Path(self.address), is_read_only=is_read_only, wait_seconds=wait_seconds
            )
        try:
            if is_read_only:
                self.attach_raw(connection, wait_seconds)
            yield connection
        finally:
            connection.close()

    def attach_raw(self, connection: Any, wait_seconds: float = LOCK_WAIT_SECONDS) -> None:
        """Let a connection read the raw file, where there is one, as dbt does."""
        if self.raw is not None and self.raw.exists():
            duckdb.attach_beside(connection, self.raw, RAW_ALIAS, wait_seconds=wait_seconds)

    @contextmanager
    def reading(self, wait_seconds: float = LOCK_WAIT_SECONDS) -> Iterator[Any]:
        """Yield a connection that reads, whose unqualified names are the marts'.

        Raise UserError where no schema, or more than one, holds marts, or the named one is not
        there, and what `opened` raises.
        """
        with self.opened(wait_seconds=wait_seconds) as connection:
            schema = self.schema or only_schema(connection, str(self))
            self._check_schema(connection, schema)
            connection.execute(self._use(schema))
            yield connection

    def _check_schema(self, connection: Any, schema: str) -> None:
        """Raise UserError where there is no such schema; PostgreSQL would find nothing in it."""
        rows = connection.execute(SCHEMAS_SQL).fetchall()
        # DuckDB takes capitals for small letters
        fold = str if self.is_postgresql else str.casefold
        if fold(schema) not in {fold(str(row[0])) for row in rows}:
            found = schemas_with_marts(connection)
            raise UserError(
                f"{self} has no schema {schema}",
                hint=f"marts are in {', '.join(found)}: {CHOOSE}"
                if found
                else "no schema there holds marts: build them with dbt first",
            )

    def _use(self, schema: str) -> str:
        name = '"' + schema.replace('"', '""') + '"'
        return f"set search_path to {name}" if self.is_postgresql else f"use {name}"


def schema_of(connection: Any) -> str:
    """Return the schema of the marts, whose names need none."""
    return str(connection.execute("select current_schema()").fetchone()[0])


def schemas_with_marts(connection: Any) -> list[str]:
    """Return the schemas that hold marts, by name."""
    rows = connection.execute(
        "select table_schema from information_schema.tables where table_name = ?"
        " order by table_schema",
        [KNOWN_MART],
    ).fetchall()
    return [str(row[0]) for row in rows]


def only_schema(connection: Any, where: str) -> str:
    """Return the one schema that holds marts. Raise UserError for none and for several."""
    found = schemas_with_marts(connection)
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            f"{where} holds marts in several schemas: {', '.join(found)}",
            hint=CHOOSE,
        )
    raise UserError(
        f"{where} holds no marts: no schema has {KNOWN_MART}", hint="build them with dbt first"
    )


def marts_of(address: str | None, schema: str | None, raw: Path | None = None) -> Marts:
    """Return the marts that options and settings name. Raise UserError where none are named."""
    given = address or os.environ.get(WAREHOUSE, "")
    if not given:
        raise MissingSettingError(WAREHOUSE, purpose="where the marts are", flag="--warehouse")
    named_raw = os.environ.get(RAW, "")
    if raw is None and named_raw and "://" not in named_raw:
        raw = Path(named_raw).expanduser()
    is_file = "://" not in given
    return Marts(
        checked_address(given), schema or os.environ.get(SCHEMA, ""), raw if is_file else None
    )


def checked_address(given: str) -> str:
    """Return an address of marts. Raise UserError for a file that is not there, and others."""
    scheme, separator, _ = given.partition("://")
    if not separator:
        path = Path(given).expanduser()
        if not path.is_file():
            raise UserError(f"there is no DuckDB file at {path}", hint="give another --warehouse")
        return str(path)
    if given.startswith(SCHEMES):
        return postgresql.checked_url(given)
    raise UserError(
        f"no marts can be read at a {scheme} address",
        hint="give a path for a DuckDB file, or postgresql://user:<password>@host/name",
    )
