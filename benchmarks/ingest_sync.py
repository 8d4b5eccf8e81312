"""A first sync of all sources, the full one of the next day, and one that finds nothing.

The default world, 5,000 customers over 180 days, served by the emulators. Processor time is that
of the ingesting process alone. An empty sync is the second one of accounts where nothing has
happened for long: a world of one customer and a week, read from a day months later on. Every
source is asked, lists of campaigns and the like come as they were, no report has a row.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx

MARKETING = str(Path(sys.executable).parent / "marketing")
MOST_SYNC_SECONDS = 40
MOST_EMPTY_CPU_SECONDS = 4
QUIET_DAYS = 200
START_SECONDS = 120


@dataclass(frozen=True)
class Figures:
    """What one sync did and cost."""

    rows: int
    sources: int
    seconds: float
    cpu_seconds: float

    def __str__(self) -> str:
        return (
            f"{self.sources} sources, {self.rows:,} rows, {self.seconds:.1f} s, "
            f"{self.cpu_seconds:.1f} CPU s"
        )


def build(folder: Path, *arguments: str) -> None:
    """Build a world."""
    command = [MARKETING, "simulate", "build", "--seed", "1", *arguments, "--out", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def served(world: Path) -> Iterator[dict[str, str]]:
    """Serve a world; yield the settings of its sources."""
    file = world / "connections.env"
    command = [MARKETING, "simulate", "serve", "--world", str(world), "--endpoints", str(file)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + START_SECONDS
            while not file.exists():
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit("the emulators did not start")
                time.sleep(0.05)
            lines = file.read_text().splitlines()
            yield dict(line.split("=", 1) for line in lines if "=" in line)
        finally:
            process.terminate()
            process.wait()


def later(settings: Mapping[str, str], days: int) -> dict[str, str]:
    """Let days pass for the emulators and for ingestion."""
    address = urlsplit(settings["META_ADS_BASE_URL"])
    url = f"{address.scheme}://{address.netloc}/_control/clock"
    httpx.post(url, json={"advance_days": days}).raise_for_status()
    now = datetime.fromisoformat(settings["MARKETING_NOW"]) + timedelta(days=days)
    return {**settings, "MARKETING_NOW": now.isoformat()}


def sync(database: Path, settings: Mapping[str, str]) -> Figures:
    """Sync all sources in a process of its own."""
    command = [MARKETING, "ingest", "run", "--raw-database", str(database), "--json"]
    started = time.perf_counter()
    with subprocess.Popen(
        command, env=os.environ | settings, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    report = json.loads(text)
    if process.returncode:
        raise SystemExit(f"the sync ended with {process.returncode}: {text}")
    rows = sum(source["rows"] for source in report["sources"])
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Figures(rows, len(report["sources"]), seconds, cpu_seconds)


def main() -> int:
    """Print the figures; return 1 when a target is missed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder / "world")
        with served(folder / "world") as settings:
            first = sync(folder / "raw.duckdb", settings)
            daily = sync(folder / "raw.duckdb", later(settings, 1))
        build(folder / "quiet", "--customers", "1", "--days", "7")
        with served(folder / "quiet") as settings:
            quiet = later(settings, QUIET_DAYS)
            quiet["INGEST_SINCE"] = quiet["MARKETING_NOW"][:10]
            sync(folder / "quiet.duckdb", quiet)
            empty = sync(folder / "quiet.duckdb", quiet)
    print(f"first sync: {first}")
    print(f"daily sync: {daily}, target {MOST_SYNC_SECONDS} s")
    print(f"empty sync: {empty}, target {MOST_EMPTY_CPU_SECONDS} CPU s")
    is_met = daily.seconds <= MOST_SYNC_SECONDS and empty.cpu_seconds <= MOST_EMPTY_CPU_SECONDS
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
