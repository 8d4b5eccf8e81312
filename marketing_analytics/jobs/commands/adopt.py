"""`import` and `export`: from existing jobs to a job file, and on to Terraform."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.cloud_api.names import jobs_counted
from marketing_analytics.core.commands import Command, beside
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK, UserError
from marketing_analytics.jobs.commands.options import (
    connect,
    execute,
    given_of,
    load_all,
    options,
    settings_of,
)

if TYPE_CHECKING:
    from marketing_analytics.jobs.adopt.imports import Imported
    from marketing_analytics.jobs.plan import RemoteJob
    from marketing_analytics.jobs.settings import Settings


@click.command(
    cls=Command,
    name="import",
    examples=[
        "--environment-id 102 --out env_file/taken.tfvars",
        '--name "Daily*" --job-id 4711',
        "--from-yaml jobs.yml --vars-yml vars.yml --out env_file/taken.tfvars",
    ],
)
@click.option("--job-id", "job_ids", type=click.IntRange(1), multiple=True, help="Only this job.")
@click.option("--name", metavar="TEXT", help="Only jobs with this in their name; * is anything.")
@click.option("--environment-id", help="Only jobs of this dbt Cloud environment.")
@click.option("--from-yaml", metavar="FILE", help="Read a file of dbt-jobs-as-code instead.")
@click.option("--vars-yml", multiple=True, metavar="FILE", help="Values of its variables.")
@click.option("-o", "--out", metavar="PATH", help="New file to write; default is the screen.")
@options(has_branch=False)
def import_(
    job_ids: tuple[int, ...],
    name: str | None,
    from_yaml: str | None,
    vars_yml: tuple[str, ...],
    out: str | None,
    **flags: Any,
) -> None:
    """Write a job file of jobs that exist already."""

    def body(console: Console) -> int:
        from marketing_analytics.jobs.adopt.imports import file_text
        from marketing_analytics.jobs.forms.convert import write_new
        from marketing_analytics.jobs.model import read_job_text

        if from_yaml:
            entries, place = from_file(from_yaml, vars_yml, flags)
            source = from_yaml
        else:
            if vars_yml:
                raise UserError("--vars-yml goes with --from-yaml", hint="pass both")
            settings = settings_of(console, flags, is_shared=True)
            jobs = chosen(console, settings, job_ids, name)
            entries, place = from_cloud(jobs, settings)
            source = f"project {settings.project_id} at {settings.host_url}"
        text = file_text(entries, place, source)
        # what is written must be a file that deploy reads
        read_job_text(text, out or "import.tfvars")
        if out:
            write_new(Path(out), text)
            console.line(f"{out}: {jobs_counted(len(entries))}")
            console.line(f"  next: {beside('link')} --all --shared --config {out} --dry-run")
        elif not console.is_json:
            console.line(text.removesuffix("\n"))
        if console.is_json:
            say(console, entries, text, out)
        return EXIT_OK

    execute(flags["is_json"], body)


def from_file(
    path: str, variable_files: Sequence[str], flags: dict[str, Any]
) -> tuple[list[Imported], Any]:
    """Return the jobs of a YAML file and where they belong."""
    from marketing_analytics.jobs.adopt.imports import Place, import_jobs
    from marketing_analytics.jobs.adopt.yaml_jobs import read_yaml_jobs, unknown_fields
    from marketing_analytics.jobs.settings import FileDefaults, team_of

    team = team_of(given_of({**flags, "token_file": None}), FileDefaults(), {})
    jobs = [job for _, job in read_yaml_jobs(path, variable_files)]
    project_id = project_of(path, jobs, flags.get("project_id"))
    mine = [job for job in jobs if job.data["project_id"] in (None, project_id)]
    entries = import_jobs(mine, team)
    for entry in entries:
        unknown = unknown_fields(entry.job)
        entry.remarks += [f"{name} is left out: nothing reads it" for name in unknown]
    return entries, Place(team, project_id)


def project_of(path: str, jobs: Sequence[RemoteJob], given: str | None) -> int:
    """Return the project of the jobs of a file. Raise UserError when there are several."""
    found = sorted({job.data["project_id"] for job in jobs if job.data["project_id"]})
    if given:
        if not (given.isascii() and given.isdigit()) or (found and int(given) not in found):
            known = ", ".join(map(str, found))
            raise UserError(f"{path} has no jobs of project {given}", hint=f"it has {known}")
        return int(given)
    if len(found) != 1:
        known = ", ".join(map(str, found)) or "none"
        raise UserError(
            f"a job file is about one project, and {path} names {known}",
            hint="choose one with --project-id",
        )
    return int(found[0])


def chosen(
    console: Console, settings: Settings, job_ids: Sequence[int], name: str | None
) -> list[RemoteJob]:
    """Return the jobs asked for. Raise UserError when an id is not there, or nothing is."""
    from marketing_analytics.jobs.account import with_overrides
    from marketing_analytics.jobs.commands.link import read_all

    with connect(settings, console) as client:
        jobs = read_all(client)
        missing = sorted(set(job_ids) - {job.job_id for job in jobs})
        if missing:
            raise UserError(
                f"there is no job {missing[0]} in project {settings.project_id}",
                hint="the number is in the address of the job's page; check PROJECT_ID",
            )
        found = [job for job in jobs if is_wanted(job, settings, job_ids, name)]
        others = sum(not job_ids and is_of_others(job, settings) for job in jobs)
        if others:
            console.note(f"{jobs_counted(others)} of branches and other teams are left out")
        if not found:
            raise UserError(
                f"project {settings.project_id} has no such jobs to import",
                hint="look at --environment-id, --name and --job-id",
            )
        return with_overrides(client, found)


def is_of_others(job: RemoteJob, settings: Settings) -> bool:
    """Return whether a job carries the mark of a branch or of another team."""
    return job.owner is not None and job.owner.scope != settings.scope


def is_wanted(job: RemoteJob, settings: Settings, job_ids: Sequence[int], name: str | None) -> bool:
    """Return whether a job was asked for."""
    if job_ids:
        return job.job_id in job_ids
    environment_id = settings.environment_id
    if is_of_others(job, settings):
        return False
    if environment_id is not None and job.data.get("environment_id") != environment_id:
        return False
    return name is None or bool(re.match(fnmatch.translate(f"*{name.lower()}*"), job.name.lower()))


def from_cloud(jobs: Sequence[RemoteJob], settings: Settings) -> tuple[list[Imported], Any]:
    """Return the jobs of dbt Cloud and where they belong."""
    from marketing_analytics.jobs.adopt.imports import Place, import_jobs

    team = settings.scope.team
    place = Place(team, settings.project_id, settings.account_id, settings.host_url)
    return import_jobs(jobs, team), place


def say(console: Console, entries: Sequence[Imported], text: str, out: str | None) -> None:
    """Print the JSON of an import."""
    from marketing_analytics.jobs.render import SCHEMA_VERSION

    listed = [
        {
            "key": entry.key,
            "job_id": entry.job.job_id if entry.job.job_id > 0 else None,
            "name": entry.job.name,
            "remarks": entry.remarks,
        }
        for entry in entries
    ]
    console.json({"schema_version": SCHEMA_VERSION, "file": out, "jobs": listed, "text": text})


@click.command(
    cls=Command,
    examples=[
        "terraform --config env_file/prod_env.tfvars --out imports.tf",
        "terraform --config env_file/prod_env.tfvars --module module.jobs",
    ],
)
@click.argument("form", type=click.Choice(["terraform"]))
@click.option("--module", default="module.jobs", metavar="ADDRESS", help="The module's address.")
@click.option("-o", "--out", metavar="PATH", help="New file to write; default is the screen.")
@options(has_branch=False, needs_config=True)
def export(form: str, module: str, out: str | None, config: Sequence[str], **flags: Any) -> None:
    """Write import blocks: Terraform takes over existing jobs."""

    def body(console: Console) -> int:
        from marketing_analytics.jobs.account import read_jobs
        from marketing_analytics.jobs.adopt.to_terraform import blocks_text, import_blocks
        from marketing_analytics.jobs.payload import desired_jobs
        from marketing_analytics.jobs.plan import jobs_of_environment
        from marketing_analytics.jobs.render import SCHEMA_VERSION

        check_module(module)
        file, settings = load_all(console, config, {**flags, "is_shared": True})
        assert settings.environment_id  # noqa: S101
        desired = desired_jobs(file, settings.scope, settings.environment_id)
        with connect(settings, console) as client:
            jobs = jobs_of_environment(
                read_jobs(client, settings.scope), desired, settings.environment_id
            )
        ours = [job for job in jobs if job.owner and job.owner.scope == settings.scope]
        blocks, missing = import_blocks(file, ours, settings.project_id)
        text = blocks_text(blocks, str(file.source.path), module)
        for key in missing:
            console.note(f"no job found for {key}: Terraform will create it")
        if out:
            write_text(Path(out), text)
            console.line(f"{out}: {len(blocks)} import blocks")
        elif not console.is_json:
            console.line(text.removesuffix("\n"))
        if console.is_json:
            listed = [{"to": b.resource, "key": b.key, "id": b.identity} for b in blocks]
            document = {"schema_version": SCHEMA_VERSION, "form": form, "file": out}
            console.json({**document, "imports": listed, "missing": missing})
        return EXIT_OK

    execute(flags["is_json"], body)


def check_module(module: str) -> None:
    """Refuse what is no address of a module."""
    if not re.fullmatch(
        r'module\.[A-Za-z_][\w-]*(\["[\w-]+"\])?(\.module\.[A-Za-z_][\w-]*)*', module
    ):
        raise UserError(f"--module is no address: {module!r}", hint="write it like module.jobs")


def write_text(path: Path, text: str) -> None:
    """Write a new file; what is there is not replaced."""
    from marketing_analytics.core.written import replace_file

    if path.exists():
        raise UserError(f"{path} exists; nothing was written", hint="name a new file with --out")
    replace_file(path, text)
