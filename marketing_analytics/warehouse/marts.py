"""The marts, wherever they are built: a DuckDB file or a schema of a PostgreSQL server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import MachineError, MissingSettingError, UserError
from marketing_analytics.warehouse import duckdb, postgresql

LOCK_WAIT_SECONDS = 60.0
# every build that a page can be made of has it
KNOWN_MART = "fct_conversions"
SCHEMES = ("postgresql://", "postgres://")


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
    def reading(self, wait_seconds: float = LOCK_WAIT_SECONDS) -> Iterator[Any]:
        """Yield a connection that reads, whose unqualified names are the marts'.

        Raise UserError where no schema, or more than one, holds marts; LockedError, MachineError
        and PlatformError as the engine's connection does.
        """
        connection = self._opened(wait_seconds)
        try:
            schema = self.schema or only_schema(connection, str(self))
            connection.execute(self._use(schema))
            yield connection
        finally:
            connection.close()

    def _opened(self, wait_seconds: float) -> Any:
        if self.is_postgresql:
            return postgresql.connect(postgresql.checked_url(self.address), is_read_only=True)
        connection = duckdb.connect(
            Path(self.address), is_read_only=True, wait_seconds=wait_seconds
        )
        if self.raw is not None and self.raw.exists():
            connection.execute(f"attach {duckdb.quoted(self.raw)} as raw (read_only)")
        return connection

    def _use(self, schema: str) -> str:
        name = '"' + schema.replace('"', '""') + '"'
        return f"set search_path to {name}" if self.is_postgresql else f"use {name}"


def schema_of(connection: Any) -> str:
    """Return the schema of the marts, whose names need none."""
    return str(connection.execute("select current_schema()").fetchone()[0])


def only_schema(connection: Any, where: str) -> str:
    """Return the one schema that holds marts. Raise UserError for none and for several."""
    rows = connection.execute(
        "select table_schema from information_schema.tables where table_name = ?"
        " order by table_schema",
        [KNOWN_MART],
    ).fetchall()
    found = [str(row[0]) for row in rows]
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            f"{where} holds marts in several schemas: {', '.join(found)}",
            hint="say which one with --schema or MARKETING_SCHEMA",
        )
    raise UserError(
        f"{where} holds no marts: no schema has {KNOWN_MART}", hint="build them with dbt first"
    )


def marts_of(address: str | None, schema: str | None, raw: Path | None = None) -> Marts:
    """Return the marts that options and settings name. Raise UserError where none are named."""
    address = address or os.environ.get("MARKETING_WAREHOUSE", "")
    if not address:
        raise MissingSettingError(
            "MARKETING_WAREHOUSE", purpose="where the marts are", flag="--warehouse"
        )
    given = os.environ.get("MARKETING_RAW_DATABASE", "")
    raw = raw or (Path(given) if given and not given.startswith(SCHEMES) else None)
    if not address.startswith(SCHEMES) and not Path(address).exists():
        raise MachineError(f"cannot read {address}: there is no such file")
    return Marts(address, schema or os.environ.get("MARKETING_SCHEMA", ""), raw)
