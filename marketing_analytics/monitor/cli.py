"""`marketing monitor`: watch the marts, tell who has to know, keep what is promised."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.core.commands import Group
from marketing_analytics.core.console import Console, run_guarded
from marketing_analytics.monitor.alerts import cli as alerts
from marketing_analytics.monitor.levels import cli as levels
from marketing_analytics.monitor.options import AS_JSON, CONFIG, of_place

if TYPE_CHECKING:
    from marketing_analytics.monitor.alerts.delivery import Delivery
    from marketing_analytics.monitor.alerts.notices import Channel
    from marketing_analytics.monitor.place import Place
    from marketing_analytics.monitor.results import Result
    from marketing_analytics.monitor.run import Watched


@click.group(name="monitor", cls=Group, help="Watch the marts: is it true, fresh and like itself?")
def group() -> None:
    """Hold the subcommands."""


alerts.add_commands(group)
levels.add_commands(group)


@group.command(
    examples=[
        "--warehouse var/demo/cloud/warehouse/env_1.duckdb --schema local_demo",
        "budget campaign_freshness",
        "--warehouse postgresql://watch@host/marts --schema marts --json",
    ]
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@of_place
@CONFIG
@AS_JSON
def run(
    names: tuple[str, ...],
    warehouse: str | None,
    schema: str | None,
    raw_database: str | None,
    config: Path | None,
    is_json: bool,
) -> None:
    """Look at the marts, and keep what was found.

    All monitors look, or those named; channels are told what changed. What is wrong, since when,
    and what to do is printed. Exit code 1: a monitor fails.
    """
    console = Console(is_json=is_json)

    def body() -> int:
        from marketing_analytics.monitor.alerts.show import print_deliveries
        from marketing_analytics.monitor.place import place_of
        from marketing_analytics.monitor.run import run_monitors
        from marketing_analytics.monitor.show import print_results

        monitors = monitors_of(config, names)
        place = place_of(warehouse, schema, raw_database)
        channels = alerts.channels_in(config)
        done = run_monitors(place, monitors)
        told = tell_or_say(console, place, channels)
        if is_json:
            deliveries = [delivery.as_json() for delivery in told]
            console.json({"schema_version": 1, **done.as_json(), "deliveries": deliveries})
        else:
            print_results(console, done.results, done.as_of, done.started_at, place.schema)
            print_deliveries(console, told)
        return 1 if done.failing else 0

    sys.exit(run_guarded(body, console))


@group.command(name="list", examples=["", "--json"])
@CONFIG
@AS_JSON
def list_command(config: Path | None, is_json: bool) -> None:
    """List the monitors with owner and severity."""
    console = Console(is_json=is_json)

    def body() -> None:
        from marketing_analytics.monitor.show import explanation, print_list

        monitors = monitors_of(config, ())
        if is_json:
            console.json({"schema_version": 1, "monitors": [explanation(m) for m in monitors]})
        else:
            print_list(console, monitors)

    sys.exit(run_guarded(body, console))


@group.command(
    examples=["--warehouse var/demo/cloud/warehouse/env_1.duckdb --schema local_demo", "--json"]
)
@of_place
@AS_JSON
def status(
    warehouse: str | None, schema: str | None, raw_database: str | None, is_json: bool
) -> None:
    """Show what the last run found, without looking again. Exit code 1: a monitor fails."""
    console = Console(is_json=is_json)

    def body() -> int:
        from marketing_analytics.monitor.place import place_of
        from marketing_analytics.monitor.show import print_results

        place = place_of(warehouse, schema, raw_database)
        last, results = kept(place)
        if is_json:
            found = [result.as_json() for result in results]
            console.json({"schema_version": 1, "run": dict(last), "results": found})
        else:
            print_results(console, results, last["as_of_date"], last["started_at"], place.schema)
        return 1 if any(result.status == "failing" for result in results) else 0

    sys.exit(run_guarded(body, console))


@group.command(examples=["attribution_drift", "budget --json"])
@click.argument("name")
@of_place
@CONFIG
@AS_JSON
def explain(
    name: str,
    warehouse: str | None,
    schema: str | None,
    raw_database: str | None,
    config: Path | None,
    is_json: bool,
) -> None:
    """Tell how a monitor decides, and what it said last."""
    console = Console(is_json=is_json)

    def body() -> None:
        from marketing_analytics.core.errors import PlatformError
        from marketing_analytics.monitor.place import place_of
        from marketing_analytics.monitor.show import explanation, print_explanation

        told = explanation(monitors_of(config, (name,))[0])
        results: list[Result] = []
        try:
            results = kept(place_of(warehouse, schema, raw_database))[1]
        except PlatformError as error:
            if warehouse or schema:
                raise
            console.note(f"what it said last is not shown: {error.message}", indent="  ")
        own = [result for result in results if result.monitor == name]
        if is_json:
            console.json({"schema_version": 1, **told, "results": [r.as_json() for r in own]})
        else:
            print_explanation(console, told, own)

    sys.exit(run_guarded(body, console))


def monitors_of(config: Path | None, names: tuple[str, ...]) -> list[Watched]:
    """Return the monitors that are wanted. Raise UserError for a name that nobody has."""
    import difflib

    from marketing_analytics.core.errors import UserError
    from marketing_analytics.monitor.checks import checks
    from marketing_analytics.monitor.run import watched
    from marketing_analytics.monitor.settings import read_settings

    settings = read_settings(config)
    known = watched(checks(), settings.section("monitors"))
    known = with_levels(known, settings.section("service_levels"))
    by_name = {monitor.check.name: monitor for monitor in known}
    for name in names:
        if name not in by_name:
            near = difflib.get_close_matches(name.replace("-", "_"), by_name, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise UserError(
                f"there is no monitor {name!r}", hint=f"{meant}known: {', '.join(by_name)}"
            )
    return [by_name[name] for name in names] or known


def tell_or_say(console: Console, place: Place, channels: list[Channel]) -> list[Delivery]:
    """Tell the channels and put probes in their table; what hinders that is no finding."""
    from marketing_analytics.core.errors import PlatformError
    from marketing_analytics.monitor.alerts.delivery import tell
    from marketing_analytics.monitor.levels.store import move_notes

    try:
        move_notes(place)
        return tell(place, channels)
    except PlatformError as error:
        console.note(f"the alerts wait for the next run: {error.message}", indent="  ")
        return []


def with_levels(known: list[Watched], section: dict[str, Any]) -> list[Watched]:
    """Return the monitors; that of the dashboard knows what is promised."""
    return [
        replace(each, options=dict(each.options) | {"service_levels": section})
        if each.check.name == "dashboard_sla"
        else each
        for each in known
    ]


def kept(place: Place) -> tuple[Any, list[Result]]:
    """Return the last run and what was found. Raise UserError where nobody has looked yet."""
    from marketing_analytics.core.errors import UserError
    from marketing_analytics.monitor import history
    from marketing_analytics.monitor.place import opened

    with opened(place) as connection:
        last = history.latest_run(connection, place)
        if last is None:
            raise UserError(
                f"no monitor has looked at {place.schema} of {place} yet",
                hint="marketing monitor run does it",
            )
        return last, history.latest_results(connection, place)
