"""Repeat a run from its failure, and say what a request to cancel came to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from marketing_analytics.core.commands import beside
from marketing_analytics.core.errors import UserError
from marketing_analytics.jobs.runs.words import first_line, is_final, status_of

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient

# why dbt Cloud does not retry a run
REASONS = {
    "RETRY_UNSUPPORTED_CMD": "its failed command is one that dbt cannot retry",
    "RETRY_UNSUPPORTED_VERSION": "its dbt is older than 1.6, which cannot retry",
    "RETRY_NOT_LATEST_RUN": "its job has a later run",
    "RETRY_NOT_FAILED_RUN": "it did not fail",
    "RETRY_NO_RUN_RESULTS": "it left no results that say what failed",
}


def retry_run(client: CloudClient, failed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run that repeats a failed one. Raise UserError where that cannot be done."""
    run_id, job_id = int(failed["id"]), int(failed["job_definition_id"])
    if not is_final(failed):
        raise UserError(
            f"run {run_id} has not ended: it is {status_of(failed)}",
            hint=f"follow it: {beside('logs')} {run_id} --follow",
        )
    reason = first_line(failed.get("retry_not_supported_reason"))
    if status_of(failed) == "success":
        reason = "RETRY_NOT_FAILED_RUN"
    if reason or failed.get("can_retry") is False:
        why = REASONS.get(reason, reason or "dbt Cloud gives no reason")
        raise UserError(
            f"run {run_id} cannot be retried: {why}",
            hint=f"start its job anew: {beside('run')} id:{job_id}",
        )
    return client.retry(run_id, job_id)


def retry_words(started: Mapping[str, Any], failed: Mapping[str, Any]) -> str:
    """Return what is repeated, in a sentence."""
    trigger = started.get("trigger")
    steps = trigger.get("steps_override") if isinstance(trigger, Mapping) else None
    point = f", from `{first_line(steps[0])}` on" if isinstance(steps, list) and steps else ""
    job = failed.get("job")
    name = first_line(job.get("name")) if isinstance(job, Mapping) else ""
    called = f" of {name}" if name else ""
    return f"run {started['id']} repeats run {failed['id']}{called}{point}"


def cancel_words(run_id: int, run: Mapping[str, Any]) -> str:
    """Return what a request to cancel came to."""
    word = status_of(run)
    if not is_final(run):
        return f"run {run_id}: is being cancelled"
    return f"run {run_id}: {word}" if word == "cancelled" else f"run {run_id} has ended: {word}"
