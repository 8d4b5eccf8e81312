"""`marketing demo`: run, up, down and replay."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.core.commands import Group, from_root
from marketing_analytics.core.console import Console, run_guarded
from marketing_analytics.core.errors import LockedError
from marketing_analytics.core.locks import file_lock

if TYPE_CHECKING:
    from marketing_analytics.demo.layout import Layout

# as many visits as a demo of two minutes can hold: there are 43 of them to a customer
DEFAULT_CUSTOMERS = 2500
DEFAULT_DAYS = 180
FOLDER = click.Path(path_type=Path)
# what the simulator takes; refused before the folder of an earlier demo is emptied
SEED, CUSTOMERS, DAYS = (
    click.IntRange(0, 2**31 - 1),
    click.IntRange(1, 1_000_000),
    click.IntRange(7, 1_095),
)


@click.group(cls=Group)
def group() -> None:
    """Run everything end to end on simulated data."""


def world_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that decide the simulated world and the folder."""
    for name, kind, default, text in (
        ("--days", DAYS, DEFAULT_DAYS, "Days of history."),
        ("--customers", CUSTOMERS, DEFAULT_CUSTOMERS, "Customers."),
        ("--seed", SEED, 1, "Another seed, another world."),
    ):
        option = click.option(name, type=kind, default=default, show_default=True, help=text)
        function = option(function)
    directory = click.option("--dir", "directory", type=FOLDER, help="Demo folder.")
    return directory(function)


def layout_of(directory: Path | None) -> Layout:
    """Return the given demo folder, or var/demo."""
    from marketing_analytics.demo.layout import Layout, default_layout

    return Layout(directory.resolve()) if directory else default_layout()


@group.command("run", examples=["", "--seed 7 --customers 500 --days 60 --dir var/small"])
@world_options
@click.pass_context
def run_command(
    ctx: click.Context, seed: int, customers: int, days: int, directory: Path | None
) -> None:
    """Simulate, ingest, deploy, run, reconcile; stop what was started."""
    console = Console()

    def body() -> None:
        from marketing_analytics.demo.next_steps import print_next_steps, print_report

        layout = layout_of(directory)
        with only_one(layout):
            demo = prepare(layout, seed, customers, days, console)
            try:
                closing = demo.run()
            finally:
                demo.background.stop()
        print_next_steps(console, layout)
        print_report(console, layout, demo.headline)
        console.prose(closing)

    ctx.exit(run_guarded(body, console))


@group.command("replay", examples=["", "--days 20 --customers 800 --dir var/short"])
@click.option(
    "--days", type=click.IntRange(7, 90), default=30, show_default=True, help="Days to replay."
)
@click.option(
    "--history", type=click.IntRange(35, 365), default=45, show_default=True, help="Days before."
)
@click.option("--customers", type=CUSTOMERS, default=400, show_default=True, help="Customers.")
@click.option(
    "--seed", type=SEED, default=1, show_default=True, help="Another seed, another world."
)
@click.option("--dir", "directory", type=FOLDER, help="Folder of the replay [default: var/replay].")
@click.pass_context
def replay_command(
    ctx: click.Context, days: int, history: int, customers: int, seed: int, directory: Path | None
) -> None:
    """Replay a month, a line a day, with an incident that is found."""
    console = Console()

    def body() -> None:
        from marketing_analytics.demo.layout import Layout, default_layout
        from marketing_analytics.demo.replay import JOB_FILE, Replay

        default = default_layout().root.with_name("replay")
        layout = Layout(directory.resolve() if directory else default)
        with only_one(layout):
            demo = prepare(layout, seed, customers, history + days, console)
            demo.job_file = JOB_FILE
            try:
                closing = Replay(demo, days, console).run()
            finally:
                demo.background.stop()
        console.line()
        console.prose(closing)

    ctx.exit(run_guarded(body, console))


def only_one(layout: Layout) -> AbstractContextManager[None]:
    """Return a lock on the demo folder; a killed demo leaves none behind."""
    return file_lock(
        layout.root.with_suffix(".lock"), taken=f"another demo is at work in {layout.root}"
    )


def prepare(layout: Layout, seed: int, customers: int, days: int, console: Console) -> Any:
    """Return a demo over an emptied folder. Raise LockedError while one is running there."""
    from marketing_analytics.demo.main_job import Demo, World
    from marketing_analytics.demo.next_steps import demo_command
    from marketing_analytics.demo.processes import Background

    background = Background(layout)
    if background.is_up():
        raise LockedError(
            f"{layout.root} is in use: {', '.join(background.running())} running",
            hint=f"stop it first: {demo_command(layout, 'down')}",
        )
    background.stop()
    layout.reset()
    return Demo(layout, World(seed, customers, days), console)


@group.command("up", examples=["", "--dir var/small"])
@world_options
@click.pass_context
def up_command(
    ctx: click.Context, seed: int, customers: int, days: int, directory: Path | None
) -> None:
    """Leave everything running; run the demo first if it never ran.

    A world that is there is served as it is; for another one give another --dir.
    """
    console = Console()

    def body() -> None:
        from marketing_analytics.demo.main_job import Demo, World

        layout = layout_of(directory)
        with only_one(layout):
            if layout.summary.exists():
                demo = Demo(layout, World(seed, customers, days), console)
                demo.resume()
            else:
                demo = prepare(layout, seed, customers, days, console)
                demo.run()
            demo.background.mark_up()
        print_addresses(console, layout)
        tell_other_world(ctx, console, layout)

    ctx.exit(run_guarded(body, console))


def tell_other_world(ctx: click.Context, console: Console, layout: Layout) -> None:
    """Say so when a world was asked for that is not the one in this folder."""
    from marketing_analytics.demo.next_steps import pasteable

    there = layout.world_parameters()
    asked = {
        name: ctx.params[name]
        for name in ("seed", "customers", "days")
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }
    if any(there[name] != value for name, value in asked.items()):
        options = " ".join(f"--{name} {value}" for name, value in asked.items())
        other = layout.root.with_name(f"{layout.root.name}-seed-{ctx.params['seed']}")
        console.note(f"\nthis is not the world of {options}, but the one that was there before")
        console.note(
            f"for the other one   {from_root(f'demo up {options} --dir {pasteable(other)}')}"
        )


def print_addresses(console: Console, layout: Layout) -> None:
    """Print where everything answers and how to talk to it from a shell."""
    from marketing_analytics.core.env_file import read_env_file
    from marketing_analytics.demo.next_steps import demo_command, pasteable

    url = json.loads((layout.cloud / "server.json").read_text())["url"]
    world = layout.world_parameters()
    size = f"seed {world['seed']}, {world['customers']:,} customers, {world['days']} days"
    console.line()
    console.line(f"world              {size}")
    console.line(f"report             {url}/report/")
    console.line(f"dbt Cloud, pages   {url}/")
    console.line(f"dbt Cloud, API     {url}/api/v2/")
    for name, value in sorted(read_env_file(layout.connections).items()):
        if name.endswith("_BASE_URL"):
            console.line(f"{name.removesuffix('_BASE_URL').lower():<18} {value}")
    console.line()
    console.line(f"in a shell         set -a; . {pasteable(layout.settings)}; set +a")
    console.line(f"                   {from_root('jobs list')}")
    console.line(f"to stop            {demo_command(layout, 'down')}")


@group.command("down", examples=["", "--dir var/small"])
@click.option("--dir", "directory", type=FOLDER, help="Demo folder.")
@click.pass_context
def down_command(ctx: click.Context, directory: Path | None) -> None:
    """Stop what `up` started."""
    console = Console()

    def body() -> None:
        from marketing_analytics.demo.processes import Background

        stopped = Background(layout_of(directory)).stop()
        console.line(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")

    ctx.exit(run_guarded(body, console))
