"""SendGrid: daily statistics, suppressions, and the events that its webhook delivered.

Every list of every account is an island: a right that the key lacks costs one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from marketing_analytics.core.errors import AuthError, TerminalError
from marketing_analytics.ingest.access.settings import shaped
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.source import Receiver, Source
from marketing_analytics.ingest.platforms.sendgrid.access import (
    address,
    build_governor,
    readable_ids,
)
from marketing_analytics.ingest.platforms.sendgrid.events import load_events
from marketing_analytics.ingest.platforms.sendgrid.signature import public_keys
from marketing_analytics.ingest.platforms.sendgrid.stats import (
    read_category_stats,
    read_daily_stats,
)
from marketing_analytics.ingest.platforms.sendgrid.suppressions import PATHS, read_suppressions
from marketing_analytics.ingest.platforms.sendgrid.tables import TABLES


@dataclass(frozen=True)
class Island:
    """Something of an account that is read for itself."""

    account_id: str
    name: str
    read: Callable[[], None]


# the key itself, not a right
UNKNOWN_KEY = 401


def collect(job: Job) -> None:
    """Load the events that have landed, and read everything else of the accounts."""
    if not job.backfill:
        load_events(job)
    with ExitStack() as stack:
        islands: list[Island] = []
        for account_id in readable_ids(job):
            governor = build_governor(job, account_id)
            stack.callback(governor.close)
            asked = (job, governor, account_id)
            islands.append(Island(account_id, "daily_stats", partial(read_daily_stats, *asked)))
            islands.append(
                Island(account_id, "category_stats", partial(read_category_stats, *asked))
            )
            islands += [
                Island(account_id, kind, partial(read_suppressions, *asked, kind)) for kind in PATHS
            ]
        job.each(islands, lambda island: read_island(job, island))


def check(job: Job) -> list[tuple[str, str]]:
    """Ask every account for a day of its statistics."""
    found = []
    for account_id in readable_ids(job):
        with closing(build_governor(job, account_id)) as governor:
            day = job.now.date()
            try:
                governor.get("/stats", {"start_date": str(day), "aggregated_by": "day"})
            except AuthError as error:
                if error.status_code == UNKNOWN_KEY:
                    raise
                job.lose(account_id, error)
            else:
                found.append((account_id, ""))
    return found


def read_island(job: Job, island: Island) -> None:
    """Read one of them; a missing right is noted, a wrong key ends them all."""
    try:
        island.read()
    except TerminalError as error:
        if error.status_code == UNKNOWN_KEY:
            raise
        error.message = f"{island.name} of account {island.account_id}: {error.message}"
        job.fail(error)


def build_receiver(settings: Mapping[str, str]) -> Any:
    """Return the application that receives events; the web server is slow to import."""
    from marketing_analytics.ingest.platforms.sendgrid import receiver

    return receiver.Receiver(settings).app


SOURCE = Source(
    tables=TABLES,
    settings=("SENDGRID_API_KEY",),
    optional_settings=(
        "SENDGRID_BASE_URL",
        "SENDGRID_SUBUSERS",
        "SENDGRID_EVENTS_PATH",
        "SENDGRID_EVENTS_KEEP_DAYS",
        "SENDGRID_CUSTOM_ARGS",
        "SENDGRID_WEBHOOK_PUBLIC_KEY",
    ),
    collect=collect,
    options={"subusers": "SENDGRID_SUBUSERS"},
    restates="7 days, suppressions as a whole",
    has_days=True,
    # the year in which SendGrid began
    oldest_day=date(2009, 1, 1),
    value_checks={
        "SENDGRID_EVENTS_KEEP_DAYS": shaped(r"\d+", "30"),
        "SENDGRID_WEBHOOK_PUBLIC_KEY": lambda _, text: public_keys(text),
    },
    address=address,
    check=check,
    receiver=Receiver(("SENDGRID_WEBHOOK_PUBLIC_KEY", "SENDGRID_EVENTS_PATH"), build_receiver),
)
