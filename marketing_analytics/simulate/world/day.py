"""The files of a world as they were at the end of a day: GA4's export and the shop's database."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

GA4, SHOP = "ga4", "shop.sqlite"
# what comes into being when: table and the time of its rows
TIMES = {
    "refunds": "refunded_at",
    "orders": "ordered_at",
    "consents": "changed_at",
    "customers": "created_at",
    "exchange_rates": "rate_date",
}
CHANGED = ("customers", "orders", "refunds")


def write_day(world: Path, day: date, out: Path) -> tuple[int, int]:
    """Write both into a folder, in place of those of another day; return days and orders."""
    out.mkdir(parents=True, exist_ok=True)
    return link_export(world / GA4, day, out / GA4), copy_shop(world / SHOP, day, out / SHOP)


def link_export(source: Path, day: date, target: Path) -> int:
    """Have the files of the days that are over, and no others; return how many there are."""
    target.mkdir(exist_ok=True)
    known = {path.name for path in source.glob("*.parquet") if path.stem[-8:] <= f"{day:%Y%m%d}"}
    for path in target.glob("*.parquet"):
        if path.name not in known:
            path.unlink()
    for name in sorted(known - {path.name for path in target.glob("*.parquet")}):
        # an export never changes
        os.link(source / name, target / name)
    return len(known)


def copy_shop(source: Path, day: date, target: Path) -> int:
    """Copy the shop without what came later; return how many orders there are."""
    draft = target.with_name(f".{target.name}")
    shutil.copyfile(source, draft)
    with closing(sqlite3.connect(draft)) as shop, shop:
        end = f"{day}T99"
        for table, column in TIMES.items():
            shop.execute(f"delete from {table} where {column} > ?", [end])  # noqa: S608
        for table in CHANGED:
            # a change that is to come has not been noted yet
            shop.execute(
                f"update {table} set updated_at = {TIMES[table]} where updated_at > ?",  # noqa: S608
                [end],
            )
        orders = shop.execute("select count(*) from orders").fetchone()[0]
    draft.replace(target)
    return int(orders)
