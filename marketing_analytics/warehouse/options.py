"""The options that name the marts, the same for every command that reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

OF_MARTS = (
    click.option("--warehouse", metavar="PATH_OR_URL",
                 help="DuckDB file or postgresql:// address [default: MARKETING_WAREHOUSE]."),
    click.option("--schema", metavar="NAME",
                 help="Schema of the marts [default: MARKETING_SCHEMA, else the one there is]."),
    click.option("--raw-database", type=click.Path(path_type=Path), metavar="FILE",
                 help="Raw database of a DuckDB file [default: MARKETING_RAW_DATABASE]."),
)  # fmt: skip


def of_marts(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name the marts."""
    for option in reversed(OF_MARTS):
        command = option(command)
    return command
