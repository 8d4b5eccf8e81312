"""Audiences and their members: who changed since the last run, and all of them every week.

A member who is archived says so. One who is deleted for ever is told by nobody: all members are
read again every `COMPLETE_DAYS`, and who was not seen since is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import orjson

from marketing_analytics.ingest.engine.governor import Governor
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.tables import pluck
from marketing_analytics.ingest.engine.trust.shrinkage import Guard
from marketing_analytics.ingest.platforms.mailchimp.choice import lose_absent, of_audiences
from marketing_analytics.ingest.platforms.mailchimp.lists import (
    fields_of,
    read_what_is_there,
    read_whole,
)
from marketing_analytics.ingest.platforms.mailchimp.tables import (
    AUDIENCE_PATHS,
    AUDIENCES,
    MEMBER_PATHS,
    MEMBERS,
)

COMPLETE_DAYS = 7
# a change is seen some time after it was made
OVERLAP = timedelta(hours=1)
IN_ORDER = {"sort_field": "last_changed", "sort_dir": "ASC"}


def read_audiences(job: Job, governor: Governor) -> None:
    """Load the members of every audience, and then the audiences with the day of completeness."""
    found = read_what_is_there(job, governor, "/lists", "lists")
    lose_absent(job, found)
    rows = of_audiences(job, found, "id")
    known = [str(row["id"]) for row in rows if row.get("id")]
    job.plan(len(known))
    job.each(known, lambda list_id: read_members(job, governor, list_id))
    complete = {list_id: seen["complete_on"] for list_id, seen in seen_of(job).items()}
    columns = pluck(rows, AUDIENCE_PATHS)
    columns["members_complete_on"] = [complete.get(str(row.get("id"))) for row in rows]
    job.add(AUDIENCES, columns, raw=rows)


def read_members(job: Job, governor: Governor, list_id: str) -> None:
    """Load the members of an audience who changed since the last run, or all of them."""
    since = changed_since(job, list_id)
    params = fields_of("members", [*MEMBER_PATHS.values(), "tags"]) | IN_ORDER
    if since:
        params["since_last_changed"] = since.isoformat()
    path = f"/lists/{list_id}/members"
    found = read_whole(governor, path, "members", "id", params)
    # the list may leave those out who are archived
    archived = read_whole(governor, path, "members", "id", params | {"status": "archived"})
    rows = list({id_of(row): row for row in [*found, *archived]}.values())
    columns = member_columns(list_id, rows, job.now.date())
    if since is None:
        check_count(job, list_id, len(rows))
    note = partial(note_members, job, list_id, rows, is_complete=since is None)
    job.keep([Piece(MEMBERS, columns, rows)], note)
    job.done()


def id_of(row: Mapping[str, Any]) -> Any:
    """Return the id of a member, itself where it has none."""
    return row.get("id") or id(row)


def member_columns(
    list_id: str, rows: Sequence[Mapping[str, Any]], seen_on: date
) -> dict[str, list[Any]]:
    """Return the columns of members."""
    columns = pluck(rows, MEMBER_PATHS)
    columns["list_id"] = [found or list_id for found in columns["list_id"]]
    columns["tags"] = [tag_names(row.get("tags")) for row in rows]
    columns["seen_on"] = [seen_on] * len(rows)
    return columns


def tag_names(tags: Any) -> Any:
    """Return the names of tags as a JSON list; what is no list of tags stays as it is."""
    if tags is None:
        return "[]"
    try:
        return orjson.dumps(sorted(tag["name"] for tag in tags)).decode()
    except (TypeError, KeyError):
        return tags


def seen_of(job: Job) -> dict[str, dict[str, Any]]:
    """Return what is known of the members of every audience; a part of the state."""
    seen: dict[str, dict[str, Any]] = job.state.setdefault("members", {})
    return seen


def changed_since(job: Job, list_id: str) -> datetime | None:
    """Return since when changes are wanted; None when all members are due."""
    seen = seen_of(job).get(list_id)
    if job.is_reread or seen is None or not seen["changed_until"]:
        return None
    if job.now.date() - date.fromisoformat(seen["complete_on"]) >= timedelta(days=COMPLETE_DAYS):
        return None
    return datetime.fromisoformat(seen["changed_until"]) - OVERLAP


def check_count(job: Job, list_id: str, count: int) -> None:
    """Raise ShrunkError when most members are gone since all of them were read, for once."""
    before = seen_of(job).get(list_id, {}).get("count", 0)
    part = (list_id,)
    guard = Guard({MEMBERS.name: {part: before}}, job.guard.is_accepting)
    guard.check(MEMBERS, [part], Counter({part: count}), job.state.setdefault("held", {}))


def note_members(
    job: Job, list_id: str, rows: Sequence[Mapping[str, Any]], *, is_complete: bool
) -> None:
    """Note up to when changes were seen, and when all members were."""
    seen = seen_of(job).setdefault(list_id, {"complete_on": None, "count": 0, "changed_until": ""})
    moments = [moment for row in rows if (moment := moment_of(row.get("last_changed")))]
    seen["changed_until"] = max([seen["changed_until"], *moments])
    if is_complete:
        seen |= {"complete_on": job.now.date().isoformat(), "count": len(rows)}


def moment_of(text: Any) -> str:
    """Return a time of the API in UTC, to be compared as text; empty where it is none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except (TypeError, ValueError):
        return ""
