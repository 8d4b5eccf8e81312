"""How SendGrid is asked: its address, whose account, and what its refusals mean."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from marketing_analytics.core.errors import AuthError, RemoteError, TerminalError, TransientError
from marketing_analytics.ingest.access.settings import names_in
from marketing_analytics.ingest.engine.governor import AccountError, Governor
from marketing_analytics.ingest.engine.job import Job

if TYPE_CHECKING:
    import httpx

DEFAULT_ADDRESS = "https://api.sendgrid.com/v3"
# the account that the key belongs to; the others are its subusers
OWN_ACCOUNT = "main"
REFUSED = 403


def address(settings: Mapping[str, str]) -> str:
    """Return where the API is."""
    return settings.get("SENDGRID_BASE_URL") or DEFAULT_ADDRESS


def account_ids(job: Job) -> list[str]:
    """Return the key's own account and the subusers asked for."""
    return [OWN_ACCOUNT, *distinct_names(job.settings.get("SENDGRID_SUBUSERS", ""))]


def readable_ids(job: Job) -> list[str]:
    """Return the accounts that the key may ask for; a subuser that is none is lost."""
    found = []
    for account_id in account_ids(job):
        try:
            if account_id != OWN_ACCOUNT:
                with closing(build_governor(job, account_id, shape=dict)) as governor:
                    # taken to need no right of the key
                    governor.get("/scopes")
        except AuthError as error:
            if error.status_code != REFUSED:
                raise
            why = "SendGrid does not let the key act for it"
            hint = "check the names in SENDGRID_SUBUSERS; the key must be of their parent account"
            job.lose(account_id, AccountError(why, hint=hint), "subuser")
        else:
            found.append(account_id)
    return found


def distinct_names(text: str) -> list[str]:
    """Return the names of a comma list, each once."""
    return list(dict.fromkeys(names_in(text)))


def build_governor(job: Job, account_id: str, shape: type = list) -> Governor:
    """Return what sends the requests for one account."""
    headers = {"Authorization": f"Bearer {job.setting('SENDGRID_API_KEY')}"}
    if account_id != OWN_ACCOUNT:
        headers["on-behalf-of"] = account_id
    return Governor(
        "SendGrid",
        address(job.settings),
        setting="SENDGRID_BASE_URL",
        limits=job.limits,
        stop=job.stop,
        classify=classify,
        on_wait=job.notes.put,
        headers=headers,
        shape=shape,
    )


def classify(response: httpx.Response) -> RemoteError | None:
    """Return what a refusal of SendGrid means."""
    status = response.status_code
    if status == 429:
        return TransientError(
            "too many requests",
            status_code=status,
            retry_after_seconds=seconds_to_reset(response.headers),
        )
    if status == 401:
        return AuthError(
            f"SendGrid refused the key: {said_in(response)}",
            hint="check SENDGRID_API_KEY, and SENDGRID_BASE_URL for an account in the EU",
            status_code=status,
        )
    if status == REFUSED:
        return AuthError(
            f"SendGrid refused {response.request.url.path}: {said_in(response)}",
            hint="give the key the right to read it (Settings > API Keys); the rest is loaded",
            status_code=status,
        )
    if status in {400, 404}:
        return TerminalError(
            f"SendGrid refused {response.request.url.path}: {said_in(response)}",
            status_code=status,
        )
    return None


def seconds_to_reset(headers: httpx.Headers) -> float | None:
    """Return the wait until X-RateLimit-Reset, by SendGrid's own clock where it tells the time."""
    try:
        reset_at = float(headers["X-RateLimit-Reset"])
    except (KeyError, ValueError):
        return None
    try:
        now = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        now = time.time()
    return max(0.0, reset_at - now)


def said_in(response: httpx.Response) -> str:
    """Return the messages of an error."""
    try:
        return "; ".join(str(error["message"]) for error in response.json()["errors"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}"
