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
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, TypeVar

from marketing_analytics.cloud_api.states import ACTIVE, ENDED, HELD, Status
from marketing_analytics.core.errors import MachineError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Kind = TypeVar("Kind", bound="DataclassInstance")
BUSY_TIMEOUT_MS = 5_000
OPENING_BYTES = 256 * 1024
SQL_FOLDER = Path(__file__).parent.parent / "sql"
_STATEMENT_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


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


def record(kind: type[Kind], row: sqlite3.Row) -> Kind:
    """Return a row as a dataclass; columns that it has no field for are left out."""
    return kind(**{field.name: row[field.name] for field in fields(kind)})


def now_text() -> str:
    """Return the time as the store writes it: `2026-01-02 03:04:05.000006+00:00`."""
    return time_text(datetime.now(UTC))


def time_text(value: datetime) -> str:
    """Return a time as the store writes it; text order is time order."""
    return value.astimezone(UTC).isoformat(sep=" ", timespec="microseconds")


def time_of(text: str) -> datetime:
    """Return the time of a text written by `time_text`."""
    return datetime.fromisoformat(text)
