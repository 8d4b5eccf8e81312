"""Profiles: those that changed, and all of them once a week to find the ones that are gone.

A profile that is gone was deleted or merged: asked for by its old id, a merged one answers with
the id of the profile it became.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from marketing_analytics.core.errors import RemoteError
from marketing_analytics.ingest.engine.answers import part
from marketing_analytics.ingest.engine.governor import Governor
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.platforms.klaviyo.lists import Columns, columns_of
from marketing_analytics.ingest.platforms.klaviyo.tables import (
    MERGED_PROFILES,
    PROFILE_PATHS,
    PROFILES,
)

PAGE_SIZE = 100
WHOLE_READ_DAYS = 7
# what changes while it is read, and clocks that differ
OVERLAP = timedelta(hours=1)
# one request each; the rest is asked for by the next runs
MOST_GONE_ASKED = 1_000
PARAMS = {
    "page[size]": str(PAGE_SIZE),
    "additional-fields[profile]": "subscriptions",
    "fields[profile]": "email,phone_number,external_id,first_name,last_name,location,created,"
    "updated,last_event_date,subscriptions",
}


def read_profiles(job: Job, governor: Governor) -> None:
    """Read the profiles that changed, or all of them where that is due."""
    changed_since = changed_since_of(job)
    if changed_since:
        read_changed(job, governor, changed_since)
    else:
        read_whole(job, governor)
    resolve_gone(job, governor)


def changed_since_of(job: Job) -> str:
    """Return the time from which on changes are read, "" when all profiles are due."""
    state = job.state.get("profiles")
    if not state or job.is_reread:
        return ""
    whole_on = date.fromisoformat(state["whole_on"])
    if (job.now.date() - whole_on).days >= WHOLE_READ_DAYS:
        return ""
    since = datetime.fromisoformat(state["read_at"]) - OVERLAP
    return since.strftime("%Y-%m-%dT%H:%M:%SZ")


def read_changed(job: Job, governor: Governor, since: str) -> None:
    """Read the profiles that changed since a time; no other one is touched."""
    params = {**PARAMS, "filter": f"greater-than(updated,{since})", "sort": "updated"}
    columns = columns_of(governor, "/profiles", params, PROFILE_PATHS)
    keep(job, columns, ids_of(columns), lambda: job.state["profiles"].update(read_at=str(job.now)))


def read_whole(job: Job, governor: Governor) -> None:
    """Read all profiles; those that are loaded and not among them are gone."""
    columns = columns_of(governor, "/profiles", {**PARAMS, "sort": "id"}, PROFILE_PATHS)
    found = ids_of(columns)
    loaded = {profile_id for (profile_id,) in job.guard.loaded.get(PROFILES.name, {})}
    gone = sorted(loaded - found)

    def note() -> None:
        known = job.state.get("profiles", {})
        job.state["profiles"] = {
            "read_at": str(job.now),
            "whole_on": str(job.now.date()),
            "gone": sorted({*known.get("gone", []), *gone} - found),
            "merged": known.get("merged", {}),
        }

    keep(job, columns, found | loaded, note)


def ids_of(columns: Columns) -> set[str]:
    """Return the ids of profiles."""
    return {name for name in columns["profile_id"] if isinstance(name, str)}


def keep(job: Job, columns: Columns, parts: set[str], note: Callable[[], None]) -> None:
    """Keep profiles as the whole of what is known of the ids in `parts`."""
    asked = tuple((profile_id,) for profile_id in sorted(parts))
    job.keep([Piece(PROFILES, columns, None, asked)], note)


def resolve_gone(job: Job, governor: Governor) -> None:
    """Ask what became of profiles that are gone, and note those that were merged."""
    state = job.state["profiles"]
    gone: list[str] = state["gone"][:MOST_GONE_ASKED]
    found = {old: new for old in gone if (new := successor_of(governor, old))}
    merged: dict[str, str] = state["merged"] | found
    # what became of it may have been merged itself since
    news = {old: merged[new] for old, new in merged.items() if new in found} | found
    columns: Columns = {
        "old_profile_id": list(news),
        "profile_id": list(news.values()),
        "seen_at": [job.now] * len(news),
    }
    note = {"gone": state["gone"][len(gone) :], "merged": merged | news}
    job.keep([Piece(MERGED_PROFILES, columns)], lambda: state.update(note))


def successor_of(governor: Governor, profile_id: str) -> str:
    """Return the id of the profile that one became, "" where it was deleted."""
    path = f"/profiles/{profile_id}"
    try:
        answer = governor.get(path, {"fields[profile]": "updated"})
    except RemoteError as error:
        if error.status_code == 404:
            return ""
        raise
    found = str(part(answer, "data", path).get("id") or "")
    return found if found != profile_id else ""
