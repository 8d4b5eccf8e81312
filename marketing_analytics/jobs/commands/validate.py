"""`validate` and `convert`: look at job files before anything is deployed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.cloud_api.names import jobs_counted
from marketing_analytics.core.commands import Command
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK, FileError, in_one
from marketing_analytics.jobs.commands.lineage import lineage_findings, lineage_options, told
from marketing_analytics.jobs.commands.options import connect, execute, given_of, options
from marketing_analytics.jobs.settings import load_settings

if TYPE_CHECKING:
    from marketing_analytics.jobs.model import JobFile
    from marketing_analytics.jobs.online import Account
    from marketing_analytics.jobs.settings import Settings


@click.command(
    cls=Command,
    examples=[
        "env_file/dev_env.tfvars",
        "env_file/*.tfvars --project-dir transform --strict",
        "env_file/prod_env.tfvars --online --json",
    ],
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--online", is_flag=True, help="Ask dbt Cloud whether what they name is there.")
@lineage_options
@options(has_branch=False, has_config=False)
def validate(files: tuple[str, ...], online: bool, **flags: Any) -> None:
    """Check job files and what their jobs build; show all mistakes."""
    from marketing_analytics.jobs.model import load_job_files
    from marketing_analytics.jobs.render import SCHEMA_VERSION

    def body(console: Console) -> int:
        found = load_job_files(files)
        for _, file in found:
            for note in file.notes:
                console.note(note)
        read = [file for _, file in found]
        lengths, warnings = checked_online(console, read, flags) if online else ([], [])
        warnings += lineage_findings(console, read, files, flags, lengths, is_asked=True)
        shown = told(console, warnings, flags)
        for name, file in found:
            console.line(f"{name}: {jobs_counted(len(file.jobs))}, ok")
        if console.is_json:
            listed = [{"config": name, "jobs": len(file.jobs)} for name, file in found]
            console.json({"schema_version": SCHEMA_VERSION, "files": listed, "warnings": shown})
        return EXIT_OK

    execute(flags["is_json"], body)


def checked_online(
    console: Console, files: Sequence[JobFile], flags: dict[str, Any]
) -> tuple[list[dict[str, float]], list[FileError]]:
    """Return how long the jobs of each file take by key, and what is doubtful.

    Raise FileError with everything that the files name and dbt Cloud does not have.
    """
    from marketing_analytics.jobs.online import lengths_of, mistakes_of, warnings_of

    given = given_of({**flags, "is_shared": True})
    accounts: dict[tuple[str, int, int], Account] = {}
    lengths: list[dict[str, float]] = []
    mistakes: list[FileError] = []
    warnings: list[FileError] = []
    for file in files:
        settings = load_settings(given, file.defaults, needs_environment=True)
        place = (settings.host_url, settings.account_id, settings.project_id)
        if place not in accounts:
            accounts[place] = seen_by(console, settings)
        account = accounts[place]
        mistakes += mistakes_of(file, account, settings.environment_id)
        warnings += warnings_of(file, account)
        lengths.append(lengths_of(account, settings.scope.team))
    if mistakes:
        raise in_one(mistakes)
    return lengths, warnings


def seen_by(console: Console, settings: Settings) -> Account:
    """Return what the token sees."""
    from marketing_analytics.jobs.online import read_account

    with connect(settings, console) as client:
        return read_account(client)


@click.command(
    cls=Command, examples=["env_file/list.tfvars", "env_file/list.tfvars --out env_file/map.tfvars"]
)
@click.argument("path", metavar="FILE")
@click.option("-o", "--out", metavar="PATH", help="New file to write; default is the screen.")
def convert(path: str, out: str | None) -> None:
    """Write a file that lists its jobs as one that has them by key."""
    from marketing_analytics.jobs.forms.convert import convert_file, write_new

    def body(console: Console) -> int:
        file, text = convert_file(path)
        for note in file.notes:
            console.note(note)
        if out is None:
            console.line(text.removesuffix("\n"))
        else:
            write_new(Path(out), text)
            console.line(f"{out}: {jobs_counted(len(file.jobs))}")
        return EXIT_OK

    execute(False, body)
