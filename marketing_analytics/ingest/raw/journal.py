"""Tables `_ingest.loads` and `_ingest.freshness`: what every run did, and how far the rows go.

Plain SQL beside dlt's loads. A load that never ended is called interrupted by the next run.
Freshness is made from the stored state and the rows, as a whole and in one transaction, so that
it is right again after a crash.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any

from marketing_analytics.ingest.engine.tables import Table
from marketing_analytics.ingest.raw.database import RawDatabase, load_errors
from marketing_analytics.ingest.raw.declared import tables_of
from marketing_analytics.ingest.raw.few_rows import insert_rows
from marketing_analytics.ingest.raw.state import stored_state
from marketing_analytics.warehouse.transactions import transaction

LOADS = (
    "load_id, source, status, started_at, finished_at, row_count, rejected_count, window_count, "
    "planned_window_count, error_messages, _loaded_at"
)
FRESHNESS = (
    "source, report, account_id, campaign_id, first_day, last_day, last_row_day, read_at, "
    "_loaded_at"
)
# between account and campaign in the keys of the state
SEPARATOR = "/"


class Journal:
    """Writes what a run does to each of its sources (name: tables)."""

    def __init__(self, database: RawDatabase, sources: Mapping[str, Sequence[Table]]) -> None:
        self.database = database
        self.sources = sources
        self.load_id = uuid.uuid4().hex
        self.started_at = datetime.now(UTC)

    def begin(self) -> None:
        """Note that the sources are being read; put right what a killed run left."""
        with self.database.open() as connection:
            create(connection)
            for source in self.sources:
                open_loads = "source = ? and finished_at is null"
                query = f"select count(*) from _ingest.loads where {open_loads}"  # noqa: S608
                if connection.execute(query, [source]).fetchone()[0]:
                    query = f"update _ingest.loads set status = 'interrupted' where {open_loads}"  # noqa: S608
                    connection.execute(query, [source])
                    self._renew(connection, source)
                self._add(connection, source, "running", [None] * 6)

    def _add(self, connection: Any, source: str, status: str, values: Sequence[Any]) -> None:
        row = [self.load_id, source, status, self.started_at, *values, datetime.now(UTC)]
        insert(connection, "loads", LOADS, [row])

    def end(self, result: Mapping[str, Any]) -> None:
        """Note what became of a source, in the form of `--json`, and how far it was read.

        Raise PlatformError where the database does not take it.
        """
        source = result["source"]
        values = [
            datetime.now(UTC),
            *(result[name] for name in ("rows", "rejected", "windows", "windows_planned")),
            "\n".join(error["message"] for error in result["errors"]) or None,
        ]
        with (
            load_errors(source, self.database.place),
            self.database.open() as connection,
            transaction(connection),
        ):
            query = "delete from _ingest.loads where load_id = ? and source = ?"
            connection.execute(query, [self.load_id, source])
            self._add(connection, source, result["status"], values)
            self._renew(connection, source)

    def _renew(self, connection: Any, source: str) -> None:
        connection.execute("delete from _ingest.freshness where source = ?", [source])
        state = stored_state(connection, source)
        rows = freshness_of(connection, source, state, self.sources[source])
        insert_rows(
            connection, "_ingest.freshness", FRESHNESS, [[*row, datetime.now(UTC)] for row in rows]
        )


def create(connection: Any) -> None:
    """Make the tables where they are absent."""
    for statement in files(__package__).joinpath("journal.sql").read_text().split(";"):
        connection.execute(statement)


def insert(connection: Any, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
    """Add rows to a table of ours."""
    insert_rows(connection, f"_ingest.{table}", columns, rows)


def freshness_of(
    connection: Any, source: str, state: Mapping[str, Any], tables: Sequence[Table]
) -> list[list[Any]]:
    """Return rows of FRESHNESS: of every report and account, and of its campaigns."""
    spans = {
        (report, account_id): span_of(found)
        for report, accounts in state.get("coverage", {}).items()
        for account_id, found in accounts.items()
        if found
    }
    read_at = {
        (report, account_id, campaign_id): datetime.fromisoformat(text)
        for report, texts in state.get("read_at", {}).items()
        for key, text in texts.items()
        for account_id, _, campaign_id in [key.partition(SEPARATOR)]
    }
    present = tables_of(connection, source)
    last_rows = {
        (table.name, account_id, campaign_id): day
        for table in tables
        if table.name in present
        for account_id, campaign_id, day in last_row_days(connection, source, table)
    }
    accounts = {(*key, "") for key in spans}
    rows = []
    for report, account_id, campaign_id in sorted(accounts | read_at.keys() | last_rows.keys()):
        key = (report, account_id, campaign_id)
        # a campaign is read with its account
        first_day, last_day = spans.get(key[:2], (None, None))
        read = read_at.get(key) or read_at.get((report, account_id, ""))
        rows.append([source, *key, first_day, last_day, last_rows.get(key), read])
    return rows


def span_of(spans: Iterable[Sequence[str]]) -> tuple[date, date]:
    """Return the first and the last day that were read."""
    found = list(spans)
    first, last = min(start for start, _, _ in found), max(end for _, end, _ in found)
    return date.fromisoformat(first), date.fromisoformat(last)


def last_row_days(connection: Any, source: str, table: Table) -> list[tuple[str, str, date]]:
    """Return account, campaign and last day with a row; an empty campaign stands for all."""
    stored = table.stored
    days = [name for name in stored.part_by if stored.columns[name] == "date"]
    if len(days) != 1:
        return []
    accounts = [f'"{name}"' for name in stored.part_by if name not in days]
    # where there is one account alone, a campaign is that of a visit
    campaigns = ['"campaign_id"'] if accounts and "campaign_id" in stored.columns else []
    account = accounts[0] if accounts else "''"
    found: list[tuple[str, str, date]] = []
    for campaign in ("''", *campaigns):
        query = f'select {account}, {campaign}, max("{days[0]}") from "{source}"."{table.name}"'  # noqa: S608
        query += f" where {campaign} is not null group by 1, 2"
        found += connection.execute(query).fetchall()
    return found
