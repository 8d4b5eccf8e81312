"""Delete the jobs of a choice, branch by branch; each is looked at once more before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.cloud_api.names import Scope
from marketing_analytics.core.errors import AuthError, RemoteError
from marketing_analytics.jobs.apply import Outcome
from marketing_analytics.jobs.cleanup.choose import Choice
from marketing_analytics.jobs.cleanup.recheck import why_not_now
from marketing_analytics.jobs.cleanup.schemas import SchemaDrop, drop_schema
from marketing_analytics.jobs.plan import Change


class Removing:
    """One run of a cleanup: what became of each job."""

    def __init__(
        self, client: CloudClient, choice: Choice, on_outcome: Callable[[Outcome], None]
    ) -> None:
        self.client = client
        self.choice = choice
        self.on_outcome = on_outcome
        self.outcomes: list[Outcome] = []
        self.dropped: list[str] = []
        self.is_stopped = False
        self.lock = threading.Lock()

    def run(self, drops: Sequence[SchemaDrop] = ()) -> list[Outcome]:
        """Drop schemas, delete the jobs, and return what became of them."""
        by_scope: dict[Scope, list[Change]] = {}
        for change in self.choice.deletes:
            by_scope.setdefault(self.scope_of(change), []).append(change)
        wanted = {drop.scope: drop for drop in drops if drop.runner}
        with_schema = [(wanted[scope], by_scope[scope]) for scope in by_scope if scope in wanted]
        plain = [c for scope, changes in by_scope.items() if scope not in wanted for c in changes]
        self.client.together(lambda pair: self.remove_branch(*pair), with_schema)
        self.client.together(lambda change: self.remove(change, ()), plain)
        return self.outcomes

    def scope_of(self, change: Change) -> Scope:
        """Return whose a job is."""
        job = self.choice.jobs[change.job_id or 0]
        assert job.owner  # noqa: S101
        return job.owner.scope

    def remove_branch(self, drop: SchemaDrop, changes: Sequence[Change]) -> None:
        """Drop the schema of a branch, then delete its jobs; all of it or nothing."""
        try:
            whys = [why_not_now(self.client, self.choice.jobs[c.job_id or 0]) for c in changes]
            if any(whys):
                for change, why in zip(changes, whys, strict=True):
                    self.skip(change, why or "another job of its branch stays, and the schema too")
                return
            run_id = drop_schema(self.client, drop)
            self.dropped.append(drop.schema)
        except RemoteError as error:
            for change in changes:
                self.fail(change, error)
            return
        for change in changes:
            self.remove(change, (run_id,))

    def remove(self, change: Change, own_runs: Sequence[int]) -> None:
        """Delete one job, unless it came to life since the plan."""
        if self.is_stopped:
            return self.skip(change, "the token was refused")
        assert change.job_id  # noqa: S101
        try:
            why = why_not_now(self.client, self.choice.jobs[change.job_id], own_runs=own_runs)
            if why:
                return self.skip(change, why)
            self.client.delete_job(change.job_id)
        except RemoteError as error:
            return self.fail(change, error)
        return self.record(Outcome(change, "done", change.job_id))

    def skip(self, change: Change, why: str) -> None:
        """Record a job that stays."""
        self.record(Outcome(change, "not tried", change.job_id, why))

    def fail(self, change: Change, error: RemoteError) -> None:
        """Record a job that could not be deleted."""
        self.is_stopped = self.is_stopped or isinstance(error, AuthError)
        self.record(Outcome(change, "failed", change.job_id, error.message, error))

    def record(self, outcome: Outcome) -> None:
        """Record an outcome and tell about it."""
        with self.lock:
            self.outcomes.append(outcome)
            self.on_outcome(outcome)
