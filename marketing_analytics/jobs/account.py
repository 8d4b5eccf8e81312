"""Read the jobs of an account's project as plans need them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any

from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.cloud_api.names import Owner, Scope
from marketing_analytics.core.errors import UserError
from marketing_analytics.jobs.model import JobFile
from marketing_analytics.jobs.payload import Override, overrides_of
from marketing_analytics.jobs.plan import Plan, RemoteJob, remote_job

RELATED = "custom_environment_variables"


def read_jobs(
    client: CloudClient,
    scope: Scope,
    claim: Callable[[list[RemoteJob]], list[RemoteJob]] = list,
) -> list[RemoteJob]:
    """Return the project's jobs; the scope's jobs with their variables.

    `claim` gives jobs without a mark an owner, where something else says whose they are.

    One call per 100 jobs where the list carries the variables, else one more per job of ours.
    """
    listed = client.list_jobs(RELATED)
    jobs = claim([remote_job(data, overrides_of(data.get(RELATED))) for data in listed])
    return with_overrides(client, jobs, lambda job: in_scope(job, scope))


def with_overrides(
    client: CloudClient, jobs: list[RemoteJob], is_wanted: Callable[[RemoteJob], bool] = bool
) -> list[RemoteJob]:
    """Return the jobs; those wanted have their variables, asked for where the list has none."""
    unknown = [job for job in jobs if job.overrides is None and is_wanted(job)]
    if not unknown:
        return jobs
    read = client.together(reader(client), unknown)
    found = dict(zip(unknown_ids(unknown), read, strict=True))
    return [
        replace(job, overrides=tuple(found[job.job_id])) if job.job_id in found else job
        for job in jobs
    ]


def check_environments(
    client: CloudClient, file: JobFile, environment_id: int, seen: Collection[Any] = ()
) -> None:
    """Raise UserError unless the environments of the jobs are there.

    Each is asked for once, those that were `seen` are not.
    """
    if environment_id not in seen:
        client.check_environment(environment_id)
    known = {environment_id, *seen}
    for job in file.jobs:
        own = job.environment_id
        if own is None or own in known:
            continue
        known.add(own)
        try:
            client.check_environment(own)
        except UserError as error:
            at = job.places["environment_id"]
            hint = "write the number from the page URL of an environment of the project"
            raise file.source.error(f'{error.message} (job "{job.key}")', at, hint) from None


def as_seen(plan: Plan) -> Callable[[list[RemoteJob]], list[RemoteJob]]:
    """Return a claim of the jobs without a mark that a plan took for ours."""
    keys = {seen.job_id: seen.key for seen in plan.seen}

    def claim(jobs: list[RemoteJob]) -> list[RemoteJob]:
        return [
            replace(job, owner=Owner(plan.scope, keys[job.job_id]))
            if job.owner is None and job.job_id in keys
            else job
            for job in jobs
        ]

    return claim


def in_scope(job: RemoteJob, scope: Scope) -> bool:
    """Return whether a job carries the scope's mark."""
    return job.owner is not None and job.owner.scope == scope


def unknown_ids(jobs: Iterable[RemoteJob]) -> list[int]:
    """Return the ids of jobs."""
    return [job.job_id for job in jobs]


def reader(client: CloudClient) -> Callable[[RemoteJob], list[Override]]:
    """Return a function that reads the variables of one job."""
    return lambda job: overrides_of(client.job_overrides(job.job_id)) or []
