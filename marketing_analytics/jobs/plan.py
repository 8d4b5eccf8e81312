"""Decide what to change, as frozen data: what is shown and what is done come from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from marketing_analytics.cloud_api.names import Scope, jobs_counted, owner_of, without_mark
from marketing_analytics.core.errors import FileError, UserError
from marketing_analytics.jobs.model import JobFile
from marketing_analytics.jobs.payload import (
    MASKED,
    Desired,
    Fields,
    compared,
    fixed_type,
    remote_after,
    shown_name,
)
from marketing_analytics.jobs.versions import RemoteJob as RemoteJob
from marketing_analytics.jobs.versions import Version, version_of
from marketing_analytics.jobs.versions import remote_job as remote_job
from marketing_analytics.jobs.versions import time_of as time_of

Action = Literal["create", "update", "delete"]
# why a job is deleted: it left the file, it is a second copy, a new one takes its place
Cause = Literal["", "gone", "copy", "replaced"]

GONE = "no longer in the file"
KEPT = "no longer in the file, but keep = true: it stays"
DELETES_WITHOUT_ASKING = 1
DELETE_SHARE = 0.3


@dataclass(frozen=True)
class FieldChange:
    """One value that differs; None means not set."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True)
class VariableChange:
    """A job-level variable to set (value) or to remove (value is None)."""

    name: str
    old: str | None
    value: str | None
    override_id: int | None


@dataclass(frozen=True)
class Change:
    """What happens to one job, and why."""

    action: Action
    key: str
    name: str
    reason: str
    job_id: int | None = None
    desired: Desired | None = None
    fields: tuple[FieldChange, ...] = ()
    variables: tuple[VariableChange, ...] = ()
    cause: Cause = ""

    @property
    def level(self) -> int:
        """Return how many jobs of its chain come before this one."""
        return self.desired.level if self.desired else 0


@dataclass(frozen=True)
class Plan:
    """Everything that a deploy will do, in order.

    `seen` has the scope's jobs as the plan saw them; without them nothing is compared before it
    is written.
    """

    scope: Scope
    changes: tuple[Change, ...]
    kept: Mapping[str, int]
    job_count: int
    seen: tuple[Version, ...] = ()
    is_compared: bool = False
    # the jobs that are changed or deleted as they were read, by id
    before: Mapping[int, RemoteJob] = field(default_factory=dict, compare=False, repr=False)
    # what would be deleted and is not, with the reason
    spared: tuple[Change, ...] = ()

    @property
    def known_ids(self) -> frozenset[int]:
        """Return the ids of all jobs that were there when the plan was made."""
        known = {c.job_id for c in self.changes if c.job_id} | {seen.job_id for seen in self.seen}
        return frozenset(self.kept.values()) | known

    def count(self, action: Action) -> int:
        """Return how many jobs get this action."""
        return sum(change.action == action for change in self.changes)


def make_plan(
    file: JobFile, scope: Scope, desired: Sequence[Desired], remote: Sequence[RemoteJob]
) -> Plan:
    """Return what brings the scope's jobs to what the file says."""
    owned = owned_jobs(scope, remote)
    ids = {key: jobs[0].job_id for key, jobs in owned.items()}
    replaced = {
        job.key for job in desired if job.key in owned and is_replaced(job, owned[job.key][0])
    }
    # what runs after a replaced job must be pointed to the new one
    keys = {job_id: key for key, job_id in ids.items() if key not in replaced}
    check_names(file, desired, remote, ids)
    changes: list[Change] = []
    kept: dict[str, int] = {}
    for job in desired:
        existing = owned.get(job.key)
        made = change_job(job, existing[0], keys) if existing else [creation(job, "new")]
        changes += made
        if existing and not any(change.action == "create" for change in made):
            kept[job.key] = existing[0].job_id
    deletes, spared = deletions({job.key for job in desired}, owned)
    changes += deletes
    seen = tuple(version_of(job) for jobs in owned.values() for job in jobs)
    return Plan(
        scope,
        tuple(changes),
        kept,
        len(desired),
        seen,
        is_compared=True,
        before=before_of(changes, remote),
        spared=tuple(spared),
    )


def before_of(changes: Sequence[Change], remote: Sequence[RemoteJob]) -> dict[int, RemoteJob]:
    """Return the jobs that are changed or deleted, by id."""
    ids = {change.job_id for change in changes}
    return {job.job_id: job for job in remote if job.job_id in ids}


def jobs_of_environment(
    remote: Sequence[RemoteJob], desired: Sequence[Desired], environment_id: int
) -> list[RemoteJob]:
    """Return the jobs of one environment, and of the one that a job of the file names itself.

    Shared jobs of several environments carry the same mark.
    """
    places = {(job.key, job.fields["environment_id"]) for job in desired}
    return [
        job
        for job in remote
        if job.data.get("environment_id") == environment_id
        or (job.owner and (job.owner.key, job.data.get("environment_id")) in places)
    ]


def owned_jobs(scope: Scope, remote: Sequence[RemoteJob]) -> dict[str, list[RemoteJob]]:
    """Return the scope's jobs by key, the oldest first."""
    found: dict[str, list[RemoteJob]] = {}
    for job in sorted(remote, key=lambda job: job.job_id):
        if job.owner and job.owner.scope == scope:
            found.setdefault(job.owner.key, []).append(job)
    return found


def check_names(
    file: JobFile,
    desired: Sequence[Desired],
    remote: Sequence[RemoteJob],
    ids: Mapping[str, int],
) -> None:
    """Refuse to create a job next to one of the same name that is not ours."""
    strangers = {job.name: job.job_id for job in remote if job.owner is None}
    places = {job.key: job.places["key"] for job in file.jobs}
    for job in desired:
        if job.key not in ids and job.name in strangers:
            raise name_taken(file, job, strangers[job.name], places[job.key])


def name_taken(file: JobFile, job: Desired, job_id: int, at: int) -> FileError:
    """Return the error for a name that a job without our mark has."""
    return file.source.error(
        f'dbt Cloud has a job "{job.name}" (id {job_id}) that this tool does not own',
        at,
        "take it over with --adopt, rename or delete that job in dbt Cloud, or choose another key",
    )


def creation(job: Desired, reason: str) -> Change:
    """Return the change that creates a job."""
    variables = tuple(
        VariableChange(name, None, value, None) for name, value in job.env_vars.items()
    )
    return Change("create", job.key, job.name, reason, desired=job, variables=variables)


def change_job(job: Desired, remote: RemoteJob, keys: Mapping[int, str]) -> list[Change]:
    """Return nothing, an update, or create and delete where dbt Cloud cannot change in place."""
    fields = field_changes(job, remote, keys)
    variables = variable_changes(job, remote)
    if is_replaced(job, remote):
        check_kept(job, remote)
        reason = "replaced: dbt Cloud cannot turn a CI job into another kind, nor back"
        gone = Change(
            "delete", job.key, remote.name, reason, job_id=remote.job_id, cause="replaced"
        )
        return [creation(job, reason), gone]
    if not fields and not variables:
        return []
    changed = ", ".join([change.field for change in fields] + [v.name for v in variables])
    reason = f"differs in {changed}"
    return [
        Change("update", job.key, job.name, reason, remote.job_id, job, fields, variables),
    ]


def is_replaced(job: Desired, remote: RemoteJob) -> bool:
    """Return whether the job must be created anew: its type cannot change in place."""
    return fixed_type(remote.fields) != fixed_type(job.fields)


def check_kept(job: Desired, remote: RemoteJob) -> None:
    """Refuse to replace a job that must never be deleted."""
    if job.fields["keep"] or (remote.owner and remote.owner.is_kept):
        raise UserError(
            f"job {remote.job_id} ({job.key}) has keep = true and would be replaced: dbt Cloud "
            "cannot turn a CI job into another kind, nor back",
            hint="use another key, or deploy keep = false first",
        )


def field_changes(
    job: Desired, remote: RemoteJob, keys: Mapping[int, str]
) -> tuple[FieldChange, ...]:
    """Return the fields that differ, each by the name that a diff shows."""
    old = {**remote.fields, "after": remote_after(remote.data, keys)}
    new = job.fields
    ignored = {a.name for a in compared() if a.is_left_alone and new[a.name] is None}
    return tuple(
        FieldChange(shown_name(name), old[name], value)
        for name, value in new.items()
        if name not in ignored and old[name] != value and not is_told_by_keep(name, old, new)
    )


def is_told_by_keep(name: str, old: Fields, new: Mapping[str, Any]) -> bool:
    """Return whether only the word keep in the mark changes a description."""
    if name != "description":
        return False
    texts = [without_mark(old[name]), without_mark(new[name])]
    is_same_owner = owner_of(old[name]) == owner_of(new[name])
    return texts[0] == texts[1] and is_same_owner and old["keep"] != new["keep"]


def variable_changes(job: Desired, remote: RemoteJob) -> tuple[VariableChange, ...]:
    """Return the variables that differ; masked values cannot be compared and stay."""
    there = {override.name: override for override in remote.overrides or ()}
    changes = []
    for name, value in job.env_vars.items():
        old = there.get(name)
        if old is None:
            changes.append(VariableChange(name, None, value, None))
        elif old.value not in (value, MASKED):
            changes.append(VariableChange(name, old.value, value, old.override_id))
    changes += [
        VariableChange(name, old.value, None, old.override_id)
        for name, old in there.items()
        # a secret is set in dbt Cloud: no file may hold it
        if name not in job.env_vars and old.value != MASKED
    ]
    return tuple(changes)


def deletions(
    wanted: set[str], owned: Mapping[str, list[RemoteJob]]
) -> tuple[list[Change], list[Change]]:
    """Return deletes of jobs that left the file and of second copies, and what is spared of them.

    A job without a mark of its own is never one: its owner is only remembered.
    """
    deletes: list[Change] = []
    spared: list[Change] = []
    for key, jobs in sorted(owned.items()):
        for position, job in enumerate(jobs):
            if not job.is_marked or (key in wanted and not position):
                continue
            is_copy = key in wanted
            is_kept = job.owner is not None and job.owner.is_kept and not is_copy
            cause: Cause = "copy" if is_copy else "gone"
            reason = f"a second copy of job {jobs[0].job_id}" if is_copy else GONE
            reason = KEPT if is_kept else reason
            change = Change("delete", key, job.name, reason, job_id=job.job_id, cause=cause)
            (spared if is_kept else deletes).append(change)
    return deletes, spared


def check_deletes(plan: Plan, allowed: int | None) -> None:
    """Refuse to delete a large share of the jobs unless that number was allowed.

    A second copy is none of them: the job itself stays.
    """
    deletes = sum(c.action == "delete" and c.cause in ("gone", "") for c in plan.changes)
    if allowed is not None:
        if deletes > allowed:
            raise delete_guard(deletes, f"more than the {allowed} allowed")
        return
    total = len(plan.kept) + deletes
    if deletes > max(DELETES_WITHOUT_ASKING, DELETE_SHARE * total):
        raise delete_guard(deletes, f"of {total}; that is a large share")


def delete_guard(deletes: int, why: str) -> UserError:
    """Return the error that asks to confirm deletes by their number."""
    return UserError(
        f"this would delete {jobs_counted(deletes)}, {why}; nothing was changed",
        hint=f"if that is meant, repeat with --allow-delete {deletes}",
    )
