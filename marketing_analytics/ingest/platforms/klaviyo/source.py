"""Klaviyo: lists of metrics, campaigns and flows, the profiles, and events by day.

Events may be written with a time in the past, so the last days are read again and replaced as a
whole; what Klaviyo no longer gives of a day disappears. Days are UTC days.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any

from marketing_analytics.core.errors import AuthError, TerminalError
from marketing_analytics.ingest.access.settings import shaped
from marketing_analytics.ingest.engine.answers import Account, as_account, readable
from marketing_analytics.ingest.engine.governor import Governor
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.persons import with_sender
from marketing_analytics.ingest.engine.reading import Reader, Task
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.windows import ONE_DAY, Window, windows_of
from marketing_analytics.ingest.platforms.klaviyo.lists import (
    DENIED,
    REVISION,
    Columns,
    address,
    columns_of,
    open_governor,
    pluck_all,
    resources,
    with_included,
)
from marketing_analytics.ingest.platforms.klaviyo.profiles import read_profiles
from marketing_analytics.ingest.platforms.klaviyo.tables import (
    ACCOUNT_PATHS,
    ACCOUNTS,
    CAMPAIGN_MESSAGE_PATHS,
    CAMPAIGN_MESSAGES,
    CAMPAIGN_PATHS,
    CAMPAIGNS,
    EVENT_PATHS,
    EVENTS,
    FLOW_ACTION_PATHS,
    FLOW_ACTIONS,
    FLOW_PATHS,
    FLOWS,
    METRIC_PATHS,
    METRICS,
    TABLES,
)

LOOKBACK_DAYS = 3
# a window is held in memory until it is whole
WINDOW_DAYS = 7
EVENTS_PAGE_SIZE = 1000
# a list of campaigns is of one channel; without one Klaviyo refuses it
CHANNELS = ("email", "sms", "mobile_push")
IS_ARCHIVED = ("false", "true")


def collect(job: Job) -> None:
    """Read the account, its lists and profiles side by side, then its events."""
    governor = open_governor(job)
    try:
        accounts = read_accounts(job, governor)
        job.each_account(accounts, lambda one: read_events(job, governor, one), account_id_of)
        if not job.lost and not job.backfill:
            job.each(LISTS, lambda read: unless_denied(job, read, governor))
    finally:
        governor.close()


def check(job: Job) -> list[tuple[str, str]]:
    """Return the account that the key belongs to."""
    with closing(open_governor(job)) as governor:
        accounts = read_accounts(job, governor)
    return [(account.account_id, account.name) for account in accounts]


def account_id_of(account: Account) -> str:
    """Return the id of an account."""
    return account.account_id


def read_accounts(job: Job, governor: Governor) -> list[Account]:
    """Load the account that a key belongs to; return it where its fields make sense."""
    rows = resources(governor, "/accounts", {})
    if not rows:
        raise TerminalError("Klaviyo names no account of this key", hint="check KLAVIYO_API_KEY")
    columns = pluck_all(rows, ACCOUNT_PATHS)
    job.add(ACCOUNTS, columns, raw=rows)
    flat = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    return readable(job, flat, "account_id", make_account)


def make_account(row: Mapping[str, Any]) -> Account:
    """Return the account of a row. Raise AccountError where a field is of no use."""
    return as_account(row, "account_id", "preferred_currency", "timezone")


def unless_denied(job: Job, read: Callable[[Job, Governor], None], governor: Governor) -> None:
    """Read a list; one that the key has no right to is missing alone."""
    try:
        read(job, governor)
    except AuthError as error:
        if error.status_code != DENIED:
            raise
        job.fail(error)


def read_metrics(job: Job, governor: Governor) -> None:
    """Load the metrics: the kinds of events."""
    rows = resources(governor, "/metrics", {})
    job.add(METRICS, pluck_all(rows, METRIC_PATHS), raw=rows)


def read_campaigns(job: Job, governor: Governor) -> None:
    """Load the campaigns of every channel with their messages, archived ones too."""
    for channel in CHANNELS:
        for is_archived in IS_ARCHIVED:
            wanted = f"equals(messages.channel,'{channel}'),equals(archived,{is_archived})"
            rows, messages, parents = with_included(
                governor, "/campaigns", {"filter": f"and({wanted})"}, "campaign-messages"
            )
            campaigns = pluck_all(rows, CAMPAIGN_PATHS) | {"channel": [channel] * len(rows)}
            named = pluck_all(messages, CAMPAIGN_MESSAGE_PATHS) | {"campaign_id": parents}
            columns = with_sender(named)
            job.keep(
                [
                    Piece(CAMPAIGNS, campaigns, rows),
                    Piece(CAMPAIGN_MESSAGES, columns, messages),
                ]
            )


def read_flows(job: Job, governor: Governor) -> None:
    """Load the flows with their actions, archived ones too."""
    for is_archived in IS_ARCHIVED:
        rows, actions, parents = with_included(
            governor, "/flows", {"filter": f"equals(archived,{is_archived})"}, "flow-actions"
        )
        columns = with_sender(pluck_all(actions, FLOW_ACTION_PATHS)) | {"flow_id": parents}
        job.keep(
            [
                Piece(FLOWS, pluck_all(rows, FLOW_PATHS), rows),
                Piece(FLOW_ACTIONS, columns, actions),
            ]
        )


LISTS = (read_metrics, read_campaigns, read_flows, read_profiles)


def read_events(job: Job, governor: Governor, account: Account) -> None:
    """Read the days of events that were never read, or may still get events."""
    today = job.now.date()
    coverage = job.coverage(EVENTS.name, account.account_id)
    days = coverage.days_to_read(Window(job.since, today), LOOKBACK_DAYS)
    tasks = [
        Task(account.account_id, EVENTS.name, window) for window in windows_of(days, WINDOW_DAYS)
    ]
    Reader(job, lambda task: read_window(job, governor, account, task)).read_all(tasks)


def read_window(job: Job, governor: Governor, account: Account, task: Task) -> None:
    """Read the events of a window, each of its days replaced as a whole."""
    window = task.window
    span = (
        f"greater-or-equal(datetime,{window.start}T00:00:00Z),"
        f"less-than(datetime,{window.end + ONE_DAY}T00:00:00Z)"
    )
    params = {
        "filter": span,
        "sort": "datetime",
        "page[size]": str(EVENTS_PAGE_SIZE),
        "fields[event]": "datetime,timestamp,event_properties",
    }
    columns = with_derived(columns_of(governor, "/events", params, EVENT_PATHS), account)
    parts = tuple((day,) for day in window.days())
    read_on = job.now.date()
    job.keep(
        # properties name recipients: what does not fit is kept by its columns alone
        [Piece(EVENTS, columns, None, parts)],
        lambda: job.mark(EVENTS.name, account.account_id, window, read_on),
    )


def with_derived(columns: Columns, account: Account) -> Columns:
    """Return the columns of events; a value without a currency is in that of the account."""
    columns["event_at"] = [
        event_time(text, seconds)
        for text, seconds in zip(columns["event_at"], columns["timestamp"], strict=True)
    ]
    columns["event_date"] = [day_of(at) for at in columns["event_at"]]
    columns["currency"] = [
        currency or (None if value is None else account.currency)
        for currency, value in zip(columns["currency"], columns["value"], strict=True)
    ]
    return columns


def event_time(text: Any, seconds: Any) -> Any:
    """Return the time of an event, from its seconds since 1970 where it has no other."""
    if text is not None or not isinstance(seconds, int):
        return text
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def day_of(text: Any) -> date | None:
    """Return the UTC day of a time, None where it is none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).date()
    except (TypeError, ValueError, OverflowError):
        return None


SOURCE = Source(
    tables=TABLES,
    settings=("KLAVIYO_API_KEY",),
    optional_settings=("KLAVIYO_BASE_URL", "KLAVIYO_REVISION"),
    collect=collect,
    restates="3 days of events, lists as a whole",
    has_days=True,
    # the year in which Klaviyo began
    oldest_day=date(2012, 1, 1),
    value_checks={"KLAVIYO_REVISION": shaped(r"\d{4}-\d\d-\d\d(\.[a-z]+)?", REVISION)},
    address=address,
    check=check,
)
