"""Open the store: WAL, foreign keys, short write transactions, statements from .sql files.

A connection belongs to one thread; every thread opens its own. Statements outside of
`transaction` commit at once.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from string import Template

from marketing_analytics.cloud_api.states import ACTIVE, ENDED, HELD, Status
from marketing_analytics.core.errors import MachineError

SCHEMA_VERSION = 1
BUSY_TIMEOUT_MS = 5_000
OPENING_BYTES = 256 * 1024
SQL_FOLDER = Path(__file__).parent.parent / "sql"
_STATEMENT_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def open_store(path: Path | str) -> sqlite3.Connection:
    """Open the store and create its tables when it is new. Raise MachineError if it is damaged."""
    connection = open_connection(path)
    try:
        create_schema(connection)
        check_store(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise damaged_store(path, error) from None
    except BaseException:
        connection.close()
        raise
    return connection


def open_connection(path: Path | str) -> sqlite3.Connection:
    """Return a connection to an existing store; rows are sqlite3.Row."""
    try:
        # the owner keeps it to one thread at a time; test clients move it between threads
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
    except sqlite3.Error as error:
        raise damaged_store(path, error) from None
    return connection


def damaged_store(path: Path | str, error: sqlite3.Error) -> MachineError:
    """Return the error for a store that cannot be used."""
    if is_full(Path(path).parent):
        # sqlite calls it an I/O error when a file beside the store could not grow
        return MachineError(f"no space left for {path}", hint="free some space and start again")
    return MachineError(
        f"cannot use the store {path}: {error}",
        hint="restore it from a copy, or start with another --data-dir",
    )


def is_full(folder: Path) -> bool:
    """Return whether the disk of a folder has no room for what a store needs to open."""
    try:
        return shutil.disk_usage(folder).free < OPENING_BYTES
    except OSError:
        return False


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Run a write transaction; it takes the write lock first, so it never fails half way."""
    connection.execute("begin immediate")
    try:
        yield connection
        # a commit can fail as well; an open transaction would block the connection for good
        connection.execute("commit")
    except BaseException:
        # sqlite ends some by itself, such as on a full disk
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def create_schema(connection: sqlite3.Connection) -> None:
    """Create the tables in an empty store; leave a store that has them as it is."""
    if schema_version(connection):
        return
    with transaction(connection):
        # another process may have been faster
        if schema_version(connection) == 0:
            for statement in split_statements((SQL_FOLDER / "schema.sql").read_text("utf-8")):
                connection.execute(statement)
            connection.execute(f"pragma user_version = {SCHEMA_VERSION}")


def split_statements(script: str) -> list[str]:
    """Return the statements of a script; executescript would end the open transaction."""
    statements: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the version of the store's tables, 0 when there are none."""
    return int(connection.execute("pragma user_version").fetchone()[0])


def check_store(connection: sqlite3.Connection, path: Path | str) -> None:
    """Raise MachineError when the file is damaged or made by a newer version."""
    version = schema_version(connection)
    if version > SCHEMA_VERSION:
        raise MachineError(
            f"the store {path} has version {version}, this program knows {SCHEMA_VERSION}",
            hint="update marketing, or start with another --data-dir",
        )
    found = connection.execute("pragma quick_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged_store(path, sqlite3.DatabaseError(str(found)))


class _Script(Template):
    """SQL in which `@queued` or `@ended` stand for codes of runs; `$` belongs to JSON paths."""

    delimiter = "@"


STATES = {
    **{status.name.lower(): str(int(status)) for status in Status},
    **{
        name: ", ".join(str(int(status)) for status in sorted(statuses))
        for name, statuses in {"active": ACTIVE, "held": HELD, "ended": ENDED}.items()
    },
}


@cache
def load_sql(name: str) -> dict[str, str]:
    """Return the statements of `sql/{name}.sql` by the name in their `-- name:` line."""
    text = _Script((SQL_FOLDER / f"{name}.sql").read_text("utf-8")).substitute(STATES)
    parts = _STATEMENT_NAME.split(text)
    return {key: text.strip() for key, text in zip(parts[1::2], parts[2::2], strict=True)}


def now_text() -> str:
    """Return the time as the store writes it: `2026-01-02 03:04:05.000006+00:00`."""
    return time_text(datetime.now(UTC))


def time_text(value: datetime) -> str:
    """Return a time as the store writes it; text order is time order."""
    return value.astimezone(UTC).isoformat(sep=" ", timespec="microseconds")


def time_of(text: str) -> datetime:
    """Return the time of a text written by `time_text`."""
    return datetime.fromisoformat(text)
