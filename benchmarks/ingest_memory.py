"""A million GA4 events, and of Mailchimp's recipients: the memory above the rows' own size.

GA4: the export of a simulated world, its events repeated in every file until there are enough.
Read and loaded as a run does; the first day wanted lies before all of them. Mailchimp: mailings
to one list, from records as they come from its API to the raw database, persons included.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.ingest_load import measured
from benchmarks.ingest_sync import build
from marketing_analytics.core.console import Console
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.persons import KEY_SETTING, key_of
from marketing_analytics.ingest.engine.tables import pluck
from marketing_analytics.ingest.engine.trust.shrinkage import Guard
from marketing_analytics.ingest.platforms.mailchimp.tables import SENT_TO, SENT_TO_PATHS
from marketing_analytics.ingest.raw.database import RawDatabase
from marketing_analytics.ingest.raw.places import DuckDBFile
from marketing_analytics.ingest.request import Request
from marketing_analytics.ingest.run import PACKAGE_ROWS, ingest

ROWS = 1_000_000
MAILINGS = 20
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
    return int(count * times)


def load_ga4(export: Path, database: Path) -> None:
    """Read and load an export as a run does."""
    os.environ["MARKETING_NOW"] = NOW
    settings = {"GA4_EXPORT_PATH": str(export), KEY_SETTING: KEY}
    ingest(
        Request(("ga4",), date(2026, 1, 1), DuckDBFile(database), settings), Console(is_json=True)
    )


def recipients(mailing: int) -> list[dict[str, Any]]:
    """Return the recipients of a mailing as they come."""
    return [
        {
            "campaign_id": f"mailing-{mailing}",
            "email_id": f"{person:032x}",
            "email_address": f"person-{person}@example.com",
            "status": "sent",
            "open_count": (person + mailing) % 3,
            "last_open": "2026-10-01T08:00:00+00:00",
        }
        for person in range(ROWS // MAILINGS)
    ]


def load_mailchimp(database: Path) -> None:
    """Keep and load mailings one after the other, in packages."""
    raw = RawDatabase(DuckDBFile(database), wait_seconds=5)
    stored = raw.prepare({"mailchimp": [SENT_TO]})["mailchimp"]
    now = datetime.now(UTC)
    key = key_of({KEY_SETTING: KEY})
    job = Job("mailchimp", {}, now.date(), now, stored.state, guard=Guard(stored.counts), key=key)
    job.declare([SENT_TO])
    for mailing in range(MAILINGS):
        rows = recipients(mailing)
        columns = pluck(rows, SENT_TO_PATHS)
        job.add(SENT_TO, columns, raw=rows, parts=[(f"mailing-{mailing}",)])
        if job.pending_rows >= PACKAGE_ROWS:
            raw.load(job.take(), now)
    raw.load(job.take(), now)


def own_size_mb(database: Path, table: str) -> float:
    """Return what the loaded rows weigh as one Arrow table."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return float(connection.table(table).to_arrow_table().nbytes) / 2**20


def child(source: str, folder: Path) -> int:
    """Load the rows of a source in this process; return 1 for a missed target."""
    database = folder / f"raw_{source}.duckdb"
    load, table = {
        "ga4": (lambda: load_ga4(folder / "world" / "ga4", database), "ga4.events"),
        "mailchimp": (lambda: load_mailchimp(database), "mailchimp.sent_to"),
    }[source]
    seconds, mb = measured(load)
    own_mb = own_size_mb(database, table)
    above_mb = mb - own_mb
    print(
        f"{table}: {seconds:.1f} CPU s, {mb:,.0f} MB for rows of {own_mb:,.0f} MB: "
        f"{above_mb:,.0f} MB above, target {MOST_MEMORY_MB}"
    )
    return 0 if above_mb <= MOST_MEMORY_MB else 1


def main() -> int:
    """Print the figures; return 1 when a target is missed."""
    if len(sys.argv) > 1:
        return child(sys.argv[1], Path(sys.argv[2]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder / "world", "--customers", "1000")
        print(f"ga4: {enlarged(folder / 'world' / 'ga4'):,} events", flush=True)
        codes = [
            subprocess.run(
                [sys.executable, "-m", "benchmarks.ingest_memory", source, name], check=False
            ).returncode
            for source in ("ga4", "mailchimp")
        ]
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main())
