"""`link` and `unlink`: make existing jobs ours, or give them up."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.cloud_api.names import KEY_PATTERN, Owner, jobs_counted
from marketing_analytics.core.commands import Command, beside
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK, UserError
from marketing_analytics.jobs.commands.options import (
    connect,
    execute,
    load_file,
    options,
    restore_option,
    settings_of,
)

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient
    from marketing_analytics.jobs.adopt.links import Link
    from marketing_analytics.jobs.plan import RemoteJob
    from marketing_analytics.jobs.settings import Settings


@click.command(
    cls=Command,
    examples=[
        "daily --job-id 4711 --shared --dry-run",
        "--all --shared --config env_file/prod_env.tfvars",
    ],
)
@click.argument("key", required=False)
@click.option("--job-id", type=click.IntRange(1), metavar="N", help="The job to take over.")
@click.option("--all", "is_all", is_flag=True, help="All jobs of the file, by key and name.")
@click.option("--keep-name", is_flag=True, help="Leave the name; deploy would change it.")
@click.option("--force", is_flag=True, help="Take the job from whom it belongs to.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, write nothing.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@restore_option
@options(has_shared=True)
def link(key: str | None, job_id: int | None, is_all: bool, **flags: Any) -> None:
    """Write our mark into existing jobs: deploy takes them over."""

    def body(console: Console) -> int:
        check_usage(key, is_all, "--job-id N", has_job=job_id is not None)
        settings = settings_of(console, flags)
        with connect(settings, console) as client:
            if is_all:
                links = links_of_file(console, client, settings, flags)
            else:
                assert key is not None  # noqa: S101
                assert job_id is not None  # noqa: S101
                links = [link_of_job(client, settings, key, job_id, flags)]
            return write(console, client, settings, links, "link", flags, asks=is_all)

    execute(flags["is_json"], body)


@click.command(cls=Command, examples=["daily --shared", "--all --branch feature-x --dry-run"])
@click.argument("key", required=False)
@click.option("--all", "is_all", is_flag=True, help="All jobs of the scope.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, write nothing.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@restore_option
@options(has_shared=True)
def unlink(key: str | None, is_all: bool, **flags: Any) -> None:
    """Remove our mark from jobs; they stay and nobody deploys them."""

    def body(console: Console) -> int:
        from marketing_analytics.jobs.adopt.links import unlink_of

        check_usage(key, is_all, "", has_job=not is_all)
        settings = settings_of(console, flags)
        with connect(settings, console) as client:
            found = [
                job
                for job in read_all(client)
                if job.owner and job.owner.scope == settings.scope and key in (None, job.owner.key)
                if settings.environment_id in (None, job.data.get("environment_id"))
            ]
            if not found and key is not None:
                raise UserError(
                    f"{settings.scope.describe()} has no job {key}",
                    hint=f"`{beside('list')}` shows the team's jobs",
                )
            if len(found) > 1 and key is not None:
                raise several(key, found)
            links = [unlink_of(job) for job in found]
            return write(console, client, settings, links, "unlink", flags, asks=is_all)

    execute(flags["is_json"], body)


def several(key: str, jobs: Sequence[RemoteJob]) -> UserError:
    """Return the error for a key that several jobs have: shared jobs of several environments."""
    places = [f"{job.job_id} (environment {job.data.get('environment_id')})" for job in jobs]
    return UserError(
        f"several jobs are {key}: {', '.join(places)}",
        hint=f"export ENVIRONMENT_ID={jobs[0].data.get('environment_id')}, or pass --all",
    )


def check_usage(key: str | None, is_all: bool, needed: str, *, has_job: bool) -> None:
    """Refuse a key and --all together, neither of them, and half of a link."""
    if is_all == (key is not None):
        raise UserError(
            "give the key of a job, or --all", hint=f"like: daily {needed}".strip() + ", or --all"
        )
    if has_job == is_all:
        raise UserError(
            "--job-id goes with a key, not with --all" if is_all else "which job is meant?",
            hint="pass KEY --job-id N; the number is in the address of the job's page",
        )
    if key is not None and not re.fullmatch(KEY_PATTERN, key):
        raise UserError(
            f"{key!r} is not usable as the key of a job",
            hint="use a-z, 0-9, - and _, starting with a letter or digit, at most 60 long",
        )


def read_all(client: CloudClient) -> list[RemoteJob]:
    """Return the project's jobs; variables only where the list has them."""
    from marketing_analytics.jobs.account import RELATED
    from marketing_analytics.jobs.payload import overrides_of
    from marketing_analytics.jobs.plan import remote_job

    listed = client.list_jobs(RELATED)
    return [remote_job(data, overrides_of(data.get(RELATED))) for data in listed]


def link_of_job(
    client: CloudClient, settings: Settings, key: str, job_id: int, flags: dict[str, Any]
) -> Link:
    """Return the link of one job."""
    from marketing_analytics.jobs.adopt.links import check_link, link_of

    remote = read_all(client)
    job = next((job for job in remote if job.job_id == job_id), None)
    if job is None:
        raise UserError(
            f"there is no job {job_id} in project {settings.project_id}",
            hint="the number is in the address of the job's page; check PROJECT_ID",
        )
    owner = Owner(settings.scope, key)
    check_link(job, owner, remote, is_forced=flags["force"])
    return link_of(job, owner, keeps_name=flags["keep_name"])


def links_of_file(
    console: Console, client: CloudClient, settings: Settings, flags: dict[str, Any]
) -> list[Link]:
    """Return the links of the jobs of a file that no job carries yet."""
    from marketing_analytics.jobs.adopt.links import links_by_key

    if not flags["config"]:
        raise UserError("--all needs the jobs of a file", hint="pass --config FILE")
    file = load_file(console, flags["config"])
    environment_id = settings.environment_id
    keys = {job.key: job.environment_id or environment_id for job in file.jobs}
    links, missing = links_by_key(
        keys, settings.scope, read_all(client), keeps_name=flags["keep_name"]
    )
    for key in missing:
        console.note(f"no job found for {key}; deploy would create it")
    return links


def write(
    console: Console,
    client: CloudClient,
    settings: Settings,
    links: Sequence[Link],
    command: str,
    flags: dict[str, Any],
    *,
    asks: bool,
) -> int:
    """Show the changes, ask where there may be many, write them and report."""
    from marketing_analytics.jobs.render import change_texts

    to_do = [link for link in links if link.change.fields]
    for link_ in to_do:
        change = link_.change
        console.prose(f"  ~ {change.key} (job {change.job_id}) {change.reason}", indent="    ")
        for text in change_texts(change, is_first_mark=True):
            console.prose(f"      {text}", indent="        ")
    if not to_do:
        console.line("nothing to do")
    elif flags["dry_run"]:
        console.line("dry run: nothing was written")
    restore_file = None
    if to_do and not flags["dry_run"]:
        if asks:
            confirm(console, len(to_do), flags["is_sure"])
        restore_file = write_links(client, settings, to_do, command, flags["restore_dir"])
        console.line(f"done: {jobs_counted(len(to_do))}")
        console.line(f"  undo: {beside('undo')} {restore_file}")
    say(console, links, restore_file, is_dry_run=flags["dry_run"])
    return EXIT_OK


def write_links(
    client: CloudClient,
    settings: Settings,
    links: Sequence[Link],
    command: str,
    restore_dir: str | None,
) -> str | None:
    """Write names and descriptions, and return the path of the restore file."""
    from marketing_analytics.jobs.account import with_overrides
    from marketing_analytics.jobs.past.journal import remember
    from marketing_analytics.jobs.past.restore import begin_restore, past_of, plain
    from marketing_analytics.jobs.past.undo import flat_form

    jobs = with_overrides(client, [link.job for link in links])
    pasts = []
    for link_, job in zip(links, jobs, strict=True):
        variables = {o.name: o.value for o in job.overrides or ()}
        left = {"fields": plain(flat_form(link_.body, {})), "variables": variables}
        # what it runs after is named by ids here, and stays
        del left["fields"]["after"]
        pasts.append(past_of("update", job, link_.change.key, left))
    file = begin_restore(client, command, settings.scope.describe(), pasts, restore_dir)
    for link_ in links:
        job_id = link_.job.job_id
        client.update_job(job_id, dict(link_.body))
        remember(
            client, {job_id: link_.owner} if link_.owner else {}, () if link_.owner else [job_id]
        )
    return str(file.path) if file else None


def confirm(console: Console, count: int, is_sure: bool) -> None:
    """Ask on a terminal. Raise UserError when nobody can answer or the answer is no."""
    if is_sure:
        return
    if console.is_json or not (sys.stdin.isatty() and console.is_terminal):
        raise UserError(
            f"{jobs_counted(count)} would be changed and nobody is here to ask; "
            "nothing was changed",
            hint="pass --yes to go on, --dry-run to look",
        )
    if input(f"Change {jobs_counted(count)}? [y/N] ").strip().lower() not in ("y", "yes"):
        raise UserError("not confirmed; nothing was changed", hint="answer y, or pass --yes")


def say(
    console: Console, links: Sequence[Link], restore_file: str | None, *, is_dry_run: bool
) -> None:
    """Print the JSON of a link or unlink."""
    from marketing_analytics.jobs.render import SCHEMA_VERSION, change_json

    if console.is_json:
        console.json(
            {
                "schema_version": SCHEMA_VERSION,
                "dry_run": is_dry_run,
                "changes": [change_json(link.change) for link in links if link.change.fields],
                "restore_file": restore_file,
            }
        )
