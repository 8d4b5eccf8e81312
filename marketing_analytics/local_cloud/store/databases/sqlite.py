"""A store in a SQLite file: WAL, foreign keys, short write transactions."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import MachineError
from marketing_analytics.local_cloud.store.databases.interface import Value

BUSY_TIMEOUT_MS = 5_000
OPENING_BYTES = 256 * 1024
MAX_COUNTS = 1_000


class FileConnection(sqlite3.Connection):
    """A connection that remembers what it counted until the store changes."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.counts: dict[tuple[str, tuple[Value, ...]], int] = {}
        self._counted_at: tuple[int, int] = (0, 0)

    @property
    def key_folder(self) -> Path:
        """Return the folder of the file."""
        return Path(self.execute("pragma database_list").fetchone()[2]).resolve().parent

    def begin(self) -> None:
        """Begin a transaction that takes the write lock first, so it never fails half way."""
        self.execute("begin immediate")

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


def open_file(path: Path | str, *, is_reading: bool = False) -> FileConnection:
    """Return a connection to an existing file; rows are sqlite3.Row."""
    try:
        # the owner keeps it to one thread at a time; test clients move it between threads
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=FileConnection
        )
        connection.row_factory = sqlite3.Row
        connection.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
        if is_reading:
            connection.execute("pragma query_only = on")
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
