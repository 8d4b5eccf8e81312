"""Read a built world back, and say plainly when it is none or is damaged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from marketing_analytics.core.clock import parse_time
from marketing_analytics.core.errors import UserError

IntArray = NDArray[np.int64]
NEVER_US = 2**62
REBUILD = "build it again with: marketing simulate build --out"


@dataclass(frozen=True)
class WorldFiles:
    """Where a world lies and what world.json says."""

    folder: Path
    seed: int
    as_of_us: int
    end_date: date

    def table(self, name: str) -> pa.Table:
        """Return one truth table. Raise UserError when it is missing or damaged."""
        path = self.folder / "truth" / f"{name}.parquet"
        try:
            return pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            reason = "is missing" if isinstance(error, FileNotFoundError) else "is damaged"
            raise UserError(
                f"the world in {self.folder} {reason}: truth/{name}.parquet",
                hint=f"{REBUILD} {self.folder}",
            ) from None

    def rows(self, name: str, platform: str = "") -> list[dict[str, Any]]:
        """Return a truth table as dictionaries, of one platform when given."""
        rows: list[dict[str, Any]] = self.table(name).to_pylist()
        return [row for row in rows if not platform or row["platform"] == platform]


def open_world(folder: Path) -> WorldFiles:
    """Return the world in a folder. Raise UserError when there is none."""
    hint = f"{REBUILD} {folder}"
    if not folder.is_dir():
        raise UserError(f"--world {folder} does not exist", hint=hint)
    if not (folder / "world.json").exists():
        elsewhere = "give the folder of a world; this makes one: marketing simulate build --out"
        raise UserError(
            f"--world {folder} holds no world",
            hint=f"{elsewhere} {folder / 'world' if any(folder.iterdir()) else folder}",
        )
    for name in ("ledger.json", "shop.sqlite", "truth", "ga4"):
        if not (folder / name).exists():
            raise UserError(f"the world in {folder} is incomplete: no {name}", hint=hint)
    try:
        values = json.loads((folder / "world.json").read_text(encoding="utf-8"))
        as_of = parse_time(values["as_of"], "as_of")
        end_date = date.fromisoformat(values["end_date"])
        seed = int(values["seed"])
    except (ValueError, KeyError, TypeError, UserError):
        raise UserError(f"the world in {folder} is damaged: world.json", hint=hint) from None
    return WorldFiles(folder, seed, int(as_of.timestamp()) * 1_000_000, end_date)


def int_column(table: pa.Table, name: str) -> IntArray:
    """Return a column as int64; a null time or date is never."""
    column = table[name].combine_chunks()
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    elif pa.types.is_date(column.type):
        column = column.cast(pa.int32()).cast(pa.int64())
    # comparing with never is right where comparing with null is not
    return np.asarray(column.fill_null(NEVER_US).to_numpy(zero_copy_only=False), dtype=np.int64)
