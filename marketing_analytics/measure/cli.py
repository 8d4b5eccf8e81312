"""`marketing measure`: fit what SQL cannot."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from marketing_analytics.core.commands import Group

FOLDER = click.Path(path_type=Path, file_okay=False)
EXAMPLES = ["", "--target prod --profiles-dir ~/.dbt", "--vars '{ltv_margin: 0.4}'"]
OPTIONS = (
    click.option("--project-dir", type=FOLDER, default=Path("transform"), show_default=True,
                 help="Folder of the dbt project."),
    click.option("--profiles-dir", type=FOLDER,
                 help="Folder of profiles.yml [default: as dbt's]."),
    click.option("--target", default="", help="Output of the profile [default: as dbt's]."),
    click.option("--vars", "variables", default="", help="Variables, as dbt takes them."),
)  # fmt: skip
AS_JSON = click.option("--json", "is_json", is_flag=True, help="Print the fits as JSON.")


def of_project(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a dbt project and its warehouse."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.group(name="measure", cls=Group, help="Fit models where the warehouse runs no Python.")
def group() -> None:
    """Hold the subcommands."""


@group.command(examples=EXAMPLES)
@of_project
@AS_JSON
def fit(
    project_dir: Path, profiles_dir: Path | None, target: str, variables: str, is_json: bool
) -> None:
    """Fit customer lifetime value, and keep the parameters there."""
    from marketing_analytics.core.console import Console, run_guarded
    from marketing_analytics.measure.fit import fit_command
    from marketing_analytics.measure.project import Project

    console = Console(is_json=is_json)
    project = Project(project_dir, profiles_dir, target, variables)
    sys.exit(run_guarded(lambda: fit_command(console, project), console))


@group.command(examples=EXAMPLES[:2])
@of_project
@AS_JSON
def segments(
    project_dir: Path, profiles_dir: Path | None, target: str, variables: str, is_json: bool
) -> None:
    """Train models of segments and lookalikes, and keep them there."""
    from marketing_analytics.core.console import Console, run_guarded
    from marketing_analytics.measure.project import Project
    from marketing_analytics.measure.segments import segments_command

    console = Console(is_json=is_json)
    project = Project(project_dir, profiles_dir, target, variables)
    sys.exit(run_guarded(lambda: segments_command(console, project), console))
