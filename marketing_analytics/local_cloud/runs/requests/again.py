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
    create_run,
    newest_run_ids,
    require_run,
    schema_name_of,
)
from marketing_analytics.local_cloud.store.connection import Connection
from marketing_analytics.local_cloud.store.jobs import get_job

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
        raise UserError(f"run {run_id} cannot be retried: {REFUSALS[reason]}")
    if moved := moved_words(connection, run):
        raise UserError(f"run {run_id} cannot be retried: {moved}")
    overrides = retry_overrides(connection, run)
    cause = f"Retry of run {run_id}"
    made = create_run(
        connection, run.job_id, cause=cause, cause_category="rerun", overrides=overrides
    )
    return made.id


def retry_refusal(connection: Connection, run: Run) -> str | None:
    """Return why a run cannot be retried, in dbt Cloud's code; None when it can."""
    return refusal_of(
        run, is_newest=newest_run_ids(connection, [run.job_id]).get(run.job_id) == run.id
    )


def refusal_of(run: Run, *, is_newest: bool) -> str | None:
    """Return why a run cannot be retried, by whether it is the newest of its job."""
    if run.status not in UNSUCCESSFUL:
        return NOT_FAILED
    return None if is_newest else NOT_NEWEST


def moved_words(connection: Connection, run: Run) -> str:
    """Return why a retry would not find what a run has built, "" when it would."""
    job = get_job(connection, run.job_id)
    if job is None:
        return f"job {run.job_id} was deleted"
    schema = schema_name_of(connection, job, run.trigger_body)
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
