"""The pages' door to the store: one short-lived connection per request, reading only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketing_analytics.core.redaction import is_secret_name
from marketing_analytics.local_cloud.store.connection import load_sql, open_connection

Row = sqlite3.Row


@dataclass(frozen=True)
class RunFilter:
    """Which runs a list shows; None means any."""

    job_id: int | None = None
    statuses: Sequence[int] | None = None
    triggers: Sequence[str] | None = None
    environment_id: int | None = None
    search: str | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the filter as parameters of the statements."""
        return {
            "job_id": self.job_id,
            "statuses": json.dumps(list(self.statuses)) if self.statuses else None,
            "triggers": json.dumps(list(self.triggers)) if self.triggers else None,
            "environment_id": self.environment_id,
            "search": like_pattern(self.search) if self.search else None,
        }


def like_pattern(text: str) -> str:
    """Return a LIKE pattern that finds the text anywhere."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


class Reads:
    """Runs the statements of `sql/ui.sql` for one account."""

    def __init__(self, connection: sqlite3.Connection, account_id: int) -> None:
        self._connection = connection
        self.account_id = account_id

    def rows(self, statement: str, **parameters: Any) -> list[Row]:
        """Return all rows of a named statement."""
        values = {"account_id": self.account_id, **parameters}
        return self._connection.execute(load_sql("ui")[statement], values).fetchall()

    def row(self, statement: str, **parameters: Any) -> Row | None:
        """Return the first row of a named statement, or None."""
        rows = self.rows(statement, **parameters)
        return rows[0] if rows else None

    def runs(self, wanted: RunFilter, *, limit: int, offset: int = 0) -> list[Row]:
        """Return one page of runs, newest first."""
        return self.rows("list_runs", **wanted.parameters(), limit=limit, offset=offset)

    def count_runs(self, wanted: RunFilter) -> int:
        """Return how many runs the filter finds."""
        row = self.row("count_runs", **wanted.parameters())
        return int(row["total"]) if row else 0

    def secrets(self) -> list[str]:
        """Return the values of all secret variables of the account, longest first."""
        values = {
            row["value"]
            for row in self.rows("list_secret_variables")
            if is_secret_name(row["name"]) and len(row["value"]) >= 4
        }
        return sorted(values, key=len, reverse=True)


@contextmanager
def open_reads(database: Path, account_id: int) -> Iterator[Reads]:
    """Open the store for one request; nothing can be written through it."""
    with closing(open_connection(database)) as connection:
        connection.execute("pragma query_only = on")
        yield Reads(connection, account_id)
