"""Look at a job once more just before it is deleted."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.cloud_api.states import ACTIVE
from marketing_analytics.jobs.plan import RemoteJob, remote_job, time_of


def why_not_now(
    client: CloudClient,
    planned: RemoteJob,
    *,
    own_runs: Container[int] = (),
    is_forced: bool = False,
) -> str:
    """Return why a job must not be deleted now, or nothing.

    own_runs: runs of the job that the command itself started, which may count as a change.
    """
    data = client.job(planned.job_id, "most_recent_run")
    if data is None:
        # gone: deleting it is done
        return ""
    now = remote_job(data)
    if now.owner != planned.owner:
        return "its mark has changed since"
    if now.owner and now.owner.is_kept:
        return "it has keep = true"
    if is_forced:
        return ""
    is_same = now.fields == planned.fields
    if now.changed_at != planned.changed_at and not (own_runs and is_same):
        return "it was deployed or changed since the plan was made"
    run = active_run(now, own_runs)
    return f"run {run} is under way" if run else ""


def active_run(job: RemoteJob, own_runs: Container[int] = ()) -> int | None:
    """Return the id of the newest run of a job when it has not ended."""
    run = newest_run(job)
    is_active = run.get("status") in ACTIVE and run.get("id") not in own_runs
    return int(run["id"]) if is_active and run.get("id") else None


def newest_run(job: RemoteJob) -> Mapping[str, Any]:
    """Return the newest run of a job, empty when it has none."""
    run = job.data.get("most_recent_run")
    return run if isinstance(run, Mapping) else {}


def last_run_at(job: RemoteJob) -> Any:
    """Return when the newest run of a job was last alive, or None."""
    run = newest_run(job)
    times = [time_of(run.get(name)) for name in ("finished_at", "started_at", "created_at")]
    return max((at for at in times if at), default=None)
