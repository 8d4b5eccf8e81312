"""Decide what brings jobs back to how a restore file has them.

A job is found by its id, one that was deleted by its mark. Whoever changed a job since then is
not overwritten: such a job is left alone unless that is forced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from marketing_analytics.cloud_api.attributes import take
from marketing_analytics.jobs.cleanup.recheck import active_run
from marketing_analytics.jobs.past.restore import Past, RestoreFile, past_of, plain, writable
from marketing_analytics.jobs.payload import MASKED, fields_of_remote, shown_name, without_starts
from marketing_analytics.jobs.plan import Action, Change, FieldChange, RemoteJob, VariableChange

# what a job file cannot say; a deploy leaves it alone
OTHER_FIELDS = (
    *("deferring_job_definition_id", "compare_changes_flags", "cost_optimization_features"),
    *("lifecycle_webhooks_url", "integrate_with_source_control", "validate_execute_steps"),
)
PARENT = "job_completion_trigger_condition.condition.job_id"

Verdict = Literal["as it was", "to do", "skipped"]


@dataclass(frozen=True)
class Step:
    """What undo does to one job.

    change: as a plan shows it, with the reason; its job_id is the job's id of today.
    old: the job as it was. body: what to write, with the ids of then. left: fields and variables
    as they will be, for a restore file.
    """

    verdict: Verdict
    change: Change
    old: Past | None = None
    body: Mapping[str, Any] | None = None
    left: Mapping[str, Any] | None = None

    @property
    def old_id(self) -> int | None:
        """Return the id that the job had."""
        return self.old.job_id if self.old else None


@dataclass(frozen=True)
class UndoPlan:
    """All steps, and where old ids lead today: to the same job, or to the one that replaced it."""

    steps: tuple[Step, ...]
    ids: Mapping[int, int]

    @property
    def to_do(self) -> list[Step]:
        """Return the steps that change something."""
        return [step for step in self.steps if step.verdict == "to do"]

    @property
    def skipped(self) -> list[Step]:
        """Return the steps that are left out because somebody changed the job since."""
        return [step for step in self.steps if step.verdict == "skipped"]


class Undoing:
    """The jobs of today beside those of a restore file."""

    def __init__(self, file: RestoreFile, remote: Sequence[RemoteJob], *, is_forced: bool) -> None:
        self.pasts = file.jobs
        self.remote = {job.job_id: job for job in remote}
        self.is_forced = is_forced
        self.names = {job.job_id: name_of(job) for job in remote}
        self.names |= {past.job_id: past.key for past in file.jobs if past.job_id}
        self.ids: dict[int, int] = {}
        self.created = self.find_created()
        # by the id of then, the job of today
        self.today = self.find_old()
        self.ids = {old_id: job.job_id for old_id, job in self.today.items()}

    def find_created(self) -> dict[int, RemoteJob]:
        """Return the jobs that were created, by their position in the file.

        An id that is not in the file was lost when the command was killed: the mark tells.
        """
        old_ids = {past.job_id for past in self.pasts if past.action != "create"}
        found: dict[int, RemoteJob] = {}
        for position, past in enumerate(self.pasts):
            if past.action != "create":
                continue
            if past.job_id:
                if past.job_id in self.remote:
                    found[position] = self.remote[past.job_id]
                continue
            taken = old_ids | {job.job_id for job in found.values()}
            for job in self.remote.values():
                is_it = past.is_marked_so(job) and job.job_id not in taken
                if is_it and self.is_as_left(past, job):
                    found[position] = job
        return found

    def find_old(self) -> dict[int, RemoteJob]:
        """Return the jobs of today by the ids of then; deleted ones by their mark, if they came."""
        found: dict[int, RemoteJob] = {}
        taken = {job.job_id for job in self.created.values()}
        taken |= {past.job_id for past in self.pasts if past.job_id in self.remote}
        for past in self.pasts:
            if past.action == "create" or not past.job_id:
                continue
            if past.job_id in self.remote:
                found[past.job_id] = self.remote[past.job_id]
                continue
            for job in self.remote.values():
                if past.is_marked_so(job) and job.job_id not in taken:
                    found[past.job_id] = job
                    taken.add(job.job_id)
                    break
        return found

    # the decision

    def plan(self) -> UndoPlan:
        """Return what is to be done, deletes last."""
        steps = []
        for position, past in enumerate(self.pasts):
            if past.action == "create":
                steps.append(self.undo_create(past, self.created.get(position)))
            elif past.job_id and past.job_id in self.today:
                steps.append(self.undo_update(past, self.today[past.job_id]))
            else:
                steps.append(self.undo_delete(past))
        steps += self.followers(steps)
        steps = [replace(step, left=self.left_by(step)) for step in steps]
        order = {"create": 0, "update": 1, "delete": 2}
        return UndoPlan(tuple(sorted(steps, key=lambda s: order[s.change.action])), self.ids)

    def undo_create(self, past: Past, job: RemoteJob | None) -> Step:
        """Return the step that deletes a job which was created."""
        change = Change(
            "delete", past.key, past.name, "it was created", job.job_id if job else None
        )
        if job is None:
            return Step("as it was", change)
        change = replace(change, name=job.name)
        if job.owner is None or job.owner != past.owner or not job.is_marked:
            return Step("skipped", because(change, "it does not carry its mark any more"))
        if job.owner.is_kept:
            return Step("skipped", because(change, "it has keep = true"))
        if active_run(job):
            return self.unless_forced(change, "it runs now")
        if not self.is_as_left(past, job):
            return self.unless_forced(change, "it was changed since")
        return Step("to do", change)

    def undo_delete(self, past: Past) -> Step:
        """Return the step that creates a job which was deleted."""
        variables = tuple(VariableChange(n, None, v, None) for n, v in past.variables.items())
        reason = f"it was deleted as job {past.job_id}; it gets a new id"
        if past.not_kept:
            reason += f"; values that cannot be brought back: {', '.join(past.not_kept)}"
        change = Change("create", past.key, past.name, reason, None, None, (), variables)
        if past.action == "update":
            return self.unless_forced(change, "it was deleted since", past, past.body)
        return Step("to do", change, past, past.body)

    def undo_update(self, past: Past, job: RemoteJob) -> Step:
        """Return the step that brings a job back which is there."""
        fields, variables = self.field_changes(past, job), variable_changes(past, job)
        reason = "differs from what it was"
        change = Change("update", past.key, job.name, reason, job.job_id, None, fields, variables)
        if not fields and not variables:
            return Step("as it was", change, past)
        body = {**writable(job.data), **(past.body or {})}
        if not self.is_as_left(past, job):
            return self.unless_forced(change, "it was changed since", past, body)
        return Step("to do", change, past, body)

    def unless_forced(
        self,
        change: Change,
        why: str,
        old: Past | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Step:
        """Return a step that is skipped unless that is forced."""
        if self.is_forced:
            return Step("to do", because(change, f"{why}, and --force was given"), old, body)
        return Step("skipped", because(change, why), old, body)

    def followers(self, steps: Sequence[Step]) -> list[Step]:
        """Return steps for the team's other jobs that run after a job which gets a new id."""
        moved = {past.job_id for past in self.pasts if past.job_id and past.action == "delete"}
        moved -= self.remote.keys()
        handled = {step.change.job_id for step in steps if step.verdict != "as it was"}
        teams = {past.owner.scope.team for past in self.pasts if past.owner}
        found = []
        for job in self.remote.values():
            parent = take(job.data, PARENT)
            is_ours = job.owner is not None and job.is_marked and job.owner.scope.team in teams
            if parent in moved and is_ours and job.job_id not in handled:
                found.append(self.repointed(job, parent))
        return found

    def repointed(self, job: RemoteJob, parent: int) -> Step:
        """Return the step that points a job to the new id of the one it runs after."""
        new = self.ids.get(parent)
        fields = (FieldChange("after", f"job {parent}", f"job {new}" if new else "its new id"),)
        assert job.owner  # noqa: S101
        key, reason = job.owner.key, f"it runs after job {parent}, which has a new id"
        change = Change("update", key, job.name, reason, job.job_id, fields=fields)
        return Step("to do", change, body=writable(job.data))

    def left_by(self, step: Step) -> dict[str, Any] | None:
        """Return fields and variables of a job as a step will leave them."""
        if step.body is None:
            return None
        variables = dict(step.old.variables) if step.old else self.variables_of(step.change)
        return {"fields": plain(self.flat(step.body)), "variables": variables}

    def variables_of(self, change: Change) -> dict[str, str]:
        """Return the variables of a job whose variables stay."""
        job = self.remote[change.job_id or 0]
        return {o.name: o.value for o in job.overrides or () if o.value != MASKED}

    # comparing

    def is_as_left(self, past: Past, job: RemoteJob) -> bool:
        """Return whether everything of a job is as the command left it, or as it was before.

        Some of it may be back already, by an undo that was cut off.
        """
        if past.body is not None and other_changes(past.body, job.data):
            return False
        left, old = self.left_of(past), self.flat({**job.data, **(past.body or {})})
        fields, before = plain(self.flat(job.data)), plain(old) if past.body else {}
        for name, value in left["fields"].items():
            is_free = value is None and name in UNSENT
            is_same = fields.get(name, value) in (value, before.get(name, value))
            if not is_same and not is_free:
                return False
        masked = {o.name for o in job.overrides or () if o.value == MASKED}
        known = {o.name: o.value for o in job.overrides or ()}
        return all(
            known.get(name) in (left["variables"].get(name), past.variables.get(name))
            for name in (known.keys() | left["variables"].keys()) - masked
        )

    def left_of(self, past: Past) -> Mapping[str, Any]:
        """Return fields and variables as the command left them.

        A job that it deleted is there again, half done, when an undo was cut off.
        """
        if past.left is not None:
            return past.left
        body = dict(past.body or {})
        first = without_starts(body) if "triggers" in body else body
        return {"fields": plain(self.flat(first)), "variables": {}}

    def field_changes(self, past: Past, job: RemoteJob) -> tuple[FieldChange, ...]:
        """Return the fields of a job that are not as they were."""
        assert past.body is not None  # noqa: S101
        body = {**job.data, **past.body}
        now, then = self.flat(job.data), self.flat(body)
        changes = [
            FieldChange(shown_name(name), now[name], then[name])
            for name in then
            if plain(now[name]) != plain(then[name])
        ]
        return (*changes, *other_changes(past.body, job.data, is_back=True))

    def flat(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the flat form of a body; jobs are named by key, whatever their id."""
        return flat_form(body, self.keys())

    def keys(self) -> dict[int, str]:
        """Return the names of jobs by id, of then and of today."""
        found = dict(self.names)
        for past in self.pasts:
            if past.job_id in self.ids and past.job_id:
                found[self.ids[past.job_id]] = found[past.job_id]
        return found


def flat_form(body: Mapping[str, Any], keys: Mapping[int, str]) -> dict[str, Any]:
    """Return the flat form of a body, without the types of jobs that follow from triggers."""
    fields = fields_of_remote(body, keys)
    kind = fields["job_type"] if fields["job_type"] in ("ci", "adaptive") else None
    return {**fields, "job_type": kind}


# left out of a request when the file does not give them
UNSENT = ("job_type", "force_node_selection")


def because(change: Change, reason: str) -> Change:
    """Return a change with another reason."""
    return replace(change, reason=reason)


def name_of(job: RemoteJob) -> str:
    """Return a job's key, or its id where it is nobody's."""
    return job.owner.key if job.owner else f"#{job.job_id}"


def other_changes(
    old: Mapping[str, Any], now: Mapping[str, Any], *, is_back: bool = False
) -> list[FieldChange]:
    """Return the differences in fields that a job file cannot say."""
    found = []
    for name in OTHER_FIELDS:
        values = [now.get(name) or None, old.get(name) or None]
        if name in old and values[0] != values[1]:
            found.append(FieldChange(name, *(values if is_back else reversed(values))))
    return found


def variable_changes(past: Past, job: RemoteJob) -> tuple[VariableChange, ...]:
    """Return the variables of a job that are not as they were; hidden values stay as they are."""
    there = {o.name: o for o in job.overrides or ()}
    changes = []
    for name, value in past.variables.items():
        now = there.get(name)
        if now is None or now.value != value:
            old = now.value if now else None
            changes.append(VariableChange(name, old, value, now.override_id if now else None))
    changes += [
        VariableChange(name, now.value, None, now.override_id)
        for name, now in there.items()
        if name not in past.variables and name not in past.not_kept and now.value != MASKED
    ]
    return tuple(changes)


def action_counts(plan: UndoPlan) -> dict[Action, int]:
    """Return how many jobs get which action."""
    counts: dict[Action, int] = {"create": 0, "update": 0, "delete": 0}
    for step in plan.to_do:
        counts[step.change.action] += 1
    return counts


def pasts_of_undo(plan: UndoPlan, remote: Sequence[RemoteJob]) -> list[Past]:
    """Return what undo is about to do, so that it can be undone too."""
    jobs = {job.job_id: job for job in remote}
    found = []
    for step in plan.to_do:
        change, job = step.change, jobs.get(step.change.job_id or 0)
        if change.action == "create" and step.old:
            found.append(Past("create", change.key, change.name, step.old.mark, left=step.left))
        elif job:
            known = job if job.overrides is not None else replace(job, overrides=())
            found.append(past_of(change.action, known, change.key, step.left))
    return found
