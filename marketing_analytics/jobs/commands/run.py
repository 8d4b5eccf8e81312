"""`run`, `logs` and `cancel`: start a job and look at what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.core.commands import Command, beside
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK
from marketing_analytics.jobs.commands.options import connect, execute, options, settings_of

if TYPE_CHECKING:
    pass


@click.command(
    cls=Command, examples=["campaign-performance --follow", "attribution-validation --json"]
)
@click.argument("key")
@click.option("--follow", is_flag=True, help="Show steps and models live; exit as the run does.")
@options(has_shared=True)
def run(key: str, follow: bool, **flags: Any) -> None:
    """Start a job, by its key in this branch, its name or its id."""
    from marketing_analytics.jobs.runs import find_job, follow_run, run_json, start_run

    def body(console: Console) -> int:
        settings = settings_of(console, flags)
        with connect(settings, console) as client:
            job = find_job(client, settings.scope, key)
            started = start_run(client, job, settings.scope.user or settings.scope.team)
            if console.is_json and not follow:
                console.json(run_json(started, job))
            name = job.owner.key if job.owner else job.name
            console.line(f"run {started['id']} of {name} (job {job.job_id})")
            if started.get("href"):
                console.line(f"  {started['href']}")
            if follow:
                return follow_run(client, int(started["id"]), console)
            console.line(f"  next: {beside('logs')} {started['id']}")
            return EXIT_OK

    execute(flags["is_json"], body)


@click.command(cls=Command, examples=["15 --follow", "15 --step 4"])
@click.argument("run_id", type=click.IntRange(1), metavar="RUN")
@click.option("--step", type=click.IntRange(1), help="Only this step.")
@click.option("--follow", is_flag=True, help="Go on until the run ends.")
@options(has_branch=False)
def logs(run_id: int, step: int | None, follow: bool, **flags: Any) -> None:
    """Show the logs of a run."""
    from marketing_analytics.jobs.runs import follow_run, print_logs

    def body(console: Console) -> int:
        settings = settings_of(console, flags, is_shared=True)
        with connect(settings, console) as client:
            if follow:
                return follow_run(client, run_id, console)
            print_logs(client.run(run_id, "run_steps", "debug_logs"), console, step)
        return EXIT_OK

    execute(flags["is_json"], body)


@click.command(cls=Command, examples=["15", "15 --json"])
@click.argument("run_id", type=click.IntRange(1), metavar="RUN")
@options(has_branch=False)
def cancel(run_id: int, **flags: Any) -> None:
    """Cancel a run."""
    from marketing_analytics.jobs.runs import cancel_words, run_json

    def body(console: Console) -> int:
        settings = settings_of(console, flags, is_shared=True)
        with connect(settings, console) as client:
            cancelled = client.cancel(run_id)
        if console.is_json:
            console.json(run_json(cancelled))
        console.line(cancel_words(run_id, cancelled))
        return EXIT_OK

    execute(flags["is_json"], body)
