"""Rows of PostgreSQL: tuples that know their names, made once for each list of columns.

psycopg2's own rows with names are filled value by value, which took longer than the statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

from psycopg2 import extensions


class Row(tuple[Any, ...]):
    """Values by place or by name; of columns with one name it is the first, as in SQLite."""

    __slots__ = ()
    places: ClassVar[dict[str, int]] = {}

    def __getitem__(self, key: Any) -> Any:
        """Return the value at a place or of a name."""
        return tuple.__getitem__(self, self.places[key] if isinstance(key, str) else key)

    def keys(self) -> list[str]:
        """Return the names of the columns."""
        return list(self.places)


@lru_cache(maxsize=1024)
def kind_of(names: tuple[str, ...]) -> type[Row]:
    """Return the rows of a list of columns."""
    places = {name: place for place, name in reversed(tuple(enumerate(names)))}
    return type("Row", (Row,), {"__slots__": (), "places": {name: places[name] for name in names}})


class Cursor(extensions.cursor):  # type: ignore[misc]
    """A cursor whose rows know their names."""

    def fetchone(self) -> Row | None:
        """Return the next row, or None."""
        row = super().fetchone()
        return None if row is None else self._kind()(row)

    def fetchall(self) -> list[Row]:
        """Return the rows that are left."""
        return list(map(self._kind(), super().fetchall()))

    def __iter__(self) -> Iterator[Row]:
        return iter(self.fetchall())

    def _kind(self) -> type[Row]:
        return kind_of(tuple(column.name for column in self.description or ()))
