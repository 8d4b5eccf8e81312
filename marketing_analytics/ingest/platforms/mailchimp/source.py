"""Mailchimp: campaigns, classic automations, what every recipient did, audiences and members.

Automation e-mails are campaigns too: their id is used like a campaign id.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING

from marketing_analytics.core.errors import (
    AuthError,
    RemoteError,
    TransientError,
    UserError,
)
from marketing_analytics.ingest.engine.governor import Governor
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.platforms.mailchimp.audiences import read_audiences
from marketing_analytics.ingest.platforms.mailchimp.choice import CHOICE
from marketing_analytics.ingest.platforms.mailchimp.mailings import read_mailings
from marketing_analytics.ingest.platforms.mailchimp.tables import TABLES

if TYPE_CHECKING:
    import httpx

# Mailchimp allows ten connections per user; two are left to the others
MAX_CONNECTIONS = 8


def open_governor(job: Job) -> Governor:
    """Return what asks Mailchimp, with the key."""
    return Governor(
        "Mailchimp",
        base_url(job.settings),
        setting="MAILCHIMP_BASE_URL",
        limits=job.limits,
        stop=job.stop,
        classify=classify,
        on_wait=job.notes.put,
        headers=access_headers(job.setting("MAILCHIMP_API_KEY")),
        max_connections=MAX_CONNECTIONS,
    )


def collect(job: Job) -> None:
    """Read campaigns and automations, and then the audiences; a backfill needs no audiences."""
    with closing(open_governor(job)) as governor:
        read_mailings(job, governor, MAX_CONNECTIONS)
        if not job.backfill:
            read_audiences(job, governor)


def check(job: Job) -> list[tuple[str, str]]:
    """Ask whether the key is good; it is of one account, which needs no name."""
    with closing(open_governor(job)) as governor:
        governor.get("/ping")
    return [("", "the account of the key")]


def base_url(settings: Mapping[str, str]) -> str:
    """Return the address of the API; the key names its data centre after the last dash."""
    if given := settings.get("MAILCHIMP_BASE_URL"):
        return given
    data_centre = settings.get("MAILCHIMP_API_KEY", "").rpartition("-")[2]
    if not data_centre.isalnum() or len(data_centre) > 8:
        raise UserError(
            "MAILCHIMP_API_KEY does not end with its data centre",
            hint="copy the whole key, it ends like -us21, or set MAILCHIMP_BASE_URL",
        )
    return f"https://{data_centre}.api.mailchimp.com/3.0"


def access_headers(api_key: str) -> dict[str, str]:
    """Return the headers of a call; any user name goes with the key."""
    import base64

    code = base64.b64encode(f"marketing:{api_key}".encode()).decode()
    return {"Authorization": f"Basic {code}"}


def classify(response: httpx.Response) -> RemoteError | None:
    """Return what a refusal of Mailchimp means.

    Too many connections give 429, and sometimes 403 or 503 with a page instead of JSON.
    """
    status = response.status_code
    is_json = "json" in response.headers.get("Content-Type", "")
    if status == 403 and not is_json:
        return TransientError("Mailchimp refused: too many requests", status_code=status)
    if status not in {401, 403}:
        return None
    return AuthError(
        f"Mailchimp refused: {title_of(response)}",
        hint="check MAILCHIMP_API_KEY",
        status_code=status,
    )


def title_of(response: httpx.Response) -> str:
    """Return what a problem is called."""
    try:
        return str(response.json()["title"])
    except (ValueError, KeyError, TypeError):
        return "no access"


SOURCE = Source(
    tables=TABLES,
    settings=("MAILCHIMP_API_KEY",),
    optional_settings=("MAILCHIMP_BASE_URL", CHOICE),
    collect=collect,
    options={"audiences": CHOICE},
    restates="campaigns of 90 days",
    has_days=True,
    # the year in which Mailchimp began
    oldest_day=date(2001, 1, 1),
    address=base_url,
    check=check,
)
