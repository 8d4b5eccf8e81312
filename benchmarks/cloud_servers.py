"""Figure: several servers work on one store in PostgreSQL, and one of them is killed with -9.

    python -m benchmarks.cloud_servers --database-url URL [--runs 200] [--servers 2] [--lease 20]

The database is empty at the start. Every server counts as a machine of its own, so that only its
leases tell of it. Runs may be tried twice; a stand-in for dbt notes each start and end. Prints how
many runs each server took, what was lost or done twice, and how long until the runs of the killed
server were free for the other. Exits 1 unless every run ended well, each that the killed server
did not hold was done once, and those that it held were begun at most twice.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from benchmarks.tiny_cloud import STAND_IN, add_job, create_cloud, write_project
from marketing_analytics.cloud_api.states import ACTIVE, HELD, Status
from marketing_analytics.local_cloud.runs import queue, store
from marketing_analytics.local_cloud.runs.confinement.access import Access
from marketing_analytics.local_cloud.runs.engine import Engine, EngineSettings
from marketing_analytics.local_cloud.store.connection import Connection, Database

ENVIRONMENTS = 8
URL = "CLOUD_SERVERS_URL"
MOST_SECONDS = 600.0


@dataclass
class Shared:
    """The counts of one series."""

    runs: int
    seconds: float = 0.0
    taken: Counter[str] = field(default_factory=Counter)
    taken_over: int = 0
    takeover_seconds: float = 0.0
    not_good: int = 0
    not_once: int = 0

    @property
    def is_good(self) -> bool:
        """Return whether every run ended well and once, and the killed server held some."""
        return not self.not_good and not self.not_once and self.taken_over > 0


def serve(data_folder: Path, machine: str, lease_seconds: float) -> None:
    """Be one of the servers."""
    logging.disable(logging.WARNING)
    settings = EngineSettings(
        shared_lease_seconds=lease_seconds,
        heartbeat_seconds=lease_seconds / 4,
        program=STAND_IN,
        # the stand-in notes what it did in a file of the series
        access=Access(is_open=True),
    )
    with mock.patch.object(queue, "this_machine", return_value=machine):
        Engine(data_folder, store=Database(os.environ[URL], data_folder), settings=settings).start()
        print("started", flush=True)
        while True:
            signal.pause()


def start(folder: Path, url: str, machine: str, lease_seconds: float) -> subprocess.Popen[bytes]:
    """Start a server and wait until it works."""
    command = [sys.executable, "-m", "benchmarks.cloud_servers", "--lease", str(lease_seconds)]
    command += ["--serve", str(folder / "data"), "--machine", machine]
    environment = {**os.environ, "DBT_EFFECTS": str(folder / "effects"), URL: url}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert server.stdout is not None
    server.stdout.readline()
    return server


def count(connection: Connection, *statuses: Status) -> int:
    """Return how many runs are in these states."""
    return store.count_runs(connection, store.RunFilter(statuses=tuple(statuses)))


def wait_for(connection: Connection, least: int, *statuses: Status) -> None:
    """Wait until so many runs are in these states."""
    until = time.monotonic() + MOST_SECONDS
    while count(connection, *statuses) < least and time.monotonic() < until:
        time.sleep(0.05)


def held_by(connection: Connection, machine: str) -> list[int]:
    """Return the runs that a server holds."""
    held = queue.held_runs(connection)
    return [run.id for run in held if f"@{machine}." in (run.owner_id or "")]


def measure(folder: Path, url: str, *, runs: int, servers: int, lease_seconds: float) -> Shared:
    """Trigger runs, kill the first server while it works, and count."""
    found, began = Shared(runs), time.monotonic()
    place = Database(url, folder / "data")
    machines = [f"machine-{number}" for number in range(1, servers + 1)]
    project = write_project(folder / "project")
    made = create_cloud(
        folder / "data", project, environments=ENVIRONMENTS, run_slots=ENVIRONMENTS, store=place
    )
    with closing(made) as connection, ExitStack() as stack:
        started = [start(folder, url, machine, lease_seconds) for machine in machines]
        for server in started:
            stack.callback(server.wait)
            stack.callback(server.kill)
        jobs = [
            add_job(connection, ["dbt run sleep=0.3"], environment_id=number + 1)
            for number in range(ENVIRONMENTS)
        ]
        for number in range(runs):
            store.create_run(connection, jobs[number % ENVIRONMENTS], attempts_left=1)
        wait_for(connection, runs // 3, Status.SUCCESS)
        while not (orphans := held_by(connection, machines[0])):
            time.sleep(0.01)
        started[0].kill()
        killed_at = time.monotonic()
        found.taken_over = len(orphans)
        while held_by(connection, machines[0]) and time.monotonic() < killed_at + MOST_SECONDS:
            time.sleep(0.05)
        found.takeover_seconds = time.monotonic() - killed_at
        wait_for(connection, runs, Status.SUCCESS, Status.ERROR, Status.CANCELLED)
        judge(connection, found, orphans, folder / "effects")
    found.seconds = time.monotonic() - began
    return found


def judge(connection: Connection, found: Shared, orphans: Collection[int], effects: Path) -> None:
    """Count how runs ended, on which server, and how often each was done."""
    everything = store.list_runs(connection, store.RunFilter(), limit=-1).rows
    for run in everything:
        found.taken[(run.owner_id or "@nobody.").rpartition("@")[2].partition(".")[0]] += 1
    found.not_good = found.runs - count(connection, Status.SUCCESS)
    assert not count(connection, *ACTIVE, *HELD)
    lines = Counter(effects.read_text().splitlines())
    for run in everything:
        times = lines[f"{run.id} start"], lines[f"{run.id} end"]
        # what a killed server held may have been at its end already
        is_once = max(times) <= 2 and min(times) >= 1 if run.id in orphans else times == (1, 1)
        found.not_once += not is_once


def main() -> int:
    """Print the counts; return 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database-url", default=os.environ.get("DBT_CLOUD_DATABASE_URL", ""))
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--lease", type=float, default=20.0)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--machine", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve, asked.machine, asked.lease)
    with tempfile.TemporaryDirectory() as name:
        found = measure(
            Path(name),
            asked.database_url,
            runs=asked.runs,
            servers=asked.servers,
            lease_seconds=asked.lease,
        )
    shares = ", ".join(f"{machine} {runs}" for machine, runs in sorted(found.taken.items()))
    print(f"{found.runs} runs on {asked.servers} servers in {found.seconds:.0f} s: {shares}")
    print(f"not ended well: {found.not_good}, not done exactly once: {found.not_once}")
    print(
        f"{found.taken_over} runs of the killed server went on elsewhere,"
        f" free after {found.takeover_seconds:.1f} s"
    )
    return 0 if found.is_good else 1


if __name__ == "__main__":
    raise SystemExit(main())
