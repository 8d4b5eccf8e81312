"""Make existing jobs ours, or give them up: the mark in the description is written or removed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketing_analytics.cloud_api.names import Owner, Scope, shorten, without_mark
from marketing_analytics.core.errors import UserError
from marketing_analytics.jobs.past.journal import place_of
from marketing_analytics.jobs.past.restore import writable
from marketing_analytics.jobs.payload import described
from marketing_analytics.jobs.plan import Change, FieldChange, RemoteJob

KEY_LENGTH = 60
# how dbt-jobs-as-code marks its jobs, at the end of the name or of the description
IDENTIFIER = re.compile(r"\[\[(?:[^\[\]:]*:)?([^\[\]:]+)\]\]\s*\Z")


def key_for(job: RemoteJob, team: str) -> str:
    """Return the key that a job gets: its mark's, dbt-jobs-as-code's, or one of its name."""
    if job.owner:
        return job.owner.key
    description = str(job.data.get("description") or "")
    found = IDENTIFIER.search(job.name) or IDENTIFIER.search(description)
    return key_of(found[1] if found else job.name.removeprefix(f"{team}-"))


def key_of(text: str) -> str:
    """Return a text as a key of a job file."""
    key = re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-_")
    return shorten(key, KEY_LENGTH) or "job"


def without_identifier(text: str) -> str:
    """Return a name or description without the mark of dbt-jobs-as-code."""
    return IDENTIFIER.sub("", text).strip()


@dataclass(frozen=True)
class Link:
    """A job before and after: `change` shows it, `body` is what is written."""

    change: Change
    body: Mapping[str, Any]
    job: RemoteJob
    owner: Owner | None


def link_of(job: RemoteJob, owner: Owner, *, keeps_name: bool) -> Link:
    """Return what makes a job ours. The tool makes names of keys, so the name changes too."""
    name = job.name if keeps_name else owner.scope.name_of(owner.key)
    text = without_identifier(without_mark(job.data.get("description")))
    is_kept = job.owner is not None and job.owner == owner and job.owner.is_kept
    mark = owner.scope.mark_of(owner.key, is_kept=is_kept)
    return rewritten(job, owner, name, described(text, mark), "will be ours")


def unlink_of(job: RemoteJob) -> Link:
    """Return what makes a job nobody's; it stays as it is."""
    assert job.owner  # noqa: S101
    text = without_mark(job.data.get("description"))
    return rewritten(job, None, job.name, text, "will be nobody's, and stays")


def rewritten(job: RemoteJob, owner: Owner | None, name: str, description: str, why: str) -> Link:
    """Return a job with another name and description."""
    pairs = {"name": (job.name, name)}
    pairs["description"] = (str(job.data.get("description") or ""), description)
    fields = tuple(
        FieldChange(field, old, new) for field, (old, new) in pairs.items() if old != new
    )
    key = owner.key if owner else job.owner.key if job.owner else ""
    change = Change("update", key, name, why, job.job_id, fields=fields)
    return Link(
        change, {**writable(job.data), "name": name, "description": description}, job, owner
    )


def check_link(
    job: RemoteJob, owner: Owner, remote: Sequence[RemoteJob], *, is_forced: bool
) -> None:
    """Refuse a job of others, and a second job for one key."""
    if job.owner and job.owner != owner and not is_forced:
        raise UserError(
            f"job {job.job_id} belongs to {job.owner.scope.describe()} as {job.owner.key}",
            hint="ask them to unlink it, or pass --force to take it from them",
        )
    twin = next(
        (
            other
            for other in remote
            if other.owner == owner
            and other.job_id != job.job_id
            and place_of(other, owner) == place_of(job, owner)
        ),
        None,
    )
    if twin:
        raise UserError(
            f"{owner.key} of {owner.scope.describe()} is job {twin.job_id} already",
            hint=f"unlink {owner.key} first, or choose another key",
        )


def links_by_key(
    keys: Mapping[str, int | None], scope: Scope, remote: Sequence[RemoteJob], *, keeps_name: bool
) -> tuple[list[Link], list[str]]:
    """Return the links of the keys (with their environments) that no job has yet, and the rest.

    A job is found by the key that import would give it, or by the name that the tool gives.
    Raise UserError where several could be meant.
    """
    ours = [job for job in remote if job.owner and job.owner.scope == scope]
    free = [job for job in remote if job.owner is None]
    links, missing = [], []
    for key, environment_id in keys.items():
        places = (None, environment_id) if environment_id and not scope.branch else None
        if any(
            job.owner == Owner(scope, key)
            and (places is None or job.data.get("environment_id") in places)
            for job in ours
        ):
            continue
        found = [
            job
            for job in free
            if environment_id in (None, job.data.get("environment_id"))
            and (key_for(job, scope.team) == key or job.name == scope.name_of(key))
        ]
        if len(found) > 1:
            ids = ", ".join(str(job.job_id) for job in found)
            hint = f"choose one: link {key} --job-id {found[0].job_id}"
            raise UserError(f"several jobs could be {key}: {ids}", hint=hint)
        if found:
            links.append(link_of(found[0], Owner(scope, key), keeps_name=keeps_name))
        else:
            missing.append(key)
    return links, missing
