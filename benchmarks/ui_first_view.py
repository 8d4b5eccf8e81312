"""Time the first view of every page with 10,000 runs: milliseconds on the server, kilobytes sent.

Each page is built by a fresh application, as after a start, then again for the median. The limit
is held against processor time, which other work on the machine does not change.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.seeded_pages import seed, settings_of
from marketing_analytics.local_cloud.pages.mount import build_ui

RUNS = 10_000
LOG_LINES = 100_000
AGAIN = 20
MAX_MILLISECONDS = 300.0
MAX_BYTES = 200_000


async def get(app: Any, path: str, *, token: str = "") -> tuple[int, int]:
    """Return status and size of an answer."""
    path, _, query = path.partition("?")
    headers = [(b"host", b"127.0.0.1"), (b"accept", b"text/html")]
    if token:
        headers.append((b"authorization", f"Token {token}".encode()))
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
        "query_string": query.encode(), "headers": headers, "root_path": "", "scheme": "http",
        "http_version": "1.1", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    status, size = 0, 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        nonlocal status, size
        status = message.get("status", status)
        size += len(message.get("body", b""))

    await app(scope, receive, send)
    return status, size


async def measure(folder: Path, path: str, again: int = AGAIN) -> tuple[float, float, float, int]:
    """Return milliseconds (processor and wall of the first view, median wall) and the size."""
    app, times, size = build_ui(settings_of(folder)), [], 0
    first_cpu = 0.0
    for _ in range(again + 1):
        started, cpu_started = time.perf_counter(), time.process_time()
        status, size = await get(app, path)
        times.append((time.perf_counter() - started) * 1000)
        first_cpu = first_cpu or (time.process_time() - cpu_started) * 1000
        if status != 200:
            raise SystemExit(f"{path}: status {status}")
    return first_cpu, times[0], statistics.median(times[1:]), size


def main() -> None:
    """Print the figures; fail when a page is too slow or too large."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ids = seed(folder, runs=RUNS, lines=LOG_LINES)
        run = f"/runs/{ids['failed']}"
        lists = ("/", "/jobs", "/jobs/1", "/runs", "/runs?page=200", "/runs?search=email", "/queue")
        below = ("", "/nodes", "/nodes/model.marketing.fct_attribution", "/lineage", "/compare")
        paths = (*lists, "/freshness", *(f"{run}{part}" for part in below))
        is_good = True
        for path in (*paths, f"{run}?step=4&line=70000", f"{run}/steps/4/lines?first=99000"):
            cpu, first, median, size = asyncio.run(measure(folder, path))
            print(
                f"{path}: first {first:.0f} ms ({cpu:.0f} ms of processor),"
                f" median {median:.0f} ms, {size / 1000:.0f} kB"
            )
            is_good &= cpu <= MAX_MILLISECONDS and size <= MAX_BYTES
    if not is_good:
        raise SystemExit(f"over {MAX_MILLISECONDS:.0f} ms or {MAX_BYTES / 1000:.0f} kB")


if __name__ == "__main__":
    main()
