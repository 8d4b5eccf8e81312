"""The daily insights of every ad, read with asynchronous report runs, and the account's totals."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from marketing_analytics.ingest.engine.answers import Account
from marketing_analytics.ingest.engine.governor import BrokenAnswerError, Governor, TooMuchDataError
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.reading import Task
from marketing_analytics.ingest.engine.totals import day_amounts, reconciler
from marketing_analytics.ingest.engine.windows import Window, windows_of
from marketing_analytics.ingest.platforms.meta_ads.lists import pages
from marketing_analytics.ingest.platforms.meta_ads.tables import AD_INSIGHTS, ATTRIBUTION_WINDOWS

# conversions of a click arrive for 28 days; Meta keeps 37 months
LOOKBACK_DAYS = 28
WINDOW_DAYS = 30
RETENTION_DAYS = 37 * 30
# a report run that failed is started anew so often before the window is halved
REPORT_ATTEMPTS = 2

# one purchase is reported under several names; the first one present is taken
PURCHASE_ACTIONS = ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase")
INSIGHT_FIELDS = (
    "account_id,campaign_id,adset_id,ad_id,impressions,clicks,inline_link_clicks,spend,"
    "actions,action_values"
)


def windows_to_read(job: Job, account: Account) -> list[Task]:
    """Return the windows of an account that are due."""
    today = job.now.astimezone(account.zone).date()
    since = max(job.since, date.fromordinal(today.toordinal() - RETENTION_DAYS))
    if since > today:
        return []
    coverage = job.coverage(AD_INSIGHTS.name, account.account_id)
    due = coverage.days_to_read(Window(since, today), LOOKBACK_DAYS)
    windows = windows_of(due, WINDOW_DAYS)
    return [Task(account.account_id, AD_INSIGHTS.name, window) for window in windows]


class Insights:
    """Reads the insights of ads by account and window."""

    def __init__(self, job: Job, governor: Governor, accounts: Mapping[str, Account]) -> None:
        self.job = job
        self.governor = governor
        self.accounts = accounts

    def read_window(self, task: Task) -> None:
        """Read one window and keep it."""
        account, window = self.accounts[task.account_id], task.window
        rows = self.run_report(account, window)
        totals = self.totals(account, window)
        read_on = self.job.now.astimezone(account.zone).date()
        parts = tuple((account.account_id, day) for day in window.days())
        self.job.keep(
            [Piece(AD_INSIGHTS, insight_columns(account, rows), rows, parts)],
            lambda: self.job.mark(AD_INSIGHTS.name, account.account_id, window, read_on),
            reconciler(self.job, account, window, totals, "spend"),
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

    def run_report(self, account: Account, window: Window) -> list[dict[str, Any]]:
        """Return the rows of a report; a failed report run is started anew."""
        problem = ""
        for _ in range(REPORT_ATTEMPTS):
            started = self.governor.post(
                f"/act_{account.account_id}/insights",
                data={
                    "level": "ad",
                    "fields": INSIGHT_FIELDS,
                    "time_range": json.dumps(
                        {"since": str(window.start), "until": str(window.end)}
                    ),
                    "time_increment": "1",
                    "action_attribution_windows": json.dumps(ATTRIBUTION_WINDOWS),
                },
            )
            run_id = str(started.get("report_run_id") or "")
            if not run_id:
                raise BrokenAnswerError("Meta started a report and gave it no id")
            found = self.wait_for_report(run_id)
            if not found:
                return list(pages(self.governor, f"/{run_id}/insights", {}))
            problem = found
        raise TooMuchDataError(f"Meta could not make the report of {window}: {problem}")

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


def insight_columns(account: Account, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the columns of AD_INSIGHTS; a metric that is absent is zero."""
    columns: dict[str, list[Any]] = {
        "account_id": [row.get("account_id") for row in rows],
        "date": [row.get("date_start") for row in rows],
        "campaign_id": [row.get("campaign_id") for row in rows],
        "ad_set_id": [row.get("adset_id") for row in rows],
        "ad_id": [row.get("ad_id") for row in rows],
        "currency": [account.currency] * len(rows),
        "timezone_name": [account.zone.key] * len(rows),
    }
    for metric in ("impressions", "clicks", "inline_link_clicks", "spend"):
        columns[metric] = [row.get(metric, "0") for row in rows]
    purchases = [purchase_of(row.get("actions")) for row in rows]
    columns["purchases"] = [action.get("value", "0") for action in purchases]
    for name in ATTRIBUTION_WINDOWS:
        columns[f"purchases_{name}"] = [action.get(name, "0") for action in purchases]
    values = [purchase_of(row.get("action_values")) for row in rows]
    columns["purchase_value"] = [action.get("value", "0") for action in values]
    return columns


def purchase_of(actions: Sequence[Mapping[str, str]] | None) -> Mapping[str, str]:
    """Return the purchase among the actions of a row, empty when there is none."""
    by_type = {action.get("action_type"): action for action in actions or ()}
    return next((by_type[name] for name in PURCHASE_ACTIONS if name in by_type), {})
