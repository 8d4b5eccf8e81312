"""Carry a plan out, concurrently, chain level by chain level.

The jobs are read once more before the first write: one that is another than the plan saw is
left alone. A create whose answer is lost is looked up by its ownership mark and adopted; after
creates the jobs are read again, and of two with one mark the older stays. Deletes come last and
only when everything before them succeeded.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from marketing_analytics.cloud_api.client import CREATE_ATTEMPTS, CloudClient
from marketing_analytics.cloud_api.names import Owner, Scope, owner_of
from marketing_analytics.cloud_api.pace import MOST_AT_A_TIME
from marketing_analytics.core.errors import (
    EXIT_FAILED,
    EXIT_OK,
    EXIT_PARTLY_APPLIED,
    AmbiguousError,
    AuthError,
    LockedError,
    PlatformError,
    RemoteError,
    StaleError,
)
from marketing_analytics.core.locks import file_lock
from marketing_analytics.jobs.account import as_seen, read_jobs
from marketing_analytics.jobs.guards.freshness import Freshness
from marketing_analytics.jobs.guards.lease import Lease
from marketing_analytics.jobs.guards.quiet import is_quiet
from marketing_analytics.jobs.payload import Desired, body_of, without_starts
from marketing_analytics.jobs.plan import (
    Change,
    Plan,
    RemoteJob,
    VariableChange,
    change_job,
    owned_jobs,
)

State = Literal["done", "failed", "stale", "not tried"]


@dataclass(frozen=True)
class Outcome:
    """What became of one change; stale: the job is another one than the plan saw, and was left."""

    change: Change
    state: State
    job_id: int | None = None
    message: str = ""
    error: PlatformError | None = field(default=None, repr=False)


def apply_plan(
    client: CloudClient,
    plan: Plan,
    on_outcome: Callable[[Outcome], None],
    lease: Lease | None = None,
) -> list[Outcome]:
    """Carry out a plan and return what became of each change.

    With a lease of the scope, what appears meanwhile is known to be ours.
    """
    run = Applying(client, plan, on_outcome, lease)
    writes = [change for change in plan.changes if change.action != "delete"]
    if plan.is_compared and plan.changes:
        run.fresh.refresh()
    run.ensure_variables(writes)
    for level in sorted({change.level for change in writes}):
        run.all_of([change for change in writes if change.level == level], run.write)
    if run.new:
        run.remove_copies()
    deletes = [change for change in plan.changes if change.action == "delete"]
    if run.has_failures:
        for change in deletes:
            run.skip(change, "kept, because not every change before succeeded")
    else:
        run.all_of(deletes, run.remove)
    return run.outcomes


def exit_code_of(outcomes: Sequence[Outcome]) -> int:
    """Return 0 when all is done, 5 when a part is, else the exit code of the first failure."""
    failures = [outcome for outcome in outcomes if outcome.state in ("failed", "stale")]
    if not failures:
        return EXIT_OK
    if any(outcome.state == "done" for outcome in outcomes):
        return EXIT_PARTLY_APPLIED
    return failures[0].error.exit_code if failures[0].error else EXIT_FAILED


class Applying:
    """One run of a plan: which jobs exist by now, and what became of the changes."""

    def __init__(
        self,
        client: CloudClient,
        plan: Plan,
        on_outcome: Callable[[Outcome], None],
        lease: Lease | None = None,
    ) -> None:
        self.client = client
        self.plan = plan
        self.on_outcome = on_outcome
        self.lease = lease
        self.fresh = Freshness(plan, lambda: read_jobs(client, plan.scope, as_seen(plan)))
        self.job_ids = dict(plan.kept)
        # jobs that this run created, by key, and all ids that it wrote to
        self.new: dict[str, Desired] = {}
        self.outcomes: list[Outcome] = []
        self.stopped_by = ""
        self.lock = threading.Lock()

    @property
    def has_failures(self) -> bool:
        """Return whether anything failed or could not be tried."""
        return any(outcome.state != "done" for outcome in self.outcomes)

    def all_of(self, changes: Sequence[Change], act: Callable[[Change], int]) -> None:
        """Carry out independent changes concurrently.

        On Ctrl-C nothing new is begun, what is begun is finished, and nobody waits any longer.
        """
        if not changes:
            return
        pool = ThreadPoolExecutor(min(MOST_AT_A_TIME, len(changes)))
        try:
            for done in [pool.submit(self.guard, change, act) for change in changes]:
                done.result()
        except KeyboardInterrupt:
            self.stopped_by = "interrupted"
            self.client.pace.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def guard(self, change: Change, act: Callable[[Change], int]) -> None:
        """Carry out one change and record what became of it."""
        if self.stopped_by:
            return self.skip(change, self.stopped_by)
        missing = self.missing_parent(change)
        if missing:
            return self.skip(change, f"it runs after {missing}, which could not be written")
        try:
            if self.lease:
                with self.lock:
                    self.lease.keep()
            self.fresh.check(change)
            job_id = act(change)
        except StaleError as error:
            return self.record(Outcome(change, "stale", change.job_id, error.message, error))
        except (RemoteError, LockedError) as error:
            if isinstance(error, AuthError):
                self.stopped_by = "the token was refused"
            if isinstance(error, LockedError):
                self.stopped_by = "the lease was lost"
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
        if not wanted:
            return
        there = self.lease.names if self.lease else set(self.client.variables())
        self.client.together(self.client.create_variable, sorted(wanted - there))

    def write(self, change: Change) -> int:
        """Create or update a job with its variables, and return its id.

        Variables come before what starts the job: a run that began without DBT_SCHEMA would
        write to the environment's schema.
        """
        assert change.desired  # noqa: S101
        body = body_of(change.desired.fields, self.job_ids, self.client.project_id)
        first, job_id = body, change.job_id
        if change.action == "create":
            if change.variables and not self.starts_late(change.desired):
                first = without_starts(body)
            job_id = self.create(change.desired.key, first)
            with self.lock:
                self.new[change.key] = change.desired
        assert job_id  # noqa: S101
        self.fresh.own.add(job_id)
        self.job_ids[change.key] = job_id
        try:
            self.write_variables(job_id, change.variables)
        except RemoteError:
            if change.action == "create" and first != without_starts(body):
                self.switch_off(job_id, body)
            raise
        if first != body or (change.action == "update" and change.fields):
            self.client.update_job(job_id, body)
        return job_id

    def starts_late(self, job: Desired) -> bool:
        """Return whether nothing starts a new job before its variables are set.

        When the server is in trouble, that may take longer than anybody can tell.
        """
        return not self.client.pace.has_been_halved and is_quiet(job, self.new, self.client.now())

    def switch_off(self, job_id: int, body: dict[str, Any]) -> None:
        """Take from a new job what would start it without its variables."""
        try:
            self.client.update_job(job_id, without_starts(body))
        except RemoteError as error:
            raise RemoteError(
                f"job {job_id} is there without its variables and could not be switched off: "
                f"{error.message}",
                hint="repeat the command before the job starts: it sets them",
            ) from None

    def write_variables(self, job_id: int, changes: Sequence[VariableChange]) -> None:
        """Set and remove the variables of a job, at a time."""
        self.client.together(lambda change: self.write_variable(job_id, change), changes)

    def write_variable(self, job_id: int, change: VariableChange) -> None:
        """Set or remove one variable of a job."""
        if change.value is not None:
            self.client.set_override(job_id, change.name, change.value, change.override_id)
        elif change.override_id is not None:
            self.client.delete_override(change.override_id)

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
            self.client.pace.rest(wait_seconds)
            for job in self.client.list_jobs():
                is_new = job["id"] not in self.plan.known_ids
                if is_new and owner_of(job.get("description")) == owner:
                    return int(job["id"])
        return None

    def remove_copies(self) -> None:
        """Keep the oldest of each mark that this run created, and delete the later ones.

        A copy comes from a create that was thought lost, or from a deploy that was killed. With
        the lease all of them are ours, and the one that stays is brought to what it shall be;
        without it only what this run made is deleted.
        """
        known = {seen.job_id for seen in self.plan.seen}
        copied = set()
        for key, jobs in owned_jobs(self.plan.scope, self.fresh.read()).items():
            made = [job for job in jobs if job.job_id not in known and self.is_new(job)]
            if key not in self.new or len(made) < 2:
                continue
            copied.add(key)
            for job in made[1:]:
                if self.lease or job.job_id in self.fresh.own:
                    self.client.delete_job(job.job_id)
            self.settle(key, made[0])
        if copied and self.lease:
            self.repair(copied)

    def is_new(self, job: RemoteJob) -> bool:
        """Return whether a job may be a copy of one that this run created."""
        desired = self.new.get(job.owner.key) if job.owner else None
        return desired is not None and (
            job.data.get("environment_id") == desired.fields["environment_id"]
        )

    def settle(self, key: str, kept: RemoteJob) -> None:
        """Take over the job that stays under a key, and tell when it is another one."""
        if self.job_ids.get(key) == kept.job_id:
            return
        self.job_ids[key] = kept.job_id
        for place, outcome in enumerate(self.outcomes):
            if outcome.change.key == key and outcome.change.action == "create":
                told = replace(outcome, job_id=kept.job_id, message="another create was older")
                self.outcomes[place] = told
                self.on_outcome(told)

    def repair(self, copied: set[str]) -> None:
        """Bring jobs that stayed instead of others, and those after them, to what they shall be."""
        owned = owned_jobs(self.plan.scope, self.fresh.read())
        keys = {job.job_id: key for key, jobs in owned.items() for job in jobs[:1]}
        for key, desired in self.new.items():
            after = desired.fields["after"]
            if key in owned and (key in copied or (after and after[0] in copied)):
                for change in change_job(desired, owned[key][0], keys):
                    if change.action == "update":
                        self.write(change)

    def remove(self, change: Change) -> int:
        """Delete a job."""
        assert change.job_id  # noqa: S101
        self.client.delete_job(change.job_id)
        return change.job_id


def scope_lock(
    client: CloudClient, scope: Scope, wait_seconds: float = 0.0
) -> contextlib.AbstractContextManager[None]:
    """Return the lock of a scope on this machine."""
    identity = f"{client.host} {client.account_id} {client.project_id} {scope}"
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return file_lock(
        Path(tempfile.gettempdir()) / f"marketing-jobs-{digest}.lock",
        taken=f"another deploy of {scope.describe()} is running on this machine",
        hint="repeat the command with --wait SECONDS, or when it is done",
        timeout_seconds=wait_seconds,
    )
