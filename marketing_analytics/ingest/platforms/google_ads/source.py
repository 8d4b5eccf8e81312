"""Google Ads: the customer tree, campaigns, ad groups, ads, and daily statistics.

Plain REST with `googleAds:searchStream`. Campaign statistics are the truth for spend:
Performance Max campaigns have no ads.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from marketing_analytics.core.errors import (
    AuthError,
    RemoteError,
    TerminalError,
    TransientError,
)
from marketing_analytics.ingest.engine.governor import (
    Governor,
    Token,
    TooMuchDataError,
    error_of_status,
)
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import pluck
from marketing_analytics.ingest.engine.windows import Window, windows_of
from marketing_analytics.ingest.platforms.google_ads.reports import (
    CONVERSION_WINDOW_QUERY,
    CUSTOMERS,
    ENTITY_REPORTS,
    METRICS,
    STATS_REPORTS,
    TABLES,
    TREE_QUERY,
    Report,
)

if TYPE_CHECKING:
    import httpx

# conversions are booked on the day of the click and arrive within the conversion window
SHORTEST_LOOKBACK_DAYS = 30
LONGEST_LOOKBACK_DAYS = 90
WINDOW_DAYS = 30
RETENTION_DAYS = 37 * 30

# answered by a new access token; every other reason is for a person
RENEWABLE = frozenset({None, "OAUTH_TOKEN_EXPIRED", "OAUTH_TOKEN_INVALID"})


@dataclass(frozen=True)
class Customer:
    """A customer with ads; its dates are local to `zone`."""

    customer_id: str
    zone: ZoneInfo


@dataclass(frozen=True)
class Task:
    """One window of one report of one customer."""

    customer: Customer
    report: Report
    window: Window


def collect(job: Job) -> None:
    """Read every enabled customer under the login customer."""
    governor = Governor(
        "Google Ads",
        job.setting("GOOGLE_ADS_BASE_URL"),
        limits=job.limits,
        stop=job.stop,
        classify=classify,
        on_wait=job.notes.put,
        headers={
            "developer-token": job.setting("GOOGLE_ADS_DEVELOPER_TOKEN"),
            "login-customer-id": digits(job.setting("GOOGLE_ADS_LOGIN_CUSTOMER_ID")),
        },
        token=Token(lambda: refresh_token(job)),
        # numbers with a fraction stay text: a float would not hold them exactly
        loads=lambda body: json.loads(body, parse_float=str),
    )
    try:
        customers = read_customers(job, governor)
        job.each(customers, lambda customer: read_entities(job, governor, customer))
        read_stats(job, governor, customers)
    finally:
        governor.close()


def refresh_token(job: Job) -> str:
    """Return a fresh access token."""
    token_server = Governor(
        "the Google token server",
        "",
        limits=job.limits,
        stop=job.stop,
        classify=classify_token_error,
    )
    form = {
        "grant_type": "refresh_token",
        "client_id": job.setting("GOOGLE_ADS_CLIENT_ID"),
        "client_secret": job.setting("GOOGLE_ADS_CLIENT_SECRET"),
        "refresh_token": job.setting("GOOGLE_ADS_REFRESH_TOKEN"),
    }
    try:
        return str(
            token_server.post(job.setting("GOOGLE_ADS_TOKEN_URL"), data=form)["access_token"]
        )
    finally:
        token_server.close()


def read_customers(job: Job, governor: Governor) -> list[Customer]:
    """Load the customer tree; return the enabled customers that have ads."""
    root = digits(job.setting("GOOGLE_ADS_LOGIN_CUSTOMER_ID"))
    rows = search(governor, root, TREE_QUERY)
    columns = pluck(
        rows,
        {
            "customer_id": "customerClient.id",
            "name": "customerClient.descriptiveName",
            "currency": "customerClient.currencyCode",
            "timezone_name": "customerClient.timeZone",
            "is_manager": "customerClient.manager",
            "status": "customerClient.status",
        },
    )
    # false is a default value, and those are left out of the answer
    columns["is_manager"] = [bool(value) for value in columns["is_manager"]]
    job.add(CUSTOMERS, columns, raw=rows)
    clients = [row["customerClient"] for row in rows]
    return [
        Customer(str(client["id"]), ZoneInfo(client["timeZone"]))
        for client in clients
        if not client.get("manager") and client.get("status") == "ENABLED"
    ]


def read_entities(job: Job, governor: Governor, customer: Customer) -> None:
    """Load campaigns, ad groups and ads of a customer."""
    for report in ENTITY_REPORTS:
        rows = search(governor, customer.customer_id, report.query())
        columns = pluck(rows, report.paths)
        columns["customer_id"] = [customer.customer_id] * len(rows)
        if "daily_budget" in columns:
            columns["daily_budget"] = [
                units_of_micros(micros) for micros in columns["daily_budget"]
            ]
        job.add(report.table, columns, raw=rows)


def read_stats(job: Job, governor: Governor, customers: Sequence[Customer]) -> None:
    """Read the days of every customer that are new or can still change."""
    tasks: list[Task] = []
    lock = threading.Lock()

    def plan(customer: Customer) -> None:
        lookback_days = conversion_lookback_days(governor, customer)
        planned = list(tasks_of(job, customer, lookback_days))
        with lock:
            tasks.extend(planned)

    job.each(customers, plan)
    job.plan(len(tasks))
    job.each(tasks, lambda task: read_window(job, governor, task))


def tasks_of(job: Job, customer: Customer, lookback_days: int) -> list[Task]:
    """Return the windows of all reports of a customer that are due."""
    today = job.now.astimezone(customer.zone).date()
    since = max(job.since, today - timedelta(days=RETENTION_DAYS))
    if since > today:
        return []
    wanted = Window(since, today)
    return [
        Task(customer, report, window)
        for report in STATS_REPORTS
        for window in windows_of(
            job.coverage(report.table.name, customer.customer_id).days_to_read(
                wanted, lookback_days
            ),
            WINDOW_DAYS,
        )
    ]


def conversion_lookback_days(governor: Governor, customer: Customer) -> int:
    """Return the longest window of the customer's conversion actions, 30 to 90 days."""
    try:
        rows = search(governor, customer.customer_id, CONVERSION_WINDOW_QUERY)
    except AuthError:
        raise
    except TerminalError:
        return LONGEST_LOOKBACK_DAYS
    actions = [row.get("conversionAction", {}) for row in rows]
    days = [
        int(action.get(name) or 0)
        for action in actions
        for name in ("clickThroughLookbackWindowDays", "viewThroughLookbackWindowDays")
    ]
    longest = max(days, default=0) or LONGEST_LOOKBACK_DAYS
    return min(max(longest, SHORTEST_LOOKBACK_DAYS), LONGEST_LOOKBACK_DAYS)


def read_window(job: Job, governor: Governor, task: Task) -> None:
    """Read one window; a stream that breaks off is read again in two halves."""
    customer, report, window = task.customer, task.report, task.window
    try:
        rows = search(
            governor,
            customer.customer_id,
            report.query(window),
            is_large=window.day_count > 1,
        )
    except TooMuchDataError:
        if window.day_count == 1:
            raise
        halves = window.halves()
        job.plan(len(halves) - 1)
        for half in halves:
            read_window(job, governor, Task(customer, report, half))
        return
    columns = pluck(rows, report.paths)
    columns["customer_id"] = [customer.customer_id] * len(rows)
    # proto JSON leaves zeros out
    for name in (*METRICS, "view_through_conversions"):
        if name in columns:
            columns[name] = [0 if value is None else value for value in columns[name]]
    parts = [(customer.customer_id, day) for day in window.days()]
    job.add(report.table, columns, raw=rows, parts=parts)
    read_on: date = job.now.astimezone(customer.zone).date()
    job.mark(report.table.name, customer.customer_id, window, read_on)
    job.done()


def search(
    governor: Governor, customer_id: str, query: str, *, is_large: bool = False
) -> list[dict[str, Any]]:
    """Return the rows of a query: the results of all chunks of the stream."""
    path = f"/customers/{customer_id}/googleAds:searchStream"
    chunks = governor.post(path, json={"query": query}, is_large=is_large)
    return [row for chunk in chunks for row in chunk.get("results", ())]


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


def classify_token_error(response: httpx.Response) -> RemoteError | None:
    """Return what a refusal of the token server means."""
    if response.status_code not in {400, 401}:
        return None
    try:
        reason = str(response.json().get("error", ""))
    except (ValueError, AttributeError):
        return None
    return AuthError(
        f"Google gave no access token: {reason}",
        hint="check GOOGLE_ADS_CLIENT_ID, GOOGLE_ADS_CLIENT_SECRET and GOOGLE_ADS_REFRESH_TOKEN",
        # not 401: renewing a token that cannot be renewed would not end
        status_code=400,
    )


def classify(response: httpx.Response) -> RemoteError | None:
    """Return what a GoogleAdsFailure means for the caller."""
    if response.status_code < 400:
        return None
    error = failure_of(response)
    kinds = dict(error_codes(error))
    message = f"Google Ads refused: {first_message(error)}"
    status = response.status_code
    if "quotaError" in kinds or status == 429:
        wait = retry_delay_seconds(error)
        return TransientError(
            f"{message} ({kinds.get('quotaError', 'quota')})",
            status_code=status,
            retry_after_seconds=wait,
        )
    if status == 401 or "authenticationError" in kinds:
        is_expired = kinds.get("authenticationError") in RENEWABLE
        return AuthError(
            message,
            hint="check the GOOGLE_ADS_... settings",
            status_code=401 if is_expired else 403,
        )
    if "internalError" in kinds or status >= 500:
        return TransientError(message, status_code=status)
    if "authorizationError" in kinds:
        return AuthError(message, hint="check the rights of the login customer", status_code=403)
    return error_of_status("Google Ads", response) if not error else TerminalError(message)


def failure_of(response: httpx.Response) -> dict[str, Any]:
    """Return the error object; on a stream it is inside of an array."""
    try:
        body = response.json()
    except ValueError:
        return {}
    first = body[0] if isinstance(body, list) and body else body
    error = first.get("error", {}) if isinstance(first, dict) else {}
    return error if isinstance(error, dict) else {}


def errors_of(error: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the single errors inside of a failure."""
    return [entry for detail in error.get("details", ()) for entry in detail.get("errors", ())]


def error_codes(error: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return kind and name of every error."""
    return [
        (kind, name)
        for entry in errors_of(error)
        for kind, name in entry.get("errorCode", {}).items()
    ]


def first_message(error: Mapping[str, Any]) -> str:
    """Return the first text that says what is wrong."""
    messages = [str(entry.get("message", "")) for entry in errors_of(error)]
    return next((text for text in messages if text), str(error.get("message", "no reason given")))


def retry_delay_seconds(error: Mapping[str, Any]) -> float | None:
    """Return the longest wait asked for; the field looks like "40591s"."""
    delays = [
        entry.get("details", {}).get("quotaErrorDetails", {}).get("retryDelay", "")
        for entry in errors_of(error)
    ]
    seconds = [float(text[:-1]) for text in delays if re.fullmatch(r"[0-9.]+s", text)]
    return max(seconds, default=None)


SOURCE = Source(
    tables=TABLES,
    settings=(
        "GOOGLE_ADS_BASE_URL",
        "GOOGLE_ADS_TOKEN_URL",
        "GOOGLE_ADS_DEVELOPER_TOKEN",
        "GOOGLE_ADS_CLIENT_ID",
        "GOOGLE_ADS_CLIENT_SECRET",
        "GOOGLE_ADS_REFRESH_TOKEN",
        "GOOGLE_ADS_LOGIN_CUSTOMER_ID",
    ),
    collect=collect,
)
