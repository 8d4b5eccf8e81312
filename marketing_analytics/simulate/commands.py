"""What the subcommands do, apart from the wiring of options."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import UserError


def build_command(
    console: Console,
    seed: int,
    customers: int,
    days: int,
    end_date: str,
    out: Path,
    shop_database_url: str,
) -> int:
    """Build a world and print its main totals."""
    from marketing_analytics.simulate.world.build import build_world
    from marketing_analytics.simulate.world.parameters import WorldParameters

    started = time.monotonic()
    parameters = WorldParameters(
        seed=seed, customers=customers, days=days, end_date=parse_date(end_date)
    )
    doing = ["simulating customers"]
    with console.progress(lambda: [f"{out}: {doing[-1]}"]):
        ledger = build_world(parameters, out, shop_database_url=shop_database_url, say=doing.append)
    if console.is_json:
        console.json(ledger)
        return 0
    orders, spend = ledger["orders"], ledger["spend"]
    console.line(
        f"{out}: {customers} customers, {days} days, {orders['count']} orders, "
        f"net {orders['net_usd']} USD, {ledger['ga4']['events']} GA4 events"
    )
    for platform, totals in spend.items():
        console.line(f"  {platform}: spend {totals['usd']} USD, {totals['clicks']} clicks")
    console.line(f"built in {time.monotonic() - started:.1f} s")
    return 0


def parse_date(text: str, option: str = "--end-date") -> date:
    """Return YYYY-MM-DD of an option as a date. Raise UserError when it is not one."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"{option} {text!r} is not a date", hint="write it like 2026-10-31"
        ) from None


def day_command(console: Console, world: Path, day: str, out: Path) -> int:
    """Write GA4's export and the shop's database as they were at the end of a day."""
    from marketing_analytics.simulate.emulation.world_files import open_world
    from marketing_analytics.simulate.world.day import write_day

    until = parse_date(day, "--date")
    open_world(world)
    files, orders = write_day(world, until, out)
    console.line(f"{out}: until {until}, {files} days of GA4, {orders} orders")
    return 0


def serve_command(
    console: Console, world: Path, host: str, port: int, endpoints: Path | None
) -> int:
    """Serve a built world until a signal ends it."""
    from marketing_analytics.simulate.server import serve_world

    return serve_world(console, world.resolve(), host, port, endpoints)
