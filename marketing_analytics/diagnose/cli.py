"""`marketing diagnose`: name the first broken link behind a figure."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from marketing_analytics.core.commands import Group
from marketing_analytics.core.console import Console, run_guarded
from marketing_analytics.core.errors import EXIT_FAILED, EXIT_OK
from marketing_analytics.warehouse.options import of_marts

EXAMPLES = ["", "--warehouse var/demo/cloud/warehouse/env_1.duckdb --schema local_demo", "--json"]
AS_JSON = click.option("--json", "is_json", is_flag=True, help="Print all links as JSON.")


@click.group(name="diagnose", cls=Group)
def group() -> None:
    """Name the first broken link behind a figure.

    Exit code 0: no link is broken. 1: one is. What cannot be looked at is unknown, with the reason.
    """


def diagnose(
    chain: str, warehouse: str | None, schema: str | None, raw_database: Path | None, is_json: bool
) -> None:
    """Walk a chain, show it, and end the process with its exit code."""
    console = Console(is_json=is_json)

    def body() -> int:
        from marketing_analytics.diagnose.screen import document, show
        from marketing_analytics.diagnose.walk import first_broken, walk
        from marketing_analytics.warehouse.marts import marts_of, schema_of

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
@of_marts
@AS_JSON
def attribution(**options: Any) -> None:
    """Find why revenue stands in the wrong channel, or in none."""
    diagnose("attribution", **options)


@group.command(examples=EXAMPLES)
@of_marts
@AS_JSON
def roi(**options: Any) -> None:
    """Find why spend, revenue or their ratio looks wrong."""
    diagnose("roi", **options)


@group.command(examples=EXAMPLES)
@of_marts
@AS_JSON
def ltv(**options: Any) -> None:
    """Find why lifetime value is missing, old or off."""
    diagnose("ltv", **options)


@group.command(examples=EXAMPLES)
@of_marts
@AS_JSON
def freshness(**options: Any) -> None:
    """Find why the report ends before yesterday."""
    diagnose("freshness", **options)


@group.command(examples=EXAMPLES)
@of_marts
@AS_JSON
def consent(**options: Any) -> None:
    """Find where somebody who refused may still be counted."""
    diagnose("consent", **options)
