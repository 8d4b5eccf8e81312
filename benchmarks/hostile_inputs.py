"""Time what a large or hostile input costs: job files, log lines, log pages, in ms."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from marketing_analytics.core.errors import FileError
from marketing_analytics.core.redaction import redact
from marketing_analytics.jobs.tfvars import parse_text
from marketing_analytics.local_cloud.pages.logs.reader import LogReader

RUNS = 5
JOB = """  job-{} = {{
    execute_steps = ["dbt build --select +tag:a"]
    description   = "x"
    threads       = 4
    env_vars      = {{ DBT_A = "1" }}
  }}
"""
JOBS = "jobs = {\n" + "".join(JOB.format(n) for n in range(1000)) + "}\n"
NESTED = {
    "5,000 open brackets": "j = " + "[" * 5000,
    "5,000 open parentheses": "j = " + "(" * 5000,
    "5,000 signs": "j = " + "-" * 5000 + "1",
    "an exponent of nine digits": "j = 1e999999999",
}
LOG_LINES = 100_000


def milliseconds(act: Callable[[], object]) -> float:
    """Return the best time of some runs."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        act()
        times.append((time.perf_counter() - started) * 1000)
    return min(times)


def refuse(text: str) -> None:
    """Read a job file that is refused."""
    with contextlib.suppress(FileError):
        parse_text(text)
        raise AssertionError("it was read")


def log_pages(folder: Path) -> float:
    """Return what a page of 200 lines of a long log costs, wherever it starts."""
    path, reader = folder / "a.log", LogReader()
    path.write_text("".join(f"line {n}\n" for n in range(LOG_LINES)), "utf-8")
    reader.window(path, 1, 1)
    starts = range(1, LOG_LINES, 2_000)
    return milliseconds(lambda: [reader.window(path, n, 200) for n in starts]) / len(starts)


def main() -> int:
    """Print each figure with its target; return 1 when one is missed."""
    line = "x" * 5_000_000
    found = {
        "a job file of 1,000 jobs": (milliseconds(lambda: parse_text(JOBS)), 1000),
        "a log line of 5 MB, redacted": (milliseconds(lambda: redact(line)), 2000),
    }
    for name, text in NESTED.items():
        found[f"a job file with {name}, refused"] = (milliseconds(partial(refuse, text)), 500)
    with tempfile.TemporaryDirectory() as folder:
        found["a page of a log of 100,000 lines"] = (log_pages(Path(folder)), 50)
    for name, (seen, target) in found.items():
        print(f"{name}: {seen:.1f} ms, target {target}")
    return 0 if all(seen <= target for seen, target in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
