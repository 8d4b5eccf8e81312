"""Figure: lists and pages of the local dbt Cloud with 10,000 jobs and 100,000 runs, in process.

For each list of the API: median and 95th percentile in milliseconds; for single reads: how many a
second; for each page: its first view. Processor time: other work does not change it. With a store
in PostgreSQL, in an empty database of this machine, that of its sessions is in it.
Usage: python -m benchmarks.cloud_lists [--jobs 10000] [--runs 100000] [--times 60]
    [--database-url URL]
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.seeded_pages import ACCOUNT_ID, TOKEN, seed, seed_many, settings_of
from benchmarks.ui_first_view import get
from marketing_analytics.cloud_api.states import Status
from marketing_analytics.local_cloud.api.application import Api, ApiSettings
from marketing_analytics.local_cloud.pages.mount import build_ui
from marketing_analytics.local_cloud.store.connection import Database, Place, open_connection
from marketing_analytics.local_cloud.store.databases.postgresql import SCHEMA
from marketing_analytics.local_cloud.store.schema import open_store

ACCOUNT = f"/api/v2/accounts/{ACCOUNT_ID}"
LISTS = (
    f"{ACCOUNT}/jobs/",
    f"{ACCOUNT}/jobs/?project_id=1&offset=9000",
    f"{ACCOUNT}/jobs/?order_by=-updated_at",
    f"{ACCOUNT}/jobs/?name__icontains=feature-12",
    f"{ACCOUNT}/jobs/?include_related=[environment,custom_environment_variables]",
    f"{ACCOUNT}/runs/",
    f"{ACCOUNT}/runs/?order_by=-id",
    f"{ACCOUNT}/runs/?order_by=-created_at&offset=90000",
    f"{ACCOUNT}/runs/?order_by=-finished_at&status={Status.ERROR:d}",
    f"{ACCOUNT}/runs/?order_by=-created_at&status__in=[1,2,3]",
    f"{ACCOUNT}/runs/?project_id__in=[1]&status__in=[10,20]&order_by=-id",
    f"{ACCOUNT}/runs/?job_definition_id=5000&order_by=-created_at",
)
READS = (
    f"{ACCOUNT}/runs/50000/",
    f"{ACCOUNT}/jobs/5000/",
    f"{ACCOUNT}/runs/?limit=10&order_by=-id",
)
PAGES: tuple[str, ...] = (
    "/",
    "/jobs",
    "/jobs?page=150",
    "/jobs?state=error",
    "/jobs?search=feature-12",
    "/jobs/5000",
    "/runs",
)
PAGES += ("/runs?page=1500", "/runs?search=feature-12&state=error", "/runs?trigger=page", "/queue")
MAX_LIST_MS, MAX_PAGE_MS, LEAST_READS = 50.0, 300.0, 1_000
READ_SECONDS = 3.0


def main() -> int:
    """Print the figures; return 1 when one is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=60)
    parser.add_argument("--database-url", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "cloud.sqlite"
        store: Place = file
        if asked.database_url:
            database = Database(asked.database_url, folder)
            open_store(database).close()
        seed(folder, runs=10, lines=10)
        seed_many(store, jobs=asked.jobs, runs=asked.runs)
        if asked.database_url:
            copy(file, database)
            store = database
        print(f"{asked.jobs} jobs, {asked.runs} runs")
        return asyncio.run(measure_all(folder, store, asked.times))


def copy(file: Path, database: Database) -> None:
    """Copy the rows of a store into an empty one in PostgreSQL."""
    import psycopg2
    from psycopg2.extras import execute_values

    with (
        closing(sqlite3.connect(file)) as source,
        closing(psycopg2.connect(database.url)) as target,
        closing(open_connection(database)) as connection,
    ):
        cursor = target.cursor()
        # rows come in any order, and what triggers count is in them
        cursor.execute(f"set session_replication_role = replica; set search_path to {SCHEMA}")
        tables = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'"
        for (table,) in source.execute(tables).fetchall():
            rows = source.execute(f"select * from {table}")
            names = ", ".join(column[0] for column in rows.description)
            execute_values(cursor, f"insert into {table} ({names}) values %s", rows, page_size=1000)
        target.commit()
        # as autovacuum does a minute later
        connection.execute("vacuum analyze")


class Processor:
    """Tells the processor time spent by this process, and for it by sessions of a database."""

    def __init__(self, store: Place) -> None:
        self.observer = open_connection(store) if isinstance(store, Database) else None
        self._asking_seconds = 0.0

    def milliseconds(self) -> float:
        """Return what was spent until now; asking is not in it."""
        now = time.process_time()
        own = now - self._asking_seconds
        sessions = self._sessions_milliseconds()
        self._asking_seconds += time.process_time() - now
        return own * 1000 + sessions

    def _sessions_milliseconds(self) -> float:
        if self.observer is None:
            return 0.0
        others = (
            "select pid from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        pids = [row["pid"] for row in self.observer.execute(others)]
        paths = [Path(f"/proc/{pid}/schedstat") for pid in pids]
        return sum(int(path.read_text().split()[0]) / 1e6 for path in paths if path.exists())


async def measure_all(folder: Path, store: Place, times: int) -> int:
    """Measure lists, single reads and pages."""
    api = Api(ApiSettings(store=store, data_dir=folder))
    processor = Processor(store)
    is_good = True
    for path in LISTS:
        spent = [(await milliseconds(processor, api, path))[0] for _ in range(times)]
        slow = statistics.quantiles(spent, n=20)[-1]
        is_good &= slow <= MAX_LIST_MS
        print(
            f"{path}: median {statistics.median(spent):.1f} ms, p95 {slow:.1f} ms,"
            f" first {spent[0]:.1f} ms"
        )
    for path in READS:
        rate = await reads_a_second(processor, api, path)
        is_good &= rate >= LEAST_READS
        print(f"{path}: {rate:.0f} reads a second")
    api.close()
    for path in PAGES:
        pages = build_ui(settings_of(folder, store))
        taken, size = await milliseconds(processor, pages, path)
        is_good &= taken <= MAX_PAGE_MS
        print(f"{path}: first view {taken:.0f} ms, {size / 1000:.0f} kB")
    return 0 if is_good else 1


async def milliseconds(processor: Processor, app: Any, path: str) -> tuple[float, int]:
    """Return the processor time of one answer, and its size."""
    started = processor.milliseconds()
    status, size = await get(app, path, token=TOKEN)
    taken = processor.milliseconds() - started
    if status != 200:
        raise SystemExit(f"{path}: status {status}")
    return taken, size


async def reads_a_second(processor: Processor, api: Any, path: str) -> float:
    """Return how many answers one second of processor time gives."""
    count, spent, started = 0, 0.0, time.process_time()
    while time.process_time() - started < READ_SECONDS:
        spent += (await milliseconds(processor, api, path))[0]
        count += 1
    return count / spent * 1000


if __name__ == "__main__":
    raise SystemExit(main())
