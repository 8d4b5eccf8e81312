"""What HubSpot's refusals mean: wait some seconds, come back tomorrow, log in, add a scope.

developers.hubspot.com: "API usage guidelines and limits", "Error handling".
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from marketing_analytics.core.errors import AuthError, RemoteError, TransientError
from marketing_analytics.core.http import retry_after_seconds
from marketing_analytics.ingest.engine.governor import AccountError, Governor

if TYPE_CHECKING:
    import httpx

# how long a limit lasts where no Retry-After says it
POLICY_SECONDS = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0}
UNKNOWN_WAIT_SECONDS = 10.0
# the day ends at midnight in the account's own zone, which the answer does not name
SHORTEST_DAY_WAIT_SECONDS = 3600.0
# searches: five a second for all apps of an account; one is left to the others
SEARCH_INTERVAL_SECONDS = 0.25
# beside the usual ones: migrating (477), too busy (523 to 530)
FLEETING = frozenset({477, 521, 522, 523, 524, 530})


def classify(response: httpx.Response) -> RemoteError | None:
    """Return what an error of HubSpot means for the caller."""
    status = response.status_code
    if status < 400:
        return None
    body = body_of(response)
    category, message = str(body.get("category") or ""), str(body.get("message") or "")
    if status == 429:
        return over_limit(response, str(body.get("policyName") or ""))
    if status in FLEETING:
        wait = retry_after_seconds(response.headers.get("Retry-After"))
        text = f"HubSpot is not ready (HTTP {status})"
        return TransientError(text, status_code=status, retry_after_seconds=wait)
    if status == 401:
        hint = "create a token in the private app and set HUBSPOT_ACCESS_TOKEN"
        word = "has expired" if category == "EXPIRED_AUTHENTICATION" else "is not accepted"
        return AuthError(f"HubSpot refused: the token {word}", hint=hint, status_code=status)
    if status == 403:
        # of one kind of objects: the others can be read
        return AccountError(
            f"HubSpot refused {response.request.url.path}: {message or category or 'no access'}",
            hint="give the private app the scope (docs/platforms/hubspot.md), or leave it out of "
            "HUBSPOT_OBJECTS",
            status_code=status,
        )
    return None


def body_of(response: httpx.Response) -> dict[str, object]:
    """Return the error body, empty where it is none."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def over_limit(response: httpx.Response, policy: str) -> TransientError:
    """Return how long to wait after too many calls; the rest of a day is not waited for."""
    asked = retry_after_seconds(response.headers.get("Retry-After"))
    if policy == "DAILY":
        wait = asked if asked is not None else seconds_left_of_day(datetime.now(UTC))
        message = "HubSpot's calls of the day are used up"
        wait = max(wait, SHORTEST_DAY_WAIT_SECONDS)
        return TransientError(message, status_code=429, retry_after_seconds=wait)
    wait = asked if asked is not None else POLICY_SECONDS.get(policy, UNKNOWN_WAIT_SECONDS)
    message = f"HubSpot allows no more calls for now ({policy or 'no policy named'})"
    return TransientError(message, status_code=429, retry_after_seconds=wait)


def seconds_left_of_day(now: datetime) -> float:
    """Return the seconds to the next midnight in UTC."""
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - now).total_seconds()


class SearchPace:
    """Lets searches go one after the other, some time apart; safe to share by threads."""

    def __init__(self, governor: Governor) -> None:
        self._governor = governor
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Wait for the next turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + SEARCH_INTERVAL_SECONDS
        if turn > now:
            self._governor.sleep(turn - now)
