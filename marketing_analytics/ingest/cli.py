"""`marketing ingest`: copy the sources into the raw database."""

from __future__ import annotations

import difflib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marketing_analytics.core.commands import Group
from marketing_analytics.core.console import Console, run_guarded
from marketing_analytics.core.errors import UserError

if TYPE_CHECKING:
    from marketing_analytics.ingest.engine.settings import Request


@click.group(name="ingest", cls=Group)
def group() -> None:
    """Sync ad platforms, email and shop data."""


@group.command(examples=["--env-file var/demo/connections.env", "--source shop --since 2026-05-01"])
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only this source.")
@click.option("--since", metavar="DATE", help="First day wanted (default: INGEST_SINCE, 200 days).")
@click.option(
    "--raw-database",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="DuckDB file to write (default: MARKETING_RAW_DATABASE, var/raw.duckdb).",
)
@click.option("--env-file", type=click.Path(path_type=Path), metavar="FILE", help="Settings.")
@click.option("--reread", is_flag=True, help="Read all days again, also those known as final.")
@click.option("--json", "is_json", is_flag=True, help="Print the result as JSON.")
def run(
    sources: tuple[str, ...],
    since: str | None,
    raw_database: Path | None,
    env_file: Path | None,
    reread: bool,
    is_json: bool,
) -> None:
    """Load what is new or may have changed into the raw database."""
    console = Console(is_json=is_json)

    def body() -> int:
        return run_sources(console, sources, since, raw_database, env_file, reread)

    sys.exit(run_guarded(body, console))


@group.command("settings", examples=["", "--source meta_ads --json"])
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only this source.")
@click.option("--json", "is_json", is_flag=True, help="Print the result as JSON.")
def settings_command(sources: tuple[str, ...], is_json: bool) -> None:
    """Print the settings that sources need, as a file to fill in.

    `run --env-file` reads that file.
    """
    console = Console(is_json=is_json)

    def body() -> None:
        from marketing_analytics.ingest.platforms import load_source

        asked = {name: load_source(name) for name in checked_sources(sources)}
        if is_json:
            needed = {name: source.settings for name, source in asked.items()}
            optional = {name: source.optional_settings for name, source in asked.items()}
            console.json({"schema_version": 1, "settings": needed, "optional_settings": optional})
        for name, source in asked.items():
            console.line(f"# {name}")
            for setting in source.settings:
                console.line(f"{setting}=")
            for setting in source.optional_settings:
                console.line(f"# {setting}=")

    sys.exit(run_guarded(body, console))


def run_sources(
    console: Console,
    sources: tuple[str, ...],
    since: str | None,
    raw_database: Path | None,
    env_file: Path | None,
    is_reread: bool,
) -> int:
    """Read the settings, run the sources asked for, and return the exit code."""
    from marketing_analytics.ingest.engine import settings

    if env_file:
        settings.load_env_file(env_file)
    values = dict(os.environ)
    request = settings.Request(
        sources=checked_sources(sources),
        since=settings.since_date(since, values),
        raw_database=settings.raw_database_path(raw_database, values),
        settings=values,
        is_reread=is_reread,
    )
    return ingest_and_show(console, request)


def checked_sources(sources: tuple[str, ...]) -> tuple[str, ...]:
    """Return the sources asked for, all when none is named."""
    from marketing_analytics.ingest.platforms import source_names

    known = source_names()
    for name in sources:
        if name not in known:
            near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
            meant = f"did you mean {near[0]}? " if near else ""
            raise UserError(
                f"there is no source {name!r}",
                hint=f"{meant}sources are {', '.join(known)}",
            )
    return tuple(dict.fromkeys(sources)) or tuple(known)


def ingest_and_show(console: Console, request: Request) -> int:
    """Run the sources and print what became of each."""
    from marketing_analytics.ingest import run as runner

    started = time.monotonic()
    results = runner.ingest(request, console)
    document = runner.report(results, request, time.monotonic() - started)
    if console.is_json:
        console.json(document)
        return int(document["exit_code"])
    console.table(
        ["source", "status", "rows", "rejected", "windows", "seconds"],
        [
            [
                result.source,
                result.status,
                f"{result.rows:,}",
                f"{result.rejected:,}",
                f"{result.windows} of {result.windows_planned}",
                f"{result.seconds:.1f}",
            ]
            for result in results
        ],
        right=(2, 3, 4, 5),
    )
    for result in results:
        for error in result.errors:
            error.message = f"{result.source}: {error.message}"
            console.error(error)
    console.line(f"{request.raw_database} in {document['seconds']:.1f} s")
    return int(document["exit_code"])
