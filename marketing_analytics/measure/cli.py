"""`marketing measure`: fit what SQL cannot."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from marketing_analytics.core.commands import Group

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group(name="measure", cls=Group, help="Fit models where the warehouse runs no Python.")
def group() -> None:
    """Hold the subcommands."""


@group.command(examples=["", "--target prod --profiles-dir ~/.dbt", "--vars '{ltv_margin: 0.4}'"])
@click.option("--project-dir", type=FOLDER, default=Path("transform"), show_default=True,
              help="Folder of the dbt project.")  # fmt: skip
@click.option("--profiles-dir", type=FOLDER, help="Folder of profiles.yml [default: as dbt's].")
@click.option("--target", default="", help="Output of the profile [default: as dbt's].")
@click.option("--vars", "variables", default="", help="Variables, as dbt takes them.")
@click.option("--json", "is_json", is_flag=True, help="Print the fits as JSON.")
def fit(
    project_dir: Path, profiles_dir: Path | None, target: str, variables: str, is_json: bool
) -> None:
    """Fit customer lifetime value, and keep the parameters there."""
    from marketing_analytics.core.console import Console, run_guarded
    from marketing_analytics.measure.fit import Project, fit_command

    console = Console(is_json=is_json)
    project = Project(project_dir, profiles_dir, target, variables)
    sys.exit(run_guarded(lambda: fit_command(console, project), console))
