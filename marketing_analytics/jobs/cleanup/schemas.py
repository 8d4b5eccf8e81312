"""Drop the schema of a branch through a run of one of its jobs, before that job is deleted.

Only `{user}_{branch}` as the mark has it is ever dropped, and only when no job stays that
writes to it. The macro in `transform/macros/branches.sql` checks the name again.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.cloud_api.names import Scope
from marketing_analytics.cloud_api.states import ENDED, Status
from marketing_analytics.core.errors import TransientError
from marketing_analytics.jobs.cleanup.choose import Choice
from marketing_analytics.jobs.payload import SCHEMA_VARIABLE
from marketing_analytics.jobs.plan import RemoteJob

POLL_SECONDS = 2.0
TIMEOUT_SECONDS = 1800.0
MACRO = "drop_branch_schema"


@dataclass(frozen=True)
class SchemaDrop:
    """A schema to drop, by a run of a job that writes to it; a reason when it stays."""

    scope: Scope
    schema: str
    runner: RemoteJob | None
    stays: str = ""

    @property
    def step(self) -> str:
        """Return the dbt command that drops the schema."""
        arguments = {"schema": self.schema, "user": self.scope.user, "branch": self.scope.branch}
        return f"dbt run-operation {MACRO} --args '{json.dumps(arguments)}'"


def schema_drops(choice: Choice) -> list[SchemaDrop]:
    """Return the schemas of the branches whose jobs all go, and why others stay."""
    gone = [choice.jobs[change.job_id] for change in choice.deletes if change.job_id]
    ids = {job.job_id for job in gone}
    left = [job for job in choice.jobs.values() if job.job_id not in ids]
    scopes = dict.fromkeys(job.owner.scope for job in gone if job.owner)
    return [schema_drop(scope, gone, left) for scope in scopes]


def schema_drop(scope: Scope, gone: Sequence[RemoteJob], left: Sequence[RemoteJob]) -> SchemaDrop:
    """Return what happens to the schema of one branch and user."""
    schema = scope.schema
    user = next((job for job in left if schema_of(job) == schema), None)
    if user:
        return SchemaDrop(scope, schema, None, f"job {user.job_id} ({user.name}) writes to it")
    own = [job for job in gone if job.owner and job.owner.scope == scope]
    runner = next((job for job in own if schema_of(job) == schema), None)
    if runner is None:
        return SchemaDrop(scope, schema, None, "no job of the branch writes to it")
    return SchemaDrop(scope, schema, runner)


def schema_of(job: RemoteJob) -> str | None:
    """Return the schema that a job writes to when it has one of its own."""
    found = [o.value for o in job.overrides or () if o.name == SCHEMA_VARIABLE]
    return found[0] if found else None


def drop_schema(client: CloudClient, drop: SchemaDrop) -> int:
    """Run the macro and return the run's id when it succeeded.

    Raise TransientError when the run failed or did not end.
    """
    assert drop.runner  # noqa: S101
    cause = f"cleanup drops schema {drop.schema} ({secrets.token_hex(4)})"
    run = client.trigger(drop.runner.job_id, cause, steps_override=[drop.step])
    run_id = int(run["id"])
    give_up_at = time.monotonic() + TIMEOUT_SECONDS
    while run.get("status") not in ENDED:
        if time.monotonic() > give_up_at:
            client.cancel(run_id)
            raise not_dropped(drop, run_id, "took too long and was cancelled")
        time.sleep(POLL_SECONDS)
        run = client.run(run_id)
    if run["status"] != Status.SUCCESS:
        raise not_dropped(drop, run_id, "failed")
    return run_id


def not_dropped(drop: SchemaDrop, run_id: int, what: str) -> TransientError:
    """Return the error for a schema that is still there; its jobs stay with it."""
    return TransientError(
        f"run {run_id}, which should drop schema {drop.schema}, {what}",
        hint=f"look at `logs {run_id}`; without --with-schemas the jobs go and the schema stays",
    )
