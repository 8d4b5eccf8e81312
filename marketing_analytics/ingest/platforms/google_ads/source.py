"""Google Ads: the customer tree, campaigns, ad groups, ads, and daily statistics.

Plain REST with `googleAds:searchStream`. Campaign statistics are the truth for spend:
Performance Max campaigns have no ads.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from marketing_analytics.core.errors import (
    AuthError,
    RemoteError,
    TerminalError,
    TransientError,
)
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
    Token,
    TooMuchDataError,
    error_of_status,
)
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.reading import Reader, Task
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import pluck
from marketing_analytics.ingest.engine.totals import day_amounts, reconciler
from marketing_analytics.ingest.engine.windows import Window, windows_of
from marketing_analytics.ingest.platforms.google_ads.reports import (
    CONVERSION_WINDOW_QUERY,
    CUSTOMERS,
    ENTITY_REPORTS,
    METRICS,
    STATS_REPORTS,
    TABLES,
    TOTALS_QUERY,
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

DEFAULT_ADDRESS = "https://googleads.googleapis.com/v26"
TOKEN_ADDRESS = "https://oauth2.googleapis.com/token"  # noqa: S105
CHOICE = "GOOGLE_ADS_CUSTOMER_IDS"
REPORTS = {report.table.name: report for report in STATS_REPORTS}
CUSTOMER_PATHS = {
    "customer_id": "customerClient.id",
    "name": "customerClient.descriptiveName",
    "currency": "customerClient.currencyCode",
    "timezone_name": "customerClient.timeZone",
    "is_manager": "customerClient.manager",
    "status": "customerClient.status",
}
# of one customer, though Google calls some of them errors of access
ACCOUNT_ERRORS = frozenset(
    {
        "ACTION_NOT_PERMITTED",
        "CUSTOMER_NOT_ACTIVE",
        "CUSTOMER_NOT_ENABLED",
        "CUSTOMER_NOT_FOUND",
        "USER_PERMISSION_DENIED",
    }
)

# answered by a new access token; every other reason is for a person
RENEWABLE = frozenset({None, "OAUTH_TOKEN_EXPIRED", "OAUTH_TOKEN_INVALID"})


def address(settings: Mapping[str, str]) -> str:
    """Return where the API is."""
    return settings.get("GOOGLE_ADS_BASE_URL") or DEFAULT_ADDRESS


def open_governor(job: Job) -> Governor:
    """Return what asks Google, with a token that is renewed."""
    return Governor(
        "Google Ads",
        address(job.settings),
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
        shape=list,
    )


def collect(job: Job) -> None:
    """Read every enabled customer under the login customer."""
    with closing(open_governor(job)) as governor:
        customers = read_customers(job, governor)
        lists = [(one, report) for one in customers for report in ENTITY_REPORTS]
        job.each_account(
            lists, lambda one: read_entities(job, governor, *one), lambda one: one[0].account_id
        )
        read_stats(job, governor, customers)


def check(job: Job) -> list[tuple[str, str]]:
    """Return the customers whose conversion windows can be read."""

    def read(customer: Account) -> None:
        conversion_lookback_days(governor, customer)

    with closing(open_governor(job)) as governor:
        customers = read_customers(job, governor)
        job.each_account(customers, read, lambda customer: customer.account_id)
    return [(one.account_id, one.name) for one in customers if one.account_id not in job.lost]


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
            token_server.post(
                job.settings.get("GOOGLE_ADS_TOKEN_URL") or TOKEN_ADDRESS, data=form
            ).get("access_token")
            or ""
        )
    finally:
        token_server.close()


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
    wanted = {digits(text) for text in job.settings.get(CHOICE, "").split(",") if text.strip()}
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
    rows = search(governor, customer.account_id, report.query())
    columns = pluck(rows, report.paths)
    columns["customer_id"] = [customer.account_id] * len(rows)
    if "daily_budget" in columns:
        columns["daily_budget"] = [units_of_micros(micros) for micros in columns["daily_budget"]]
    job.add(report.table, columns, raw=rows)


def read_stats(job: Job, governor: Governor, customers: Sequence[Account]) -> None:
    """Read the days of every customer that are new or can still change."""
    tasks: list[Task] = []
    lock = threading.Lock()

    def plan(customer: Account) -> None:
        lookback_days = conversion_lookback_days(governor, customer)
        planned = list(tasks_of(job, customer, lookback_days))
        with lock:
            tasks.extend(planned)

    job.each_account(customers, plan, lambda customer: customer.account_id)
    accounts = {customer.account_id: customer for customer in customers}
    reader = Reader(job, lambda task: read_window(job, governor, accounts[task.account_id], task))
    reader.read_all(tasks)


def tasks_of(job: Job, customer: Account, lookback_days: int) -> list[Task]:
    """Return the windows of all reports of a customer that are due."""
    today = job.now.astimezone(customer.zone).date()
    since = max(job.since, today - timedelta(days=RETENTION_DAYS))
    if since > today:
        return []
    tasks = []
    for name in REPORTS:
        coverage = job.coverage(name, customer.account_id)
        due = coverage.days_to_read(Window(since, today), lookback_days)
        tasks += [Task(customer.account_id, name, one) for one in windows_of(due, WINDOW_DAYS)]
    return tasks


def conversion_lookback_days(governor: Governor, customer: Account) -> int:
    """Return the longest window of the customer's conversion actions, 30 to 90 days."""
    try:
        rows = search(governor, customer.account_id, CONVERSION_WINDOW_QUERY)
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
    longest = max(days, default=0) or LONGEST_LOOKBACK_DAYS
    return min(max(longest, SHORTEST_LOOKBACK_DAYS), LONGEST_LOOKBACK_DAYS)


def read_window(job: Job, governor: Governor, customer: Account, task: Task) -> None:
    """Read one window of a report and keep it."""
    report, window = REPORTS[task.report], task.window
    rows = search(
        governor, customer.account_id, report.query(window), is_large=window.day_count > 1
    )
    columns = pluck(rows, report.paths)
    columns["customer_id"] = [customer.account_id] * len(rows)
    columns["currency"] = [customer.currency] * len(rows)
    columns["timezone_name"] = [customer.zone.key] * len(rows)
    # proto JSON leaves zeros out
    for name in (*METRICS, "view_through_conversions"):
        if name in columns:
            columns[name] = [0 if value is None else value for value in columns[name]]
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


def error_in_stream(error: dict[str, Any], path: str) -> RemoteError:
    """Return what an error among the chunks of a stream means; the status came before it."""
    code = error.get("code")
    found = meaning(error, int(code) if isinstance(code, int) else 500, path)
    return found or TerminalError(f"Google Ads refused: {first_message(error)}")


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
    """Return what an answer that is a refusal means for the caller."""
    if response.status_code < 400:
        return None
    error = failure_of(response)
    if not error and response.status_code not in {401, 429} and response.status_code < 500:
        return error_of_status("Google Ads", response)
    return meaning(error, response.status_code, response.request.url.path)


def meaning(error: Mapping[str, Any], status: int, path: str) -> RemoteError:
    """Return what a GoogleAdsFailure means for the caller; `path` says whom it hits."""
    kinds = dict(error_codes(error))
    message = f"Google Ads refused: {first_message(error)}"
    if "quotaError" in kinds or status == 429:
        return TransientError(
            f"{message} ({kinds.get('quotaError', 'quota')})",
            status_code=status,
            retry_after_seconds=retry_delay_seconds(error),
        )
    if ACCOUNT_ERRORS & set(kinds.values()) and "/customers/" in path:
        hint = f"give the login customer access, or choose others with {CHOICE}"
        return AccountError(message, hint=hint, status_code=status)
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
    return TerminalError(message, status_code=status)


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
    found = []
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        entries = detail.get("errors") if isinstance(detail, dict) else None
        found += [entry for entry in entries or () if isinstance(entry, dict)]
    return found


def error_codes(error: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return kind and name of every error."""
    codes = [entry.get("errorCode") for entry in errors_of(error)]
    return [pair for code in codes if isinstance(code, dict) for pair in code.items()]


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
        "GOOGLE_ADS_DEVELOPER_TOKEN",
        "GOOGLE_ADS_CLIENT_ID",
        "GOOGLE_ADS_CLIENT_SECRET",
        "GOOGLE_ADS_REFRESH_TOKEN",
        "GOOGLE_ADS_LOGIN_CUSTOMER_ID",
    ),
    optional_settings=("GOOGLE_ADS_BASE_URL", "GOOGLE_ADS_TOKEN_URL", CHOICE),
    collect=collect,
    options={"accounts": CHOICE},
    restates="the conversion window, 30 to 90 days",
    has_days=True,
    address=address,
    check=check,
)
