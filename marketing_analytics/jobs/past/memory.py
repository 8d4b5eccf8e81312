"""What a command remembers around its writes: the restore file before, the journal after."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

import click

from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.cloud_api.names import Owner, owner_of
from marketing_analytics.core.commands import beside
from marketing_analytics.core.console import Console
from marketing_analytics.jobs.account import as_seen, read_jobs
from marketing_analytics.jobs.apply import Outcome
from marketing_analytics.jobs.past.journal import remember
from marketing_analytics.jobs.past.restore import RestoreFile, begin_restore, pasts_of
from marketing_analytics.jobs.plan import Plan, RemoteJob


class Memory:
    """A restore file, and what became of its jobs so far."""

    def __init__(self, console: Console, file: RestoreFile | None) -> None:
        self.console = console
        self.file = file
        self.outcomes: list[Outcome] = []

    @property
    def path(self) -> str | None:
        """Return where the restore file is, or None."""
        return str(self.file.path) if self.file else None

    def told(self, tell: Callable[[Outcome], None]) -> Callable[[Outcome], None]:
        """Return a function that keeps an outcome and tells about it."""

        def keep(outcome: Outcome) -> None:
            self.outcomes.append(outcome)
            tell(outcome)

        return keep

    def tell(self) -> None:
        """Say how to go back."""
        if self.file:
            # a program that calls this is no command
            is_command = click.get_current_context(silent=True) is not None
            self.console.line(f"  undo: {beside('undo') if is_command else 'undo'} {self.path}")

    @property
    def ids(self) -> dict[str, int]:
        """Return the ids of created jobs by mark."""
        return {
            owner.mark: outcome.job_id
            for outcome in self.outcomes
            if outcome.state == "done" and outcome.change.action == "create" and outcome.job_id
            for owner in [owner_of_change(outcome)]
            if owner
        }


@contextlib.contextmanager
def remembered(
    console: Console, client: CloudClient, plan: Plan, restore_dir: str | None
) -> Iterator[Memory]:
    """Write the restore file, let the plan be carried out, then note what there is.

    Also when that is interrupted: what was written until then is noted.
    """
    pasts = pasts_of(plan.changes, read_before(client, plan))
    file = begin_restore(client, "deploy", plan.scope.describe(), pasts, restore_dir)
    memory = Memory(console, file)
    try:
        yield memory
    finally:
        if file:
            file.finish(memory.ids)
        done = [outcome for outcome in memory.outcomes if outcome.state == "done"]
        owners = {job_id: Owner(plan.scope, key) for key, job_id in plan.kept.items()}
        owners |= {o.job_id: Owner(plan.scope, o.change.key) for o in done if o.job_id}
        gone = {o.job_id for o in done if o.change.action == "delete" and o.job_id}
        failure = remember(client, owners, gone)
        if failure:
            console.note(f"the journal of job ids was not written: {failure}")


def read_before(client: CloudClient, plan: Plan) -> Mapping[int, RemoteJob]:
    """Return the jobs that a plan changes as they are; a saved plan does not have them."""
    ids = {change.job_id for change in plan.changes if change.job_id}
    if ids <= plan.before.keys():
        return plan.before
    jobs = read_jobs(client, plan.scope, as_seen(plan))
    return {job.job_id: job for job in jobs if job.job_id in ids}


def owner_of_change(outcome: Outcome) -> Owner | None:
    """Return whose a created job is."""
    desired = outcome.change.desired
    return owner_of(desired.fields["description"]) if desired else None
