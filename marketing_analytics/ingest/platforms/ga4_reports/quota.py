"""The quota of the Data API: what is left, when it is full again, what a refusal means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from marketing_analytics.core.errors import (
    EXIT_FAILED,
    AuthError,
    RemoteError,
    TerminalError,
    TransientError,
)
from marketing_analytics.ingest.access.google import error_of
from marketing_analytics.ingest.engine.governor import AccountError

if TYPE_CHECKING:
    import httpx

HOUR_SECONDS = 3600.0
# days of the quota begin here
PACIFIC = ZoneInfo("America/Los_Angeles")
HOURLY = ("tokensPerHour", "tokensPerProjectPerHour")
# when this many requests are left in the hour, they are spread
FEW_REQUESTS = 20
SLOW_SECONDS = 2.0
ALL_BUSY_SECONDS = 1.0


class SpentError(AccountError):
    """The quota of a property is used up; the others may have some left."""

    exit_code = EXIT_FAILED


def seconds_to_wait(quota: Mapping[str, Any]) -> float:
    """Return how long the next request should wait, by what the last answer said."""
    if left_of(quota, "tokensPerDay") < 1:
        return seconds_of_day()
    hourly = min(left_of(quota, bucket) for bucket in HOURLY)
    if hourly < 1:
        return HOUR_SECONDS
    if hourly < FEW_REQUESTS:
        return SLOW_SECONDS
    busy = quota.get("concurrentRequests")
    is_busy = isinstance(busy, dict) and busy.get("remaining", 0) == 0
    return ALL_BUSY_SECONDS if is_busy else 0.0


def left_of(quota: Mapping[str, Any], bucket: str) -> float:
    """Return how many requests like the last one a bucket is good for."""
    found = quota.get(bucket)
    if not isinstance(found, dict):
        return float("inf")
    # proto JSON leaves zeros out
    remaining, consumed = found.get("remaining", 0), found.get("consumed", 0)
    if not isinstance(remaining, int) or not isinstance(consumed, int):
        return float("inf")
    return remaining / max(consumed, 1)


def seconds_of_day(now: datetime | None = None) -> float:
    """Return the time until the next day of the quota begins."""
    here = (now or datetime.now(UTC)).astimezone(PACIFIC)
    midnight = (here + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight.astimezone(UTC) - here.astimezone(UTC)).total_seconds()


def classify(response: httpx.Response) -> RemoteError | None:
    """Return what a refusal means for the caller."""
    status = response.status_code
    error = error_of(response) if status >= 400 else {}
    if not error:
        return None
    said = str(error.get("message", "no reason given"))
    message = f"Google Analytics refused: {said}"
    if status == 429:
        wait = retry_delay_seconds(error)
        return TransientError(
            message,
            status_code=status,
            retry_after_seconds=wait if wait is not None else seconds_of_bucket(said),
        )
    if status >= 500 and status != 501:
        return TransientError(message, status_code=status)
    if status == 401:
        return AuthError(message, hint="check the access settings", status_code=status)
    if status == 403 and is_of_project(error):
        return AuthError(message, hint="enable the Analytics Data API of the project")
    if status in {403, 404}:
        hint = "give the account the role Viewer on the property, or check GA4_PROPERTY_IDS"
        return AccountError(message, hint=hint, status_code=status)
    return TerminalError(message, status_code=status)


def is_of_project(error: Mapping[str, Any]) -> bool:
    """Return whether a refusal is of the project that asks, not of the property."""
    details = error.get("details")
    reasons = {d.get("reason") for d in details or () if isinstance(d, dict)}
    return bool(
        reasons & {"SERVICE_DISABLED", "CONSUMER_INVALID", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}
    )


def retry_delay_seconds(error: Mapping[str, Any]) -> float | None:
    """Return the wait that a refusal asks for; the field looks like "30s"."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        text = str(detail.get("retryDelay", "")) if isinstance(detail, dict) else ""
        if re.fullmatch(r"[0-9.]+s", text):
            return float(text[:-1])
    return None


def seconds_of_bucket(message: str) -> float | None:
    """Return when the bucket that a message names is full again; None for a short wait."""
    if "per day" in message:
        return seconds_of_day()
    return HOUR_SECONDS if "per hour" in message else None
