"""The daily reports of every ad, plain and broken down, and the account's own totals.

They are read with asynchronous report runs, in windows of days.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.access.settings import names_in
from marketing_analytics.ingest.engine.answers import Account
from marketing_analytics.ingest.engine.governor import BrokenAnswerError, Governor, TooMuchDataError
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.reading import Task
from marketing_analytics.ingest.engine.tables import Table
from marketing_analytics.ingest.engine.trust.totals import day_amounts, reconciler
from marketing_analytics.ingest.engine.windows import Window, windows_of
from marketing_analytics.ingest.platforms.meta_ads.lists import pages
from marketing_analytics.ingest.platforms.meta_ads.rows import breakdowns_of, pieces_of
from marketing_analytics.ingest.platforms.meta_ads.tables import (
    ACTION_WINDOWS,
    AD_INSIGHTS,
    BREAKDOWNS,
)

# conversions of a click arrive for 28 days; Meta keeps 37 months
LOOKBACK_DAYS = 28
WINDOW_DAYS = 30
RETENTION_DAYS = 37 * 30
# a report run that failed is started anew so often before the window is halved
REPORT_ATTEMPTS = 2

FIELDS = ("account_id", "campaign_id", "ad_id", "impressions", "clicks", "spend")
ACTION_FIELDS = ("actions", "action_values")
# what only the plain report holds
PLAIN_FIELDS = ("adset_id", "inline_link_clicks", "reach")


def windows_to_read(job: Job, account: Account, table: Table) -> list[Task]:
    """Return the windows of an account and report that are due."""
    today = job.now.astimezone(account.zone).date()
    since = max(job.since, date.fromordinal(today.toordinal() - RETENTION_DAYS))
    if since > today:
        return []
    coverage = job.coverage(table.name, account.account_id)
    due = coverage.days_to_read(Window(since, today), LOOKBACK_DAYS)
    windows = windows_of(due, WINDOW_DAYS)
    return [Task(account.account_id, table.name, window) for window in windows]


def chosen_reports(text: str) -> list[Table]:
    """Return the reports that META_ADS_BREAKDOWNS asks for; raise UserError for others."""
    names = names_in(text)
    unknown = [name for name in names if name not in BREAKDOWNS]
    if unknown:
        raise UserError(
            f"META_ADS_BREAKDOWNS names {', '.join(map(repr, unknown))}, which is no breakdown",
            hint=f"give a comma list of {', '.join(BREAKDOWNS)}, or leave it empty",
        )
    return [AD_INSIGHTS, *(table for name, table in BREAKDOWNS.items() if name in names)]


class Insights:
    """Reads the insights of ads by account and window."""

    def __init__(
        self,
        job: Job,
        governor: Governor,
        accounts: Mapping[str, Account],
        reports: Sequence[Table],
    ) -> None:
        self.job = job
        self.governor = governor
        self.accounts = accounts
        self.reports = {table.name: table for table in reports}

    def read_window(self, task: Task) -> None:
        """Read one window and keep it."""
        account, window = self.accounts[task.account_id], task.window
        table = self.reports[task.report]
        rows = self.run_report(account, window, table)
        totals = self.totals(account, window)
        read_on = self.job.now.astimezone(account.zone).date()
        parts = tuple((account.account_id, day) for day in window.days())
        self.job.keep(
            pieces_of(table, account, rows, parts),
            lambda: self.job.mark(table.name, account.account_id, window, read_on),
            reconciler(self.job, account, window, totals, "spend", report=table.name),
        )

    def totals(self, account: Account, window: Window) -> dict[date, Decimal]:
        """Return the account's own spend by day."""
        asked = {
            "level": "account",
            "fields": "spend",
            "time_range": json.dumps({"since": str(window.start), "until": str(window.end)}),
            "time_increment": "1",
        }
        rows = list(pages(self.governor, f"/act_{account.account_id}/insights", asked))
        return day_amounts(
            [row.get("date_start") for row in rows], [row.get("spend") for row in rows]
        )

    def run_report(self, account: Account, window: Window, table: Table) -> list[dict[str, Any]]:
        """Return the rows of a report; a failed report run is started anew."""
        problem = ""
        for _ in range(REPORT_ATTEMPTS):
            started = self.governor.post(
                f"/act_{account.account_id}/insights", data=report_of(window, table)
            )
            run_id = str(started.get("report_run_id") or "")
            if not run_id:
                raise BrokenAnswerError("Meta started a report and gave it no id")
            found = self.wait_for_report(run_id)
            if not found:
                return list(pages(self.governor, f"/{run_id}/insights", {}))
            problem = found
        raise TooMuchDataError(f"Meta could not make the report: {problem}")

    def wait_for_report(self, run_id: str) -> str:
        """Return "" once the report is complete, or why it never will be."""
        pause = self.job.limits.poll_first_seconds
        give_up_at = time.monotonic() + self.job.limits.report_timeout_seconds
        while time.monotonic() < give_up_at:
            run = self.governor.get(f"/{run_id}")
            status = run.get("async_status", "")
            if status == "Job Completed":
                return ""
            if status in {"Job Failed", "Job Skipped"}:
                said = run.get("error_user_msg") or run.get("error_message") or ""
                return f"{status}: {said}"
            self.governor.sleep(pause)
            pause = min(pause * 1.5, self.job.limits.poll_max_seconds)
        return "it did not finish in time"


def report_of(window: Window, table: Table) -> dict[str, str]:
    """Return the parameters of a report run."""
    breakdowns = breakdowns_of(table)
    more = () if breakdowns else PLAIN_FIELDS
    asked = {
        "level": "ad",
        "fields": ",".join((*FIELDS, *more, *ACTION_FIELDS)),
        "time_range": json.dumps({"since": str(window.start), "until": str(window.end)}),
        "time_increment": "1",
    }
    if breakdowns:
        return asked | {"breakdowns": json.dumps(breakdowns)}
    return asked | {"action_attribution_windows": json.dumps(ACTION_WINDOWS)}
