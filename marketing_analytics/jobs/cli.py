"""`marketing jobs` and `scripts/dbt_job_manager.py`: deploy, list, cleanup, run, logs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from marketing_analytics.cloud_api.names import jobs_counted
from marketing_analytics.core.commands import Group, beside
from marketing_analytics.core.console import Console, run_guarded
from marketing_analytics.core.errors import EXIT_OK, EXIT_USAGE, RemoteError, UserError
from marketing_analytics.jobs.settings import Given, Settings, load_settings, read_token

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient
    from marketing_analytics.jobs.model import JobFile
    from marketing_analytics.jobs.plan import Plan

F = TypeVar("F", bound=Callable[..., Any])

EPILOG = """Settings come from flags or from DBTCLOUD_ACCOUNT_ID, DBTCLOUD_TOKEN, PROJECT_ID,
ENVIRONMENT_ID, DBTCLOUD_HOST_URL, TEAM_NAME, CI_COMMIT_REF_SLUG and GITLAB_USER_LOGIN.

Exit codes: 0 ok, 1 failed, 2 bad usage or file (plan --detailed-exitcode: changes),
4 token or lock, 5 partly applied, 130 interrupted; run --follow: 20 cancelled, 21 timed out."""


@click.group(cls=Group, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
def group() -> None:
    """Deploy dbt jobs from tfvars files, run them and clean up."""


def options(
    *, has_branch: bool = True, has_shared: bool = False, needs_config: bool = False
) -> Callable[[F], F]:
    """Return a decorator that adds --config, the connection flags and --json."""
    config_help = "Job file (tfvars); of several, a later one replaces whole variables."
    found = [
        click.option(
            "--config",
            "config",
            required=needs_config,
            multiple=True,
            metavar="FILE",
            help=config_help if needs_config else "Job file whose settings count.",
        ),
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
    if needs_config:
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
        if seconds >= 1:
            console.note(f"{error.message}; trying again in {seconds:.0f} s")

    client = CloudClient(settings, on_wait=on_wait)
    try:
        yield client
    finally:
        client.close()


@group.command(
    examples=[
        "--config env_file/dev_env.tfvars --dry-run",
        "--config env_file/dev_env.tfvars --allow-delete 2",
    ]
)
@click.option("--dry-run", is_flag=True, help="Show the plan, write nothing.")
@click.option("--allow-delete", type=click.IntRange(0), metavar="N", help="Allow N deletes.")
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
            plan, seconds = read_and_plan(client, file, settings)
            print_plan(console, plan, name, seconds)
            if console.is_json:
                console.json(plan_json(plan, name, is_dry_run=True))
            elif plan.changes:
                console.line("dry run: nothing was written")
            return EXIT_OK
        with scope_lock(client, settings.scope):
            plan, seconds = read_and_plan(client, file, settings)
            print_plan(console, plan, name, seconds)
            check_deletes(plan, allowed)
            check_left_out(plan, file, allowed)
            return write_plan(console, client, plan, name)


def write_plan(console: Console, client: CloudClient, plan: Plan, config: str) -> int:
    """Apply a plan and report."""
    from marketing_analytics.jobs.apply import apply_plan, exit_code_of
    from marketing_analytics.jobs.render import plan_json, print_outcome, print_result

    outcomes = apply_plan(client, plan, lambda outcome: print_outcome(console, outcome))
    if console.is_json:
        console.json(plan_json(plan, config, is_dry_run=False, outcomes=outcomes))
    elif outcomes:
        print_result(console, outcomes)
    return exit_code_of(outcomes)


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


def read_and_plan(client: CloudClient, file: JobFile, settings: Settings) -> tuple[Plan, float]:
    """Read the account and decide; the seconds are the time that took."""
    from marketing_analytics.jobs.apply import check_environments, read_jobs
    from marketing_analytics.jobs.payload import desired_jobs
    from marketing_analytics.jobs.plan import jobs_of_environment, make_plan

    started = time.monotonic()
    assert settings.environment_id  # noqa: S101
    desired = desired_jobs(file, settings.scope, settings.environment_id)
    remote = read_jobs(client, settings.scope)
    if not settings.scope.branch:
        remote = jobs_of_environment(remote, desired, settings.environment_id)
    plan = make_plan(file, settings.scope, desired, remote)
    if plan.changes:
        # jobs that are as they should be show that their environments exist
        check_environments(client, file, settings.environment_id)
    return plan, time.monotonic() - started


@group.command(
    examples=[
        "--config env_file/dev_env.tfvars",
        "--config env_file/prod_env.tfvars --shared --detailed-exitcode",
    ]
)
@click.option("--detailed-exitcode", is_flag=True, help="End with 2 when there are changes.")
@options(has_shared=True, needs_config=True)
def plan(config: Sequence[str], detailed_exitcode: bool, **flags: Any) -> None:
    """Show what deploy would do."""
    from marketing_analytics.jobs.render import plan_json, print_plan

    def body(console: Console) -> int:
        file, settings = load_all(console, config, flags)
        name = str(file.source.path)
        with connect(settings, console) as client:
            made, seconds = read_and_plan(client, file, settings)
        print_plan(console, made, name, seconds)
        if console.is_json:
            console.json(plan_json(made, name, is_dry_run=True))
        return EXIT_USAGE if detailed_exitcode and made.changes else EXIT_OK

    execute(flags["is_json"], body)


@group.command(examples=["env_file/dev_env.tfvars", "env_file/*.tfvars --json"])
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "is_json", is_flag=True, help="Print JSON for programs.")
def validate(files: tuple[str, ...], is_json: bool) -> None:
    """Check job files, without a network; every mistake is shown."""
    from marketing_analytics.jobs.model import load_job_files
    from marketing_analytics.jobs.render import SCHEMA_VERSION

    def body(console: Console) -> int:
        found = load_job_files(files)
        for name, file in found:
            for note in file.notes:
                console.note(note)
            console.line(f"{name}: {jobs_counted(len(file.jobs))}, ok")
        if console.is_json:
            listed = [{"config": name, "jobs": len(file.jobs)} for name, file in found]
            console.json({"schema_version": SCHEMA_VERSION, "files": listed})
        return EXIT_OK

    execute(is_json, body)


@group.command(examples=["env_file/list.tfvars", "env_file/list.tfvars --out env_file/map.tfvars"])
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


@group.command(name="list", examples=["", "--details --team marketing-team"])
@click.option("--details", is_flag=True, help="Show steps, variables and times.")
@options(has_branch=False)
def list_(details: bool, **flags: Any) -> None:
    """Show the team's jobs."""
    from marketing_analytics.jobs.render import SCHEMA_VERSION, job_json, print_jobs

    def body(console: Console) -> int:
        settings = settings_of(console, flags, is_shared=True)
        jobs = team_jobs(settings, console)
        if console.is_json:
            listed = [job_json(job) for job in jobs]
            team = settings.scope.team
            console.json({"schema_version": SCHEMA_VERSION, "team": team, "jobs": listed})
        elif not jobs:
            console.line(f"team {settings.scope.team} has no jobs in project {settings.project_id}")
        else:
            print_jobs(console, jobs, has_details=details)
        return EXIT_OK

    execute(flags["is_json"], body)


def team_jobs(settings: Settings, console: Console) -> list[Any]:
    """Return the jobs that carry the team's mark, by name."""
    from marketing_analytics.jobs.apply import RELATED
    from marketing_analytics.jobs.payload import overrides_of
    from marketing_analytics.jobs.plan import remote_job

    with connect(settings, console) as client:
        listed = client.list_jobs(RELATED, "most_recent_run")
    jobs = [remote_job(data, overrides_of(data.get(RELATED))) for data in listed]
    ours = [job for job in jobs if job.owner and job.owner.scope.team == settings.scope.team]
    return sorted(ours, key=lambda job: (job.name, job.job_id))


@group.command(examples=["--older-than 7 --dry-run", "--older-than 30 --yes"])
@click.option(
    "--older-than", type=click.IntRange(0), required=True, metavar="DAYS", help="Age in days."
)
@click.option("--dry-run", is_flag=True, help="Show what would go, delete nothing.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@options(has_branch=False)
def cleanup(older_than: int, dry_run: bool, is_sure: bool, **flags: Any) -> None:
    """Delete the team's branch jobs that nobody changed for some days."""

    def body(console: Console) -> int:
        return clean(console, flags, older_than, dry_run, is_sure)

    execute(flags["is_json"], body)


def clean(
    console: Console, flags: dict[str, Any], older_than: int, is_dry_run: bool, is_sure: bool
) -> int:
    """Find, show, ask and delete."""
    from marketing_analytics.jobs.plan import Plan, make_cleanup

    settings = settings_of(console, flags, is_shared=True)
    found = make_cleanup(
        settings.scope.team, team_jobs(settings, console), older_than, datetime.now(UTC)
    )
    changes = tuple(change for change, _ in found)
    for change in changes:
        console.prose(f"  - {change.key} (job {change.job_id}): {change.reason}", indent="    ")
    done = Plan(settings.scope, changes, {}, 0)
    if not changes:
        console.line(f"nothing to clean up: no branch job is {older_than} days old")
    if is_dry_run or not changes:
        if changes:
            console.prose(
                f"dry run: {jobs_counted(len(changes))} would be deleted, nothing was written"
            )
        return say_cleanup(console, done, [], is_dry_run=is_dry_run)
    confirm(console, len(changes), is_sure)
    return delete_all(console, settings, done)


def delete_all(console: Console, settings: Settings, plan: Plan) -> int:
    """Delete the jobs of a plan and report."""
    from marketing_analytics.jobs.apply import apply_plan, exit_code_of
    from marketing_analytics.jobs.render import print_outcome, print_result

    with connect(settings, console) as client:
        outcomes = apply_plan(client, plan, lambda outcome: print_outcome(console, outcome))
    if not console.is_json:
        print_result(console, outcomes)
    say_cleanup(console, plan, outcomes, is_dry_run=False)
    return exit_code_of(outcomes)


def say_cleanup(console: Console, plan: Plan, outcomes: Any, *, is_dry_run: bool) -> int:
    """Print the JSON of a cleanup."""
    from marketing_analytics.jobs.render import SCHEMA_VERSION, change_json, outcome_json

    if console.is_json:
        console.json(
            {
                "schema_version": SCHEMA_VERSION,
                "team": plan.scope.team,
                "dry_run": is_dry_run,
                "deletes": [change_json(change) for change in plan.changes],
                "results": [outcome_json(outcome) for outcome in outcomes],
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


@group.command(examples=["campaign-performance --follow", "attribution-validation --json"])
@click.argument("key")
@click.option("--follow", is_flag=True, help="Show steps and models live; exit as the run does.")
@options(has_shared=True)
def run(key: str, follow: bool, **flags: Any) -> None:
    """Start a job, by its key in this branch, its name or its id."""
    from marketing_analytics.jobs.runs import find_job, follow_run, run_json, start_run

    def body(console: Console) -> int:
        settings = settings_of(console, flags)
        with connect(settings, console) as client:
            job = find_job(client, settings.scope, key)
            started = start_run(client, job, settings.scope.user or settings.scope.team)
            if console.is_json and not follow:
                console.json(run_json(started, job))
            name = job.owner.key if job.owner else job.name
            console.line(f"run {started['id']} of {name} (job {job.job_id})")
            if started.get("href"):
                console.line(f"  {started['href']}")
            if follow:
                return follow_run(client, int(started["id"]), console)
            console.line(f"  next: {beside('logs')} {started['id']}")
            return EXIT_OK

    execute(flags["is_json"], body)


@group.command(examples=["15 --follow", "15 --step 4"])
@click.argument("run_id", type=click.IntRange(1), metavar="RUN")
@click.option("--step", type=click.IntRange(1), help="Only this step.")
@click.option("--follow", is_flag=True, help="Go on until the run ends.")
@options(has_branch=False)
def logs(run_id: int, step: int | None, follow: bool, **flags: Any) -> None:
    """Show the logs of a run."""
    from marketing_analytics.jobs.runs import follow_run, print_logs

    def body(console: Console) -> int:
        settings = settings_of(console, flags, is_shared=True)
        with connect(settings, console) as client:
            if follow:
                return follow_run(client, run_id, console)
            print_logs(client.run(run_id, "run_steps", "debug_logs"), console, step)
        return EXIT_OK

    execute(flags["is_json"], body)


@group.command(examples=["15", "15 --json"])
@click.argument("run_id", type=click.IntRange(1), metavar="RUN")
@options(has_branch=False)
def cancel(run_id: int, **flags: Any) -> None:
    """Cancel a run."""
    from marketing_analytics.jobs.runs import cancel_words, run_json

    def body(console: Console) -> int:
        settings = settings_of(console, flags, is_shared=True)
        with connect(settings, console) as client:
            cancelled = client.cancel(run_id)
        if console.is_json:
            console.json(run_json(cancelled))
        console.line(cancel_words(run_id, cancelled))
        return EXIT_OK

    execute(flags["is_json"], body)
