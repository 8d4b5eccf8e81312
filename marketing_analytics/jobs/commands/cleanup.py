"""`cleanup`: delete branch jobs that nobody needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.cloud_api.names import jobs_counted, slug_of
from marketing_analytics.core.commands import Command, beside
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK, UserError
from marketing_analytics.jobs.commands.options import (
    connect,
    execute,
    options,
    restore_option,
    settings_of,
)

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient
    from marketing_analytics.jobs.apply import Outcome
    from marketing_analytics.jobs.cleanup.choose import Choice, Wish
    from marketing_analytics.jobs.cleanup.schemas import SchemaDrop
    from marketing_analytics.jobs.settings import Settings


@dataclass(frozen=True)
class How:
    """How a cleanup is carried out."""

    has_schemas: bool
    is_dry_run: bool
    is_sure: bool
    allowed: int | None
    restore_dir: str | None


@click.command(
    cls=Command,
    examples=[
        "--older-than 7 --dry-run",
        "--merged --with-schemas --dry-run",
        "--branch feature-x --yes",
    ],
)
@click.option("--older-than", type=click.IntRange(0), metavar="DAYS", help="Unused for so long.")
@click.option("--merged", is_flag=True, help="Branches that git calls merged.")
@click.option("--branch", metavar="NAME", help="This branch, of all users.")
@click.option("--with-schemas", is_flag=True, help="Drop the schemas of the branches too.")
@click.option("--dry-run", is_flag=True, help="Show what would go, delete nothing.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@click.option("--allow-delete", type=click.IntRange(0), metavar="N", help="Allow N deletes.")
@restore_option
@options(has_branch=False)
def cleanup(older_than: int | None, merged: bool, branch: str | None, **flags: Any) -> None:
    """Delete the team's branch jobs that nobody needs."""
    how = How(
        flags.pop("with_schemas"),
        flags.pop("dry_run"),
        flags.pop("is_sure"),
        flags.pop("allow_delete"),
        flags.pop("restore_dir"),
    )

    def body(console: Console) -> int:
        if older_than is None and not merged and branch is None:
            raise UserError(
                "cleanup needs to know which branches",
                hint="pass --older-than DAYS, --merged or --branch NAME; of several, all must hold",
            )
        if branch is not None and not slug_of(branch):
            raise UserError(f"--branch is no name: {branch!r}", hint="write it like feature-x")
        settings = settings_of(console, flags, is_shared=True)
        with connect(settings, console) as client:
            return clean(console, client, settings, older_than, merged, branch, how)

    execute(flags["is_json"], body)


def clean(
    console: Console,
    client: CloudClient,
    settings: Settings,
    older_than: int | None,
    is_merged: bool,
    branch: str | None,
    how: How,
) -> int:
    """Find, show, ask and delete."""
    from marketing_analytics.core import clock
    from marketing_analytics.jobs.cleanup.choose import Wish, check_count, choose
    from marketing_analytics.jobs.cleanup.merged import merges_of
    from marketing_analytics.jobs.cleanup.schemas import schema_drops
    from marketing_analytics.jobs.past.journal import read_journal

    team = settings.scope.team
    jobs = branch_jobs(client)
    branches = {
        job.owner.scope.branch for job in jobs if job.owner and job.owner.scope.team == team
    }
    wish = Wish(
        team,
        older_than,
        slug_of(branch) if branch is not None else None,
        merges_of(branches - {""}) if is_merged else None,
    )
    choice = choose(wish, jobs, read_journal(client), clock.now())
    drops = schema_drops(choice) if how.has_schemas else []
    show(console, choice, wish, drops)
    if how.is_dry_run or not choice.deletes:
        if choice.deletes:
            counted = jobs_counted(len(choice.deletes))
            console.prose(f"dry run: {counted} would be deleted, nothing was written")
        return say(console, choice, team, drops, is_dry_run=how.is_dry_run)
    is_watched = not how.is_sure
    check_count(choice, wish, how.allowed, is_watched=is_watched)
    confirm(console, len(choice.deletes), how.is_sure)
    return delete_all(console, client, choice, team, drops, how.restore_dir)


def branch_jobs(client: CloudClient) -> list[Any]:
    """Return the project's jobs with their newest runs; ours with their variables."""
    from marketing_analytics.jobs.account import RELATED, with_overrides
    from marketing_analytics.jobs.payload import overrides_of
    from marketing_analytics.jobs.plan import remote_job

    listed = client.list_jobs(RELATED, "most_recent_run")
    jobs = [remote_job(data, overrides_of(data.get(RELATED))) for data in listed]
    return with_overrides(client, jobs, lambda job: job.owner is not None)


def show(console: Console, choice: Choice, wish: Wish, drops: Sequence[SchemaDrop]) -> None:
    """Print what goes and what stays, each with its reason."""
    for change in choice.deletes:
        console.prose(f"  - {change.key} (job {change.job_id}): {change.reason}", indent="    ")
    for drop in drops:
        text = f"stays: {drop.stays}"
        if drop.runner:
            text = f"dropped by a run of job {drop.runner.job_id}; undo does not bring it back"
        console.prose(
            f"  {'-' if drop.runner else '!'} schema {drop.schema}: {text}", indent="    "
        )
    for change in choice.spared:
        console.prose(
            f"  ! {change.key} (job {change.job_id}) stays: {change.reason}", indent="    "
        )
    for branch, why in choice.unmerged.items():
        console.prose(f"  ! branch {branch} stays: {why}", indent="    ")
    if not choice.deletes:
        console.line(f"nothing to clean up: {nothing(wish)}")


def nothing(wish: Wish) -> str:
    """Return in words which jobs there are none of."""
    if wish.branch is not None:
        return f"no job of branch {wish.branch} can go"
    if wish.older_than_days is None:
        return "no job of a merged branch can go"
    return f"no branch job is {wish.older_than_days} days old"


def delete_all(
    console: Console,
    client: CloudClient,
    choice: Choice,
    team: str,
    drops: Sequence[SchemaDrop],
    restore_dir: str | None,
) -> int:
    """Write the restore file, delete the jobs and report."""
    from marketing_analytics.jobs.apply import exit_code_of
    from marketing_analytics.jobs.cleanup.remove import Removing
    from marketing_analytics.jobs.past.journal import remember
    from marketing_analytics.jobs.past.restore import begin_restore, pasts_of

    pasts = pasts_of(choice.deletes, choice.jobs)
    file = begin_restore(client, "cleanup", f"team {team}", pasts, restore_dir)
    removing = Removing(client, choice, lambda outcome: tell(console, outcome))
    outcomes = removing.run(drops)
    done = [outcome.job_id for outcome in outcomes if outcome.state == "done" and outcome.job_id]
    failure = remember(client, {}, done)
    if failure:
        console.note(f"the journal of job ids was not written: {failure}")
    path = str(file.path) if file else None
    for schema in removing.dropped:
        console.line(f"  dropped schema {schema}")
    console.line(f"done: {len(done)} of {len(outcomes)} deleted")
    if done:
        console.line(f"  undo: {beside('undo')} {path}")
    say(console, choice, team, drops, outcomes, path, dropped=removing.dropped)
    return exit_code_of(outcomes)


def tell(console: Console, outcome: Outcome) -> None:
    """Print what became of one job; one that stays is no failure."""
    from marketing_analytics.jobs.render import print_outcome

    if outcome.state == "not tried":
        text = f"  {outcome.change.name} (job {outcome.job_id}) stays: {outcome.message}"
        console.prose(text, indent="    ")
    else:
        print_outcome(console, outcome)
        if outcome.error and outcome.error.hint:
            console.note(f"  help: {outcome.error.hint}")


def say(
    console: Console,
    choice: Choice,
    team: str,
    drops: Sequence[SchemaDrop],
    outcomes: Sequence[Outcome] = (),
    restore_file: str | None = None,
    *,
    dropped: Sequence[str] = (),
    is_dry_run: bool = False,
) -> int:
    """Print the JSON of a cleanup."""
    from marketing_analytics.jobs.render import SCHEMA_VERSION, change_json, outcome_json

    if console.is_json:
        schemas = [
            {
                "schema": drop.schema,
                "job_id": drop.runner.job_id if drop.runner else None,
                "stays": drop.stays or None,
                "dropped": drop.schema in dropped,
            }
            for drop in drops
        ]
        console.json(
            {
                "schema_version": SCHEMA_VERSION,
                "team": team,
                "dry_run": is_dry_run,
                "deletes": [change_json(change) for change in choice.deletes],
                "spared": [change_json(change) for change in choice.spared],
                "unmerged": [{"branch": b, "reason": why} for b, why in choice.unmerged.items()],
                "schemas": schemas,
                "results": [outcome_json(outcome) for outcome in outcomes],
                "restore_file": restore_file,
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
