"""`validate` and `convert`: work on job files without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from marketing_analytics.cloud_api.names import jobs_counted
from marketing_analytics.core.commands import Command
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK
from marketing_analytics.jobs.commands.options import execute

if TYPE_CHECKING:
    pass


@click.command(cls=Command, examples=["env_file/dev_env.tfvars", "env_file/*.tfvars --json"])
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
