"""Write a world to a folder: truth, GA4 export, shop database, ledger."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.simulate.world.in_use import being_built
from marketing_analytics.simulate.world.ledger import build_ledger
from marketing_analytics.simulate.world.parameters import WorldParameters
from marketing_analytics.simulate.world.shop.database import (
    check_shop_url,
    write_postgres,
    write_sqlite,
)
from marketing_analytics.simulate.world.tables import write_truth
from marketing_analytics.simulate.world.web.ga4 import write_ga4
from marketing_analytics.simulate.world.world import World, generate

WORLD_FILE = "world.json"
LEDGER_FILE = "ledger.json"
SHOP_FILE = "shop.sqlite"
FORMAT_VERSION = 3


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, then rename it into place."""
    text = json.dumps(value, indent=2, sort_keys=True) + "\n"
    # a reader sees the old file or the new one, never half of one
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def make_folder(out: Path) -> None:
    """Make the folder, and those above it. Raise UserError when it holds anything but a world."""
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file", hint="give a folder")
    there = next(folder for folder in out.absolute().parents if folder.exists())
    if not there.is_dir():
        raise UserError(
            f"--out {out} cannot be made: {there} is no folder", hint="give a folder elsewhere"
        )
    if out.exists() and any(out.iterdir()) and not (out / WORLD_FILE).exists():
        raise UserError(
            f"--out {out} is not empty and holds no world",
            hint="give a new folder, or the folder of an earlier world",
        )
    out.mkdir(parents=True, exist_ok=True)


def empty_folder(out: Path) -> None:
    """Take an earlier world away, the ledger first: without it a world is not whole."""
    for name in (LEDGER_FILE, SHOP_FILE):
        (out / name).unlink(missing_ok=True)
    for name in ("truth", "ga4"):
        shutil.rmtree(out / name, ignore_errors=True)


def build_world(
    parameters: WorldParameters,
    out: Path,
    *,
    shop_database_url: str = "",
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Write the world and return its ledger. Raise UserError, MachineError or LockedError."""
    check_shop_url(shop_database_url)
    try:
        make_folder(out)
        with being_built(out):
            empty_folder(out)
            world_json = {"format_version": FORMAT_VERSION, **parameters.to_json()}
            if shop_database_url:
                world_json["has_shop_on_postgres"] = True
            write_json(out / WORLD_FILE, world_json)
            return write_parts(generate(parameters), out, shop_database_url, say)
    except OSError as error:
        raise MachineError(
            f"cannot write {out}: {error.strerror or error}",
            hint="check the free space and the permissions, or give another --out",
        ) from None


def write_parts(
    world: World, out: Path, shop_database_url: str, say: Callable[[str], None]
) -> dict[str, Any]:
    """Write everything but world.json; the ledger comes last and marks a whole world."""
    say("writing the shop")
    shop = write_sqlite(world, out / SHOP_FILE)
    if shop_database_url:
        write_postgres(world, shop_database_url)
    say("writing the truth")
    write_truth(world, out / "truth")
    say("writing the GA4 export")
    ga4 = write_ga4(world, out / "ga4")
    ledger = build_ledger(world, ga4, shop)
    write_json(out / LEDGER_FILE, ledger)
    return ledger
