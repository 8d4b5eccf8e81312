"""The numbered scripts that make the schema, and what a schema consists of."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

MIGRATIONS = Path(__file__).parents[1] / "migrations"


def read_scripts(folder: Path) -> list[str]:
    """Return the scripts of the migrations in order; they are numbered from 1 without a gap."""
    paths = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    numbers = [int(path.name[:4]) for path in paths]
    if numbers != list(range(1, len(paths) + 1)):
        raise ValueError(f"migrations are not numbered 1, 2, 3, ...: {numbers}")
    return [path.read_text("utf-8") for path in paths]


def apply(connection: sqlite3.Connection, scripts: Sequence[str]) -> None:
    """Run scripts inside an open transaction; executescript would end it."""
    for script in scripts:
        pending = ""
        for line in script.splitlines(keepends=True):
            pending += line
            if sqlite3.complete_statement(pending):
                connection.execute(pending)
                pending = ""


def parts_of(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Return every (table, column) of a database, and (index, statement) of its indexes."""
    statement = (
        "select t.name, c.name from pragma_table_list as t, pragma_table_info(t.name) as c"
        " where t.schema = 'main' and t.name not like 'sqlite_%'"
        " union all select name, sql from sqlite_schema where type = 'index' and sql is not null"
    )
    return {(name, part) for name, part in connection.execute(statement)}
