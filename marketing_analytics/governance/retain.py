"""Delete rows of raw tables that are older than their retention, as the dbt project says it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from marketing_analytics.core import clock
from marketing_analytics.core.errors import FileError
from marketing_analytics.governance.erase import Where, rewrite_files
from marketing_analytics.governance.project import Described, described
from marketing_analytics.governance.traces.tables import Stored, tables_in
from marketing_analytics.ingest.raw.places import Place, opened
from marketing_analytics.warehouse.transactions import transaction


@dataclass(frozen=True)
class Overdue:
    """Rows of a table that are older than they may be."""

    table: str
    before: date
    rows: int


def rules_of(project: Path) -> dict[str, tuple[str, int]]:
    """Return the column and the days of every raw table with a retention. Raise FileError."""
    return {one.name: rule_of(one) for one in described(project) if "retention" in one.meta}


def rule_of(one: Described) -> tuple[str, int]:
    """Return the column that says how old a row is, and the days it is kept."""
    rule = one.meta["retention"]
    by = rule.get("by") if isinstance(rule, dict) else None
    days = rule.get("days") if isinstance(rule, dict) else None
    if not isinstance(by, str) or not isinstance(days, int) or days < 1:
        raise FileError(
            f"the retention of {one.name} is not like {{days: 400, by: event_date}}",
            path=one.path,
            line=0,
        )
    return by, days


def overdue(place: Place, project: Path, wait_seconds: float) -> list[Overdue]:
    """Return what is older than it may be; nothing is deleted."""
    with opened(place, wait_seconds) as connection:
        return [found for _, found in counted(connection, rules_of(project)) if found.rows]


def retain(where: Where, project: Path) -> list[Overdue]:
    """Delete what is older than it may be; return it."""
    rules = rules_of(project)
    with where.place.writer_lock(where.wait_seconds):
        with opened(where.place, where.wait_seconds) as connection, transaction(connection):
            done = [(table, one) for table, one in counted(connection, rules) if one.rows]
            for table, one in done:
                by = rules[one.table][0]
                query = f'delete from {table.quoted} where "{by}" < ?'  # noqa: S608
                connection.execute(query, [one.before])
        if done:
            rewrite_files(where, ())
    return [one for _, one in done]


def counted(connection: Any, rules: dict[str, tuple[str, int]]) -> Iterable[tuple[Stored, Overdue]]:
    """Yield the tables that have a rule, with how many of their rows are too old."""
    today = clock.today()
    for table in tables_in(connection):
        if (name := str(table)) in rules and rules[name][0] in table.columns:
            by, days = rules[name]
            before = today - timedelta(days)
            query = f'select count(*) from {table.quoted} where "{by}" < ?'  # noqa: S608
            yield table, Overdue(name, before, connection.execute(query, [before]).fetchone()[0])
