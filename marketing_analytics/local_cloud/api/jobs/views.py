"""Jobs of the store as the API shows them, with the related objects a caller asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from marketing_analytics.cloud_api.cron import cron_in_words
from marketing_analytics.local_cloud.api.answers import dump_text, not_found
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.environments.views import environment_v2
from marketing_analytics.local_cloud.api.moments import in_words, iso
from marketing_analytics.local_cloud.api.runs.views import most_recent_runs
from marketing_analytics.local_cloud.api.variables.views import include_job_variables
from marketing_analytics.local_cloud.store.connection import time_of
from marketing_analytics.local_cloud.store.environments import get_environment
from marketing_analytics.local_cloud.store.jobs import Job, get_job

RELATED = (
    "account",
    "project",
    "environment",
    "custom_environment_variables",
    "most_recent_run",
    "most_recent_completed_run",
    "fusion_readiness",
)


def stored_job(call: Call, job_id: int, *, is_any_state: bool = False) -> Job:
    """Return an active job of the account. Raise a 404."""
    job = get_job(call.connection, job_id, call.account_id, is_any_state=is_any_state)
    if job is None:
        raise not_found()
    return job


def show_job(call: Call, job: Job) -> dict[str, Any]:
    """Return one job as the API shows it, nothing related included."""
    return show_jobs(call, [job], frozenset())[0]


def show_jobs(call: Call, jobs: Sequence[Job], included: frozenset[str]) -> list[dict[str, Any]]:
    """Return jobs as the API shows them, with the related objects asked for."""
    shown = [bare_job(job) for job in jobs]
    if "environment" in included:
        include_environments(call, shown)
    if "custom_environment_variables" in included:
        include_job_variables(call, shown)
    for name in included & {"most_recent_run", "most_recent_completed_run"}:
        job_ids = [job["id"] for job in shown]
        newest = most_recent_runs(call, job_ids, is_ended="completed" in name)
        for job in shown:
            job[name] = newest.get(job["id"])
    return shown


def bare_job(job: Job) -> dict[str, Any]:
    """Return one job as the API shows it; related objects are null."""
    document = job.document
    return {
        **document,
        "id": job.id,
        "account_id": job.account_id,
        "project_id": job.project_id,
        "environment_id": job.environment_id,
        "name": job.name,
        "description": job.description,
        "run_failure_count": job.run_failure_count,
        "state": job.state,
        "created_at": iso(job.created_at),
        "updated_at": iso(job.updated_at),
        "raw_dbt_version": document["dbt_version"],
        "generate_sources": document["run_generate_sources"],
        "is_deferrable": False,
        "is_system": False,
        "cron_humanized": cron_in_words(document["schedule"]["cron"]),
        "next_run": iso(job.next_run_at),
        "next_run_humanized": until(job.next_run_at),
        **dict.fromkeys(RELATED),
    }


@lru_cache(maxsize=512)
def dump_bare_job(job: Job, _second: int) -> str:
    """Return a job as JSON; kept for a second, since it says how far the next run is."""
    return dump_text(bare_job(job))


def until(next_run_at: str | None) -> str | None:
    """Return how far away the next run is, such as `5 hours, 3 minutes`."""
    if next_run_at is None:
        return None
    return in_words((time_of(next_run_at) - datetime.now(UTC)).total_seconds())


def include_environments(call: Call, shown: list[dict[str, Any]]) -> None:
    """Put its environment into every job; the Terraform provider needs id and project_id."""
    found: dict[int, dict[str, Any] | None] = {}
    for job in shown:
        key = job["environment_id"]
        if key not in found:
            environment = get_environment(call.connection, call.account_id, key)
            found[key] = environment_v2(environment) if environment else None
        job["environment"] = found[key]
