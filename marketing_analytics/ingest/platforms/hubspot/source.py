"""HubSpot: CRM objects with their associations, pipelines and owners; marketing and workflows.

Each kind of objects is an island: a token without the scope of one reads the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.access.settings import names_in
from marketing_analytics.ingest.engine.governor import Governor
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.platforms.hubspot.limits import SearchPace, classify
from marketing_analytics.ingest.platforms.hubspot.marketing import (
    read_campaigns,
    read_deal_stages,
    read_emails,
    read_owners,
    read_properties,
    read_workflows,
)
from marketing_analytics.ingest.platforms.hubspot.objects import ObjectReader
from marketing_analytics.ingest.platforms.hubspot.tables import OBJECT_TYPES, TABLES

DEFAULT_BASE_URL = "https://api.hubapi.com"
DEFAULT_WHOLE_DAYS = 7
LISTS: Mapping[str, Callable[[Job, Governor], None]] = {
    "properties": read_properties,
    "owners": read_owners,
    "pipelines": read_deal_stages,
    "campaigns": read_campaigns,
    "emails": read_emails,
    "workflows": read_workflows,
}


def address(settings: Mapping[str, str]) -> str:
    """Return where the API is."""
    return settings.get("HUBSPOT_BASE_URL") or DEFAULT_BASE_URL


def open_governor(job: Job) -> Governor:
    """Return what asks HubSpot, with the token."""
    return Governor(
        "HubSpot",
        address(job.settings),
        setting="HUBSPOT_BASE_URL",
        limits=job.limits,
        stop=job.stop,
        classify=classify,
        on_wait=job.notes.put,
        headers={"Authorization": f"Bearer {job.setting('HUBSPOT_ACCESS_TOKEN')}"},
    )


def check(job: Job) -> list[tuple[str, str]]:
    """Ask for one contact; a token is of one account."""
    with closing(open_governor(job)) as governor:
        governor.get("/crm/v3/objects/contacts", {"limit": "1"})
    return [("", "the account of the token")]


def collect(job: Job) -> None:
    """Read all kinds of objects that are asked for, side by side."""
    governor = open_governor(job)
    wanted = chosen(job.settings)
    pace = SearchPace(governor)
    whole_days = reread_days(job.settings)
    readers: dict[str, Callable[[], None]] = {}
    for kind in OBJECT_TYPES:
        readers[kind.name] = ObjectReader(job, governor, pace, kind, whole_days).read
    for name, read in LISTS.items():
        readers[name] = list_reader(job, governor, read)
    try:
        job.plan(len(wanted))
        job.each([readers[name] for name in wanted], lambda read: read())
    finally:
        governor.close()


def list_reader(
    job: Job, governor: Governor, read: Callable[[Job, Governor], None]
) -> Callable[[], None]:
    """Return the reading of a list, counted once it is done."""

    def read_one() -> None:
        read(job, governor)
        job.done()

    return read_one


def chosen(settings: Mapping[str, str]) -> list[str]:
    """Return the kinds of objects to read: HUBSPOT_OBJECTS, or all. Raise UserError."""
    known = [*(kind.name for kind in OBJECT_TYPES), *LISTS]
    wanted = names_in(settings.get("HUBSPOT_OBJECTS", ""))
    if unknown := [name for name in wanted if name not in known]:
        raise UserError(
            f"HUBSPOT_OBJECTS names {unknown[0]!r}", hint=f"a comma list of: {', '.join(known)}"
        )
    return [name for name in known if name in wanted] or known


def reread_days(settings: Mapping[str, str]) -> int:
    """Return after how many days whole lists are read again. Raise UserError."""
    text = settings.get("HUBSPOT_REREAD_DAYS") or str(DEFAULT_WHOLE_DAYS)
    if not text.isdecimal():
        raise UserError(
            f"HUBSPOT_REREAD_DAYS is not a number of days: {text!r}", hint="write it like 7"
        )
    return int(text)


SOURCE = Source(
    tables=TABLES,
    settings=("HUBSPOT_ACCESS_TOKEN",),
    optional_settings=("HUBSPOT_OBJECTS", "HUBSPOT_REREAD_DAYS", "HUBSPOT_BASE_URL"),
    collect=collect,
    options={"objects": "HUBSPOT_OBJECTS"},
    restates="what changed; lists as a whole now and then",
    address=address,
    value_checks={
        "HUBSPOT_OBJECTS": lambda name, text: chosen({name: text}),
        "HUBSPOT_REREAD_DAYS": lambda name, text: reread_days({name: text}),
    },
    check=check,
)
