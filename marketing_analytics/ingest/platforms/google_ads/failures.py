"""What Google Ads means by a refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from marketing_analytics.core.errors import (
    AuthError,
    RemoteError,
    TerminalError,
    TransientError,
)
from marketing_analytics.ingest.engine.governor import AccountError, error_of_status

if TYPE_CHECKING:
    import httpx

CHOICE = "GOOGLE_ADS_CUSTOMER_IDS"
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


def error_in_stream(error: dict[str, Any], path: str) -> RemoteError:
    """Return what an error among the chunks of a stream means; the status came before it."""
    code = error.get("code")
    found = meaning(error, int(code) if isinstance(code, int) else 500, path)
    return found or TerminalError(f"Google Ads refused: {first_message(error)}")


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
