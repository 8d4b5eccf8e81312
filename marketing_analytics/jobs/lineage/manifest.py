"""Find dbt's manifest, or let dbt make it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.core.signs import visible

PROJECT_FILE = "dbt_project.yml"
# where a project lies, seen from the folder of a job file and from the one above
USUAL_FOLDERS = ("", "transform", "dbt")
# what dbt makes or fetches
NOT_WRITTEN_BY_HAND = {"target", "logs", "dbt_packages", "dbt_internal_packages"}
WRITTEN = {".sql", ".yml", ".yaml", ".py", ".csv", ".md"}
PARSE_SECONDS = 600
DBT = "from dbt.cli.main import cli; cli()"


@dataclass(frozen=True)
class Found:
    """A manifest, and the file of its project where that is known."""

    manifest: Path
    project_file: Path | None = None
    note: str = ""


def find_manifest(
    job_files: list[Path], manifest: str | None = None, project_dir: str | None = None
) -> Found | None:
    """Return the manifest that was asked for, or the one of the project beside the job files.

    Raise UserError where what was asked for is not there, MachineError where dbt cannot make it.
    """
    if manifest is not None:
        path = Path(manifest)
        if not path.is_file():
            raise UserError(f"there is no manifest {manifest}", hint="`dbt parse` writes it")
        # its flags decide which tests a step takes
        folders = [path.resolve().parent.parent, *folders_beside(job_files)]
        return Found(path, next(filter(None, map(file_of, folders)), None))
    if project_dir is not None:
        return made(Path(project_dir))
    for folder in folders_beside(job_files):
        path = folder / "target" / "manifest.json"
        if path.is_file() and file_of(folder):
            return Found(path, file_of(folder), note_of_age(folder, path))
    return None


def folders_beside(job_files: list[Path]) -> Iterator[Path]:
    """Yield the folders where the project of job files may lie."""
    for file in job_files:
        here = file.resolve().parent
        for base in (here, here.parent):
            for usual in USUAL_FOLDERS:
                yield base / usual


def file_of(folder: Path) -> Path | None:
    """Return the file of a dbt project, or None where the folder is none."""
    path = folder / PROJECT_FILE
    return path if path.is_file() else None


def newest_of(folder: Path) -> tuple[float, Path]:
    """Return when something of a project was last written, and what."""
    newest = (0.0, folder)
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in NOT_WRITTEN_BY_HAND]
        for name in names:
            path = Path(here, name)
            if path.suffix in WRITTEN:
                newest = max(newest, (path.stat().st_mtime, path))
    return newest


def note_of_age(folder: Path, manifest: Path) -> str:
    """Return what should be known of a manifest that is older than its project."""
    at, path = newest_of(folder)
    if at <= manifest.stat().st_mtime:
        return ""
    return (
        f"{manifest} is older than {path.relative_to(folder)}: "
        f"--project-dir {folder} makes a new one"
    )


def made(folder: Path) -> Found:
    """Return the manifest of a project, made by dbt where it is older than the project."""
    file = file_of(folder)
    if file is None:
        raise UserError(f"{folder} is no dbt project", hint=f"name the folder of {PROJECT_FILE}")
    path = folder / "target" / "manifest.json"
    if not path.is_file() or newest_of(folder)[0] > path.stat().st_mtime:
        parse(folder, path.parent)
    return Found(path, file)


def parse(folder: Path, target: Path) -> None:
    """Let dbt write a manifest. Raise MachineError with what dbt says when it does not."""
    place = str(folder.resolve())
    command = [sys.executable, "-c", DBT, "--quiet", "parse", "--project-dir", place]
    command += ["--target-path", str(target.resolve()), "--log-path", str(target.resolve())]
    if (folder / "profiles.yml").is_file():
        command += ["--profiles-dir", place]
    env = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    import subprocess

    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=env, timeout=PARSE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise MachineError(
            f"dbt did not parse {folder} within {PARSE_SECONDS} s", hint="run `dbt parse` there"
        ) from None
    if done.returncode:
        said = last_words(done.stdout) or last_words(done.stderr)
        hint = f"mend the project: dbt parse --project-dir {folder}"
        raise MachineError(f"dbt cannot parse {folder}: {said}", hint=hint)


def last_words(text: str, most: int = 300) -> str:
    """Return the end of what a program printed, in one line."""
    return visible(" ".join(text.split())[-most:])
