"""A million GA4 events into the raw database: the memory above the events' own size.

The export of a simulated world, its events repeated in every file until there are enough. Read
and loaded as a run does; the first day wanted lies before all of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.ingest_load import measured
from benchmarks.ingest_sync import build
from marketing_analytics.core.console import Console
from marketing_analytics.ingest.raw.places import DuckDBFile
from marketing_analytics.ingest.request import Request
from marketing_analytics.ingest.run import ingest

ROWS = 1_000_000
MOST_MEMORY_MB = 600
NOW = "2026-11-01T06:00:00Z"
KEY = "1:persons-of-a-simulated-world"


def enlarged(export: Path) -> int:
    """Repeat the events of every file until there are enough; return how many there are."""
    paths = sorted(export.glob("*.parquet"))
    count = sum(pq.read_metadata(path).num_rows for path in paths)
    times = -(-ROWS // count)
    for path in paths:
        events = pq.read_table(path)
        pq.write_table(pa.concat_tables([events] * times), path)
    return count * times


def own_size_mb(database: Path) -> float:
    """Return what the loaded events weigh as one Arrow table."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute("from ga4.events").to_arrow_table().nbytes / 2**20


def child(export: Path, database: Path) -> int:
    """Load an export in this process; print the figures, return 1 for a missed target."""
    os.environ["MARKETING_NOW"] = NOW
    settings = {"GA4_EXPORT_PATH": str(export), "MARKETING_PSEUDONYM_KEY": KEY}
    request = Request(("ga4",), date(2026, 1, 1), DuckDBFile(database), settings)
    seconds, mb = measured(lambda: ingest(request, Console(is_json=True)))
    own_mb = own_size_mb(database)
    above_mb = mb - own_mb
    print(
        f"ga4: {seconds:.1f} CPU s, {mb:,.0f} MB for rows of {own_mb:,.0f} MB: "
        f"{above_mb:,.0f} MB above, target {MOST_MEMORY_MB}"
    )
    return 0 if above_mb <= MOST_MEMORY_MB else 1


def main() -> int:
    """Print the figures; return 1 when the target is missed."""
    if len(sys.argv) > 1:
        return child(Path(sys.argv[1]), Path(sys.argv[2]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder / "world", "--customers", "1000")
        count = enlarged(folder / "world" / "ga4")
        print(f"ga4: {count:,} events")
        command = [sys.executable, "-m", "benchmarks.ingest_memory"]
        arguments = [str(folder / "world" / "ga4"), str(folder / "raw.duckdb")]
        return subprocess.run([*command, *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
