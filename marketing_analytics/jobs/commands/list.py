"""`list`: the team's jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.core.commands import Command
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK
from marketing_analytics.jobs.commands.options import connect, execute, options, settings_of
from marketing_analytics.jobs.settings import Settings

if TYPE_CHECKING:
    pass


@click.command(cls=Command, name="list", examples=["", "--details --team marketing-team"])
@click.option("--details", is_flag=True, help="Show steps, variables and times.")
@options(has_branch=False)
def list_(details: bool, **flags: Any) -> None:
    """Show the team's jobs."""
    from marketing_analytics.jobs.render import SCHEMA_VERSION, job_json, print_jobs

    def body(console: Console) -> int:
        settings = settings_of(console, flags, is_shared=True)
        jobs = team_jobs(settings, console)
        if console.is_json:
            listed = [job_json(job) for job in jobs]
            team = settings.scope.team
            console.json({"schema_version": SCHEMA_VERSION, "team": team, "jobs": listed})
        elif not jobs:
            console.line(f"team {settings.scope.team} has no jobs in project {settings.project_id}")
        else:
            print_jobs(console, jobs, has_details=details)
        return EXIT_OK

    execute(flags["is_json"], body)


def team_jobs(settings: Settings, console: Console) -> list[Any]:
    """Return the jobs that carry the team's mark, by name."""
    from marketing_analytics.jobs.apply import RELATED
    from marketing_analytics.jobs.payload import overrides_of
    from marketing_analytics.jobs.plan import remote_job

    with connect(settings, console) as client:
        listed = client.list_jobs(RELATED, "most_recent_run")
    jobs = [remote_job(data, overrides_of(data.get(RELATED))) for data in listed]
    ours = [job for job in jobs if job.owner and job.owner.scope.team == settings.scope.team]
    return sorted(ours, key=lambda job: (job.name, job.job_id))
