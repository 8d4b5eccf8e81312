"""`cleanup`: delete branch jobs that nobody needs."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.cloud_api.names import jobs_counted
from marketing_analytics.core.commands import Command
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK, UserError
from marketing_analytics.jobs.commands.list import team_jobs
from marketing_analytics.jobs.commands.options import connect, execute, options, settings_of
from marketing_analytics.jobs.settings import Settings

if TYPE_CHECKING:
    from marketing_analytics.jobs.plan import Plan


@click.command(cls=Command, examples=["--older-than 7 --dry-run", "--older-than 30 --yes"])
@click.option(
    "--older-than", type=click.IntRange(0), required=True, metavar="DAYS", help="Age in days."
)
@click.option("--dry-run", is_flag=True, help="Show what would go, delete nothing.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@options(has_branch=False)
def cleanup(older_than: int, dry_run: bool, is_sure: bool, **flags: Any) -> None:
    """Delete the team's branch jobs nobody changed for some days."""

    def body(console: Console) -> int:
        return clean(console, flags, older_than, dry_run, is_sure)

    execute(flags["is_json"], body)


def clean(
    console: Console, flags: dict[str, Any], older_than: int, is_dry_run: bool, is_sure: bool
) -> int:
    """Find, show, ask and delete."""
    from marketing_analytics.jobs.plan import Plan, make_cleanup

    settings = settings_of(console, flags, is_shared=True)
    found = make_cleanup(
        settings.scope.team, team_jobs(settings, console), older_than, datetime.now(UTC)
    )
    changes = tuple(change for change, _ in found)
    for change in changes:
        console.prose(f"  - {change.key} (job {change.job_id}): {change.reason}", indent="    ")
    done = Plan(settings.scope, changes, {}, 0)
    if not changes:
        console.line(f"nothing to clean up: no branch job is {older_than} days old")
    if is_dry_run or not changes:
        if changes:
            console.prose(
                f"dry run: {jobs_counted(len(changes))} would be deleted, nothing was written"
            )
        return say_cleanup(console, done, [], is_dry_run=is_dry_run)
    confirm(console, len(changes), is_sure)
    return delete_all(console, settings, done)


def delete_all(console: Console, settings: Settings, plan: Plan) -> int:
    """Delete the jobs of a plan and report."""
    from marketing_analytics.jobs.apply import apply_plan, exit_code_of
    from marketing_analytics.jobs.render import print_outcome, print_result

    with connect(settings, console) as client:
        outcomes = apply_plan(client, plan, lambda outcome: print_outcome(console, outcome))
    if not console.is_json:
        print_result(console, outcomes)
    say_cleanup(console, plan, outcomes, is_dry_run=False)
    return exit_code_of(outcomes)


def say_cleanup(console: Console, plan: Plan, outcomes: Any, *, is_dry_run: bool) -> int:
    """Print the JSON of a cleanup."""
    from marketing_analytics.jobs.render import SCHEMA_VERSION, change_json, outcome_json

    if console.is_json:
        console.json(
            {
                "schema_version": SCHEMA_VERSION,
                "team": plan.scope.team,
                "dry_run": is_dry_run,
                "deletes": [change_json(change) for change in plan.changes],
                "results": [outcome_json(outcome) for outcome in outcomes],
            }
        )
    return EXIT_OK


def confirm(console: Console, count: int, is_sure: bool) -> None:
    """Ask on a terminal. Raise UserError when nobody can answer or the answer is no."""
    if is_sure:
        return
    if console.is_json or not (sys.stdin.isatty() and console.is_terminal):
        raise UserError(
            f"{jobs_counted(count)} would be deleted and nobody is here to ask; "
            "nothing was deleted",
            hint="pass --yes to delete, --dry-run to look",
        )
    answer = input(f"Delete {jobs_counted(count)}? [y/N] ")
    if answer.strip().lower() not in ("y", "yes"):
        raise UserError("not confirmed; nothing was deleted", hint="answer y, or pass --yes")
