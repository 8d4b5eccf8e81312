"""Find out whose jobs without a mark are: the journal knows, or a name that a person agreed to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.cloud_api.names import Owner, Scope
from marketing_analytics.core.errors import UserError
from marketing_analytics.jobs.payload import Desired
from marketing_analytics.jobs.plan import RemoteJob


def claims(
    client: CloudClient, scope: Scope, desired: Sequence[Desired], *, is_adopting: bool
) -> Callable[[list[RemoteJob]], list[RemoteJob]]:
    """Return a function that gives jobs without a mark their owner."""

    def claim(jobs: list[RemoteJob]) -> list[RemoteJob]:
        if all(job.owner for job in jobs):
            return jobs
        from marketing_analytics.jobs.past.journal import read_journal, with_owners

        known = with_owners(jobs, read_journal(client))
        return adopted(known, scope, desired) if is_adopting else known

    return claim


def adopted(jobs: Sequence[RemoteJob], scope: Scope, desired: Sequence[Desired]) -> list[RemoteJob]:
    """Return the jobs; those with exactly the name of a job that is not there are that job.

    Raise UserError where several have the name.
    """
    from marketing_analytics.jobs.past.journal import place_of

    there = {place_of(job, job.owner) for job in jobs if job.owner}
    owners: dict[int, Owner] = {}
    for wanted in desired:
        owner = Owner(scope, wanted.key)
        found = [
            job.job_id
            for job in jobs
            if job.owner is None
            and job.name == wanted.name
            and job.data.get("environment_id") == wanted.fields["environment_id"]
            and place_of(job, owner) not in there
        ]
        if len(found) > 1:
            raise UserError(
                f'several jobs are called "{wanted.name}": {", ".join(map(str, found))}',
                hint=f"choose one: link {wanted.key} --job-id {found[0]}",
            )
        owners |= dict.fromkeys(found, owner)
    return [replace(job, owner=owners.get(job.job_id, job.owner)) for job in jobs]
