"""`diff`: what somebody changed in dbt Cloud since the job file was deployed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.core.commands import Command
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK, EXIT_USAGE
from marketing_analytics.jobs.commands.options import connect, execute, load_all, options

if TYPE_CHECKING:
    from marketing_analytics.jobs.plan import RemoteJob


@click.command(
    cls=Command,
    examples=["--config env_file/dev_env.tfvars", "--config env_file/prod_env.tfvars --shared"],
)
@options(has_shared=True, needs_config=True)
def diff(config: Sequence[str], **flags: Any) -> None:
    """Show how dbt Cloud differs from the job file; 2 if it does."""
    from marketing_analytics.jobs.commands.deploy import read_and_plan
    from marketing_analytics.jobs.listing.drift import drift_json, make_drift, print_drift

    def body(console: Console) -> int:
        file, settings = load_all(console, config, flags)
        with connect(settings, console) as client:
            plan, _ = read_and_plan(client, file, settings)
            changed = {change.job_id for change in plan.changes if change.job_id}
            found = remote_by_id(client.list_jobs()) if changed else {}
        drift = make_drift(plan, found)
        name = str(file.source.path)
        if console.is_json:
            console.json(drift_json(drift, name, settings.environment_id))
        else:
            print_drift(console, drift, name, datetime.now(UTC))
        return EXIT_USAGE if drift.jobs else EXIT_OK

    execute(flags["is_json"], body)


def remote_by_id(listed: Sequence[dict[str, Any]]) -> dict[int, RemoteJob]:
    """Return the jobs of an answer by id."""
    from marketing_analytics.jobs.plan import remote_job

    return {int(data["id"]): remote_job(data) for data in listed}
