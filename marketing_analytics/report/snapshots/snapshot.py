"""A published snapshot, open for reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.report.snapshots.publish import current
from marketing_analytics.warehouse import duckdb

MEMORY_LIMIT = "600MB"
# of amounts in a snapshot that does not tell it: there was no other before it was told
DEFAULT_CURRENCY = "USD"
# what is read, whatever was built and by which version: a table that is absent has no rows, and a
# column that is absent is null
ASKED_ALWAYS = {
    "rpt_executive_kpis": "kpi_month date, metric varchar, plan_value double",
    "rpt_lifetime_value": "cohort_month date, customers bigint, value_365d_usd double",
    "int_calendar__as_of": "as_of_date date, reporting_currency varchar",
    "monitor_runs": "run_id varchar, started_at timestamp",
    "monitor_results": (
        "run_id varchar, monitor varchar, kind varchar, subject varchar, status varchar, "
        "severity varchar, owner varchar, runbook varchar, value double, lower_bound double, "
        "upper_bound double, since_at timestamp, checked_at timestamp, sentence varchar, "
        "action varchar"
    ),
    "monitor_probes": (
        "probed_at timestamp, target varchar, is_available boolean, is_fresh boolean"
    ),
}


@dataclass
class Snapshot:
    """The tables of a snapshot; `about` is what its pointer says."""

    connection: Any
    about: dict[str, Any]

    def has(self, *tables: str) -> bool:
        """Return whether it has all of these tables."""
        return all(table in self.about["tables"] for table in tables)

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """Return the rows of a statement by column."""
        cursor = self.connection.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def one(self, sql: str, **values: Any) -> Any:
        """Return the first value of the first row; None without one."""
        row = self.connection.execute(sql, values).fetchone()
        return row[0] if row else None

    def texts(self, table: str, *columns: str) -> dict[str, list[str]]:
        """Return by column its texts, each at its number, of a table that was published sorted."""
        ranges = ", ".join(f"enum_range({column})" for column in columns)
        row = self.connection.execute(f"select {ranges} from {table} limit 1").fetchone()  # noqa: S608
        return dict(zip(columns, row, strict=True)) if row else {}

    @cached_property
    def as_of_date(self) -> date:
        """Return the day that the data call today."""
        found = self.one("select max(as_of_date) from int_calendar__as_of")
        return found or self.last_day

    @cached_property
    def currency(self) -> str:
        """Return the currency of all amounts, which stand in columns that end in _usd."""
        found = self.one("select max(reporting_currency) from int_calendar__as_of")
        return found or DEFAULT_CURRENCY

    @cached_property
    def first_day(self) -> date:
        """Return the first day with an order or spend."""
        return self._bounds[0]

    @cached_property
    def last_day(self) -> date:
        """Return the last one; the first page is of the days up to it."""
        return self._bounds[1]

    @property
    def has_days(self) -> bool:
        """Return whether there is a day with an order or a campaign."""
        return self._known[0] is not None

    @cached_property
    def _known(self) -> tuple[date | None, date | None]:
        row = self.connection.execute(
            "select min(day_date), max(day_date) from ("
            "select day_date from order_days union all select day_date from campaign_days)"
        ).fetchone()
        return row[0], row[1]

    @cached_property
    def _bounds(self) -> tuple[date, date]:
        today = date.fromisoformat(self.about["snapshot_at"][:10])
        first, last = self._known
        return first or today, last or today

    @cached_property
    def days(self) -> list[date]:
        """Return every day from the first to the last."""
        count = (self.last_day - self.first_day).days + 1
        return [self.first_day + timedelta(days=number) for number in range(count)]


@contextmanager
def opened(folder: Path) -> Iterator[Snapshot]:
    """Yield the current snapshot of a folder.

    Raise MachineError where there is none, UserError where what reads it asks for other columns.
    """
    import duckdb as engine

    about = current(folder)
    connection = duckdb.connect(folder / about["file"], is_read_only=True)
    connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
    try:
        for table, columns in ASKED_ALWAYS.items():
            ask(connection, table, columns, is_there=table in about["tables"])
        yield Snapshot(connection, about)
    except engine.BinderException as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"the snapshot {about['snapshot_id']} is of another version: {reason}",
            hint="marketing report publish writes one anew",
        ) from None
    finally:
        connection.close()


def ask(connection: Any, table: str, columns: str, *, is_there: bool) -> None:
    """Let a table be asked for all of these columns, in the connection alone."""
    if not is_there:
        connection.execute(f"create temp table {table} ({columns})")
        return
    known = {name for name, *_ in connection.execute(f"describe {table}").fetchall()}
    absent = [column for column in columns.split(", ") if column.split()[0] not in known]
    if absent:
        nulls = ", ".join(
            f"cast(null as {kind}) as {name}" for name, kind in map(str.split, absent)
        )
        (file,) = connection.execute("select current_database()").fetchone()
        kept = f'"{file}".main.{table}'
        connection.execute(f"create temp view {table} as select *, {nulls} from {kept}")  # noqa: S608
