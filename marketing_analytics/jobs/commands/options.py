"""What the commands share: flags, settings, the connection, the way to end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from marketing_analytics.core.console import Console, run_guarded
from marketing_analytics.core.errors import RemoteError
from marketing_analytics.jobs.settings import Given, Settings, load_settings, read_token

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient
    from marketing_analytics.jobs.model import JobFile
    from marketing_analytics.jobs.runs.choose import Place

F = TypeVar("F", bound=Callable[..., Any])


def options(
    *,
    has_branch: bool = True,
    has_shared: bool = False,
    has_environment: bool = False,
    needs_config: bool = False,
    has_config: bool = True,
    has_plan: bool = False,
) -> Callable[[F], F]:
    """Return a decorator that adds --config, the connection flags and --json.

    Without `has_config` the command takes its job files another way.
    """
    config_help = "Job file (tfvars); of several, a later one replaces whole variables."
    given = click.option(
        "--config",
        "config",
        required=needs_config and not has_plan,
        multiple=True,
        metavar="FILE",
        help=config_help if needs_config else "Job file whose settings count.",
    )
    found = [
        *([given] if has_config else []),
        click.option("--host-url", help="dbt Cloud's address; default https://cloud.getdbt.com."),
        click.option("--account-id", help="dbt Cloud account."),
        click.option(
            "--token-file",
            type=click.Path(dir_okay=False),
            help="File with the token; default is DBTCLOUD_TOKEN.",
        ),
        click.option("--project-id", help="dbt Cloud project."),
        click.option("--team", help="Team; default marketing-team."),
        click.option("--json", "is_json", is_flag=True, help="Print JSON for programs."),
    ]
    if needs_config or has_environment or not has_config:
        found.append(click.option("--environment-id", help="dbt Cloud environment."))
    if has_branch:
        found += [
            click.option("--branch", help="Branch; default is git's."),
            click.option("--user", help="User; default is git's."),
        ]

    if has_shared:
        shared_help = "The team's jobs without a branch, which Terraform deploys."
        found.append(click.option("--shared", "is_shared", is_flag=True, help=shared_help))

    def decorate(function: F) -> F:
        for option in reversed(found):
            function = option(function)
        return function

    return decorate


adopt_option = click.option(
    "--adopt", is_flag=True, help="Take over jobs without a mark that have exactly our names."
)
restore_option = click.option(
    "--restore-dir",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Folder of the restore file, by default the user's.",
)


def given_of(flags: dict[str, Any]) -> Given:
    """Return the settings that flags give."""
    return Given(
        host_url=flags.get("host_url"),
        account_id=flags.get("account_id"),
        token=read_token(flags.get("token_file")),
        project_id=flags.get("project_id"),
        environment_id=flags.get("environment_id"),
        team=flags.get("team"),
        branch=flags.get("branch"),
        user=flags.get("user"),
        is_shared=bool(flags.get("is_shared")),
    )


def execute(is_json: bool, body: Callable[[Console], int | None]) -> None:
    """Run a command body and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # a terminal that cannot show an arrow gets a question mark, not a crash
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    console = Console(is_json=is_json)
    sys.exit(run_guarded(lambda: body(console), console))


@contextmanager
def connect(settings: Settings, console: Console) -> Iterator[CloudClient]:
    """Return a client that says when it waits."""
    from marketing_analytics.cloud_api.client import CloudClient

    def on_wait(error: RemoteError, seconds: float) -> None:
        if seconds < 1:
            return
        if console.is_json:
            event = {"event": "waiting", "reason": error.message, "seconds": round(seconds)}
            console.note(json.dumps({"schema_version": 1, **event}))
        else:
            left = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
            console.note(f"{error.message}; trying again in {left}", indent="  ")

    client = CloudClient(settings, on_wait=on_wait)
    try:
        yield client
    finally:
        client.close()


def load_all(
    console: Console, config: Sequence[str], flags: dict[str, Any]
) -> tuple[JobFile, Settings]:
    """Return file and settings; the file is checked before anything else."""
    file = load_file(console, config)
    return file, load_settings(given_of(flags), file.defaults, needs_environment=True)


def load_file(console: Console, config: Sequence[str]) -> JobFile:
    """Return a job file, or what several make, and print what should be known about it."""
    from marketing_analytics.jobs.forms.merge import load_merged

    file = load_merged(config)
    for note in file.notes:
        console.note(note)
    return file


def settings_of(console: Console, flags: dict[str, Any], **fixed: Any) -> Settings:
    """Return the settings of a command that needs a job file for its settings only."""
    defaults = load_file(console, flags["config"]).defaults if flags["config"] else None
    return load_settings(given_of({**flags, **fixed}), defaults)


def load_place(
    console: Console, flags: dict[str, Any], *, needs_scope: bool = True
) -> tuple[Settings, Place]:
    """Return the settings, and where jobs are looked for.

    Without need of a scope nobody asks git for a branch: a run has a number everywhere.
    """
    from marketing_analytics.jobs.runs.choose import place_of

    file = load_file(console, flags["config"]) if flags["config"] else None
    is_shared = bool(flags.get("is_shared")) or not needs_scope
    given = given_of({**flags, "is_shared": is_shared})
    settings = load_settings(given, file.defaults if file else None)
    return settings, place_of(settings, file)
