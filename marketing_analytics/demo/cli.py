"""`marketing demo`: run, up and down."""

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

DEFAULT_CUSTOMERS = 5000
DEFAULT_DAYS = 180


@click.group(cls=Group)
def group() -> None:
    """Run everything end to end on simulated data."""


def world_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that decide the simulated world and the folder."""
    for option in (
        click.option("--dir", "directory", type=click.Path(path_type=Path), help="Demo folder."),
        click.option("--days", default=DEFAULT_DAYS, show_default=True, help="Days of history."),
        click.option(
            "--customers", default=DEFAULT_CUSTOMERS, show_default=True, help="Customers."
        ),
        click.option("--seed", default=1, show_default=True, help="Another seed, another world."),
    ):
        function = option(function)
    return function


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
    """Simulate, ingest, deploy, run and reconcile; stop what was started."""
    console = Console()

    def body() -> None:
        from marketing_analytics.demo.next_steps import print_next_steps

        layout = layout_of(directory)
        with only_one(layout):
            demo = prepare(layout, seed, customers, days, console)
            try:
                closing = demo.run()
            finally:
                demo.background.stop()
        print_next_steps(console, layout)
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
    """Leave the emulators and the server running; run the demo first if it never ran."""
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

    ctx.exit(run_guarded(body, console))


def print_addresses(console: Console, layout: Layout) -> None:
    """Print where everything answers and how to talk to it from a shell."""
    from marketing_analytics.core.env_file import read_env_file
    from marketing_analytics.demo.next_steps import demo_command, pasteable

    url = json.loads((layout.cloud / "server.json").read_text())["url"]
    console.line()
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
@click.option("--dir", "directory", type=click.Path(path_type=Path), help="Demo folder.")
@click.pass_context
def down_command(ctx: click.Context, directory: Path | None) -> None:
    """Stop what `up` started."""
    console = Console()

    def body() -> None:
        from marketing_analytics.demo.processes import Background

        stopped = Background(layout_of(directory)).stop()
        console.line(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")

    ctx.exit(run_guarded(body, console))
