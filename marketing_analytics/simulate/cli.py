"""`marketing simulate`: build a world, serve it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from marketing_analytics.core.commands import Group


@click.group(name="simulate", cls=Group, help="Build and serve a simulated marketing world.")
def group() -> None:
    """Hold the subcommands."""


@group.command(examples=["--out var/world", "--seed 7 --customers 500 --days 60 --out var/small"])
@click.option("--seed", type=int, default=1, show_default=True, help="Which world.")
@click.option("--customers", type=int, default=5_000, show_default=True, help="How many.")
@click.option("--days", type=int, default=180, show_default=True, help="Days of history.")
@click.option("--end-date", default="2026-10-31", show_default=True, help="Last day, inclusive.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option(
    "--shop-database-url", default="", help="Also write the shop to this PostgreSQL database."
)
@click.option("--json", "is_json", is_flag=True, help="Print the ledger as JSON.")
def build(
    seed: int,
    customers: int,
    days: int,
    end_date: str,
    out: Path,
    shop_database_url: str,
    is_json: bool,
) -> None:
    """Write a world: truth, GA4 export, shop database and ledger."""
    from marketing_analytics.core.console import Console, run_guarded
    from marketing_analytics.simulate.commands import build_command

    console = Console(is_json=is_json)
    sys.exit(
        run_guarded(
            lambda: build_command(console, seed, customers, days, end_date, out, shop_database_url),
            console,
        )
    )


@group.command(
    examples=[
        "--world var/world --date 2026-10-17 --out var/day",
        "--world var/demo/world --date 2026-09-30 --out var/september",
    ]
)
@click.option("--world", required=True, type=click.Path(path_type=Path), help="A built world.")
@click.option("--date", "day", required=True, help="The last day that is known.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
def day(world: Path, day: str, out: Path) -> None:
    """Write the files of a world as they were at the end of a day."""
    from marketing_analytics.core.console import Console, run_guarded
    from marketing_analytics.simulate.commands import day_command

    console = Console()
    sys.exit(run_guarded(lambda: day_command(console, world, day, out), console))


@group.command(examples=["--world var/world", "--world var/world --port 8600"])
@click.option("--world", required=True, type=click.Path(path_type=Path), help="A built world.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=int,
    default=0,
    show_default=True,
    help="First port, from 1024 on, by name of platform; 0 = free ones.",
)
@click.option(
    "--endpoints",
    type=click.Path(path_type=Path),
    help="Where to write the settings [default: WORLD/connections.env].",
)
def serve(world: Path, host: str, port: int, endpoints: Path | None) -> None:
    """Serve every emulated platform until stopped."""
    from marketing_analytics.core.console import Console, run_guarded
    from marketing_analytics.simulate.commands import serve_command

    console = Console()
    sys.exit(run_guarded(lambda: serve_command(console, world, host, port, endpoints), console))
