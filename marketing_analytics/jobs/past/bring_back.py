"""Carry out what undo decided: create, update, then delete, and only when all before succeeded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from marketing_analytics.cloud_api.attributes import take
from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.core.errors import AuthError, RemoteError
from marketing_analytics.jobs.apply import Outcome
from marketing_analytics.jobs.cleanup.recheck import why_not_now
from marketing_analytics.jobs.past.undo import PARENT, Step, UndoPlan
from marketing_analytics.jobs.payload import without_starts
from marketing_analytics.jobs.plan import RemoteJob, remote_job


class BringingBack:
    """One run of undo: which job of then is which today, and what became of the steps."""

    def __init__(
        self,
        client: CloudClient,
        plan: UndoPlan,
        remote: Sequence[RemoteJob],
        on_outcome: Callable[[Step, Outcome], None],
        *,
        is_forced: bool,
    ) -> None:
        self.client = client
        self.steps = plan.to_do
        self.remote = {job.job_id: job for job in remote}
        self.ids = dict(plan.ids)
        self.on_outcome = on_outcome
        self.is_forced = is_forced
        self.outcomes: list[Outcome] = []
        self.is_stopped = False
        self.lock = threading.Lock()

    def run(self) -> list[Outcome]:
        """Carry out the steps and return what became of each."""
        by_action = {
            action: [step for step in self.steps if step.change.action == action]
            for action in ("create", "update", "delete")
        }
        variables = {
            v.name
            for step in self.steps
            for v in step.change.variables
            if v.value is not None and v.override_id is None
        }
        self.client.ensure_variables(variables)
        for level in levels_of(by_action["create"]):
            self.all_of(level, self.create)
        self.all_of(by_action["update"], self.update)
        if all(outcome.state == "done" for outcome in self.outcomes):
            self.all_of(by_action["delete"], self.delete)
        else:
            for step in by_action["delete"]:
                self.skip(step, "kept, because not every step before succeeded")
        return self.outcomes

    def all_of(self, steps: Sequence[Step], act: Callable[[Step], int]) -> None:
        """Carry out independent steps concurrently."""
        if not steps:
            return
        self.client.together(lambda step: self.guard(step, act), steps)

    def guard(self, step: Step, act: Callable[[Step], int]) -> None:
        """Carry out one step and record what became of it."""
        change = step.change
        if self.is_stopped:
            return self.skip(step, "the token was refused")
        try:
            why = self.why_not(step)
            if why:
                return self.skip(step, why)
            job_id = act(step)
        except RemoteError as error:
            self.is_stopped = self.is_stopped or isinstance(error, AuthError)
            outcome = Outcome(change, "failed", change.job_id, error.message, error)
            return self.record(step, outcome)
        return self.record(step, Outcome(change, "done", job_id))

    def why_not(self, step: Step) -> str:
        """Return why a step must not be carried out, or nothing."""
        if step.change.action == "delete":
            assert step.change.job_id  # noqa: S101
            return why_not_now(
                self.client, self.remote[step.change.job_id], is_forced=self.is_forced
            )
        parent = take(step.body or {}, PARENT)
        # jobs of others, which the file does not hold, are where they were
        is_lost = parent in self.missing and parent not in self.ids
        return f"it runs after job {parent}, which could not be created" if is_lost else ""

    @property
    def missing(self) -> set[int]:
        """Return the ids of then of jobs that this run creates."""
        return {
            step.old_id for step in self.steps if step.change.action == "create" and step.old_id
        }

    def skip(self, step: Step, why: str) -> None:
        """Record a step that was not carried out."""
        self.record(step, Outcome(step.change, "not tried", step.change.job_id, why))

    def record(self, step: Step, outcome: Outcome) -> None:
        """Record an outcome and tell about it."""
        with self.lock:
            self.outcomes.append(outcome)
            self.on_outcome(step, outcome)

    # writing

    def create(self, step: Step) -> int:
        """Create a job as it was and return its new id.

        Variables come before what starts it, as in a deploy.
        """
        assert step.old_id  # noqa: S101
        body = self.body_of(step)
        first = without_starts(body) if step.change.variables else body
        made: list[int] = []
        found = self.client.create_unless_there(
            lambda: made.append(int(self.client.create_job(first)["id"])),
            lambda: self.look_for(step),
        )
        job_id = made[0] if made else int(found)
        with self.lock:
            self.ids[step.old_id] = job_id
        self.write_variables(step, job_id)
        if first != body or not made:
            self.client.update_job(job_id, body)
        return job_id

    def look_for(self, step: Step) -> int | None:
        """Return the id of a job that appeared with the mark, looking twice."""
        assert step.old  # noqa: S101
        for wait_seconds in (0.0, self.client.retry_base_seconds * 2):
            time.sleep(wait_seconds)
            for job in map(remote_job, self.client.list_jobs()):
                if job.job_id not in self.remote and step.old.is_marked_so(job):
                    return job.job_id
        return None

    def update(self, step: Step) -> int:
        """Write what a job was, and its variables."""
        job_id = step.change.job_id
        assert job_id  # noqa: S101
        self.write_variables(step, job_id)
        if step.change.fields:
            self.client.update_job(job_id, self.body_of(step))
        return job_id

    def write_variables(self, step: Step, job_id: int) -> None:
        """Set and remove the variables of a job."""
        for variable in step.change.variables:
            if variable.value is not None:
                self.client.set_override(
                    job_id, variable.name, variable.value, variable.override_id
                )
            elif variable.override_id is not None:
                self.client.delete_override(variable.override_id)

    def delete(self, step: Step) -> int:
        """Delete a job that was created."""
        assert step.change.job_id  # noqa: S101
        self.client.delete_job(step.change.job_id)
        return step.change.job_id

    def body_of(self, step: Step) -> dict[str, Any]:
        """Return a request body; ids of jobs that are gone become those of today."""
        body: dict[str, Any] = deepcopy(dict(step.body or {}))
        parent = take(body, PARENT)
        if parent in self.ids:
            body["job_completion_trigger_condition"]["condition"]["job_id"] = self.ids[parent]
        deferred = body.get("deferring_job_definition_id")
        if deferred in self.ids:
            body["deferring_job_definition_id"] = self.ids[deferred]
        return body


def levels_of(steps: Sequence[Step]) -> list[list[Step]]:
    """Return the jobs to create in levels: each runs after jobs of earlier levels only."""
    left = {step.old_id: step for step in steps}
    levels = []
    while left:
        level = [step for step in left.values() if take(step.body or {}, PARENT) not in left]
        # jobs that wait for each other, which dbt Cloud allows, come all at once
        levels.append(level or list(left.values()))
        left = {old_id: step for old_id, step in left.items() if step not in levels[-1]}
    return levels
