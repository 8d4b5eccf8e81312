"""Marts that an older version built: the column that a report reads, and they do not have."""

from __future__ import annotations

import re
from typing import Any

from marketing_analytics.core.errors import UserError

# how DuckDB and PostgreSQL say it
NO_COLUMN = re.compile(
    r'column (?:"?\w+"?\.)?"?(?P<name>\w+)"?[^\n]* (?:not found|does not exist)'
    r'|have a column named "(?P<other>\w+)"'
)
READ = re.compile(r"\b(?:from|join)\s+(\w+)")


def no_column(
    connection: Any, statement: str, error: Exception, unread: type[Exception]
) -> UserError | None:
    """Return our error where an engine's one is of a column that a mart lacks, else None.

    `unread` is what the engine raises for what is no table.
    """
    found = NO_COLUMN.search(str(error))
    if found is None:
        return None
    column = found["name"] or found["other"]
    tables = [
        table
        for table in dict.fromkeys(READ.findall(statement))
        if column not in columns_of(connection, table, unread, column)
    ]
    if not tables:
        return None
    return UserError(
        f"{' or '.join(tables)} has no column {column}",
        hint="build the marts with dbt: they are of another version",
    )


def columns_of(connection: Any, table: str, unread: type[Exception], otherwise: str) -> list[str]:
    """Return the columns of a table, or `otherwise` alone where it cannot be read.

    A view that cannot be read lacks what is below it: it counts as not built yet.
    """
    try:
        described = connection.execute(f"select * from {table} limit 0").description  # noqa: S608
    except unread:
        return [otherwise]
    return [str(column[0]) for column in described]
