"""Daily statistics, of all mail and by category, read in windows of days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from marketing_analytics.ingest.engine.answers import part, records
from marketing_analytics.ingest.engine.backfill import Planned
from marketing_analytics.ingest.engine.governor import Governor
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.reading import Reader, Task
from marketing_analytics.ingest.engine.tables import Table
from marketing_analytics.ingest.engine.windows import Window, windows_of
from marketing_analytics.ingest.platforms.sendgrid.lists import read_list
from marketing_analytics.ingest.platforms.sendgrid.tables import (
    CATEGORY_STATS,
    DAILY_STATS,
    METRICS,
)

# opens and clicks are booked on their own day, deferred mail is tried for 72 hours
LOOKBACK_DAYS = 7
WINDOW_DAYS = 30
# SendGrid keeps categories for 13 months
CATEGORY_RETENTION_DAYS = 395
CATEGORIES_AT_ONCE = 10
# the documented default; no larger page is promised
CATEGORIES_PAGE = 50


def read_daily_stats(job: Job, governor: Governor, account_id: str) -> None:
    """Read the days of an account that are due."""

    def read(task: Task) -> None:
        rows = records(governor.get("/stats", span(task.window)), "", "/stats")
        keep(job, task, DAILY_STATS, rows)

    read_windows(job, account_id, DAILY_STATS, read)


def read_category_stats(job: Job, governor: Governor, account_id: str) -> None:
    """Read the days of an account that are due, of every category that was ever used."""
    found = read_list(governor, "/categories", {}, CATEGORIES_PAGE)
    names = sorted({str(row["category"]) for row in found if row.get("category")})
    some = [names[i : i + CATEGORIES_AT_ONCE] for i in range(0, len(names), CATEGORIES_AT_ONCE)]

    def read(task: Task) -> None:
        path = "/categories/stats"
        rows: list[dict[str, Any]] = []
        for categories in some:
            asked = {**span(task.window), "categories": categories}
            rows += records(governor.get(path, asked), "", path)
        keep(job, task, CATEGORY_STATS, rows)

    read_windows(job, account_id, CATEGORY_STATS, read, CATEGORY_RETENTION_DAYS)


def read_windows(
    job: Job, account_id: str, table: Table, read: Any, retention_days: int = 10**5
) -> None:
    """Read the due windows one after the other; what fails of them is noted."""
    today = job.now.date()
    since = max(job.since, today - timedelta(days=retention_days))
    due = job.coverage(table.name, account_id).days_to_read(Window(since, today), LOOKBACK_DAYS)
    tasks = [Task(account_id, table.name, window) for window in windows_of(due, WINDOW_DAYS)]
    planned = (Planned(task.report, task.account_id, task.window) for task in tasks)
    if job.is_only_planned(planned):
        return
    job.plan(len(tasks), account_id)
    reader = Reader(job, read)
    for task in tasks:
        reader.read_one(task)


def keep(job: Job, task: Task, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the rows of one window and note it as read."""
    account_id, window = task.account_id, task.window
    given = [(row, one) for row in rows for one in records(row, "stats", table.name)]
    metrics = [part(one, "metrics", table.name) for _, one in given]
    columns: dict[str, list[Any]] = {
        "account_id": [account_id] * len(given),
        "report_date": [row.get("date") for row, _ in given],
        "category": [one.get("name") for _, one in given],
        **{name: [metric.get(name) for metric in metrics] for name in METRICS},
    }
    raw = [{"date": row.get("date"), **one} for row, one in given]
    parts = tuple((account_id, day) for day in window.days())
    job.keep(
        [Piece(table, columns, raw, parts)],
        lambda: job.mark(table.name, account_id, window, job.now.date()),
    )


def span(window: Window) -> dict[str, str]:
    """Return a window as parameters."""
    return {
        "start_date": str(window.start),
        "end_date": str(window.end),
        "aggregated_by": "day",
    }
