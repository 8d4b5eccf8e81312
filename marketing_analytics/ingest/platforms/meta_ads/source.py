"""Meta Ads: accounts, campaigns, ad sets, ads, and the daily insights of every ad.

Insights are read with asynchronous report runs. Error codes and headers: Marketing API,
"Insights error codes" and "Rate limiting", version 26.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from marketing_analytics.core.errors import TerminalError
from marketing_analytics.ingest.engine.governor import Governor, TooMuchDataError
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import Kind, Table, pluck
from marketing_analytics.ingest.engine.windows import Window, windows_of
from marketing_analytics.ingest.platforms.meta_ads.limits import classify, pause_of

# conversions of a click arrive for 28 days; Meta keeps 37 months
LOOKBACK_DAYS = 28
WINDOW_DAYS = 30
RETENTION_DAYS = 37 * 30

ATTRIBUTION_WINDOWS = ("1d_click", "7d_click", "28d_click", "1d_view")
# one purchase is reported under several names; the first one present is taken
PURCHASE_ACTIONS = ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase")
ZERO_DECIMAL_CURRENCIES = frozenset({"CLP", "COP", "HUF", "ISK", "JPY", "KRW", "TWD", "VND"})

ACCOUNTS = Table(
    "accounts",
    {
        "account_id": "text",
        "name": "text",
        "currency": "text",
        "timezone_name": "text",
        "account_status": "count",
    },
    key=("account_id",),
)
CAMPAIGNS = Table(
    "campaigns",
    {
        "campaign_id": "text",
        "account_id": "text",
        "name": "text",
        "status": "text",
        "objective": "text",
        "daily_budget": "money",
        "created_at": "time",
        "updated_at": "time",
    },
    key=("campaign_id",),
)
AD_SETS = Table(
    "ad_sets",
    {
        "ad_set_id": "text",
        "campaign_id": "text",
        "account_id": "text",
        "name": "text",
        "status": "text",
        "daily_budget": "money",
        "updated_at": "time",
    },
    key=("ad_set_id",),
)
ADS = Table(
    "ads",
    {
        "ad_id": "text",
        "ad_set_id": "text",
        "campaign_id": "text",
        "account_id": "text",
        "name": "text",
        "status": "text",
        "updated_at": "time",
    },
    key=("ad_id",),
)
PURCHASE_COLUMNS: dict[str, Kind] = {
    "purchases": "fraction",
    **{f"purchases_{name}": "fraction" for name in ATTRIBUTION_WINDOWS},
}
AD_INSIGHTS = Table(
    "ad_insights",
    {
        "account_id": "text",
        "date": "date",
        "campaign_id": "text",
        "ad_set_id": "text",
        "ad_id": "text",
        "impressions": "count",
        "clicks": "count",
        "inline_link_clicks": "count",
        "spend": "money",
        **PURCHASE_COLUMNS,
        "purchase_value": "money",
    },
    key=("account_id", "date", "ad_id"),
    mode="parts",
    part_by=("account_id", "date"),
)
TABLES = (ACCOUNTS, CAMPAIGNS, AD_SETS, ADS, AD_INSIGHTS)

# raw column: field of the API
ENTITIES: Mapping[Table, tuple[str, dict[str, str]]] = {
    CAMPAIGNS: (
        "campaigns",
        {
            "campaign_id": "id",
            "name": "name",
            "status": "status",
            "objective": "objective",
            "daily_budget": "daily_budget",
            "created_at": "created_time",
            "updated_at": "updated_time",
        },
    ),
    AD_SETS: (
        "adsets",
        {
            "ad_set_id": "id",
            "campaign_id": "campaign_id",
            "name": "name",
            "status": "status",
            "daily_budget": "daily_budget",
            "updated_at": "updated_time",
        },
    ),
    ADS: (
        "ads",
        {
            "ad_id": "id",
            "ad_set_id": "adset_id",
            "campaign_id": "campaign_id",
            "name": "name",
            "status": "status",
            "updated_at": "updated_time",
        },
    ),
}
# without this Meta leaves archived and deleted ones out, and their spend has no name
ANY_STATUS = ("ACTIVE", "PAUSED", "ARCHIVED", "DELETED", "IN_PROCESS", "WITH_ISSUES")
STATUSES = {
    CAMPAIGNS: ANY_STATUS,
    AD_SETS: (*ANY_STATUS, "CAMPAIGN_PAUSED"),
    ADS: (
        *ANY_STATUS,
        "CAMPAIGN_PAUSED",
        "ADSET_PAUSED",
        "PENDING_REVIEW",
        "PREAPPROVED",
        "DISAPPROVED",
        "PENDING_BILLING_INFO",
    ),
}
INSIGHT_FIELDS = (
    "account_id,campaign_id,adset_id,ad_id,impressions,clicks,inline_link_clicks,spend,"
    "actions,action_values"
)


@dataclass(frozen=True)
class Account:
    """An ad account; its dates are local to `zone`."""

    account_id: str
    currency: str
    zone: ZoneInfo


def collect(job: Job) -> None:
    """Read everything of the configured accounts."""
    governor = Governor(
        "Meta Ads",
        job.setting("META_ADS_BASE_URL"),
        limits=job.limits,
        stop=job.stop,
        classify=classify,
        on_wait=job.notes.put,
        headers={"Authorization": f"Bearer {job.setting('META_ADS_ACCESS_TOKEN')}"},
        pace=pause_of,
    )
    try:
        accounts = read_accounts(job, governor)
        job.each(accounts, lambda account: read_entities(job, governor, account))
        read_insights(job, governor, accounts)
    finally:
        governor.close()


def read_accounts(job: Job, governor: Governor) -> list[Account]:
    """Load the accounts of the token; return those asked for."""
    names = ["account_id", "name", "currency", "timezone_name", "account_status"]
    rows = list(pages(governor, "/me/adaccounts", {"fields": ",".join(names)}))
    wanted = {text.strip().removeprefix("act_") for text in wanted_account_ids(job)}
    rows = [row for row in rows if not wanted or row["account_id"] in wanted]
    if missing := wanted - {row["account_id"] for row in rows}:
        raise TerminalError(
            f"the Meta token has no access to account {', '.join(sorted(missing))}",
            hint="check META_ADS_ACCOUNT_IDS and the rights of the token",
        )
    job.add(ACCOUNTS, pluck(rows, dict(zip(names, names, strict=True))), raw=rows)
    return [
        Account(row["account_id"], row["currency"], ZoneInfo(row["timezone_name"])) for row in rows
    ]


def wanted_account_ids(job: Job) -> list[str]:
    """Return the accounts asked for, empty for all."""
    return [text for text in job.settings.get("META_ADS_ACCOUNT_IDS", "").split(",") if text]


def read_entities(job: Job, governor: Governor, account: Account) -> None:
    """Load campaigns, ad sets and ads of an account."""
    for table, (edge, paths) in ENTITIES.items():
        asked = {
            "fields": ",".join(dict.fromkeys(paths.values())),
            "effective_status": json.dumps(STATUSES[table]),
        }
        rows = list(pages(governor, f"/act_{account.account_id}/{edge}", asked))
        columns = pluck(rows, paths)
        columns["account_id"] = [account.account_id] * len(rows)
        if "daily_budget" in columns:
            budgets = columns["daily_budget"]
            columns["daily_budget"] = [major_units(text, account.currency) for text in budgets]
        job.add(table, columns, raw=rows)


def read_insights(job: Job, governor: Governor, accounts: Sequence[Account]) -> None:
    """Read the days of every account that are new or can still change."""
    tasks = [(account, window) for account in accounts for window in windows_to_read(job, account)]
    job.plan(len(tasks))
    job.each(tasks, lambda task: read_window(job, governor, *task))


def windows_to_read(job: Job, account: Account) -> list[Window]:
    """Return the windows of an account that are due."""
    today = job.now.astimezone(account.zone).date()
    since = max(job.since, date.fromordinal(today.toordinal() - RETENTION_DAYS))
    if since > today:
        return []
    coverage = job.coverage(AD_INSIGHTS.name, account.account_id)
    return windows_of(coverage.days_to_read(Window(since, today), LOOKBACK_DAYS), WINDOW_DAYS)


def read_window(job: Job, governor: Governor, account: Account, window: Window) -> None:
    """Read one window; it is cut in two where Meta says that it is too much."""
    try:
        rows = run_report(job, governor, account, window)
    except TooMuchDataError:
        if window.day_count == 1:
            raise
        halves = window.halves()
        job.plan(len(halves) - 1)
        for half in halves:
            read_window(job, governor, account, half)
        return
    parts = [(account.account_id, day) for day in window.days()]
    job.add(AD_INSIGHTS, insight_columns(rows), raw=rows, parts=parts)
    read_on = job.now.astimezone(account.zone).date()
    job.mark(AD_INSIGHTS.name, account.account_id, window, read_on)
    job.done()


def insight_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the columns of AD_INSIGHTS; a metric that is absent is zero."""
    columns = {
        "account_id": [row.get("account_id") for row in rows],
        "date": [row.get("date_start") for row in rows],
        "campaign_id": [row.get("campaign_id") for row in rows],
        "ad_set_id": [row.get("adset_id") for row in rows],
        "ad_id": [row.get("ad_id") for row in rows],
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


def run_report(
    job: Job, governor: Governor, account: Account, window: Window
) -> list[dict[str, Any]]:
    """Return the rows of a report; a failed report run is started anew once."""
    for _ in range(2):
        started = governor.post(
            f"/act_{account.account_id}/insights",
            data={
                "level": "ad",
                "fields": INSIGHT_FIELDS,
                "time_range": json.dumps({"since": str(window.start), "until": str(window.end)}),
                "time_increment": "1",
                "action_attribution_windows": json.dumps(ATTRIBUTION_WINDOWS),
            },
        )
        run_id = started["report_run_id"]
        problem = wait_for_report(job, governor, run_id)
        if problem is None:
            return list(pages(governor, f"/{run_id}/insights", {}))
    raise TooMuchDataError(f"Meta could not make the report of {window}: {problem}")


def wait_for_report(job: Job, governor: Governor, run_id: str) -> str | None:
    """Return None once the report is complete, or why it never will be."""
    pause = job.limits.poll_first_seconds
    give_up_at = time.monotonic() + job.limits.report_timeout_seconds
    while time.monotonic() < give_up_at:
        run = governor.get(f"/{run_id}")
        status = run.get("async_status", "")
        if status == "Job Completed":
            return None
        if status in {"Job Failed", "Job Skipped"}:
            return f"{status}: {run.get('error_user_msg') or run.get('error_message') or ''}"
        governor.sleep(pause)
        pause = min(pause * 1.5, job.limits.poll_max_seconds)
    return "it did not finish in time"


def pages(
    governor: Governor, path: str, params: Mapping[str, str], page_size: int = 500
) -> Iterator[dict[str, Any]]:
    """Yield all rows of a list. The page is halved when Meta calls it too much data.

    The cursor is followed, not the `next` address: that one holds the token.
    """
    after = ""
    while True:
        asked = {**params, "limit": str(page_size)} | ({"after": after} if after else {})
        try:
            page = governor.send("GET", path, is_large=page_size > 25, params=asked)
        except TooMuchDataError:
            if page_size <= 25:
                raise
            page_size //= 2
            continue
        yield from page.get("data", ())
        after = next_cursor(page.get("paging") or {})
        if not after:
            return


def next_cursor(paging: Mapping[str, Any]) -> str:
    """Return the cursor of the next page, "" on the last one."""
    if "next" not in paging:
        return ""
    after = (paging.get("cursors") or {}).get("after")
    return str(after or parse_qs(urlsplit(paging["next"]).query).get("after", [""])[0])


def major_units(text: str | None, currency: str) -> str | None:
    """Return a budget given in minor units ("1050") in major units ("10.5").

    Anything that is not a number is returned as it is, to be rejected with its reason.
    """
    if not text or currency in ZERO_DECIMAL_CURRENCIES:
        return text or None
    try:
        return str(Decimal(text).scaleb(-2))
    except InvalidOperation:
        return text


SOURCE = Source(
    tables=TABLES,
    settings=("META_ADS_BASE_URL", "META_ADS_ACCESS_TOKEN"),
    optional_settings=("META_ADS_ACCOUNT_IDS",),
    collect=collect,
)
