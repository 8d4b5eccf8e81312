"""Google Ads: the customer tree, campaigns, ad groups, ads, and daily statistics.

Plain REST with `googleAds:searchStream`. Campaign statistics are the truth for spend:
Performance Max campaigns have no ads.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from marketing_analytics.core.errors import (
    AuthError,
    TerminalError,
)
from marketing_analytics.ingest.access.google import refresh_token
from marketing_analytics.ingest.access.settings import names_in, shaped
from marketing_analytics.ingest.engine.answers import (
    Account,
    as_account,
    part,
    readable,
    records,
    whole_number,
)
from marketing_analytics.ingest.engine.governor import (
    AccountError,
    BrokenAnswerError,
    Governor,
    TooMuchDataError,
)
from marketing_analytics.ingest.engine.history import add_changes
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.reading import Reader, Task
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import pluck
from marketing_analytics.ingest.engine.trust.totals import day_amounts, reconciler
from marketing_analytics.ingest.engine.windows import Window, windows_of
from marketing_analytics.ingest.platforms.google_ads.failures import (
    CHOICE,
    classify,
    error_in_stream,
)
from marketing_analytics.ingest.platforms.google_ads.reports import (
    ACTION_REPORT,
    CHOICE_OF_REPORTS,
    ENTITY_REPORTS,
    REPORTS,
    RETENTION_DAYS,
    TOTALS_QUERY,
    TREE_QUERY,
    Report,
    chosen_reports,
)
from marketing_analytics.ingest.platforms.google_ads.tables import (
    CAMPAIGN_HISTORY,
    CAMPAIGNS,
    CUSTOMERS,
    TABLES,
)

# conversions are booked on the day of the click and arrive within the conversion window
SHORTEST_LOOKBACK_DAYS = 30
LONGEST_LOOKBACK_DAYS = 90

DEFAULT_ADDRESS = "https://googleads.googleapis.com/v26"
CUSTOMER_PATHS = {
    "customer_id": "customerClient.id",
    "name": "customerClient.descriptiveName",
    "currency": "customerClient.currencyCode",
    "timezone_name": "customerClient.timeZone",
    "is_manager": "customerClient.manager",
    "status": "customerClient.status",
}


def address(settings: Mapping[str, str]) -> str:
    """Return where the API is."""
    return settings.get("GOOGLE_ADS_BASE_URL") or DEFAULT_ADDRESS


def open_governor(job: Job) -> Governor:
    """Return what asks Google, with a token that is renewed."""
    return Governor(
        "Google Ads",
        address(job.settings),
        setting="GOOGLE_ADS_BASE_URL",
        limits=job.limits,
        stop=job.stop,
        classify=classify,
        on_wait=job.notes.put,
        headers={
            "developer-token": job.setting("GOOGLE_ADS_DEVELOPER_TOKEN"),
            "login-customer-id": digits(job.setting("GOOGLE_ADS_LOGIN_CUSTOMER_ID")),
        },
        token=refresh_token(job, "GOOGLE_ADS"),
        # numbers with a fraction stay text: a float would not hold them exactly
        loads=lambda body: json.loads(body, parse_float=str),
        shape=list,
    )


def collect(job: Job) -> None:
    """Read every enabled customer under the login customer."""
    reports = chosen_reports(job.settings.get(CHOICE_OF_REPORTS, ""))
    with closing(open_governor(job)) as governor:
        customers = read_customers(job, governor)
        lists = [(one, report) for one in customers for report in ENTITY_REPORTS]
        job.each_account(
            lists, lambda one: read_entities(job, governor, *one), lambda one: one[0].account_id
        )
        read_stats(job, governor, customers, reports)


def check(job: Job) -> list[tuple[str, str]]:
    """Return the customers that can be asked something of their own."""

    def read(customer: Account) -> None:
        search(governor, customer.account_id, "SELECT customer.id FROM customer LIMIT 1")

    with closing(open_governor(job)) as governor:
        customers = read_customers(job, governor)
        job.each_account(customers, read, lambda customer: customer.account_id)
    return [(one.account_id, one.name) for one in customers if one.account_id not in job.lost]


def read_customers(job: Job, governor: Governor) -> list[Account]:
    """Load the customer tree; return the enabled customers asked for that have ads."""
    root = digits(job.setting("GOOGLE_ADS_LOGIN_CUSTOMER_ID"))
    rows = search(governor, root, TREE_QUERY)
    if not rows:
        raise AccountError(
            f"Google Ads shows no customer under {root}",
            hint="check GOOGLE_ADS_LOGIN_CUSTOMER_ID and the rights of the user",
        )
    columns = pluck(rows, CUSTOMER_PATHS)
    # false is a default value, and those are left out of the answer
    columns["is_manager"] = [bool(value) for value in columns["is_manager"]]
    job.add(CUSTOMERS, columns, raw=rows)
    clients = [client for row in rows if isinstance(client := row.get("customerClient"), dict)]
    wanted = {digits(text) for text in names_in(job.settings.get(CHOICE, ""))}
    for customer_id in sorted(wanted - {str(client.get("id")) for client in clients}):
        why = f"it is not under the login customer {root}"
        job.lose(customer_id, AccountError(why, hint=f"check {CHOICE}"))
    chosen = [
        client
        for client in clients
        if not client.get("manager")
        and (str(client.get("id")) in wanted or (not wanted and client.get("status") == "ENABLED"))
    ]
    return readable(
        job,
        chosen,
        "id",
        lambda client: as_account(client, "id", "currencyCode", "timeZone", "descriptiveName"),
    )


def read_entities(job: Job, governor: Governor, customer: Account, report: Report) -> None:
    """Load campaigns, ad groups or ads of a customer."""
    keep_entities(job, customer, report, search(governor, customer.account_id, report.query()))


def keep_entities(
    job: Job, customer: Account, report: Report, rows: Sequence[dict[str, Any]]
) -> None:
    """Keep records of a customer that have no days."""
    columns = report.columns(rows)
    columns["customer_id"] = [customer.account_id] * len(rows)
    columns["currency"] = [customer.currency] * len(rows)
    if "daily_budget" in columns:
        columns["daily_budget"] = [units_of_micros(micros) for micros in columns["daily_budget"]]
    job.add(report.table, columns, raw=rows)
    if report.table is CAMPAIGNS:
        add_changes(job, CAMPAIGN_HISTORY, columns)


def read_stats(
    job: Job, governor: Governor, customers: Sequence[Account], reports: Sequence[Report]
) -> None:
    """Read the days of every customer that are new or can still change."""
    tasks: list[Task] = []
    lock = threading.Lock()

    def plan(customer: Account) -> None:
        lookback_days = read_conversion_actions(job, governor, customer)
        planned = [
            task for report in reports for task in tasks_of(job, customer, report, lookback_days)
        ]
        with lock:
            tasks.extend(planned)

    job.each_account(customers, plan, lambda customer: customer.account_id)
    accounts = {customer.account_id: customer for customer in customers}
    reader = Reader(job, lambda task: read_window(job, governor, accounts[task.account_id], task))
    reader.read_all(tasks)


def tasks_of(job: Job, customer: Account, report: Report, lookback_days: int) -> Iterator[Task]:
    """Yield the windows of a report of a customer that are due."""
    today = job.now.astimezone(customer.zone).date()
    since = max(job.since, today - timedelta(days=report.retention_days))
    if since > today:
        return
    name = report.table.name
    if report.lookback_days is not None:
        lookback_days = report.lookback_days
    coverage = job.coverage(name, customer.account_id)
    due = coverage.days_to_read(Window(since, today), lookback_days)
    for window in windows_of(due, report.window_days):
        yield Task(customer.account_id, name, window)


def read_conversion_actions(job: Job, governor: Governor, customer: Account) -> int:
    """Load the conversion actions of a customer; return their longest window, 30 to 90 days."""
    try:
        rows = search(governor, customer.account_id, ACTION_REPORT.query())
    except (AuthError, AccountError):
        raise
    except TerminalError:
        return LONGEST_LOOKBACK_DAYS
    actions = [part(row, "conversionAction", "conversion actions") for row in rows]
    days = [
        whole_number(action, name, "conversion actions")
        for action in actions
        for name in ("clickThroughLookbackWindowDays", "viewThroughLookbackWindowDays")
    ]
    keep_entities(job, customer, ACTION_REPORT, rows)
    longest = max(days, default=0) or LONGEST_LOOKBACK_DAYS
    return min(max(longest, SHORTEST_LOOKBACK_DAYS), LONGEST_LOOKBACK_DAYS)


def read_window(job: Job, governor: Governor, customer: Account, task: Task) -> None:
    """Read one window of a report and keep it."""
    report, window = REPORTS[task.report], task.window
    rows = search(
        governor, customer.account_id, report.query(window), is_large=window.day_count > 1
    )
    columns = report.columns(rows)
    columns["customer_id"] = [customer.account_id] * len(rows)
    columns["currency"] = [customer.currency] * len(rows)
    columns["timezone_name"] = [customer.zone.key] * len(rows)
    parts = tuple((customer.account_id, day) for day in window.days())
    read_on: date = job.now.astimezone(customer.zone).date()
    reconcile = None
    # ads do not hold all of it: Performance Max has none
    if report.is_of_campaigns:
        totals = account_totals(governor, customer, window)
        reconcile = reconciler(job, customer, window, totals, "cost_micros", 6)
    job.keep(
        [Piece(report.table, columns, rows, parts)],
        lambda: job.mark(report.table.name, customer.account_id, window, read_on),
        reconcile,
    )


def account_totals(governor: Governor, customer: Account, window: Window) -> dict[date, Decimal]:
    """Return the customer's own cost by day."""
    query = TOTALS_QUERY.format(start=window.start, end=window.end)
    found = pluck(
        search(governor, customer.account_id, query),
        {"day": "segments.date", "micros": "metrics.costMicros"},
    )
    in_micros = day_amounts(found["day"], found["micros"])
    return {day: micros.scaleb(-6) for day, micros in in_micros.items()}


def search(
    governor: Governor, customer_id: str, query: str, *, is_large: bool = False
) -> list[dict[str, Any]]:
    """Return the rows of a query: the results of all chunks of the stream.

    A stream that begins well may still hold an error, or lack its last chunk, which alone
    tells what the query consumed.
    """
    path = f"/customers/{customer_id}/googleAds:searchStream"
    chunks = records(governor.post(path, json={"query": query}, is_large=is_large), "", path)
    for chunk in chunks:
        if "error" in chunk:
            raise error_in_stream(part(chunk, "error", path), path)
    if not chunks or "queryResourceConsumption" not in chunks[-1]:
        kind = TooMuchDataError if is_large else BrokenAnswerError
        raise kind("Google Ads ended its answer before the last chunk")
    return [row for chunk in chunks for row in records(chunk, "results", path)]


def digits(customer_id: str) -> str:
    """Return a customer id as the API wants it, without dashes."""
    return customer_id.replace("-", "").strip()


def units_of_micros(micros: str | None) -> str | None:
    """Return micros as units of the currency; what is not a number stays, to be rejected."""
    if micros is None:
        return None
    try:
        return str(Decimal(micros).scaleb(-6))
    except InvalidOperation:
        return micros


SOURCE = Source(
    tables=TABLES,
    settings=(
        "GOOGLE_ADS_DEVELOPER_TOKEN",
        "GOOGLE_ADS_CLIENT_ID",
        "GOOGLE_ADS_CLIENT_SECRET",
        "GOOGLE_ADS_REFRESH_TOKEN",
        "GOOGLE_ADS_LOGIN_CUSTOMER_ID",
    ),
    optional_settings=(
        "GOOGLE_ADS_BASE_URL",
        "GOOGLE_ADS_TOKEN_URL",
        CHOICE,
        CHOICE_OF_REPORTS,
    ),
    collect=collect,
    options={"accounts": CHOICE},
    restates="the conversion window, 30 to 90 days",
    has_days=True,
    kept_days=RETENTION_DAYS,
    value_checks={
        "GOOGLE_ADS_LOGIN_CUSTOMER_ID": shaped(r"\d{10}|\d{3}-\d{3}-\d{4}", "418-008-7120"),
        CHOICE_OF_REPORTS: lambda _, text: chosen_reports(text),
    },
    address=address,
    check=check,
)
