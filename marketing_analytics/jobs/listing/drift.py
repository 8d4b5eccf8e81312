"""How jobs in dbt Cloud differ from a job file: who reads it wants the file to be right."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketing_analytics.cloud_api.names import Scope, jobs_counted
from marketing_analytics.core.commands import beside
from marketing_analytics.core.console import Console
from marketing_analytics.core.signs import visible
from marketing_analytics.jobs.model import JobFile
from marketing_analytics.jobs.payload import desired_jobs
from marketing_analytics.jobs.plan import (
    Change,
    Plan,
    RemoteJob,
    jobs_of_environment,
    make_plan,
)
from marketing_analytics.jobs.render import (
    COLOURS,
    NOT_SET,
    SCHEMA_VERSION,
    iso,
    plain_value,
    scope_json,
    shown,
)
from marketing_analytics.jobs.runs.choose import environment_of
from marketing_analytics.jobs.runs.words import age_words

SIGNS = {"missing": "+", "differs": "~", "not in file": "-", "copy": "-"}
# what dbt Cloud does not tell
NOBODY = "dbt Cloud does not say by whom"


@dataclass(frozen=True)
class Drift:
    """How a job differs from a file: `same`, `differs` in fields, `not in file` or `copy`."""

    state: str
    fields: tuple[str, ...] = ()

    def in_words(self) -> str:
        """Return the drift in words."""
        words = {
            "same": "as the file",
            "differs": f"differs from the file in {', '.join(self.fields)}",
            "not in file": "not in the file",
            "copy": "a second copy of a job of the file",
        }
        return words[self.state]


# each job by itself


def drifts_of(
    file: JobFile, jobs: Sequence[RemoteJob], environment_id: int | None
) -> dict[int, Drift]:
    """Return how jobs differ from a file, as if it was deployed to the branch of each.

    Shared jobs of several environments carry the same mark: they are compared where they are,
    those of the environment alone when one is set.
    """
    scopes: dict[Scope, list[RemoteJob]] = {}
    for job in jobs:
        if job.owner:
            scopes.setdefault(job.owner.scope, []).append(job)
    found: dict[int, Drift] = {}
    for scope, there in scopes.items():
        known = [environment for job in there if (environment := environment_of(job))]
        places = list(dict.fromkeys(known))[: 1 if scope.branch else None]
        for place in [environment_id] if environment_id else places:
            found |= drifts_in(file, scope, there, place)
    return found


def drifts_in(
    file: JobFile, scope: Scope, jobs: Sequence[RemoteJob], environment_id: int
) -> dict[int, Drift]:
    """Return how the jobs of a scope differ from a file in one environment."""
    desired = desired_jobs(file, scope, environment_id)
    there = jobs if scope.branch else jobs_of_environment(jobs, desired, environment_id)
    changes = {c.job_id: c for c in make_plan(file, scope, desired, there).changes if c.job_id}
    return {job.job_id: drift_of(changes.get(job.job_id)) for job in there}


def drift_of(change: Change | None) -> Drift:
    """Return what a change of a plan says about its job now."""
    if change is None:
        return Drift("same")
    if change.action == "update":
        names = [each.field for each in change.fields] + [each.name for each in change.variables]
        return Drift("differs", tuple(names))
    if change.reason.startswith("replaced"):
        return Drift("differs", ("job_type",))
    return Drift("copy" if "copy" in change.reason else "not in file")


# the drift of a scope


@dataclass(frozen=True)
class JobDrift:
    """A job that is not as the file says: `missing`, `differs`, `not in file` or `copy`.

    `remote` is what dbt Cloud has; None for a missing job.
    """

    state: str
    change: Change
    remote: RemoteJob | None


@dataclass(frozen=True)
class ScopeDrift:
    """All jobs of a scope that are not as the file says."""

    scope: Scope
    jobs: tuple[JobDrift, ...]
    job_count: int

    def count(self, *states: str) -> int:
        """Return how many jobs drifted so."""
        return sum(job.state in states for job in self.jobs)


def make_drift(plan: Plan, remote: Mapping[int, RemoteJob]) -> ScopeDrift:
    """Return the drift that a plan would repair; `remote` has the jobs of dbt Cloud by id."""
    # a job of another kind is created anew and the old one deleted: that is one difference
    anew = {change.key for change in plan.changes if change.action == "create"}
    found = []
    for change in plan.changes:
        is_replaced = change.reason.startswith("replaced")
        if change.action == "create" and is_replaced:
            continue
        if change.action == "create":
            state = "missing"
        elif is_replaced and change.key in anew:
            state = "differs"
        else:
            state = drift_of(change).state
        there = remote.get(change.job_id) if change.job_id else None
        found.append(JobDrift(state, change, there))
    return ScopeDrift(plan.scope, tuple(found), plan.job_count)


def print_drift(console: Console, drift: ScopeDrift, source: str, now: datetime) -> None:
    """Print a block for each job that differs, and a summary."""
    lead = f"{drift.scope.describe()} · {jobs_counted(drift.job_count)} in {source}"
    console.prose(lead, indent="  ")
    for job in drift.jobs:
        sign = SIGNS[job.state]
        text = f"  {sign} {job.change.key}  {head_of(job, now)}"
        for part in console.folded(visible(text), indent="      "):
            console.line(part, colour=COLOURS[sign])
        for line in lines_of(job):
            console.prose(f"      {visible(line)}", indent="        ")
    console.prose(summary_of(drift))
    if drift.count("differs", "not in file"):
        console.prose(f"{NOBODY}; its audit log may.", indent="  ")
    if drift.jobs and drift.scope.branch:
        console.line(f"  next: {beside(f'deploy --config {shlex.quote(source)}')}")


def head_of(job: JobDrift, now: datetime) -> str:
    """Return what is the matter with a job, and since when at the earliest."""
    words = {
        "missing": "in the file, not in dbt Cloud",
        "differs": "differs",
        "not in file": "in dbt Cloud, not in the file",
        "copy": job.change.reason,
    }
    number = f" (job {job.change.job_id})" if job.change.job_id else ""
    at = job.remote.changed_at if job.remote else None
    changed = f", changed {at:%Y-%m-%d %H:%M} UTC, {age_words(at, now)} ago" if at else ""
    return f"{words[job.state]}{number}{changed}"


def lines_of(job: JobDrift) -> list[str]:
    """Return the values that differ, that of the file first."""
    if job.state != "differs":
        return []
    if not (job.change.fields or job.change.variables):
        return [job.change.reason]
    fields = [(f.field, shown(f.field, f.new), shown(f.field, f.old)) for f in job.change.fields]
    variables = [
        (v.name, v.value if v.value is not None else NOT_SET, v.old or NOT_SET)
        for v in job.change.variables
    ]
    return [f"{name}: file {new} · dbt Cloud {old}" for name, new, old in [*fields, *variables]]


def summary_of(drift: ScopeDrift) -> str:
    """Return the drift in one line."""
    if not drift.jobs:
        are = "is" if drift.job_count == 1 else "are"
        return f"no drift: {jobs_counted(drift.job_count)} {are} as the file says"
    differ = drift.count("differs")
    return (
        f"Drift: {jobs_counted(differ)} differ{'s' if differ == 1 else ''}, "
        f"{drift.count('missing')} missing, "
        f"{drift.count('not in file', 'copy')} not in the file."
    )


def drift_json(drift: ScopeDrift, source: str, environment_id: int | None) -> dict[str, Any]:
    """Return the drift for JSON."""
    return {
        "schema_version": SCHEMA_VERSION,
        "config": source,
        "scope": scope_json(drift.scope),
        "environment_id": environment_id,
        "drift": [job_drift_json(job) for job in drift.jobs],
        "summary": {
            "jobs": drift.job_count,
            "differ": drift.count("differs"),
            "missing": drift.count("missing"),
            "not_in_file": drift.count("not in file", "copy"),
        },
    }


def job_drift_json(job: JobDrift) -> dict[str, Any]:
    """Return the drift of a job for JSON."""
    change, data = job.change, job.remote.data if job.remote else {}
    return {
        "state": job.state,
        "key": change.key,
        "name": change.name,
        "job_id": change.job_id,
        "fields": [
            {"field": f.field, "file": plain_value(f.new), "cloud": plain_value(f.old)}
            for f in change.fields
        ],
        "env_vars": [
            {"name": v.name, "file": v.value, "cloud": v.old}
            for v in (change.variables if job.state == "differs" else ())
        ],
        "created_at": iso(data.get("created_at")),
        "updated_at": iso(data.get("updated_at")),
    }
