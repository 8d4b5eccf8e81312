"""`config show` and `doctor`: which settings count here, and whether a deploy would work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.core.commands import Command, LateGroup
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK
from marketing_analytics.jobs.commands.options import connect, execute, given_of, load_file, options

if TYPE_CHECKING:
    from marketing_analytics.jobs.origins import Shown


@click.group(
    cls=LateGroup,
    members={
        "show": (
            "marketing_analytics.jobs.commands.config:show",
            "Show each setting, its value and where it comes from; secrets are masked.",
        )
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
def config() -> None:
    """Show the settings that count here, and where they come from."""


@click.command(cls=Command, examples=["", "--config env_file/dev_env.tfvars --json"])
@options(has_shared=True, has_environment=True)
def show(config: tuple[str, ...], **flags: Any) -> None:
    """Show each setting, its value and where it comes from; secrets are masked."""
    from marketing_analytics.jobs.origins import origins_json, origins_of

    def body(console: Console) -> int:
        file = load_file(console, config) if config else None
        found = origins_of(given_of(flags), flags.get("token_file"), file, config)
        if console.is_json:
            console.json(origins_json(found))
        else:
            print_settings(console, found)
        return EXIT_OK

    execute(flags["is_json"], body)


def print_settings(console: Console, found: list[Shown]) -> None:
    """Print the settings as a table, what is wrong below it; TSV where nobody watches."""
    if not console.is_terminal:
        names = ("setting", "value", "origin", "flag", "problem")
        rows = [(s.name, s.value, s.origin, s.flag, s.problem) for s in found]
        console.tsv(names, rows)
        return
    shown = [(s.name, s.value or "-", s.origin) for s in found]
    console.table(("setting", "value", "from"), shown)
    for setting in found:
        if setting.problem:
            console.prose(f"{setting.name}: {setting.problem}", indent="  ")


@click.command(cls=Command, examples=["", "--config env_file/dev_env.tfvars", "--json"])
@click.option("--environment-id", help="dbt Cloud environment.")
@options()
def doctor(config: Sequence[str], **flags: Any) -> None:
    """Look whether a deploy would work, and say what to do."""
    import os

    from marketing_analytics.jobs.doctor import examine, report
    from marketing_analytics.jobs.render import SCHEMA_VERSION

    def body(console: Console) -> int:
        found = examine(
            given_of(flags), config, lambda settings: connect(settings, console), os.environ
        )
        return report(console, found, SCHEMA_VERSION)

    execute(flags["is_json"], body)
