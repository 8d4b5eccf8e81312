"""`marketing monitor probe | metrics | openslo`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from marketing_analytics.core.commands import Command, Group
from marketing_analytics.core.console import Console, run_guarded
from marketing_analytics.monitor.options import AS_JSON, CONFIG, of_place


def add_commands(group: Group) -> None:
    """Add the commands to `marketing monitor`."""
    for command in (probe, metrics, openslo):
        group.add_command(command)


@click.command(
    cls=Command,
    examples=["var/demo/report", "https://pages.example.com/marketing/ --every 60", "--json"],
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option(
    "--every",
    "every_seconds",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="Probe again and again, until interrupted.",
)
@of_place
@CONFIG
@AS_JSON
def probe(
    targets: tuple[str, ...], every_seconds: float | None, warehouse: str | None,
    schema: str | None, raw_database: str | None, config: Path | None, is_json: bool,
) -> None:  # fmt: skip
    """Look from outside whether the dashboard is whole and fresh.

    TARGET is a folder of a report, the address of its pages, or a name under service_levels in
    monitors.yml [default: all of these]. Exit code 1: it is not readable, or not fresh.
    """
    console = Console(is_json=is_json)

    def body() -> int:
        from marketing_analytics.monitor.levels.probing import probe_command, probe_on
        from marketing_analytics.monitor.levels.settings import levels_of, wanted
        from marketing_analytics.monitor.place import place_of
        from marketing_analytics.monitor.settings import read_settings

        known = levels_of(read_settings(config).section("service_levels"))
        place = place_of(warehouse, schema, raw_database)
        levels = wanted(known, targets)
        if every_seconds is None:
            return probe_command(console, place, levels)
        return probe_on(console, place, levels, every_seconds)

    sys.exit(run_guarded(body, console))


@click.command(cls=Command, examples=["", "--port 9108", "--port 9108 --allow-host metrics.lan"])
@click.option("--port", type=click.IntRange(0, 65535), help="Serve them at /metrics.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Host name that is answered besides; more than once for more.",
)
@of_place
@CONFIG
def metrics(
    port: int | None, host: str, allowed_hosts: tuple[str, ...], warehouse: str | None,
    schema: str | None, raw_database: str | None, config: Path | None,
) -> None:  # fmt: skip
    """Print or serve results and service levels as OpenMetrics.

    It reads only. While the warehouse cannot be read, what is served answers 503.
    """
    console = Console()

    def body() -> None:
        from marketing_analytics.monitor.levels.metrics import text_of
        from marketing_analytics.monitor.levels.serving import serve
        from marketing_analytics.monitor.levels.settings import levels_of
        from marketing_analytics.monitor.place import place_of
        from marketing_analytics.monitor.settings import read_settings

        levels = levels_of(read_settings(config).section("service_levels"))
        place = place_of(warehouse, schema, raw_database)
        if port is None:
            click.echo(text_of(place, levels), nl=False)
        else:
            serve(console, lambda: text_of(place, levels), host, port, allowed_hosts)

    sys.exit(run_guarded(body, console))


@click.command(cls=Command, examples=["", "--config monitors.yml"])
@CONFIG
def openslo(config: Path | None) -> None:
    """Print what is promised as OpenSLO."""
    console = Console()

    def body() -> None:
        from marketing_analytics.monitor.levels.openslo import openslo_of
        from marketing_analytics.monitor.levels.settings import levels_of
        from marketing_analytics.monitor.settings import read_settings

        settings = read_settings(config)
        click.echo(openslo_of(levels_of(settings.section("service_levels"))), nl=False)

    sys.exit(run_guarded(body, console))
