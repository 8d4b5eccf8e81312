"""jaffle-shop out of a folder of mirrors, with the seeds that such a mirror lacks.

A mirror leaves out the largest files: the orders and their items. They are drawn, in the form and
number of the project's own, so that all of its tests hold.
"""

from __future__ import annotations

import csv
import random
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

# the project keeps its seeds out of a build unless it is told to load them
SEED_COMMAND = "dbt seed --full-refresh --vars '{load_source_data: true}'"
SHOP_ORDERS = 60_000
FIRST_ORDER_AT = datetime(2016, 9, 1, 7, tzinfo=UTC)
# beside the project, under these names, at these versions
PACKAGES = {
    "dbt_utils": ("dbt-labs+dbt-utils", "1.3.3"),
    "dbt_date": ("godatadriven+dbt-date", "0.17.1"),
    "audit_helper": ("dbt-labs+dbt-audit-helper", "HEAD"),
}


def write_public_shop(mirrors: Path, folder: Path) -> Path:
    """Write jaffle-shop of a folder of mirrors with its packages beside it, as local ones."""
    shop = folder / "shop"
    write_files(mirrors / "dbt-labs+jaffle-shop" / "repo", "HEAD", shop)
    for name, (mirror, version) in PACKAGES.items():
        write_files(mirrors / mirror / "repo", version, folder / name)
        # what it names of the hub is one of the others
        (folder / name / "packages.yml").unlink(missing_ok=True)
    local = "".join(f"  - local: ../{name}\n" for name in PACKAGES)
    (shop / "packages.yml").write_text(f"packages:\n{local}", "utf-8")
    (shop / "package-lock.yml").unlink(missing_ok=True)
    write_large_seeds(shop)
    return shop


def write_files(mirror: Path, version: str, folder: Path) -> None:
    """Write the files of a commit that a mirror has; it may lack the largest ones."""
    git = ("git", "-c", "safe.directory=*", "-C", str(mirror))
    listed = subprocess.run([*git, "ls-tree", "-rz", version], capture_output=True, check=True)
    for entry in filter(None, listed.stdout.decode().split("\0")):
        what, _, name = entry.partition("\t")
        _, kind, sha = what.split()
        text = subprocess.run([*git, "cat-file", kind, sha], capture_output=True, check=False)
        if text.returncode == 0:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text.stdout)


def write_large_seeds(shop: Path, orders: int = SHOP_ORDERS) -> None:
    """Draw the orders and their items, unless they are there."""
    seeds = shop / "seeds" / "jaffle-data"
    if (seeds / "raw_orders.csv").is_file():
        return
    dice = random.Random(1)
    customers = [row["id"] for row in rows_of(seeds / "raw_customers.csv")]
    taxes = {row["id"]: float(row["tax_rate"]) for row in rows_of(seeds / "raw_stores.csv")}
    cents = {row["sku"]: int(row["price"]) for row in rows_of(seeds / "raw_products.csv")}
    with (
        (seeds / "raw_orders.csv").open("w", encoding="utf-8") as heads,
        (seeds / "raw_items.csv").open("w", encoding="utf-8") as items,
    ):
        heads.write("id,customer,ordered_at,store_id,subtotal,tax_paid,order_total\n")
        items.write("id,order_id,sku\n")
        for order in range(orders):
            bought = dice.choices(list(cents), k=dice.choice((1, 1, 2)))
            items.writelines(f"{order}-{place},{order},{sku}\n" for place, sku in enumerate(bought))
            # the project checks that an order is the sum of its items
            subtotal = sum(cents[sku] for sku in bought)
            shop_id = dice.choice(list(taxes))
            tax = round(subtotal * taxes[shop_id])
            at = FIRST_ORDER_AT + timedelta(minutes=order * 8)
            heads.write(
                f"{order},{dice.choice(customers)},{at:%Y-%m-%dT%H:%M:%S},{shop_id},"
                f"{subtotal},{tax},{subtotal + tax}\n"
            )


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
