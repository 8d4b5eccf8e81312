"""The journal of the jobs that this tool wrote, by id: it knows them when their mark is gone.

One file for each host, account and project, in the state folder. The mark in a description
always beats it, and a job that only the journal knows is never deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.cloud_api.names import Owner, owner_of
from marketing_analytics.core import clock
from marketing_analytics.core.errors import PlatformError
from marketing_analytics.core.locks import file_lock
from marketing_analytics.core.written import replace_file
from marketing_analytics.jobs.past.folder import digest_of, private_folder, state_folder
from marketing_analytics.jobs.plan import RemoteJob, time_of

SCHEMA_VERSION = 1
MAX_ENTRIES = 20_000
LOCK_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Entry:
    """Whose a job is, and when a deploy last saw it so."""

    owner: Owner
    deployed_at: datetime


def journal_path(client: CloudClient) -> Path:
    """Return the journal's file."""
    return state_folder() / f"journal-{digest_of(client)}.json"


def read_journal(client: CloudClient) -> dict[int, Entry]:
    """Return the entries by job id; a file that cannot be read counts as empty."""
    try:
        document = json.loads(journal_path(client).read_text(encoding="utf-8"))
        items = document["jobs"].items() if document["schema_version"] == SCHEMA_VERSION else ()
        found = {int(job_id): entry_of(item) for job_id, item in items}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, PlatformError):
        return {}
    return {job_id: entry for job_id, entry in found.items() if entry}


def entry_of(item: Mapping[str, Any]) -> Entry | None:
    """Return an entry of the file, or None when it says nothing."""
    owner, at = owner_of(item["mark"]), time_of(item["deployed_at"])
    return Entry(owner, at) if owner and at else None


def remember(client: CloudClient, owners: Mapping[int, Owner], gone: Iterable[int] = ()) -> str:
    """Keep whose jobs are, forget those that are gone; return why that failed, or nothing.

    Nothing depends on the journal alone: a deploy whose journal cannot be written is complete.
    """
    gone = set(gone)
    if not owners and not gone:
        return ""
    try:
        path = private_folder(state_folder(), "export XDG_STATE_HOME=FOLDER") / "journal.lock"
        with file_lock(path, taken="the journal is in use", timeout_seconds=LOCK_TIMEOUT_SECONDS):
            write(client, owners, gone)
    except PlatformError as error:
        return error.message
    return ""


def write(client: CloudClient, owners: Mapping[int, Owner], gone: set[int]) -> None:
    """Write the journal anew; the entries that are oldest give way."""
    now = clock.now()
    entries = read_journal(client) | {job_id: Entry(owner, now) for job_id, owner in owners.items()}
    kept = sorted(
        (item for item in entries.items() if item[0] not in gone),
        key=lambda item: item[1].deployed_at,
    )[-MAX_ENTRIES:]
    jobs = {
        str(job_id): {"mark": entry.owner.mark, "deployed_at": entry.deployed_at.isoformat()}
        for job_id, entry in kept
    }
    document = {"schema_version": SCHEMA_VERSION, "jobs": jobs}
    replace_file(journal_path(client), json.dumps(document) + "\n", is_private=True)


def with_owners(jobs: Sequence[RemoteJob], entries: Mapping[int, Entry]) -> list[RemoteJob]:
    """Return the jobs; those without a mark are whose the journal says.

    Not where another job carries that mark: then the one without was given up. Shared jobs of
    several environments carry the same mark.
    """
    there = {place_of(job, job.owner) for job in jobs if job.owner}
    found = []
    for job in jobs:
        entry = entries.get(job.job_id)
        is_known = job.owner is None and entry is not None
        if is_known and entry and place_of(job, entry.owner) not in there:
            found.append(replace(job, owner=entry.owner))
        else:
            found.append(job)
    return found


def place_of(job: RemoteJob, owner: Owner) -> tuple[Owner, Any]:
    """Return what no two jobs should share."""
    return owner, None if owner.scope.branch else job.data.get("environment_id")
