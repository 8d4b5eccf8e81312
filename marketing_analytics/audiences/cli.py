"""`marketing audience`: segments as files for ad platforms."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from marketing_analytics.core.commands import Group
from marketing_analytics.core.console import Console, run_guarded
from marketing_analytics.governance.cli import ENV_FILE, RAW_DATABASE
from marketing_analytics.measure.cli import of_project

PATH = click.Path(path_type=Path)
PLATFORMS = ("meta", "google", "linkedin")


@click.group(name="audience", cls=Group, help="Export audiences to ad platforms.")
def group() -> None:
    """Hold the subcommands."""


@group.command(
    examples=[
        "rfm:champions --to meta --out champions.csv",
        "'behaviour:mobile first' --to google --out mobile.csv --minimum 1000",
        "lookalike:champions --top 5000 --to linkedin --out alike.csv",
    ]
)
@click.argument("audience", metavar="AUDIENCE")
@click.option(
    "--to", "platform", required=True, type=click.Choice(PLATFORMS), help="Whose format it has."
)
@click.option("--out", required=True, type=PATH, metavar="FILE", help="Readable by you alone.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Lookalikes: the N nearest.")
@click.option(
    "--minimum",
    type=click.IntRange(min=1),
    metavar="N",
    help="Write none of fewer persons [default: as the platform's].",
)
@RAW_DATABASE
@ENV_FILE
@of_project
@click.option("--json", "is_json", is_flag=True, help="Print the receipt as JSON.")
def export(
    audience: str,
    platform: str,
    out: Path,
    overwrite: bool,
    top: int | None,
    minimum: int | None,
    raw_database: str | None,
    env_file: Path | None,
    project_dir: Path,
    profiles_dir: Path | None,
    target: str,
    variables: str,
    is_json: bool,
) -> None:
    """Write an audience as a file that a platform takes.

    AUDIENCE is rfm:SEGMENT, behaviour:COHORT, segment:NAME or lookalike:NAME. Who refuses
    marketing or profiling now is left out. A receipt is kept.
    """
    console = Console(is_json=is_json)

    def body() -> None:
        from marketing_analytics.audiences.export import export as exported
        from marketing_analytics.audiences.export import wanted_of
        from marketing_analytics.audiences.members import audience_of
        from marketing_analytics.governance.request import asked_with
        from marketing_analytics.measure.project import Project

        given = audience_of(audience, top)
        wanted = wanted_of(given, platform, out, minimum, is_overwriting=overwrite)
        asked = asked_with(raw_database, env_file)
        project = Project(project_dir, profiles_dir, target, variables)
        receipt = exported(asked, project, wanted)
        if is_json:
            console.json({"schema_version": 1, **receipt.as_json()})
            return
        console.line(f"{receipt.person_count:,} persons of {receipt.audience} are in {out}")
        for reason, count in receipt.left_out.items():
            console.line(f"left out, {reason}: {count:,}")

    sys.exit(run_guarded(body, console))
