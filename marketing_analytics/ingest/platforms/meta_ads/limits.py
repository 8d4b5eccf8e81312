"""What Meta's error codes and usage headers ask for: retry, wait, less data, or a login.

Marketing API, "Insights error codes" and "Rate limiting", version 26.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from marketing_analytics.core.errors import (
    AuthError,
    RemoteError,
    TerminalError,
    TransientError,
)
from marketing_analytics.core.http import retry_after_seconds
from marketing_analytics.ingest.engine.governor import AccountError, TooMuchDataError

if TYPE_CHECKING:
    import httpx

THROTTLE_CODES = frozenset({4, 17, 32, 613, *range(80000, 80015)})
# 2601: a report that is complete cannot be reached for a moment
TRANSIENT_CODES = frozenset({1, 2, 341, 2601})
# the report run failed; a new one may not
FAILED_REPORT = (-2, 2490547)
# "object does not exist, or no permission": of an account that is meant, of a report it passes
NO_SUCH_OBJECT = (100, 33)
TOO_MUCH_SUBCODES = frozenset({1487534, 1504018, 1504038})
LOGIN_HINT = "log in again and set META_ADS_ACCESS_TOKEN"
# lists of what is advertised; all other calls read reports
MANAGED = ("/adaccounts", "/campaigns", "/adsets", "/ads")
UNKNOWN_WAIT_SECONDS = 300.0


def classify(response: httpx.Response) -> RemoteError | None:
    """Return what an error code of Meta means for the caller."""
    if response.status_code < 400:
        return None
    try:
        error = response.json()["error"]
        code, subcode = int(error["code"]), int(error.get("error_subcode") or 0)
    except (ValueError, KeyError, TypeError):
        return None
    status = response.status_code
    message = f"Meta refused: {error.get('message', '')} (code {code})"
    if code in THROTTLE_CODES:
        wait = retry_after_seconds(response.headers.get("Retry-After"))
        if wait is None:
            wait = regain_seconds(response) or UNKNOWN_WAIT_SECONDS
        return TransientError(message, status_code=status, retry_after_seconds=wait)
    if code == 190:
        return AuthError(message, hint=LOGIN_HINT, status_code=status)
    is_missing = (code, subcode) == NO_SUCH_OBJECT
    if is_missing or code == 10 or 200 <= code <= 299:
        return refusal(response, message, is_missing=is_missing)
    if is_too_much(code, subcode, message):
        return TooMuchDataError(message, status_code=status)
    if code in TRANSIENT_CODES or error.get("is_transient"):
        return TransientError(message, status_code=status)
    return TerminalError(message, status_code=status)


def is_too_much(code: int, subcode: int, message: str) -> bool:
    """Return whether less would be answered: fewer days, fewer rows."""
    says_so = "reduce the amount of data" in message.lower()
    return subcode in TOO_MUCH_SUBCODES or (code, subcode) == FAILED_REPORT or says_so


def refusal(response: httpx.Response, message: str, *, is_missing: bool) -> RemoteError:
    """Return what a missing right means: for one account, for the token, or for a moment."""
    status = response.status_code
    if "/act_" in response.request.url.path:
        hint = "give the token ads_read on it, or leave it out with META_ADS_ACCOUNT_IDS"
        return AccountError(message, hint=hint, status_code=status)
    if is_missing:
        return TransientError(message, status_code=status)
    return AuthError(message, hint="give the token the right ads_read", status_code=status)


def usage_records(response: httpx.Response) -> Iterator[dict[str, Any]]:
    """Yield the usage records of the headers that count calls like this one.

    A record of a business has a type: the budget of another kind of call is not used up by this.
    """
    path = response.request.url.path
    kind = "ads_management" if path.endswith(MANAGED) else "ads_insights"
    names = ("x-app-usage", "x-ad-account-usage")
    for name in (*names, *(["x-fb-ads-insights-throttle"] if kind == "ads_insights" else [])):
        yield from records_of(response.headers.get(name))
    for record in records_of(response.headers.get("x-business-use-case-usage")):
        if record.get("type") in (None, kind):
            yield record


def records_of(header: str | None) -> Iterator[dict[str, Any]]:
    """Yield the usage records of one header, nested or not."""
    try:
        value = json.loads(header or "{}")
    except ValueError:
        return
    if not isinstance(value, dict):
        return
    lists = [entry for entry in value.values() if isinstance(entry, list)]
    yield from (record for entries in lists for record in entries if isinstance(record, dict))
    if not lists:
        yield value


def regain_seconds(response: httpx.Response) -> float:
    """Return the longest wait any record names; the header has minutes."""
    name = "estimated_time_to_regain_access"
    return max((number(record.get(name)) for record in usage_records(response)), default=0.0) * 60


def pause_of(response: httpx.Response) -> float:
    """Return how long to let the account rest, from the usage headers, in seconds."""
    if response.status_code >= 400:
        return 0.0
    used = max((used_percent(record) for record in usage_records(response)), default=0.0)
    if used < 75:
        return 0.0
    if used < 95:
        return (used - 75) / 10
    return regain_seconds(response) or 30.0


def used_percent(record: Mapping[str, Any]) -> float:
    """Return the share of the budget that is used most, in percent."""
    names = ("call_count", "total_cputime", "total_time", "app_id_util_pct", "acc_id_util_pct")
    return max(number(record.get(name)) for name in names)


def number(value: Any) -> float:
    """Return a number of a header, 0 for anything else."""
    return float(value) if isinstance(value, int | float) else 0.0
