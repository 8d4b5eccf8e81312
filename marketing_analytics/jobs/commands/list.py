"""`list` and `diff`: the team's jobs, and how they differ from a job file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.core.commands import Command
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK, EXIT_USAGE
from marketing_analytics.jobs.commands.options import (
    connect,
    execute,
    given_of,
    load_all,
    load_file,
    options,
)
from marketing_analytics.jobs.settings import Settings

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient
    from marketing_analytics.jobs.plan import RemoteJob


@click.command(
    cls=Command,
    name="list",
    examples=["", "--details --config env_file/dev_env.tfvars", "--all-environments --json"],
)
@click.option(
    "--details", is_flag=True, help="Show steps, runs, owner, age and, with --config, drift."
)
@click.option("--all-environments", is_flag=True, help="Not only those of ENVIRONMENT_ID.")
@options(has_branch=False, has_environment=True)
def list_(details: bool, all_environments: bool, **flags: Any) -> None:
    """Show the team's jobs."""
    from marketing_analytics.jobs.listing.drift import drifts_of
    from marketing_analytics.jobs.listing.screen import Listing, listing_json, print_listing
    from marketing_analytics.jobs.runs.choose import place_of
    from marketing_analytics.jobs.settings import load_settings

    def body(console: Console) -> int:
        file = load_file(console, flags["config"]) if flags["config"] else None
        given = given_of({**flags, "is_shared": True})
        settings = load_settings(given, file.defaults if file else None)
        place = place_of(settings, None if all_environments else file)
        with connect(settings, console) as client:
            found = jobs_of_team(client, settings)
            here = found if all_environments else [job for job in found if place.has(job)]
            if file:
                here = with_variables(client, here)
        listing = Listing(
            settings.scope.team,
            settings.project_id,
            None if all_environments else settings.environment_id,
            tuple(here),
            len(found) - len(here),
            drifts_of(file, here, settings.environment_id) if file else {},
        )
        if console.is_json:
            console.json(listing_json(listing))
        else:
            print_listing(console, listing, datetime.now(UTC), has_details=details)
        return EXIT_OK

    execute(flags["is_json"], body)


def jobs_of_team(client: CloudClient, settings: Settings) -> list[RemoteJob]:
    """Return the jobs that carry the team's mark, with their variables and last runs, by name."""
    from marketing_analytics.jobs.account import RELATED
    from marketing_analytics.jobs.payload import overrides_of
    from marketing_analytics.jobs.plan import remote_job
    from marketing_analytics.jobs.runs.choose import remember_jobs

    listed = client.list_jobs(RELATED, "most_recent_run")
    jobs = [remote_job(data, overrides_of(data.get(RELATED))) for data in listed]
    remember_jobs(client, jobs)
    ours = [job for job in jobs if job.owner and job.owner.scope.team == settings.scope.team]
    return sorted(ours, key=lambda job: (job.name, job.job_id))


def with_variables(client: CloudClient, jobs: list[RemoteJob]) -> list[RemoteJob]:
    """Return jobs with their variables, also where the list of the server does not have them."""
    from marketing_analytics.jobs.account import reader
    from marketing_analytics.jobs.plan import remote_job

    read = reader(client)
    return [job if job.overrides is not None else remote_job(job.data, read(job)) for job in jobs]


@click.command(
    cls=Command,
    examples=["--config env_file/dev_env.tfvars", "--config env_file/prod_env.tfvars --shared"],
)
@options(has_shared=True, needs_config=True)
def diff(config: Sequence[str], **flags: Any) -> None:
    """Show how dbt Cloud differs from the job file; 2 if it does."""
    from marketing_analytics.jobs.commands.deploy import read_and_plan
    from marketing_analytics.jobs.listing.drift import drift_json, make_drift, print_drift

    def body(console: Console) -> int:
        file, settings = load_all(console, config, flags)
        with connect(settings, console) as client:
            plan, _ = read_and_plan(client, file, settings)
            changed = {change.job_id for change in plan.changes if change.job_id}
            found = remote_by_id(client.list_jobs()) if changed else {}
        drift = make_drift(plan, found)
        name = str(file.source.path)
        if console.is_json:
            console.json(drift_json(drift, name, settings.environment_id))
        else:
            print_drift(console, drift, name, datetime.now(UTC))
        return EXIT_USAGE if drift.jobs else EXIT_OK

    execute(flags["is_json"], body)


def remote_by_id(listed: Sequence[dict[str, Any]]) -> dict[int, RemoteJob]:
    """Return the jobs of an answer by id."""
    from marketing_analytics.jobs.plan import remote_job

    return {int(data["id"]): remote_job(data) for data in listed}
