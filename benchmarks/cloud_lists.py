"""Figure: lists and pages of the local dbt Cloud with 10,000 jobs and 100,000 runs, in process.

For each list of the API: median and 95th percentile in milliseconds; for single reads: how many a
second; for each page: its first view. Processor time: other work does not change it. In an empty
PostgreSQL database most of the work is done elsewhere: lists and pages are then judged by the
clock, the processor time of this process stands beside it, and reads are not judged.
Usage: python -m benchmarks.cloud_lists [--jobs 10000] [--runs 100000] [--times 60]
    [--database-url URL]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.seeded_pages import ACCOUNT_ID, TOKEN, seed, seed_many
from benchmarks.ui_first_view import get, measure
from marketing_analytics.cloud_api.states import Status
from marketing_analytics.local_cloud.api.application import Api, ApiSettings
from marketing_analytics.local_cloud.store.connection import Database, Place
from marketing_analytics.local_cloud.store.databases.postgresql import ServerConnection

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
    "/?page=150",
    "/?state=error",
    "/?search=feature-12",
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
        store: Place = folder / "cloud.sqlite"
        if asked.database_url:
            store = Database(asked.database_url, folder)
        seed(folder, runs=10, lines=10, store=store)
        seed_many(store, jobs=asked.jobs, runs=asked.runs)
        if isinstance(store, Database):
            # as autovacuum does a minute later
            with closing(ServerConnection(store)) as connection:
                connection.run_script("vacuum analyze")
        print(f"{asked.jobs} jobs, {asked.runs} runs")
        return asyncio.run(measure_all(folder, store, asked.times))


async def measure_all(folder: Path, store: Place, times: int) -> int:
    """Measure lists, single reads and pages."""
    api = Api(ApiSettings(store=store, data_dir=folder))
    is_server = isinstance(store, Database)
    is_good = True
    for path in LISTS:
        taken = [await milliseconds(api, path) for _ in range(times)]
        spent = [wall if is_server else cpu for cpu, wall in taken]
        slow = statistics.quantiles(spent, n=20)[-1]
        is_good &= slow <= MAX_LIST_MS
        beside = f", processor {statistics.median(cpu for cpu, _ in taken):.1f} ms"
        print(
            f"{path}: median {statistics.median(spent):.1f} ms, p95 {slow:.1f} ms,"
            f" first {spent[0]:.1f} ms{beside if is_server else ''}"
        )
    for path in READS:
        rate = await reads_a_second(api, path)
        is_good &= is_server or rate >= LEAST_READS
        print(f"{path}: {rate:.0f} reads a second of processor time")
    api.close()
    for path in PAGES:
        cpu, wall, median, size = await measure(folder, path, again=4, store=store)
        is_good &= (wall if is_server else cpu) <= MAX_PAGE_MS
        beside = f" ({wall:.0f} ms on the clock, median {median:.0f} ms)" if is_server else ""
        print(f"{path}: first view {cpu:.0f} ms{beside}, {size / 1000:.0f} kB")
    return 0 if is_good else 1


async def milliseconds(api: Any, path: str) -> tuple[float, float]:
    """Return the time of one answer: of this processor, and on the clock."""
    started, cpu_started = time.perf_counter(), time.process_time()
    status, _ = await get(api, path, token=TOKEN)
    if status != 200:
        raise SystemExit(f"{path}: status {status}")
    spent = time.process_time() - cpu_started, time.perf_counter() - started
    return spent[0] * 1000, spent[1] * 1000


async def reads_a_second(api: Any, path: str) -> float:
    """Return how many answers one second of processor time gives."""
    count, started = 0, time.process_time()
    while time.process_time() - started < READ_SECONDS:
        await milliseconds(api, path)
        count += 1
    return count / (time.process_time() - started)


if __name__ == "__main__":
    raise SystemExit(main())
