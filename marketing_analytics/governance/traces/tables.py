"""Tables of any database as they are found in it: their columns of text, and rows by values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from marketing_analytics.ingest.raw import erasures

LISTED = """
    select columns.table_schema, columns.table_name, columns.column_name, columns.data_type
    from information_schema.columns as columns
    inner join information_schema.tables as tables
        on columns.table_catalog = tables.table_catalog
        and columns.table_schema = tables.table_schema
        and columns.table_name = tables.table_name
    where tables.table_type = 'BASE TABLE'
        and columns.table_schema not in ('information_schema', 'pg_catalog')
        and columns.table_catalog = current_database()
    order by columns.table_schema, columns.table_name, columns.ordinal_position
"""
TEXT = {"varchar", "text", "character varying"}
# what dlt numbers its rows by, and what nothing personal can be in
NO_VALUES = {"_dlt_load_id", "_dlt_id"}


@dataclass(frozen=True)
class Stored:
    """A table with its columns."""

    schema: str
    name: str
    columns: tuple[str, ...]
    texts: tuple[str, ...]

    def __str__(self) -> str:
        """Return its name in SQL without quotes."""
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        """Return its name in SQL."""
        return f'"{self.schema}"."{self.name}"'

    @property
    def pseudonyms(self) -> tuple[str, ...]:
        """Return the columns that hold pseudonyms, or a person's own key in a restricted one."""
        return tuple(n for n in self.texts if n.endswith("_key") or n == "pseudonym")

    @property
    def is_restricted(self) -> bool:
        """Return whether it holds plain values about persons."""
        return self.schema.removesuffix("_staging").endswith("_restricted")

    @property
    def source(self) -> str:
        """Return the source whose rows it holds."""
        return self.schema.removesuffix("_staging").removesuffix("_restricted")


def tables_in(connection: Any) -> list[Stored]:
    """Return all tables but that of erased persons."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, column, kind in connection.execute(LISTED).fetchall():
        found.setdefault((schema, table), []).append((column, kind.lower()))
    return [
        Stored(
            schema,
            table,
            tuple(name for name, _ in columns),
            tuple(name for name, kind in columns if kind in TEXT and name not in NO_VALUES),
        )
        for (schema, table), columns in found.items()
        if (schema, table) != (erasures.SCHEMA, erasures.NAME)
    ]


def values_of(connection: Any, table: Stored, column: str) -> list[str]:
    """Return the different values of a column of text."""
    query = f'select distinct "{column}" from {table.quoted} where "{column}" is not null'  # noqa: S608
    return [value for (value,) in connection.execute(query).fetchall()]


def rows_with(
    connection: Any, table: Stored, column: str, values: Iterable[str], wanted: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Return columns of the rows in which a column has one of some values."""
    names = ", ".join(f'"{name}"' for name in wanted)
    query = f'select {names} from {table.quoted} where "{column}" = any(cast(? as varchar[]))'  # noqa: S608
    found: list[tuple[Any, ...]] = connection.execute(query, [sorted(values)]).fetchall()
    return found


def delete_with(connection: Any, table: Stored, column: str, values: Iterable[str]) -> int:
    """Delete the rows in which a column has one of some values; return how many they were."""
    given = sorted(values)
    where = f'from {table.quoted} where "{column}" = any(cast(? as varchar[]))'
    count = connection.execute(f"select count(*) {where}", [given]).fetchone()[0]
    if count:
        connection.execute(f"delete {where}", [given])
    return int(count)
