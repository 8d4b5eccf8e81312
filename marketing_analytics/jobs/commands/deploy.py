"""`plan` and `deploy`: show what differs from the job file, and write it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.core.commands import Command
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK, EXIT_USAGE, UserError
from marketing_analytics.jobs.commands.lineage import lineage_options, warn_of_lineage
from marketing_analytics.jobs.commands.options import (
    adopt_option,
    connect,
    execute,
    given_of,
    load_all,
    options,
    restore_option,
)
from marketing_analytics.jobs.settings import Settings, load_settings

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient
    from marketing_analytics.jobs.model import JobFile
    from marketing_analytics.jobs.plan import Plan


@click.command(
    cls=Command,
    examples=[
        "--config env_file/dev_env.tfvars --dry-run",
        "--config env_file/dev_env.tfvars --allow-delete 2",
        "--plan jobs.plan --wait 600",
    ],
)
@click.option("--dry-run", is_flag=True, help="Show the plan, write nothing.")
@click.option("--allow-delete", type=click.IntRange(0), metavar="N", help="Allow N deletes.")
@click.option(
    "--plan", "plan_file", type=click.Path(), metavar="FILE", help="Apply exactly this saved plan."
)
@click.option(
    "--wait",
    "wait_seconds",
    type=click.IntRange(0),
    default=0,
    metavar="SECONDS",
    help="Wait so long for another deploy of the scope.",
)
@adopt_option
@restore_option
@lineage_options
@options(needs_config=True, has_plan=True)
def deploy(
    config: Sequence[str],
    dry_run: bool,
    allow_delete: int | None,
    plan_file: str | None,
    wait_seconds: int,
    **flags: Any,
) -> None:
    """Bring dbt Cloud to what the job file says."""
    how = How(dry_run, allow_delete, wait_seconds, flags["restore_dir"])

    def body(console: Console) -> int:
        check_source(config, plan_file)
        if plan_file:
            return deploy_saved(console, plan_file, flags, how)
        return deploy_files(console, config, flags, how)

    execute(flags["is_json"], body)


@dataclass(frozen=True)
class How:
    """How to deploy: look only, how many deletes are allowed, how long to wait for others.

    restore_dir: where the restore file goes; none is the user's folder.
    """

    is_dry_run: bool = False
    allowed: int | None = None
    wait_seconds: int = 0
    restore_dir: str | None = None


def check_source(config: Sequence[str], plan_file: str | None) -> None:
    """Raise UserError unless either a job file or a plan is given."""
    if plan_file and config:
        raise UserError(
            "--config and --plan were given, and only one of them can say what to write",
            hint="a saved plan holds all that it writes: leave --config out",
        )
    if not plan_file and not config:
        raise UserError("neither --config nor --plan is given", hint="pass --config FILE")


def deploy_files(console: Console, config: Sequence[str], flags: dict[str, Any], how: How) -> int:
    """Plan, show, and apply unless it is a dry run."""
    from marketing_analytics.jobs.apply import scope_lock
    from marketing_analytics.jobs.forms.merge import check_left_out
    from marketing_analytics.jobs.plan import check_deletes
    from marketing_analytics.jobs.render import print_plan

    file, settings = load_all(console, config, flags)
    warnings = warn_of_lineage(console, [file], config, flags)
    name = str(file.source.path)
    with connect(settings, console) as client:
        if how.is_dry_run:
            plan, seconds = read_and_plan(client, file, settings, is_adopting=flags["adopt"])
            print_plan(console, plan, name, seconds)
            return say_dry_run(console, plan, name, warnings)

        def decide() -> Plan:
            plan, seconds = read_and_plan(client, file, settings, is_adopting=flags["adopt"])
            print_plan(console, plan, name, seconds)
            check_deletes(plan, how.allowed)
            check_left_out(plan, file.left_out, how.allowed)
            return plan

        with scope_lock(client, settings.scope, how.wait_seconds):
            return write_plan(
                console, client, decide(), name, how.wait_seconds, decide, how.restore_dir
            )


def deploy_saved(console: Console, path: str, flags: dict[str, Any], how: How) -> int:
    """Apply a saved plan exactly, or refuse: nothing is written when any of its jobs changed."""
    from marketing_analytics.jobs.account import as_seen, read_jobs
    from marketing_analytics.jobs.apply import scope_lock
    from marketing_analytics.jobs.forms.merge import check_left_out
    from marketing_analytics.jobs.guards.freshness import Freshness
    from marketing_analytics.jobs.guards.saved_plan import check_all, check_place, load_plan
    from marketing_analytics.jobs.plan import check_deletes
    from marketing_analytics.jobs.render import print_plan

    saved = load_plan(Path(path))
    plan = saved.plan
    # the plan says whose jobs they are, so that nobody is asked for a branch
    settings = load_settings(given_of({**flags, "is_shared": True}), saved.defaults)
    check_place(saved, settings, flags)
    with connect(settings, console) as client:
        started = time.monotonic()
        fresh = Freshness(plan, lambda: read_jobs(client, plan.scope, as_seen(plan)))
        check_all(saved, fresh)
        plan = replace(plan, before={job.job_id: job for job in fresh.jobs})
        print_plan(console, plan, saved.config, time.monotonic() - started)
        if how.is_dry_run:
            return say_dry_run(console, plan, saved.config)
        check_deletes(plan, how.allowed)
        check_left_out(plan, saved.left_out, how.allowed)
        with scope_lock(client, plan.scope, how.wait_seconds):
            return write_plan(
                console,
                client,
                plan,
                saved.config,
                how.wait_seconds,
                restore_dir=how.restore_dir,
            )


def say_dry_run(
    console: Console, plan: Plan, config: str, warnings: Sequence[dict[str, Any]] = ()
) -> int:
    """Say that nothing was written."""
    from marketing_analytics.jobs.render import plan_json

    if console.is_json:
        console.json({**plan_json(plan, config, is_dry_run=True), "warnings": list(warnings)})
    elif plan.changes:
        console.line("dry run: nothing was written")
    return EXIT_OK


def write_plan(
    console: Console,
    client: CloudClient,
    plan: Plan,
    config: str,
    wait_seconds: int = 0,
    decide: Callable[[], Plan] | None = None,
    restore_dir: str | None = None,
) -> int:
    """Apply a plan and report; also when it is interrupted.

    When another deploy was waited for, `decide` makes a new plan of what that one left.
    """
    from marketing_analytics.jobs.apply import Outcome, apply_plan, exit_code_of
    from marketing_analytics.jobs.guards.lease import lease_for
    from marketing_analytics.jobs.past.memory import remembered
    from marketing_analytics.jobs.render import plan_json, print_outcome, print_result

    outcomes: list[Outcome] = []

    def on_outcome(outcome: Outcome) -> None:
        outcomes.append(outcome)
        print_outcome(console, outcome)

    try:
        with (
            ended_by_signal(),
            lease_for(client, plan, holder(plan), wait_seconds, console.note) as lease,
        ):
            if decide and lease and lease.has_waited:
                plan = decide()
            with remembered(console, client, plan, restore_dir) as memory:
                outcomes = apply_plan(client, plan, memory.told(on_outcome), lease)
    except KeyboardInterrupt:
        if console.is_json:
            console.json(plan_json(plan, config, is_dry_run=False, outcomes=outcomes))
        done = sum(outcome.state == "done" for outcome in outcomes)
        raise KeyboardInterrupt(
            f"{done} of {len(plan.changes)} changes are done; the same command goes on"
        ) from None
    if console.is_json:
        document = plan_json(plan, config, is_dry_run=False, outcomes=outcomes)
        console.json({**document, "restore_file": memory.path})
    elif outcomes:
        print_result(console, outcomes)
        memory.tell()
    return exit_code_of(outcomes)


def holder(plan: Plan) -> str:
    """Return who deploys, for others who wait."""
    job = os.environ.get("CI_JOB_ID", "")
    user = plan.scope.user or os.environ.get("GITLAB_USER_LOGIN") or os.environ.get("USER", "")
    return f"{user or 'somebody'} (CI job {job})" if job.isdigit() else user or "somebody"


@contextmanager
def ended_by_signal() -> Iterator[None]:
    """Let SIGTERM, which ends a job of a pipeline, end a deploy as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def read_and_plan(
    client: CloudClient, file: JobFile, settings: Settings, *, is_adopting: bool = False
) -> tuple[Plan, float]:
    """Read the account and decide; the seconds are the time that took."""
    from marketing_analytics.jobs.account import check_environments, read_jobs
    from marketing_analytics.jobs.adopt.claims import claims
    from marketing_analytics.jobs.payload import desired_jobs
    from marketing_analytics.jobs.plan import jobs_of_environment, make_plan

    started = time.monotonic()
    assert settings.environment_id  # noqa: S101
    desired = desired_jobs(file, settings.scope, settings.environment_id)
    claim = claims(client, settings.scope, desired, is_adopting=is_adopting)
    everywhere = remote = read_jobs(client, settings.scope, claim)
    if not settings.scope.branch:
        remote = jobs_of_environment(remote, desired, settings.environment_id)
    plan = make_plan(file, settings.scope, desired, remote)
    if any(change.action != "delete" for change in plan.changes):
        # an environment that has a job is there
        known = {job.data.get("environment_id") for job in everywhere}
        check_environments(client, file, settings.environment_id, known)
    return plan, time.monotonic() - started


@click.command(
    cls=Command,
    examples=[
        "--config env_file/dev_env.tfvars",
        "--config env_file/prod_env.tfvars --shared --detailed-exitcode",
        "--config env_file/dev_env.tfvars --out jobs.plan",
    ],
)
@click.option("--detailed-exitcode", is_flag=True, help="End with 2 when there are changes.")
@adopt_option
@lineage_options
@click.option("--out", type=click.Path(), metavar="FILE", help="Save the plan for deploy --plan.")
@options(has_shared=True, needs_config=True)
def plan(config: Sequence[str], detailed_exitcode: bool, out: str | None, **flags: Any) -> None:
    """Show what deploy would do."""

    def body(console: Console) -> int:
        from marketing_analytics.jobs.render import plan_json, print_plan

        file, settings = load_all(console, config, flags)
        warnings = warn_of_lineage(console, [file], config, flags)
        name = str(file.source.path)
        with connect(settings, console) as client:
            made, seconds = read_and_plan(client, file, settings, is_adopting=flags["adopt"])
        if out:
            save(out, made, settings, config, file)
        print_plan(console, made, name, seconds)
        if console.is_json:
            console.json({**plan_json(made, name, is_dry_run=True), "warnings": warnings})
        elif out:
            console.line(f"saved in {out}: deploy --plan {out} applies exactly this")
        return EXIT_USAGE if detailed_exitcode and made.changes else EXIT_OK

    execute(flags["is_json"], body)


def save(path: str, plan: Plan, settings: Settings, config: Sequence[str], file: JobFile) -> None:
    """Write a plan to a file, with the digests of the job files that it was made from."""
    from hashlib import sha256

    from marketing_analytics.jobs.guards.saved_plan import save_plan

    files = {each: sha256(Path(each).read_bytes()).hexdigest() for each in config}
    save_plan(Path(path), plan, settings, str(file.source.path), files, file.left_out)
