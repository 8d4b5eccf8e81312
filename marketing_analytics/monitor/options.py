"""The options that the commands of the watch share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

PLACE = (
    click.option("--warehouse", metavar="PATH_OR_URL",
                 help="DuckDB file or postgresql:// address [default: MARKETING_WAREHOUSE]."),
    click.option("--schema", metavar="NAME",
                 help="Schema of the marts [default: MARKETING_SCHEMA]."),
    click.option("--raw-database", metavar="PATH",
                 help="DuckDB file of raw tables [default: MARKETING_RAW_DATABASE]."),
)  # fmt: skip
CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of thresholds [default: monitors.yml, where there is one].",
)
AS_JSON = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


def of_place(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name the warehouse."""
    for option in reversed(PLACE):
        command = option(command)
    return command
