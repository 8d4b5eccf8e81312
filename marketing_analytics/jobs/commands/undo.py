"""`undo`: bring jobs back as a restore file has them."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.core.commands import Command, beside
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK, StaleError, UserError
from marketing_analytics.jobs.commands.options import (
    connect,
    execute,
    given_of,
    load_file,
    options,
    restore_option,
)

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient
    from marketing_analytics.cloud_api.names import Scope
    from marketing_analytics.jobs.apply import Outcome
    from marketing_analytics.jobs.past.restore import RestoreFile
    from marketing_analytics.jobs.past.undo import Step, UndoPlan
    from marketing_analytics.jobs.plan import RemoteJob
    from marketing_analytics.jobs.settings import Settings


@click.command(cls=Command, examples=["restore.json --dry-run", "restore.json --yes --json"])
@click.argument("path", metavar="FILE")
@click.option("--dry-run", is_flag=True, help="Show what would be done, write nothing.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@click.option("--force", "is_forced", is_flag=True, help="Also what was changed since.")
@restore_option
@options(has_branch=False)
def undo(
    path: str, dry_run: bool, is_sure: bool, is_forced: bool, restore_dir: str | None, **flags: Any
) -> None:
    """Bring jobs back to before a deploy or a cleanup."""

    def body(console: Console) -> int:
        from marketing_analytics.jobs.apply import scope_lock
        from marketing_analytics.jobs.past.restore import read_restore

        file = read_restore(path)
        settings = settings_for(console, file, flags)
        with connect(settings, console) as client, contextlib.ExitStack() as locks:
            for scope in sorted(scopes_of(file), key=str):
                locks.enter_context(scope_lock(client, scope))
            plan, jobs = read_and_decide(client, file, is_forced)
            show(console, plan)
            if dry_run or not plan.to_do:
                if dry_run and plan.to_do:
                    console.line("dry run: nothing was written")
                return say(console, path, plan, is_dry_run=dry_run)
            if not is_sure:
                confirm(console, len(plan.to_do))
                check_fresh(client, file, plan, is_forced)
            return bring_back(console, client, path, plan, jobs, is_forced, restore_dir)

    execute(flags["is_json"], body)


def scopes_of(file: RestoreFile) -> set[Scope]:
    """Return whose jobs a file is about: none of them is deployed meanwhile."""
    return {past.owner.scope for past in file.jobs if past.owner}


def settings_for(console: Console, file: RestoreFile, flags: dict[str, Any]) -> Settings:
    """Return the settings; host, account and project must be those of the file."""
    from marketing_analytics.jobs.settings import FileDefaults, load_settings

    defaults = FileDefaults(
        project_id=file.project_id, account_id=file.account_id, host_url=file.host_url
    )
    if flags["config"]:
        defaults = load_file(console, flags["config"]).defaults
    settings = load_settings(given_of({**flags, "is_shared": True}), defaults)
    pairs = (
        ("DBTCLOUD_HOST_URL", file.host_url, settings.host_url),
        ("DBTCLOUD_ACCOUNT_ID", file.account_id, settings.account_id),
        ("PROJECT_ID", file.project_id, settings.project_id),
    )
    for name, wanted, given in pairs:
        if wanted != given:
            raise UserError(
                f"{file.path} is about {name} {wanted}, and {given} is set",
                hint=f"export {name}={wanted}, or leave it out",
            )
    return settings


def read_and_decide(
    client: CloudClient, file: RestoreFile, is_forced: bool
) -> tuple[UndoPlan, list[RemoteJob]]:
    """Return what is to be done, and the jobs of today."""
    from marketing_analytics.jobs.account import with_overrides
    from marketing_analytics.jobs.commands.cleanup import branch_jobs
    from marketing_analytics.jobs.past.undo import Undoing

    ids = {past.job_id for past in file.jobs}
    jobs = with_overrides(client, branch_jobs(client), lambda job: job.job_id in ids)
    return Undoing(file, jobs, is_forced=is_forced).plan(), jobs


def check_fresh(client: CloudClient, file: RestoreFile, plan: UndoPlan, is_forced: bool) -> None:
    """Raise StaleError when somebody changed something while the plan was looked at."""
    now, _ = read_and_decide(client, file, is_forced)
    if now != plan:
        raise StaleError(
            "jobs were changed while the plan was looked at; nothing was changed",
            hint="repeat the command and look again",
        )


def show(console: Console, plan: UndoPlan) -> None:
    """Print what is done, and what is left alone."""
    from marketing_analytics.jobs.past.undo import action_counts
    from marketing_analytics.jobs.render import COLOURS, SIGNS

    width = max((len(step.change.key) for step in plan.steps), default=0)
    for step in plan.steps:
        if step.verdict == "as it was":
            continue
        sign = "!" if step.verdict == "skipped" else SIGNS[step.change.action]
        lead = f"  {sign} {step.change.key:<{width}}  "
        for n, text in enumerate(step_texts(step)):
            line = (" " * len(lead) if n else lead) + text
            for part in console.folded(line, indent=" " * (width + 6)):
                console.line(part, colour=COLOURS[sign])
    if not plan.to_do:
        left = ", apart from what was changed since" if plan.skipped else ""
        console.line(f"nothing to undo: everything is as it was{left}")
    else:
        counts = action_counts(plan)
        console.prose(
            f"Undo: {counts['create']} to add again, {counts['update']} to change back, "
            f"{counts['delete']} to remove."
        )
    if plan.skipped:
        console.prose("changed since and left alone: --force brings these back too")


def step_texts(step: Step) -> list[str]:
    """Return the lines of one step."""
    from marketing_analytics.jobs.render import change_texts

    change = step.change
    where = f" (job {change.job_id})" if change.job_id else ""
    texts = change_texts(change) if change.action == "update" else []
    first = f"{change.reason}{where}"
    return [f"left alone: {first}" if step.verdict == "skipped" else first, *texts]


def confirm(console: Console, count: int) -> None:
    """Ask on a terminal. Raise UserError when nobody can answer or the answer is no."""
    counted = "1 job" if count == 1 else f"{count} jobs"
    if console.is_json or not (sys.stdin.isatty() and console.is_terminal):
        raise UserError(
            f"{counted} would be changed and nobody is here to ask; nothing was changed",
            hint="pass --yes to go on, --dry-run to look",
        )
    if input(f"Bring {counted} back? [y/N] ").strip().lower() not in ("y", "yes"):
        raise UserError("not confirmed; nothing was changed", hint="answer y, or pass --yes")


def bring_back(
    console: Console,
    client: CloudClient,
    path: str,
    plan: UndoPlan,
    jobs: list[RemoteJob],
    is_forced: bool,
    restore_dir: str | None,
) -> int:
    """Write a restore file for this too, carry the plan out and report."""
    from marketing_analytics.jobs.apply import exit_code_of
    from marketing_analytics.jobs.past.bring_back import BringingBack
    from marketing_analytics.jobs.past.journal import remember
    from marketing_analytics.jobs.past.restore import begin_restore
    from marketing_analytics.jobs.past.undo import pasts_of_undo
    from marketing_analytics.jobs.render import print_result

    file = begin_restore(client, "undo", "undo", pasts_of_undo(plan, jobs), restore_dir)
    ids: dict[str, int] = {}
    owners: dict[int, Any] = {}
    gone: list[int] = []

    def told(step: Step, outcome: Outcome) -> None:
        tell(console, step, outcome)
        if outcome.state != "done" or not outcome.job_id:
            return
        if step.change.action == "delete":
            gone.append(outcome.job_id)
        elif step.old and step.old.owner:
            owners[outcome.job_id] = step.old.owner
            if step.change.action == "create":
                ids[step.old.mark] = outcome.job_id

    try:
        outcomes = BringingBack(client, plan, jobs, told, is_forced=is_forced).run()
    finally:
        if file:
            file.finish(ids)
        remember(client, owners, gone)
    if not console.is_json:
        print_result(console, outcomes)
    if file:
        console.line(f"  undo: {beside('undo')} {file.path}")
    say(console, path, plan, outcomes, str(file.path) if file else None)
    return exit_code_of(outcomes)


def tell(console: Console, step: Step, outcome: Outcome) -> None:
    """Print what became of one step; a job that is there again has a new id."""
    from marketing_analytics.jobs.render import print_outcome

    if outcome.state == "done" and step.change.action == "create":
        name = step.change.name
        text = f"  added {name} (job {outcome.job_id}, which was job {step.old_id})"
        console.prose(text, indent="    ")
    else:
        print_outcome(console, outcome)


def say(
    console: Console,
    path: str,
    plan: UndoPlan,
    outcomes: list[Outcome] | None = None,
    restore_file: str | None = None,
    *,
    is_dry_run: bool = False,
) -> int:
    """Print the JSON of an undo."""
    from marketing_analytics.jobs.render import SCHEMA_VERSION, change_json, outcome_json

    if console.is_json:
        console.json(
            {
                "schema_version": SCHEMA_VERSION,
                "file": path,
                "dry_run": is_dry_run,
                "steps": [
                    {**change_json(step.change), "verdict": step.verdict, "old_job_id": step.old_id}
                    for step in plan.steps
                ],
                "results": [outcome_json(outcome) for outcome in outcomes or ()],
                "restore_file": restore_file,
            }
        )
    return EXIT_OK
