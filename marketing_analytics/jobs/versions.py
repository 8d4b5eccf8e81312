"""A job as dbt Cloud has it, and one version of it: what a plan saw, to compare with later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from marketing_analytics.cloud_api.names import Owner, owner_of
from marketing_analytics.jobs.payload import Fields, Override, fields_of_remote, shown_name

# what a version has beside the attributes of the table: a change of it would be written over
FURTHER = ("state", "schedule", "triggers", "job_completion_trigger_condition")


@dataclass(frozen=True)
class RemoteJob:
    """A job of dbt Cloud as far as plans need it; overrides None: not known."""

    job_id: int
    owner: Owner | None
    data: Mapping[str, Any]
    overrides: tuple[Override, ...] | None = None

    @property
    def name(self) -> str:
        """Return the job's name."""
        return str(self.data.get("name") or "")

    @cached_property
    def fields(self) -> Fields:
        """Return the flat form; the job that this one runs after stands there by its id."""
        return fields_of_remote(self.data, {})

    @property
    def is_marked(self) -> bool:
        """Return whether the job itself says whose it is; else the journal or a person does."""
        return owner_of(self.data.get("description")) is not None

    @property
    def changed_at(self) -> datetime | None:
        """Return when the job was changed last, or created."""
        return time_of(self.data.get("updated_at")) or time_of(self.data.get("created_at"))


def remote_job(data: Mapping[str, Any], overrides: list[Override] | None = None) -> RemoteJob:
    """Return a job of an answer."""
    known = tuple(overrides) if overrides is not None else None
    return RemoteJob(int(data["id"]), owner_of(data.get("description")), data, known)


def time_of(text: Any) -> datetime | None:
    """Return a time of the API as UTC, or None."""
    try:
        value = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@dataclass(frozen=True)
class Version:
    """One job of a scope at one moment.

    `fields` are the flat form with values that JSON can hold, `variables` a digest for each
    name: their values are shown by the plan where it changes them, and stored nowhere else.
    """

    job_id: int
    key: str
    name: str
    digest: str
    updated_at: str
    fields: Mapping[str, Any]
    variables: Mapping[str, str]


def version_of(job: RemoteJob) -> Version:
    """Return a job of ours as it is now; what a run changes by itself is no part of it."""
    fields = json.loads(json.dumps(job.fields, default=str))
    variables = {
        each.name: digest_of([each.override_id, each.value]) for each in job.overrides or ()
    }
    further = {name: job.data.get(name) for name in FURTHER}
    return Version(
        job.job_id,
        job.owner.key if job.owner else "",
        job.name,
        digest_of([fields, variables, further]),
        str(job.data.get("updated_at") or ""),
        fields,
        variables,
    )


def digest_of(value: Any) -> str:
    """Return a short digest of a value."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Difference:
    """One value that is another one now than the plan saw; None: not set."""

    field: str
    planned: Any
    now: Any


def differences(planned: Version, now: Version) -> list[Difference]:
    """Return what differs between two versions of a job."""
    found = [
        Difference(shown_name(name), planned.fields.get(name), value)
        for name, value in now.fields.items()
        if planned.fields.get(name) != value
    ]
    for name in sorted(planned.variables.keys() | now.variables.keys()):
        if planned.variables.get(name) != now.variables.get(name):
            sides = (planned.variables, now.variables)
            old, new = ("set" if name in side else None for side in sides)
            is_both = old is not None and new is not None
            found.append(Difference(name, old, "set to another value" if is_both else new))
    return found or [Difference("schedule", "as the plan saw it", "another one")]
