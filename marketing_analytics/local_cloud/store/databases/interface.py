"""What the store needs of a database; SQLite's own connections are almost that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

Value = str | int | float | None
# values by name or by place, and `keys()`: the rows of both drivers
Row = Any


class Cursor(Protocol):
    """What a statement found or did."""

    @property
    def rowcount(self) -> int:
        """Return how many rows were written."""

    def fetchone(self) -> Any:
        """Return the next row, or None."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection of one thread to a store. What fails raises the errors of sqlite3."""

    @property
    def in_transaction(self) -> bool:
        """Return whether a transaction is open."""

    @property
    def key_folder(self) -> Path:
        """Return the folder with the key of the secrets."""

    def execute(self, statement: str, values: Mapping[str, Any] = ..., /) -> Cursor:
        """Run one statement of ours; outside of a transaction it commits at once."""

    def count(self, statement: str, values: Mapping[str, Value], /) -> int:
        """Return the one number of a statement."""

    def begin(self) -> None:
        """Begin a write transaction: there is one at a time over all servers of a store."""

    def commit(self) -> None:
        """Commit it."""

    def rollback(self) -> None:
        """Undo it."""

    def close(self) -> None:
        """Need it no longer."""
