"""`marketing diagnose`: name the first broken link behind a figure."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from marketing_analytics.core.commands import Group
from marketing_analytics.core.console import Console, run_guarded
from marketing_analytics.core.errors import EXIT_FAILED, EXIT_OK

EXAMPLES = ["", "--warehouse var/demo/cloud/warehouse/env_1.duckdb --schema local_demo", "--json"]
OPTIONS = (
    click.option("--warehouse", metavar="PATH_OR_URL",
                 help="DuckDB file or postgresql:// address [default: MARKETING_WAREHOUSE]."),
    click.option("--schema", metavar="NAME",
                 help="Schema of the marts [default: MARKETING_SCHEMA, else the one there is]."),
    click.option("--raw-database", type=click.Path(path_type=Path), metavar="FILE",
                 help="Raw database of a DuckDB file [default: MARKETING_RAW_DATABASE]."),
    click.option("--json", "is_json", is_flag=True, help="Print all links as JSON."),
)  # fmt: skip


@click.group(name="diagnose", cls=Group)
def group() -> None:
    """Name the first broken link behind a figure.

    Exit code 0: no link is broken. 1: one is. What cannot be looked at is unknown, with the reason.
    """


def of_warehouse(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name the warehouse."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def diagnose(
    chain: str, warehouse: str | None, schema: str | None, raw_database: Path | None, is_json: bool
) -> None:
    """Walk a chain, show it, and end the process with its exit code."""
    console = Console(is_json=is_json)

    def body() -> int:
        from marketing_analytics.diagnose.screen import document, show
        from marketing_analytics.diagnose.walk import first_broken, schema_of, walk
        from marketing_analytics.warehouse.marts import marts_of

        links = importlib.import_module(f"marketing_analytics.diagnose.chains.{chain}").CHAIN
        marts = marts_of(warehouse, schema, raw_database)
        with marts.reading() as connection:
            found_schema = schema_of(connection)
            findings = list(walk(connection, marts, links))
        if is_json:
            console.json(document(chain, str(marts), found_schema, findings))
        else:
            show(console, chain, found_schema, findings)
        return EXIT_FAILED if first_broken(findings) else EXIT_OK

    sys.exit(run_guarded(body, console))


@group.command(examples=EXAMPLES)
@of_warehouse
def attribution(**options: Any) -> None:
    """Find why revenue stands in the wrong channel, or in none."""
    diagnose("attribution", **options)


@group.command(examples=EXAMPLES)
@of_warehouse
def roi(**options: Any) -> None:
    """Find why spend, revenue or their ratio looks wrong."""
    diagnose("roi", **options)


@group.command(examples=EXAMPLES)
@of_warehouse
def ltv(**options: Any) -> None:
    """Find why lifetime value is missing, old or off."""
    diagnose("ltv", **options)


@group.command(examples=EXAMPLES)
@of_warehouse
def freshness(**options: Any) -> None:
    """Find why the report ends before yesterday."""
    diagnose("freshness", **options)


@group.command(examples=EXAMPLES)
@of_warehouse
def consent(**options: Any) -> None:
    """Find where somebody who refused may still be counted."""
    diagnose("consent", **options)
