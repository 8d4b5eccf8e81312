"""`plan` and `deploy`: show what differs from the job file, and write it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.core.commands import Command
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK, EXIT_USAGE
from marketing_analytics.jobs.commands.options import (
    adopt_option,
    connect,
    execute,
    load_all,
    options,
    restore_option,
)
from marketing_analytics.jobs.settings import Settings

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient
    from marketing_analytics.jobs.model import JobFile
    from marketing_analytics.jobs.plan import Plan


@click.command(
    cls=Command,
    examples=[
        "--config env_file/dev_env.tfvars --dry-run",
        "--config env_file/dev_env.tfvars --allow-delete 2",
    ],
)
@click.option("--dry-run", is_flag=True, help="Show the plan, write nothing.")
@click.option("--allow-delete", type=click.IntRange(0), metavar="N", help="Allow N deletes.")
@adopt_option
@restore_option
@options(needs_config=True)
def deploy(config: Sequence[str], dry_run: bool, allow_delete: int | None, **flags: Any) -> None:
    """Bring dbt Cloud to what the job file says."""

    def body(console: Console) -> int:
        return deploy_files(console, config, flags, dry_run, allow_delete)

    execute(flags["is_json"], body)


def deploy_files(
    console: Console,
    config: Sequence[str],
    flags: dict[str, Any],
    is_dry_run: bool,
    allowed: int | None,
) -> int:
    """Plan, show, and apply unless it is a dry run."""
    from marketing_analytics.jobs.apply import scope_lock
    from marketing_analytics.jobs.forms.merge import check_left_out
    from marketing_analytics.jobs.plan import check_deletes
    from marketing_analytics.jobs.render import plan_json, print_plan

    file, settings = load_all(console, config, flags)
    name = str(file.source.path)
    with connect(settings, console) as client:
        if is_dry_run:
            plan, seconds = read_and_plan(client, file, settings, is_adopting=flags["adopt"])
            print_plan(console, plan, name, seconds)
            if console.is_json:
                console.json(plan_json(plan, name, is_dry_run=True))
            elif plan.changes:
                console.line("dry run: nothing was written")
            return EXIT_OK
        with scope_lock(client, settings.scope):
            plan, seconds = read_and_plan(client, file, settings, is_adopting=flags["adopt"])
            print_plan(console, plan, name, seconds)
            check_deletes(plan, allowed)
            check_left_out(plan, file, allowed)
            return write_plan(console, client, plan, name, flags["restore_dir"])


def write_plan(
    console: Console, client: CloudClient, plan: Plan, config: str, restore_dir: str | None
) -> int:
    """Apply a plan and report."""
    from marketing_analytics.jobs.apply import apply_plan, exit_code_of
    from marketing_analytics.jobs.past.memory import remembered
    from marketing_analytics.jobs.render import plan_json, print_outcome, print_result

    with remembered(console, client, plan, restore_dir) as memory:
        outcomes = apply_plan(client, plan, memory.told(lambda o: print_outcome(console, o)))
    if console.is_json:
        document = plan_json(plan, config, is_dry_run=False, outcomes=outcomes)
        console.json({**document, "restore_file": memory.path})
    elif outcomes:
        print_result(console, outcomes)
        memory.tell()
    return exit_code_of(outcomes)


def read_and_plan(
    client: CloudClient, file: JobFile, settings: Settings, *, is_adopting: bool = False
) -> tuple[Plan, float]:
    """Read the account and decide; the seconds are the time that took."""
    from marketing_analytics.jobs.adopt.claims import claims
    from marketing_analytics.jobs.apply import check_environments, read_jobs
    from marketing_analytics.jobs.payload import desired_jobs
    from marketing_analytics.jobs.plan import jobs_of_environment, make_plan

    started = time.monotonic()
    assert settings.environment_id  # noqa: S101
    desired = desired_jobs(file, settings.scope, settings.environment_id)
    claim = claims(client, settings.scope, desired, is_adopting=is_adopting)
    remote = read_jobs(client, settings.scope, claim)
    if not settings.scope.branch:
        remote = jobs_of_environment(remote, desired, settings.environment_id)
    plan = make_plan(file, settings.scope, desired, remote)
    if plan.changes:
        # jobs that are as they should be show that their environments exist
        check_environments(client, file, settings.environment_id)
    return plan, time.monotonic() - started


@click.command(
    cls=Command,
    examples=[
        "--config env_file/dev_env.tfvars",
        "--config env_file/prod_env.tfvars --shared --detailed-exitcode",
    ],
)
@click.option("--detailed-exitcode", is_flag=True, help="End with 2 when there are changes.")
@adopt_option
@options(has_shared=True, needs_config=True)
def plan(config: Sequence[str], detailed_exitcode: bool, **flags: Any) -> None:
    """Show what deploy would do."""
    from marketing_analytics.jobs.render import plan_json, print_plan

    def body(console: Console) -> int:
        file, settings = load_all(console, config, flags)
        name = str(file.source.path)
        with connect(settings, console) as client:
            made, seconds = read_and_plan(client, file, settings, is_adopting=flags["adopt"])
        print_plan(console, made, name, seconds)
        if console.is_json:
            console.json(plan_json(made, name, is_dry_run=True))
        return EXIT_USAGE if detailed_exitcode and made.changes else EXIT_OK

    execute(flags["is_json"], body)
