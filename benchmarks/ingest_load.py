"""Rows of 24 columns into the raw database, beside the same rows loaded by hand.

By hand: rows to pyarrow, cast to the same types, one DuckDB table. Ours: the same, and keys,
windows, rejected rows, guards, state and crash safety. Each way runs in a process of its own;
what the rows themselves weigh is taken off its memory. Processor time of both, in one run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.tables import ARROW_TYPES, Table, pluck
from marketing_analytics.ingest.engine.trust.shrinkage import Guard
from marketing_analytics.ingest.raw.database import RawDatabase
from marketing_analytics.ingest.raw.places import DuckDBFile
from marketing_analytics.ingest.run import PACKAGE_ROWS

ROWS = 1_000_000
DAYS = 365
RESTATED_DAYS = 28
# days of one answer, as a platform's window
WINDOW_DAYS = 4
FIRST_DAY = date(2025, 11, 1)
LEAST_SHARE = 0.60
MOST_MEMORY_MB = 600
MOST_RESTATE_SHARE = 0.15
TEXTS = (
    "ad_id",
    "ad_name",
    "ad_set_id",
    "ad_set_name",
    "campaign_id",
    "campaign_name",
    "objective",
)
COUNTS = ("impressions", "clicks", "reach", "link_clicks", "engagements", "video_plays", "leads")
MONEY = ("spend", "purchase_value", "lead_value", "cost_per_click", "cost_per_mille")
TABLE = Table(
    "insights",
    {
        "account_id": "text",
        "date": "date",
        **dict.fromkeys(TEXTS, "text"),
        **dict.fromkeys(COUNTS, "count"),
        **dict.fromkeys(MONEY, "money"),
        "frequency": "fraction",
        "conversions": "fraction",
        "updated_at": "time",
    },
    key=("account_id", "date", "ad_id"),
    mode="parts",
    part_by=("account_id", "date"),
    required=("spend",),
)


def day_rows(day: date, count: int) -> list[dict[str, str]]:
    """Return the rows of one day as a platform sends them: everything is text."""
    rows = []
    for index in range(count):
        row = {"account_id": "1", "date": day.isoformat(), "updated_at": f"{day}T10:00:00+00:00"}
        row |= {name: f"{name}-{index * 7919 % 2741}" for name in TEXTS}
        row["ad_id"] = f"ad-{index}"
        row |= {name: str(index * 31 % (1000 + at)) for at, name in enumerate(COUNTS)}
        row |= dict.fromkeys(MONEY, f"{index * 17 % 5000}.{index % 100:02}")
        row |= {"frequency": f"1.{index % 1000000:06}", "conversions": f"{index % 40}.5"}
        rows.append(row)
    return rows


def windows(first: int, last: int, rows: dict[date, list[dict[str, str]]]) -> Iterator[list[date]]:
    """Return the days of every window of rows, oldest first."""
    days = sorted(rows)[first:last]
    return (days[at : at + WINDOW_DAYS] for at in range(0, len(days), WINDOW_DAYS))


def load_by_hand(folder: Path, rows: dict[date, list[dict[str, str]]]) -> None:
    """Load all rows with pyarrow and DuckDB alone."""
    connection = duckdb.connect(str(folder / "hand.duckdb"))
    for at, days in enumerate(windows(0, DAYS, rows)):
        answer = [row for day in days for row in rows[day]]
        texts = {name: pa.array([row[name] for row in answer]) for name in TABLE.columns}
        batch = pa.table({n: pc.cast(texts[n], ARROW_TYPES[k]) for n, k in TABLE.columns.items()})
        connection.register("batch", batch)
        verb = "insert into insights" if at else "create table insights as"
        connection.execute(f"{verb} select * from batch")
        connection.unregister("batch")
    connection.close()


def load_as_ours(folder: Path, rows: dict[date, list[dict[str, str]]], first: int = 0) -> None:
    """Load the rows of the days from `first` on as ingestion does."""
    database = RawDatabase(DuckDBFile(folder / "raw.duckdb"), wait_seconds=5)
    stored = database.prepare({"bench": [TABLE]})["bench"]
    now = datetime.now(UTC)
    job = Job("bench", {}, FIRST_DAY, now, stored.state, guard=Guard(stored.counts))
    job.declare([TABLE])
    paths = {name: name for name in TABLE.columns}
    for days in windows(first, DAYS, rows):
        answer = [row for day in days for row in rows[day]]
        job.add(TABLE, pluck(answer, paths), raw=answer, parts=[("1", day) for day in days])
        if job.pending_rows >= PACKAGE_ROWS:
            database.load(job.take(), now)
    database.load(job.take(), now)


def measured(load: Callable[[], None]) -> tuple[float, float]:
    """Return processor seconds, and the most memory beyond what was there before, in MB."""
    reset_peak()
    before, started = memory_mb("VmRSS"), time.process_time()
    load()
    return time.process_time() - started, memory_mb("VmHWM") - before


def reset_peak() -> None:
    """Forget the largest memory so far."""
    Path("/proc/self/clear_refs").write_text("5")


def memory_mb(name: str) -> float:
    """Return a figure of this process's memory."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def child(way: str) -> dict[str, float]:
    """Run one way and return its figures."""
    each = ROWS // DAYS
    rows = {
        FIRST_DAY + timedelta(days=at): day_rows(FIRST_DAY + timedelta(days=at), each)
        for at in range(DAYS)
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if way == "hand":
            seconds, mb = measured(lambda: load_by_hand(folder, rows))
            return {"seconds": seconds, "mb": mb}
        seconds, mb = measured(lambda: load_as_ours(folder, rows))
        restate, _ = measured(lambda: load_as_ours(folder, rows, DAYS - RESTATED_DAYS))
        connection = duckdb.connect(str(folder / "raw.duckdb"), read_only=True)
        found = connection.execute("select count(*) from bench.insights").fetchone()
        assert found == (each * DAYS,), found
        return {"seconds": seconds, "mb": mb, "restate_seconds": restate}


def main() -> int:
    """Print the figures; return 1 when a target is missed."""
    if len(sys.argv) > 1:
        print(json.dumps(child(sys.argv[1])))
        return 0
    found: dict[str, dict[str, Any]] = {}
    for way in ("hand", "ours"):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.ingest_load", way],
            stdout=subprocess.PIPE,
            check=True,
        )
        found[way] = json.loads(done.stdout)
    share = found["hand"]["seconds"] / found["ours"]["seconds"]
    restate = found["ours"]["restate_seconds"] / found["ours"]["seconds"]
    for way, figures in found.items():
        rate = ROWS / figures["seconds"]
        print(f"{way}: {rate:,.0f} rows per CPU s, {figures['mb']:,.0f} MB above the rows")
    memory_mb_ours = found["ours"]["mb"]
    print(f"ours is {share:.0%} as fast as by hand, target {LEAST_SHARE:.0%}")
    print(f"ours takes {memory_mb_ours:,.0f} MB above the rows, target {MOST_MEMORY_MB}")
    print(
        f"restating {RESTATED_DAYS} of {DAYS} days costs {restate:.0%} of loading them all, "
        f"target {MOST_RESTATE_SHARE:.0%}"
    )
    is_met = (
        share >= LEAST_SHARE
        and found["ours"]["mb"] <= MOST_MEMORY_MB
        and restate <= MOST_RESTATE_SHARE
    )
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
