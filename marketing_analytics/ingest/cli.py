"""`marketing ingest`: copy the sources into the raw database."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marketing_analytics.core.commands import Group
from marketing_analytics.core.console import Console, run_guarded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marketing_analytics.core.errors import PlatformError
    from marketing_analytics.ingest.backfill import Line
    from marketing_analytics.ingest.doctor import Finding
    from marketing_analytics.ingest.engine.source import Source
    from marketing_analytics.ingest.request import Request
    from marketing_analytics.ingest.run import SourceResult

# options that several commands share
SOURCES = click.option(
    "--source", "sources", multiple=True, metavar="NAME", help="Only this source."
)
RAW_DATABASE = click.option(
    "--raw-database",
    metavar="PATH",
    help="DuckDB file or PostgreSQL address (default: MARKETING_RAW_DATABASE, var/raw.duckdb).",
)
FILE = click.Path(path_type=Path)
ENV_FILE = click.option("--env-file", type=FILE, metavar="FILE", help="Settings.")
CONFIG = click.option("--config", type=FILE, metavar="FILE", help="What to sync, as TOML.")
JSON = click.option("--json", "is_json", is_flag=True, help="Print the result as JSON.")

# of one source; the table `_totals` has them all
MOST_DIFFERENCES = 5
# of lists in a pipe, where tables stand too
LIST_WIDTH = 80


@click.group(name="ingest", cls=Group)
def group() -> None:
    """Sync ad platforms, email and shop data."""


@group.command(examples=["--env-file var/demo/connections.env", "--source shop --since 2026-05-01"])
@SOURCES
@click.option("--since", metavar="DATE", help="First day wanted (default: INGEST_SINCE, 200 days).")
@RAW_DATABASE
@ENV_FILE
@CONFIG
@click.option("--reread", is_flag=True, help="Read all days again, also those known as final.")
@click.option(
    "--accept-shrinkage", is_flag=True, help="Believe answers with far fewer rows than are loaded."
)
@JSON
def run(
    sources: tuple[str, ...],
    since: str | None,
    raw_database: str | None,
    env_file: Path | None,
    config: Path | None,
    reread: bool,
    accept_shrinkage: bool,
    is_json: bool,
) -> None:
    """Load what is new or may have changed into the raw database."""
    console = Console(is_json=is_json)

    def body() -> int:
        from marketing_analytics.ingest.request import request_of

        request = request_of(sources, since, raw_database, env_file, config)
        asked = replace(request, is_reread=reread, is_accepting_shrinkage=accept_shrinkage)
        return ingest_and_show(console, asked)

    sys.exit(run_guarded(body, console))


@group.command(
    examples=[
        "--source meta_ads --since 2026-05-01 --until 2026-05-31 --dry-run",
        "--source google_ads --since 2026-05-01 --account 418-008-7120",
    ]
)
@click.option("--source", metavar="NAME", required=True, help="The source to read again.")
@click.option("--since", metavar="DATE", required=True, help="First day to read again.")
@click.option("--until", metavar="DATE", help="Last day to read again (default: today).")
@click.option("--account", "accounts", multiple=True, metavar="ID", help="Only this account.")
@RAW_DATABASE
@ENV_FILE
@CONFIG
@click.option(
    "--accept-shrinkage", is_flag=True, help="Believe answers with far fewer rows than are loaded."
)
@click.option("--dry-run", is_flag=True, help="Only show which days would be read.")
@JSON
def backfill(
    source: str,
    since: str,
    until: str | None,
    accounts: tuple[str, ...],
    raw_database: str | None,
    env_file: Path | None,
    config: Path | None,
    accept_shrinkage: bool,
    dry_run: bool,
    is_json: bool,
) -> None:
    """Read a range of days again, also final ones.

    What lies outside stays. A backfill that was killed goes on where it was when it is started
    again with the same days and accounts.
    """
    console = Console(is_json=is_json)

    def body() -> int:
        from marketing_analytics.ingest import backfill as planning
        from marketing_analytics.ingest.request import request_of

        request = request_of((source,), since, raw_database, env_file, config)
        days = planning.backfill_of(source, request.since, until, accounts, is_dry=dry_run)
        if dry_run:
            return show_plan(console, *planning.plan(request, days, console.note))
        planning.check_accounts(request, days)
        asked = replace(request, backfill=days, is_accepting_shrinkage=accept_shrinkage)
        return ingest_and_show(console, asked)

    sys.exit(run_guarded(body, console))


@group.command("settings", examples=["", "--source meta_ads --json"])
@SOURCES
@JSON
def settings_command(sources: tuple[str, ...], is_json: bool) -> None:
    """Print the settings that sources need, as a file to fill in.

    `run --env-file` reads that file.
    """
    console = Console(is_json=is_json)

    def body() -> None:
        from marketing_analytics.ingest.engine.persons import KEY_SETTING
        from marketing_analytics.ingest.platforms import load_source
        from marketing_analytics.ingest.request import checked_sources

        asked = {name: load_source(name) for name in checked_sources(sources)}
        if is_json:
            needed = {name: source.needed for name, source in asked.items()}
            optional = {name: source.optional_settings for name, source in asked.items()}
            console.json({"schema_version": 1, "settings": needed, "optional_settings": optional})
        if any(source.has_persons for source in asked.values()):
            console.line("# pseudonyms of persons: a version, a colon and a secret that is kept")
            console.line(f"{KEY_SETTING}=")
        for name, source in asked.items():
            console.line(f"# {name}")
            for setting in source.settings:
                console.line(f"{setting}=")
            for setting in source.optional_settings:
                console.line(f"# {setting}=")

    sys.exit(run_guarded(body, console))


@group.command("sources", examples=["", "--env-file connections.env --json"])
@ENV_FILE
@JSON
def sources_command(env_file: Path | None, is_json: bool) -> None:
    """List the sources, which are set up, and what the others lack."""
    console = Console(is_json=is_json)

    def body() -> None:
        from marketing_analytics.ingest import request as settings
        from marketing_analytics.ingest.engine.persons import with_key
        from marketing_analytics.ingest.platforms import load_source, source_names

        if env_file:
            settings.load_env_file(env_file)
        values = with_key(os.environ)
        sources = {name: load_source(name) for name in source_names()}
        needed = {name: source.needed_with(values) for name, source in sources.items()}
        lacks = settings.lacking(needed, values)
        show_sources(console, sources, lacks)

    sys.exit(run_guarded(body, console))


@group.command(examples=["", "--raw-database var/demo/raw.duckdb --json"])
@RAW_DATABASE
@JSON
def status(raw_database: str | None, is_json: bool) -> None:
    """Show how far every source was loaded."""
    console = Console(is_json=is_json)

    def body() -> None:
        from marketing_analytics.ingest import request as settings
        from marketing_analytics.ingest.status import print_status, read_status

        place = settings.raw_place(raw_database, os.environ)
        wait_seconds = settings.seconds("INGEST_LOCK_WAIT_SECONDS", os.environ)
        found = read_status(place, settings.checked_sources(()), wait_seconds=wait_seconds)
        if is_json:
            document = {"schema_version": 1, "raw_database": str(place)}
            console.json({**document, "sources": [one.as_json() for one in found]})
            return
        print_status(console, found)

    sys.exit(run_guarded(body, console))


@group.command(examples=["", "--source meta_ads --env-file connections.env"])
@SOURCES
@RAW_DATABASE
@ENV_FILE
@CONFIG
@JSON
def doctor(
    sources: tuple[str, ...],
    raw_database: str | None,
    env_file: Path | None,
    config: Path | None,
    is_json: bool,
) -> None:
    """Look whether a run could work: access, accounts, database.

    Loads nothing.
    """
    console = Console(is_json=is_json)

    def body() -> int:
        from marketing_analytics.ingest.doctor import examine
        from marketing_analytics.ingest.request import request_of

        request = request_of(sources, None, raw_database, env_file, config)
        return show_findings(console, request, examine(request))

    sys.exit(run_guarded(body, console))


@group.command(examples=["--port 8790", "--source sendgrid --env-file connections.env"])
@SOURCES
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=int, default=8790, show_default=True, help="Port; 0 = a free one.")
@ENV_FILE
def receive(sources: tuple[str, ...], host: str, port: int, env_file: Path | None) -> None:
    """Receive what platforms send on their own accord, until stopped.

    What is answered is stored in files, which `run` loads.
    """
    console = Console()

    def body() -> int:
        from marketing_analytics.ingest import receive as receiver
        from marketing_analytics.ingest import request as settings

        if env_file:
            settings.load_env_file(env_file)
        names = settings.checked_sources(sources) if sources else ()
        return receiver.serve(console, host, port, names, dict(os.environ))

    sys.exit(run_guarded(body, console))


def show_sources(
    console: Console, sources: Mapping[str, Source], lacks: Mapping[str, Sequence[str]]
) -> None:
    """Print the sources, their tables, and the settings that some lack."""
    if console.is_json:
        found = [
            {
                "source": name,
                "is_set_up": name not in lacks,
                "lacks": list(lacks.get(name, ())),
                "tables": [table.name for table in source.tables],
                "restates": source.restates,
                "has_days": source.has_days,
            }
            for name, source in sources.items()
        ]
        console.json({"schema_version": 1, "sources": found})
        return
    console.table(
        ["source", "set up", "read again by every run"],
        [
            [name, "no" if name in lacks else "yes", source.restates]
            for name, source in sources.items()
        ],
    )
    for name, source in sources.items():
        tables = ", ".join(table.name for table in source.tables)
        console.prose(f"{name}: {tables}", indent="  ", piped_width=LIST_WIDTH)
    note_left_out(console, lacks)


def note_left_out(console: Console, lacks: Mapping[str, Sequence[str]]) -> None:
    """Tell which settings keep sources out."""
    for name, missing in lacks.items():
        console.note(f"{name} is not set up: {', '.join(missing)}", indent="  ")


def show_plan(console: Console, lines: Sequence[Line], failures: Sequence[PlatformError]) -> int:
    """Print what would be read; return the exit code of the first failure."""
    if console.is_json:
        errors = [{"message": error.message, "hint": error.hint or None} for error in failures]
        planned = [line.as_json() for line in lines]
        console.json({"schema_version": 1, "planned": planned, "errors": errors})
    columns = ["report", "account", "first day", "last day", "days", "windows"]
    rows = [line.cells() for line in lines]
    if rows:
        console.table(columns, rows, right=(4, 5))
    else:
        console.line("no day of this source would be read")
    if not console.is_json:
        for error in failures:
            console.error(error)
    return failures[0].exit_code if failures else 0


def show_findings(console: Console, request: Request, findings: Sequence[Finding]) -> int:
    """Print what the doctor found, a line each; return the exit code."""
    from marketing_analytics.ingest.doctor import exit_code_of

    code = exit_code_of(findings)
    if console.is_json:
        found = [finding.as_json() for finding in findings]
        document = {"schema_version": 1, "exit_code": code, "findings": found}
        console.json({**document, "left_out": dict(request.left_out)})
        return code
    for finding in findings:
        console.prose(finding.line, indent=" " * 7)
    note_left_out(console, request.left_out)
    return code


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
    note_left_out(console, request.left_out)
    for result in results:
        print_differences(console, result)
        if result.rejected:
            counted = f"{result.rejected:,} rows or values did not fit"
            text = f"{result.source}: {counted}; table {result.source}._rejected has them"
            console.note(text, indent="  ")
        for error in result.errors:
            error.message = f"{result.source}: {error.message}"
            console.error(error)
    console.line(f"{request.place} in {document['seconds']:.1f} s")
    return int(document["exit_code"])


def print_differences(console: Console, result: SourceResult) -> None:
    """Tell where rows do not add up to the totals of their account."""
    for text in result.differences[:MOST_DIFFERENCES]:
        console.note(f"{result.source}: {text}", indent="  ")
    if (more := len(result.differences) - MOST_DIFFERENCES) > 0:
        text = f"{result.source}: {more:,} more days; table {result.source}._totals has all"
        console.note(text, indent="  ")
