"""`doctor`: would a deploy work from here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from marketing_analytics.core.commands import Command
from marketing_analytics.core.console import Console
from marketing_analytics.jobs.commands.options import connect, execute, given_of, options


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
