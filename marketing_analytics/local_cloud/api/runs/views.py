"""Runs and their steps as the API shows them; run times have a blank instead of `T`."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from marketing_analytics.cloud_api.states import ENDED, Status
from marketing_analytics.local_cloud.api.answers import dump_text
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.moments import clock, in_words
from marketing_analytics.local_cloud.runs import store
from marketing_analytics.local_cloud.runs.records import Run, RunStep
from marketing_analytics.local_cloud.runs.requests.again import retry_refusals
from marketing_analytics.local_cloud.store.connection import time_of

STEP_COLOURS = {Status.SUCCESS: "green", Status.ERROR: "red", Status.CANCELLED: "grey"}
# what a trigger body may override, all null when it does not
OVERRIDES = (
    "git_branch",
    "git_sha",
    "azure_pull_request_id",
    "github_pull_request_id",
    "gitlab_merge_request_id",
    "non_native_pull_request_id",
    "schema_override",
    "dbt_version_override",
    "threads_override",
    "target_name_override",
    "generate_docs_override",
    "timeout_seconds_override",
    "steps_override",
)
EMPTY_FIELDS = (
    "owner_thread_id",
    "executed_by_thread_id",
    "artifact_s3_path",
    "last_checked_at",
    "job",
    "environment",
    "audit",
    "repository",
    "deprecation",
)


@dataclass(frozen=True)
class Neighbours:
    """What stands around some runs: why each cannot be retried, and by job who waits or goes on."""

    refusals: Mapping[int, str | None]
    active: Mapping[int, Sequence[int]]

    def ahead_of(self, run: Run) -> list[int]:
        """Return the runs that a queued run waits for: of its job, or what the queue noted."""
        if run.status is not Status.QUEUED:
            return []
        earlier = (run_id for run_id in self.active.get(run.job_id, ()) if run_id < run.id)
        return sorted({*earlier, *run.run_ids_ahead})


def neighbours_of(call: Call, runs: Sequence[Run]) -> Neighbours:
    """Return what stands around runs, with few statements: none for runs that are good."""
    queued = {run.job_id for run in runs if run.status is Status.QUEUED}
    refusals = retry_refusals(call.connection, runs)
    active = store.active_runs_of(call.connection, queued) if queued else {}
    return Neighbours(refusals, active)


def most_recent_runs(
    call: Call, job_ids: Collection[int], *, is_ended: bool
) -> dict[int, dict[str, Any]]:
    """Return the newest run of each job that has one, or the newest one that ended, by job."""
    runs = store.most_recent_runs(call.connection, job_ids, is_ended=is_ended)
    return dict(zip(runs, show_runs(call, list(runs.values())), strict=True))


def show_run(call: Call, run: Run) -> dict[str, Any]:
    """Return a run; trigger, job, environment and steps are added when they are asked for."""
    return show_runs(call, [run])[0]


def show_runs(call: Call, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return runs, nothing related in them."""
    around = neighbours_of(call, runs)
    return [
        bare_run(run, call.base_url, refusal=around.refusals[run.id], ahead=around.ahead_of(run))
        for run in runs
    ]


def dump_runs(call: Call, runs: Sequence[Run]) -> list[str]:
    """Return runs as JSON; those that have ended come from a cache."""
    base_url, second = call.base_url, int(time.time())
    around = neighbours_of(call, runs)
    return [
        dump_ended_run(run, base_url, around.refusals[run.id], second)
        if run.status in ENDED
        else dump_text(
            bare_run(run, base_url, refusal=around.refusals[run.id], ahead=around.ahead_of(run))
        )
        for run in runs
    ]


@lru_cache(maxsize=512)
def dump_ended_run(run: Run, base_url: str, refusal: str | None, _second: int) -> str:
    """Return a run as JSON; kept for a second, since it says how long ago it was."""
    return dump_text(bare_run(run, base_url, refusal=refusal, ahead=[]))


def bare_run(run: Run, base_url: str, *, refusal: str | None, ahead: list[int]) -> dict[str, Any]:
    """Return a run; `refusal` is why it cannot be retried, `ahead` are the runs it waits for."""
    status = run.status
    has_ended = status in ENDED
    return {
        "id": run.id,
        "trigger_id": run.id,
        "account_id": run.account_id,
        "environment_id": run.environment_id,
        "project_id": run.project_id,
        "job_definition_id": run.job_id,
        "job_id": run.job_id,
        "status": status,
        # only a queued run has a reason to wait
        "status_message": run.status_message or run.wait_reason or None,
        "dbt_version": run.dbt_version,
        "git_branch": run.git_branch,
        "git_sha": run.git_sha,
        **dict.fromkeys(EMPTY_FIELDS),
        "trigger": None,
        "deferring_run_id": run.deferring_run_id,
        # clients want a text here, or null
        "github_pull_request_id": pull_request_of(run),
        "run_steps": [],
        "artifacts_saved": run.has_artifacts,
        "has_docs_generated": run.generate_docs and status is Status.SUCCESS,
        "has_sources_generated": run.run_source_freshness and has_ended,
        "notifications_sent": False,
        "blocked_by": ahead,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
        "dequeued_at": run.dequeued_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "last_heartbeat_at": run.heartbeat_at,
        "should_start_at": run.scheduled_for or run.created_at,
        "status_humanized": status.word,
        "in_progress": not has_ended,
        "is_complete": has_ended,
        "is_success": status is Status.SUCCESS,
        "is_error": status is Status.ERROR,
        "is_cancelled": status is Status.CANCELLED,
        "is_running": status is Status.RUNNING,
        **durations(run),
        "retrying_run_id": run.trigger_body.get("retrying_run_id"),
        "can_retry": refusal is None,
        "retry_not_supported_reason": refusal,
        "href": href_of(run, base_url),
        "used_repo_cache": None,
    }


def pull_request_of(run: Run) -> str | None:
    """Return the number of a run's pull request at GitHub, or None."""
    kind, _, number = run.request.partition(" ")
    return number if kind == "github" else None


def href_of(run: Run, base_url: str) -> str:
    """Return the address of the page of a run, in the form of the real product."""
    return f"{base_url}/deploy/{run.account_id}/projects/{run.project_id}/runs/{run.id}/"


def durations(run: Run) -> dict[str, Any]:
    """Return how long a run waited and ran, as clock times and in words."""
    now = datetime.now(UTC)
    created = time_of(run.created_at)
    started = time_of(run.started_at) if run.started_at else None
    finished = time_of(run.finished_at) if run.finished_at else None
    total = ((finished or now) - created).total_seconds()
    waited = ((started or finished or now) - created).total_seconds()
    ran = ((finished or now) - started).total_seconds() if started else 0.0
    return {
        "duration": clock(total),
        "queued_duration": clock(waited),
        "run_duration": clock(ran),
        "duration_humanized": in_words(total),
        "queued_duration_humanized": in_words(waited),
        "run_duration_humanized": in_words(ran),
        "created_at_humanized": f"{in_words((now - created).total_seconds())} ago",
        "finished_at_humanized": (
            f"{in_words((now - finished).total_seconds())} ago" if finished else ""
        ),
    }


def show_trigger(run: Run) -> dict[str, Any]:
    """Return why a run started and what it overrides."""
    given = run.trigger_body
    return {
        "id": run.id,
        "cause": run.cause,
        "cause_category": run.cause_category,
        "job_definition_id": run.job_id,
        **{name: given.get(name) for name in OVERRIDES},
        "created_at": run.created_at,
    }


def flat_schedule(job: dict[str, Any]) -> dict[str, Any]:
    """Return a job as runs embed it: date and time of its schedule are plain words."""
    schedule = job["schedule"]
    flat = {
        "cron": schedule["cron"],
        "date": schedule["date"]["type"],
        "time": schedule["time"]["type"],
    }
    return {**job, "schedule": flat}


def show_step(step: RunStep, account_id: int, logs: Mapping[str, str]) -> dict[str, Any]:
    """Return a step; `logs` holds logs, debug_logs and truncated_debug_logs."""
    started = time_of(step.started_at) if step.started_at else None
    finished = time_of(step.finished_at) if step.finished_at else None
    seconds = ((finished or datetime.now(UTC)) - started).total_seconds() if started else 0.0
    status = step.status
    command = {"run_step_id": step.id, "dbt_command": step.command}
    return {
        "id": step.id,
        "run_id": step.run_id,
        "account_id": account_id,
        "index": step.step_index,
        "name": step.name,
        "status": status,
        "status_humanized": status.word,
        "status_color": STEP_COLOURS.get(status, "blue"),
        **logs,
        "log_path": None,
        "log_archive_type": "db_flushed",
        "debug_log_path": None,
        "started_at": step.started_at,
        "finished_at": step.finished_at,
        "duration": clock(seconds),
        "duration_humanized": in_words(seconds),
        "created_at": step.created_at,
        "updated_at": step.finished_at or step.started_at or step.created_at,
        "run_step_command": command if step.command else None,
        "run_step_invocation": None,
    }
