"""Read the account and carry a plan out, concurrently, chain level by chain level.

A create whose answer is lost is looked up by its ownership mark and adopted. Deletes come
last and only when everything before them succeeded.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from marketing_analytics.cloud_api.client import CREATE_ATTEMPTS, CloudClient
from marketing_analytics.cloud_api.names import Owner, Scope, owner_of
from marketing_analytics.core.errors import (
    EXIT_FAILED,
    EXIT_OK,
    EXIT_PARTLY_APPLIED,
    AmbiguousError,
    AuthError,
    RemoteError,
    UserError,
)
from marketing_analytics.core.locks import file_lock
from marketing_analytics.jobs.model import JobFile
from marketing_analytics.jobs.payload import Override, body_of, overrides_of, without_starts
from marketing_analytics.jobs.plan import Change, Plan, RemoteJob, remote_job

THREADS = 8
RELATED = "custom_environment_variables"

State = Literal["done", "failed", "not tried"]


@dataclass(frozen=True)
class Outcome:
    """What became of one change."""

    change: Change
    state: State
    job_id: int | None = None
    message: str = ""
    error: RemoteError | None = field(default=None, repr=False)


# reading


def read_jobs(
    client: CloudClient,
    scope: Scope,
    claim: Callable[[list[RemoteJob]], list[RemoteJob]] = list,
) -> list[RemoteJob]:
    """Return the project's jobs; the scope's jobs with their variables.

    `claim` gives jobs without a mark an owner, where something else says whose they are.

    One call per 100 jobs where the list carries the variables, else one more per job of ours.
    """
    listed = client.list_jobs(RELATED)
    jobs = claim([remote_job(data, overrides_of(data.get(RELATED))) for data in listed])
    return with_overrides(client, jobs, lambda job: in_scope(job, scope))


def with_overrides(
    client: CloudClient, jobs: list[RemoteJob], is_wanted: Callable[[RemoteJob], bool] = bool
) -> list[RemoteJob]:
    """Return the jobs; those wanted have their variables, asked for where the list has none."""
    unknown = [job for job in jobs if job.overrides is None and is_wanted(job)]
    if not unknown:
        return jobs
    with ThreadPoolExecutor(THREADS) as pool:
        found = dict(zip(unknown_ids(unknown), pool.map(reader(client), unknown), strict=True))
    return [
        replace(job, overrides=tuple(found[job.job_id])) if job.job_id in found else job
        for job in jobs
    ]


def check_environments(client: CloudClient, file: JobFile, environment_id: int) -> None:
    """Raise UserError unless the environments of the jobs are there; each is asked for once."""
    client.check_environment(environment_id)
    known = {environment_id}
    for job in file.jobs:
        own = job.environment_id
        if own is None or own in known:
            continue
        known.add(own)
        try:
            client.check_environment(own)
        except UserError as error:
            at = job.places["environment_id"]
            hint = "write the number from the page URL of an environment of the project"
            raise file.source.error(f'{error.message} (job "{job.key}")', at, hint) from None


def in_scope(job: RemoteJob, scope: Scope) -> bool:
    """Return whether a job carries the scope's mark."""
    return job.owner is not None and job.owner.scope == scope


def unknown_ids(jobs: Iterable[RemoteJob]) -> list[int]:
    """Return the ids of jobs."""
    return [job.job_id for job in jobs]


def reader(client: CloudClient) -> Callable[[RemoteJob], list[Override]]:
    """Return a function that reads the variables of one job."""
    return lambda job: overrides_of(client.job_overrides(job.job_id)) or []


# writing


def apply_plan(
    client: CloudClient, plan: Plan, on_outcome: Callable[[Outcome], None]
) -> list[Outcome]:
    """Carry out a plan and return what became of each change."""
    run = Applying(client, plan, on_outcome)
    writes = [change for change in plan.changes if change.action != "delete"]
    run.ensure_variables(writes)
    for level in sorted({change.level for change in writes}):
        run.all_of([change for change in writes if change.level == level], run.write)
    deletes = [change for change in plan.changes if change.action == "delete"]
    if run.has_failures:
        for change in deletes:
            run.skip(change, "kept, because not every change before succeeded")
    else:
        run.all_of(deletes, run.remove)
    return run.outcomes


def exit_code_of(outcomes: Sequence[Outcome]) -> int:
    """Return 0 when all is done, 5 when a part is, else the exit code of the first failure."""
    failures = [outcome for outcome in outcomes if outcome.state == "failed"]
    if not failures:
        return EXIT_OK
    if any(outcome.state == "done" for outcome in outcomes):
        return EXIT_PARTLY_APPLIED
    return failures[0].error.exit_code if failures[0].error else EXIT_FAILED


class Applying:
    """One run of a plan: which jobs exist by now, and what became of the changes."""

    def __init__(
        self, client: CloudClient, plan: Plan, on_outcome: Callable[[Outcome], None]
    ) -> None:
        self.client = client
        self.plan = plan
        self.on_outcome = on_outcome
        self.job_ids = dict(plan.kept)
        self.outcomes: list[Outcome] = []
        self.is_stopped = False
        self.lock = threading.Lock()

    @property
    def has_failures(self) -> bool:
        """Return whether anything failed or could not be tried."""
        return any(outcome.state != "done" for outcome in self.outcomes)

    def all_of(self, changes: Sequence[Change], act: Callable[[Change], int]) -> None:
        """Carry out independent changes concurrently."""
        if not changes:
            return
        pool = ThreadPoolExecutor(min(THREADS, len(changes)))
        try:
            for _ in pool.map(lambda change: self.guard(change, act), changes):
                pass
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def guard(self, change: Change, act: Callable[[Change], int]) -> None:
        """Carry out one change and record what became of it."""
        if self.is_stopped:
            return self.skip(change, "the token was refused")
        missing = self.missing_parent(change)
        if missing:
            return self.skip(change, f"it runs after {missing}, which could not be written")
        try:
            job_id = act(change)
        except RemoteError as error:
            self.is_stopped = self.is_stopped or isinstance(error, AuthError)
            return self.record(Outcome(change, "failed", change.job_id, error.message, error))
        return self.record(Outcome(change, "done", job_id))

    def missing_parent(self, change: Change) -> str:
        """Return the job that this one runs after when it does not exist."""
        after = change.desired.fields["after"] if change.desired else None
        return after[0] if after and after[0] not in self.job_ids else ""

    def skip(self, change: Change, why: str) -> None:
        """Record a change that was not tried."""
        self.record(Outcome(change, "not tried", change.job_id, why))

    def record(self, outcome: Outcome) -> None:
        """Record an outcome and tell about it."""
        with self.lock:
            self.outcomes.append(outcome)
            self.on_outcome(outcome)

    def ensure_variables(self, changes: Sequence[Change]) -> None:
        """Create variables of the project that jobs are about to override."""
        wanted = {
            variable.name
            for change in changes
            for variable in change.variables
            if variable.value is not None and variable.override_id is None
        }
        self.client.ensure_variables(wanted)

    def write(self, change: Change) -> int:
        """Create or update a job with its variables, and return its id.

        Variables come before what starts the job: a run that began without DBT_SCHEMA would
        write to the environment's schema.
        """
        assert change.desired  # noqa: S101
        body = body_of(change.desired.fields, self.job_ids, self.client.project_id)
        job_id, is_complete = change.job_id, not change.fields
        if change.action == "create":
            first = without_starts(body) if change.variables else body
            job_id, is_complete = self.create(change.desired.key, first), first == body
        assert job_id  # noqa: S101
        self.job_ids[change.key] = job_id
        for variable in change.variables:
            self.write_variable(job_id, variable.name, variable.value, variable.override_id)
        if not is_complete:
            self.client.update_job(job_id, body)
        return job_id

    def write_variable(
        self, job_id: int, name: str, value: str | None, override_id: int | None
    ) -> None:
        """Set or remove one variable of a job."""
        if value is not None:
            self.client.set_override(job_id, name, value, override_id)
        elif override_id is not None:
            self.client.delete_override(override_id)

    def create(self, key: str, body: dict[str, Any]) -> int:
        """Create a job and return its id; when answers are lost, look before repeating."""
        for attempt in range(1, CREATE_ATTEMPTS + 1):
            try:
                return int(self.client.create_job(body)["id"])
            except AmbiguousError:
                found = self.look_for(key)
                if found is not None:
                    return found
                if attempt == CREATE_ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def look_for(self, key: str) -> int | None:
        """Return the id of a job that appeared with our mark, looking twice."""
        owner = Owner(self.plan.scope, key)
        for wait_seconds in (0.0, self.client.retry_base_seconds * 2):
            time.sleep(wait_seconds)
            for job in self.client.list_jobs():
                is_new = job["id"] not in self.plan.known_ids
                if is_new and owner_of(job.get("description")) == owner:
                    return int(job["id"])
        return None

    def remove(self, change: Change) -> int:
        """Delete a job."""
        assert change.job_id  # noqa: S101
        self.client.delete_job(change.job_id)
        return change.job_id


def scope_lock(client: CloudClient, scope: Scope) -> contextlib.AbstractContextManager[None]:
    """Return the lock of a scope on this machine."""
    identity = f"{client.host} {client.account_id} {client.project_id} {scope}"
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return file_lock(
        Path(tempfile.gettempdir()) / f"marketing-jobs-{digest}.lock",
        taken=f"another deploy of {scope.describe()} is running on this machine",
        hint="wait until it is done and repeat the command",
    )
