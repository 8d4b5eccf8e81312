"""The flags of the lineage check, and what commands print of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import FileError, in_one

if TYPE_CHECKING:
    from marketing_analytics.jobs.model import JobFile

F = TypeVar("F", bound=Callable[..., Any])


def lineage_options(function: F) -> F:
    """Add the flags of the lineage check to a command."""
    found = (
        click.option("--manifest", metavar="PATH", help="dbt's manifest.json, for lineage."),
        click.option("--project-dir", metavar="DIR", help="dbt project that makes the manifest."),
        click.option("--strict", is_flag=True, help="Warnings are errors."),
    )
    for option in reversed(found):
        function = option(function)
    return function


def warn_of_lineage(
    console: Console,
    files: Sequence[JobFile],
    paths: Sequence[str],
    flags: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Print what is wrong between the jobs of files, and return it for JSON.

    Raise FileError instead with `strict`.
    """
    return told(console, lineage_findings(console, files, paths, flags), flags)


def told(
    console: Console, findings: Sequence[FileError], flags: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Print findings as warnings and return them for JSON. Raise them instead with `strict`."""
    if findings and flags["strict"]:
        raise in_one(findings)
    for finding in findings:
        console.warning(finding)
    return [
        {"message": finding.message, "where": finding.where, "hint": finding.hint}
        for finding in findings
    ]


def lineage_findings(
    console: Console,
    files: Sequence[JobFile],
    paths: Sequence[str],
    flags: Mapping[str, Any],
    lengths: Sequence[Mapping[str, float]] = (),
    *,
    is_asked: bool = False,
) -> list[FileError]:
    """Return what is wrong between the jobs of each file.

    Without a manifest nothing is checked; that is said where the check is the point (`is_asked`).
    `lengths` are the seconds of past runs by key of a job, for each file.
    """
    from marketing_analytics.jobs.lineage.manifest import find_manifest

    is_asked = is_asked or bool(flags["manifest"] or flags["project_dir"] or flags["strict"])
    found = find_manifest([Path(path) for path in paths], flags["manifest"], flags["project_dir"])
    if found is None:
        if is_asked:
            how = "--project-dir DIR makes one, --manifest PATH names one"
            console.note(f"lineage is not checked: there is no manifest of dbt; {how}", indent="  ")
        return []
    from marketing_analytics.jobs.lineage.asking import project_at
    from marketing_analytics.jobs.lineage.checks import findings_of

    if found.note:
        console.note(found.note, indent="  ")
    steps = [step for file in files for job in file.jobs for step in job.execute_steps]
    try:
        project = project_at(found, steps)
    except ModuleNotFoundError:
        if is_asked:
            console.note("lineage is not checked: dbt is not installed here", indent="  ")
        return []
    known = lengths or [{}] * len(files)
    return [
        finding
        for file, seconds in zip(files, known, strict=True)
        for finding in findings_of(file, project, seconds)
    ]
