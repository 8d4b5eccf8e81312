"""Open the store: WAL, foreign keys, short write transactions, statements from .sql files.

A connection belongs to one thread; every thread opens its own. Statements outside of
`transaction` commit at once.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from marketing_analytics.cloud_api.states import ACTIVE, ENDED, HELD, Status
from marketing_analytics.core.errors import MachineError

Kind = TypeVar("Kind")
Value = str | int | float | None
BUSY_TIMEOUT_MS = 5_000
OPENING_BYTES = 256 * 1024
MAX_COUNTS = 1_000
SQL_FOLDER = Path(__file__).parent.parent / "sql"
TITLE = re.compile(r"^-- (name|part): (\w+)$", re.MULTILINE)
# `@queued` and `@ended` stand for codes of runs, other words for a part of the same file
WORD = re.compile(r"@(\w+)")


class Connection(sqlite3.Connection):
    """A connection that remembers what it counted until the store changes."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.counts: dict[tuple[str, tuple[Value, ...]], int] = {}
        self._counted_at: tuple[int, int] = (0, 0)

    def count(self, statement: str, values: Mapping[str, Value]) -> int:
        """Return the one number of a statement; nothing is read when nothing was written since."""
        # changed by the commits of others, and by those of this connection
        version = (self.execute("pragma data_version").fetchone()[0], self.total_changes)
        if version != self._counted_at or len(self.counts) >= MAX_COUNTS:
            self.counts.clear()
            self._counted_at = version
        key = (statement, tuple(values.values()))
        if key not in self.counts:
            self.counts[key] = int(self.execute(statement, values).fetchone()[0])
        return self.counts[key]


def open_connection(path: Path | str) -> Connection:
    """Return a connection to an existing store; rows are sqlite3.Row."""
    try:
        # the owner keeps it to one thread at a time; test clients move it between threads
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=Connection
        )
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


STATES = {
    **{status.name.lower(): str(int(status)) for status in Status},
    **{
        name: ", ".join(str(int(status)) for status in sorted(statuses))
        for name, statuses in {"active": ACTIVE, "held": HELD, "ended": ENDED}.items()
    },
}


@cache
def load_sql(name: str) -> dict[str, str]:
    """Return the statements of `sql/{name}.sql` by the name in their `-- name:` line.

    What stands under `-- part:` is what several statements share; `@` and its name bring it in.
    """
    words = dict(STATES)
    statements: dict[str, str] = {}
    text = (SQL_FOLDER / f"{name}.sql").read_text("utf-8")
    titles = TITLE.split(text)
    for kind, key, written in zip(titles[1::3], titles[2::3], titles[3::3], strict=True):
        sql = WORD.sub(lambda word: words[word[1]], written.strip())
        (statements if kind == "name" else words)[key] = sql
    return statements


def find(
    connection: sqlite3.Connection, kind: type[Kind], statement: str, values: Mapping[str, Value]
) -> Kind | None:
    """Return the first row of a statement as a dataclass, or None."""
    row = connection.execute(statement, values).fetchone()
    return record(kind, row) if row else None


def find_all(
    connection: sqlite3.Connection, kind: type[Kind], statement: str, values: Mapping[str, Value]
) -> list[Kind]:
    """Return the rows of a statement as dataclasses."""
    return records(kind, connection.execute(statement, values).fetchall())


def record(kind: type[Kind], row: sqlite3.Row) -> Kind:
    """Return a row as a dataclass; columns that it has no field for are left out."""
    return records(kind, [row])[0]


def records(kind: type[Kind], rows: Sequence[sqlite3.Row]) -> list[Kind]:
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
