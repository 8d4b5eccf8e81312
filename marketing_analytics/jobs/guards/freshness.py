"""Compare what a plan saw with what is there now, just before it is written over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from marketing_analytics.core.errors import StaleError
from marketing_analytics.jobs.plan import Change, Plan, owned_jobs
from marketing_analytics.jobs.versions import (
    Difference,
    RemoteJob,
    Version,
    differences,
    version_of,
)

# a long deploy reads the jobs again before a write when it last did so longer ago
FRESH_SECONDS = 15.0


class StaleJobError(StaleError):
    """A job is another one than the plan saw; `differences` say in what."""

    def __init__(self, message: str, found: Sequence[Difference] = ()) -> None:
        super().__init__(message, hint="look at the job, then repeat the command for a new plan")
        self.differences = tuple(found)


class Freshness:
    """The jobs as they are now; those that this deploy wrote itself are known to differ."""

    def __init__(self, plan: Plan, read: Callable[[], list[RemoteJob]]) -> None:
        self.plan = plan
        self.read = read
        self.own: set[int] = set()
        self.planned: dict[str, dict[int, Version]] = {}
        for seen in plan.seen:
            self.planned.setdefault(seen.key, {})[seen.job_id] = seen
        self.jobs: list[RemoteJob] = []
        # the scope's jobs by key, and the names of those that are nobody's
        self.by_key: dict[str, list[RemoteJob]] = {}
        self.strangers: dict[str, int] = {}
        self.read_at = 0.0
        self.lock = threading.Lock()

    def refresh(self) -> None:
        """Read the jobs now."""
        self.jobs = self.read()
        self.read_at = time.monotonic()
        self.by_key = owned_jobs(self.plan.scope, self.jobs)
        self.strangers = {job.name: job.job_id for job in self.jobs if job.owner is None}

    def check(self, change: Change) -> None:
        """Raise StaleJobError when the jobs of the change's key are not those that were planned."""
        if not self.plan.is_compared:
            return
        with self.lock:
            if not self.read_at or time.monotonic() - self.read_at > FRESH_SECONDS:
                self.refresh()
            jobs, strangers = self.by_key.get(change.key, []), self.strangers
        planned = self.planned.get(change.key, {})
        now = {job.job_id: version_of(job) for job in jobs if self.is_compared(job, change)}
        for job_id in sorted((planned.keys() | now.keys()) - self.own):
            compare(planned.get(job_id), now.get(job_id))
        if change.action == "create" and change.name in strangers:
            raise StaleJobError(
                f"job {strangers[change.name]} of this name appeared since the plan was made, "
                "without our mark"
            )

    def is_compared(self, job: RemoteJob, change: Change) -> bool:
        """Return whether a job of a key is one of those that the plan decided about.

        Shared jobs of other environments carry the same mark.
        """
        if self.plan.scope.branch or job.job_id in self.planned.get(change.key, {}):
            return True
        wanted = change.desired.fields["environment_id"] if change.desired else None
        return bool(job.data.get("environment_id") == wanted)


def compare(planned: Version | None, now: Version | None) -> None:
    """Raise StaleJobError unless both versions of a job are one."""
    if planned is None and now is not None:
        raise StaleJobError(
            f"job {now.job_id} with the same mark appeared since the plan was made{at(now)}"
        )
    if now is None and planned is not None:
        raise StaleJobError(f"job {planned.job_id} was deleted since the plan was made")
    if planned and now and planned.digest != now.digest:
        found = differences(planned, now)
        said = "; ".join(
            f"{d.field}: the plan saw {text(d.planned)}, now {text(d.now)}" for d in found
        )
        raise StaleJobError(
            f"job {now.job_id} was changed since the plan was made{at(now)}: {said}", found
        )


def at(version: Version) -> str:
    """Return when a job was changed, in words."""
    return f" ({version.updated_at[:19].replace('T', ' ')} UTC)" if version.updated_at else ""


def text(value: Any) -> str:
    """Return a value for a sentence."""
    if isinstance(value, Mapping | list | tuple):
        return str(list(value) if isinstance(value, tuple) else value)[:200]
    return "not set" if value in (None, "") else str(value)[:200]
