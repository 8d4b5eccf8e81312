"""`run`, `retry` and `cancel`: start jobs, repeat what failed, end what runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.core.commands import Command, beside
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK
from marketing_analytics.jobs.commands.completion import complete_keys
from marketing_analytics.jobs.commands.options import connect, execute, load_place, options

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient
    from marketing_analytics.jobs.runs.choose import Place

ANY_HELP = "Also a run of another team, project or environment."


@click.command(
    cls=Command,
    examples=[
        "campaign-performance --follow",
        "ad-platform-sync campaign-performance --in-order --timeout 3600",
    ],
)
@click.argument("keys", nargs=-1, required=True, metavar="KEY...", shell_complete=complete_keys)
@click.option("-f", "--follow", is_flag=True, help="Show steps and models live; exit as it does.")
@click.option(
    "--in-order",
    is_flag=True,
    help="One after another, in the order of their chain, until one fails; follows them.",
)
@click.option(
    "--timeout",
    type=click.IntRange(1),
    metavar="SECONDS",
    help="Cancel what has not ended by then, and exit with 21.",
)
@options(has_shared=True, has_environment=True)
def run(
    keys: tuple[str, ...], follow: bool, in_order: bool, timeout: int | None, **flags: Any
) -> None:
    """Start jobs, by key in this branch, name or id."""
    from marketing_analytics.jobs.runs.choose import choose_jobs
    from marketing_analytics.jobs.runs.several import run_jobs

    if timeout and not (follow or in_order):
        raise click.UsageError("--timeout needs --follow or --in-order")

    def body(console: Console) -> int:
        settings, place = load_place(console, flags)
        with connect(settings, console) as client:
            return run_jobs(
                client,
                choose_jobs(client, place, keys),
                console,
                settings.scope.user or settings.scope.team,
                is_followed=follow,
                is_in_order=in_order,
                timeout_seconds=timeout,
            )

    execute(flags["is_json"], body)


@click.command(cls=Command, examples=["15 --follow", "campaign-performance --json"])
@click.argument("word", metavar="RUN|KEY", shell_complete=complete_keys)
@click.option("-f", "--follow", is_flag=True, help="Show steps and models live; exit as it does.")
@click.option("--any", "is_any", is_flag=True, help=ANY_HELP)
@options(has_shared=True, has_environment=True)
def retry(word: str, follow: bool, is_any: bool, **flags: Any) -> None:
    """Run a failed run again, from the step that failed."""
    from marketing_analytics.jobs.runs.choose import check_ours, is_run_id, run_of
    from marketing_analytics.jobs.runs.follow import follow_run
    from marketing_analytics.jobs.runs.retry import retry_run, retry_words
    from marketing_analytics.jobs.runs.words import link_of, run_json

    def body(console: Console) -> int:
        settings, place = load_place(console, flags, needs_scope=not is_run_id(word))
        with connect(settings, console) as client:
            failed = client.run(run_of(client, place, word), "job", "trigger")
            check_ours(failed, settings, place, is_any=is_any, verb="started")
            started = retry_run(client, failed)
            console.prose(retry_words(started, failed), indent="  ")
            if link_of(started):
                console.line(f"  {link_of(started)}")
            if follow:
                return follow_run(client, int(started["id"]), console)
            if console.is_json:
                console.json(run_json(started) | {"retried_run_id": failed.get("id")})
            console.line(f"  next: {beside('logs')} {started['id']} --follow")
        return EXIT_OK

    execute(flags["is_json"], body)


@click.command(cls=Command, examples=["15 16", "campaign-performance --json"])
@click.argument(
    "words", nargs=-1, required=True, metavar="RUN...|KEY", shell_complete=complete_keys
)
@click.option("--any", "is_any", is_flag=True, help=ANY_HELP)
@options(has_shared=True, has_environment=True)
def cancel(words: tuple[str, ...], is_any: bool, **flags: Any) -> None:
    """Cancel runs, or all runs of a job that have not ended."""
    from marketing_analytics.jobs.runs.choose import check_ours, is_run_id
    from marketing_analytics.jobs.runs.retry import cancel_words
    from marketing_analytics.jobs.runs.words import run_json, runs_json

    def body(console: Console) -> int:
        by_number = all(is_run_id(word) for word in words)
        settings, place = load_place(console, flags, needs_scope=not by_number)
        with connect(settings, console) as client:
            run_ids = runs_to_cancel(client, place, words)
            # all are checked before one is cancelled
            for run_id in run_ids:
                if not is_any:
                    found = client.run(run_id, "job")
                    check_ours(found, settings, place, is_any=is_any, verb="cancelled")
            cancelled = []
            for run_id in run_ids:
                cancelled.append(client.cancel(run_id))
                console.line(cancel_words(run_id, cancelled[-1]))
        if console.is_json:
            documents = [run_json(each) for each in cancelled]
            is_one = by_number and len(words) == 1
            console.json(documents[0] if is_one else runs_json(documents))
        elif not cancelled:
            console.line(f"nothing to cancel: no run of {' '.join(words)} goes on")
        return EXIT_OK

    execute(flags["is_json"], body)


def runs_to_cancel(client: CloudClient, place: Place, words: tuple[str, ...]) -> list[int]:
    """Return the runs that words mean, each once: numbers, and what goes on of jobs."""
    from marketing_analytics.jobs.runs.choose import choose_jobs, is_run_id
    from marketing_analytics.jobs.runs.words import is_final

    found = [int(word) for word in words if is_run_id(word)]
    keys = [word for word in words if not is_run_id(word)]
    for job in choose_jobs(client, place, keys) if keys else ():
        going = [run for run in client.latest_runs(job.job_id, limit=100) if not is_final(run)]
        found += sorted(int(run["id"]) for run in going)
    return list(dict.fromkeys(found))
