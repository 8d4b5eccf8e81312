"""Run a run again from the step where it failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marketing_analytics.cloud_api.states import UNSUCCESSFUL, Status
from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.progress import list_steps
from marketing_analytics.local_cloud.runs.records import Run, RunStep
from marketing_analytics.local_cloud.runs.steps import DEPS
from marketing_analytics.local_cloud.runs.store import (
    Homes,
    create_run,
    newest_run_ids,
    require_run,
    schema_name_of,
)
from marketing_analytics.local_cloud.store.connection import Connection
from marketing_analytics.local_cloud.store.jobs import ACTIVE, Job, get_jobs

# dbt Cloud's codes, and what they mean
NOT_FAILED = "RETRY_NOT_FAILED_RUN"
NOT_NEWEST = "RETRY_NOT_LATEST_RUN"
REFUSALS = {
    NOT_FAILED: "only a run that failed or was cancelled can go on from there",
    NOT_NEWEST: "the job has run again since; only its newest run can go on from there",
}


def retry_run(connection: Connection, run_id: int) -> int:
    """Queue a run that goes on where a run failed, from the pages; return its id.

    Raise UserError when there is no such run, or when it cannot be retried.
    """
    run = require_run(connection, run_id)
    reason = retry_refusal(connection, run)
    if reason is not None:
        raise UserError(f"run {run_id} cannot be retried: {REFUSALS.get(reason, reason)}")
    overrides = retry_overrides(connection, run)
    cause = f"Retry of run {run_id}"
    made = create_run(
        connection, run.job_id, cause=cause, cause_category="rerun", overrides=overrides
    )
    return made.id


def retry_refusal(connection: Connection, run: Run) -> str | None:
    """Return why a run cannot be retried, in dbt Cloud's code or in words; None when it can."""
    return retry_refusals(connection, [run])[run.id]


def retry_refusals(connection: Connection, runs: Sequence[Run]) -> dict[int, str | None]:
    """Return why runs cannot be retried, by run; for runs that are good the store is not asked."""
    failed = [run for run in runs if run.status in UNSUCCESSFUL]
    newest = newest_run_ids(connection, {run.job_id for run in failed}) if failed else {}
    last = [run for run in failed if newest.get(run.job_id) == run.id]
    jobs = get_jobs(connection, {run.job_id for run in last}) if last else {}
    homes = Homes(connection)
    return {
        **{run.id: NOT_FAILED for run in runs},
        **{run.id: NOT_NEWEST for run in failed},
        **{run.id: moved_words(homes, run, jobs[run.job_id]) or None for run in last},
    }


def moved_words(homes: Homes, run: Run, job: Job) -> str:
    """Return why a retry would not find what a run of a job has built, "" when it would."""
    if job.state != ACTIVE:
        return f"job {job.id} was deleted"
    try:
        schema = schema_name_of(homes, job, run.trigger_body)
    except UserError as error:
        return error.message
    if (job.environment_id, schema) == (run.environment_id, run.schema_name):
        return ""
    return (
        f"run {run.id} built into {run.schema_name} of environment {run.environment_id}, its job"
        f" builds into {schema} of environment {job.environment_id} now: start a new run"
    )


def retry_overrides(connection: Connection, run: Run) -> dict[str, Any]:
    """Return the overrides of a run that does what a run has left undone."""
    failed, skipped = left_steps(connection, run)
    steps = [failed, *skipped] if failed else skipped or run.commands
    return {**run.trigger_body, "steps_override": steps, "retrying_run_id": run.id}


def left_steps(connection: Connection, run: Run) -> tuple[str | None, list[str]]:
    """Return the command that failed and the user's commands after it."""
    own = own_steps(list_steps(connection, run.id), run)
    done = sum(1 for step in own if step.status == Status.SUCCESS)
    failed = next((step.command for step in own if step.status == Status.ERROR), None)
    left = run.commands[done:]
    return failed, left[1:] if failed else left


def own_steps(steps: Sequence[RunStep], run: Run) -> Sequence[RunStep]:
    """Return the steps that are commands of the job, by their place.

    The server has steps with the same words: `dbt deps`, freshness, docs.
    """
    of_dbt = [step for step in steps if step.command and step.step_index > DEPS]
    first = int(run.run_source_freshness)
    return of_dbt[first : first + len(run.commands)]
