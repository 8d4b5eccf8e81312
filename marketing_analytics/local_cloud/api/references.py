"""Ids by which objects name each other: what they name is there, and of their own project.

An id that is stored already is not looked up again: what it names may have been deleted since, and
a change of another field is not refused for that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.store.environments import get_environment
from marketing_analytics.local_cloud.store.jobs import get_job, list_jobs
from marketing_analytics.local_cloud.store.pages import Filter
from marketing_analytics.local_cloud.store.settings import Kind, get_setting

# the settings that environments and projects name
SETTINGS = {
    "connection_id": Kind.CONNECTION,
    "credentials_id": Kind.CREDENTIALS,
    "extended_attributes_id": Kind.EXTENDED_ATTRIBUTES,
    "repository_id": Kind.REPOSITORY,
}
# the jobs that projects name
JOBS = ("docs_job_id", "freshness_job_id")
MAX_SHOWN = 10


def named_errors(
    call: Call, given: Mapping[str, Any], old: Mapping[str, Any], project_id: int | None
) -> dict[str, str]:
    """Return by field what is wrong with the settings and jobs that a body names.

    A project that is being created has no id, and nothing of its own to name.
    """
    errors = {}
    for name, found_id in given.items():
        if found_id is None or found_id == old.get(name):
            continue
        if name in SETTINGS:
            errors[name] = setting_error(call, SETTINGS[name], found_id, project_id)
        elif name in JOBS:
            errors[name] = job_error(call, found_id, project_id)
    return {name: message for name, message in errors.items() if message}


def setting_error(call: Call, kind: Kind, setting_id: int, project_id: int | None) -> str:
    """Return why a setting cannot be named, "" when it can; those of the account always can."""
    found = get_setting(call.connection, call.account_id, kind, setting_id)
    many = kind.endswith("s")
    named = f"{'these' if many else 'this'} {kind}"
    if found is None:
        return f"{named} {'do' if many else 'does'} not exist"
    is_elsewhere = found.project_id not in (None, project_id)
    return f"{named} belong{'' if many else 's'} to another project" if is_elsewhere else ""


def job_error(call: Call, job_id: int, project_id: int | None) -> str:
    """Return why a job cannot be named by its project, "" when it can."""
    job = get_job(call.connection, job_id, call.account_id)
    if job is None:
        return "this job does not exist"
    return "" if job.project_id == project_id else "this job belongs to another project"


def environment_error(call: Call, environment_id: int, project_id: int) -> str:
    """Return why an environment cannot be named in its project, "" when it can."""
    found = get_environment(call.connection, call.account_id, environment_id)
    if found is None:
        return "this environment does not exist"
    return "" if found.project_id == project_id else "this environment belongs to another project"


def jobs_error(call: Call, job_ids: Collection[int], old: Collection[int]) -> str:
    """Return which jobs of a list do not exist, "" when all do; any project has jobs."""
    wanted = sorted(set(job_ids) - set(old))
    filters: dict[str, Filter] = {"account_id": call.account_id, "pk": wanted, "limit": -1}
    found = {job.id for job in list_jobs(call.connection, filters).rows} if wanted else set()
    missing = [str(job_id) for job_id in wanted if job_id not in found]
    shown = ", ".join(missing[:MAX_SHOWN]) + (", ..." if len(missing) > MAX_SHOWN else "")
    return f"no such jobs: {shown}" if missing else ""
