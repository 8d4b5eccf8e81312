"""Kill the server with -9 at random moments while runs go on, start it again, and count the harm.

    python -m benchmarks.server_kills [--kills 100] [--seed 1] [--real] [--json]

Prints lost and doubled runs, dbt processes left behind, two writers on one warehouse file, and how
long a broken run took to be shown as crashed. Exits 1 unless all of them are as promised.
`--real` runs real dbt; otherwise a stand-in that notes its start and end.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from benchmarks.tiny_cloud import BUILD, STAND_IN, add_job, create_cloud, write_project
from marketing_analytics.cloud_api.states import ACTIVE, Status
from marketing_analytics.local_cloud.runs import store
from marketing_analytics.local_cloud.runs.confinement.access import Access
from marketing_analytics.local_cloud.runs.engine import Engine, EngineSettings
from marketing_analytics.local_cloud.store.connection import Row

ENVIRONMENTS = 3
MAX_CRASH_SECONDS = 30.0
# a server holds the lease of these
LEASED = (Status.STARTING, Status.RUNNING)


@dataclass
class Kills:
    """The counts of one series."""

    kills: int = 0
    kills_in_runs: int = 0
    runs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    two_writers: int = 0
    left_behind: int = 0
    slowest_crash_seconds: float = 0.0
    integrity: str = ""
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Return whether every promise was kept."""
        harm = self.lost + self.doubled + self.two_writers + self.left_behind
        is_quick = self.slowest_crash_seconds <= MAX_CRASH_SECONDS
        return harm == 0 and self.integrity == "ok" and is_quick


def serve(data_folder: Path, *, is_real: bool) -> None:
    """Be the server that is killed."""
    logging.disable(logging.WARNING)
    settings = EngineSettings(
        lease_seconds=1.0,
        heartbeat_seconds=0.3,
        poll_seconds=0.02,
        reap_seconds=0.1,
        program=() if is_real else STAND_IN,
        # the stand-in notes what it did in a file of the series
        access=Access(is_open=not is_real),
    )
    Engine(data_folder, settings=settings).start()
    print("started", flush=True)
    while True:
        signal.pause()


class Series:
    """Starts, feeds and kills one server after the other."""

    def __init__(self, folder: Path, *, seed: int, is_real: bool) -> None:
        self.data_folder = folder / "data"
        self.effects = folder / "effects"
        self.random = random.Random(seed)
        self.is_real = is_real
        project = write_project(folder / "project")
        self.connection = create_cloud(self.data_folder, project, environments=ENVIRONMENTS)
        self.jobs = [
            add_job(self.connection, ["dbt run"], environment_id=number % ENVIRONMENTS + 1)
            for number in range(ENVIRONMENTS * 2)
        ]
        self.found = Kills()

    def run(self, kills: int) -> Kills:
        """Kill the server so often, let the last one finish, and return the counts."""
        started_at = time.monotonic()
        for _ in range(kills):
            server = self.start_server()
            try:
                self.feed()
                longest = 6.0 if self.is_real else 0.8
                time.sleep(self.random.uniform(0.02, longest))
            finally:
                self.kill(server)
        self.finish()
        self.found.seconds = time.monotonic() - started_at
        return self.found

    def start_server(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "benchmarks.server_kills", *(["--real"] * self.is_real)]
        command += ["--serve", str(self.data_folder)]
        environment = {**os.environ, "DBT_EFFECTS": str(self.effects)}
        server = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        assert server.stdout is not None
        server.stdout.readline()
        return server

    def feed(self) -> None:
        """Keep some runs waiting."""
        for _ in range(self.random.randint(1, 2 if self.is_real else 6)):
            sleep = self.random.uniform(0, 0.3)
            steps = [BUILD] if self.is_real else [f"dbt run sleep={sleep:.3f}"]
            job = self.random.choice(self.jobs)
            store.create_run(self.connection, job, overrides={"steps_override": steps})
            self.found.runs += 1

    def kill(self, server: subprocess.Popen[bytes]) -> None:
        """Kill without warning, then look for what stays behind."""
        server.kill()
        server.wait()
        self.found.kills += 1
        # a dead server changes nothing any more: this is what it was doing
        self.found.kills_in_runs += self.open_runs(LEASED) > 0
        for pid in self.survivors(2.0):
            self.found.left_behind += 1
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def survivors(self, seconds: float) -> list[int]:
        """Return the processes that outlive their server for so long.

        One look is not enough: in the middle of an exec a process shows no environment, and a
        child that the server was just starting leaves only when Python is up.
        """
        until = time.monotonic() + seconds
        found, empty_looks = self.processes(), 0
        while empty_looks < 3 and time.monotonic() < until:
            time.sleep(0.01)
            found = self.processes()
            empty_looks = 0 if found else empty_looks + 1
        return found

    def processes(self) -> list[int]:
        """Return the processes that were started for this series; all carry its effects file."""
        mark = f"DBT_EFFECTS={self.effects}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes():
                    found.append(int(path.parent.name))
        return found

    def finish(self) -> None:
        """Let a last server work everything off, then count."""
        server = self.start_server()
        left, moved_at = self.open_runs(), time.monotonic()
        # many kills leave a long queue: it is worked off as long as it gets shorter
        while left and time.monotonic() - moved_at < (300 if self.is_real else 120):
            time.sleep(0.05)
            if (now_left := self.open_runs()) != left:
                left, moved_at = now_left, time.monotonic()
        self.found.lost = self.open_runs()
        self.kill(server)
        self.count()

    def open_runs(self, statuses: Iterable[Status] = ACTIVE) -> int:
        return store.count_runs(self.connection, store.RunFilter(statuses=tuple(statuses)))

    def count(self) -> None:
        """Judge the store and the effects."""
        rows = self.connection.execute("select * from runs").fetchall()
        self.found.lost += self.found.runs - len(rows)
        for row in rows:
            name = "crashed" if row["is_crashed"] else Status(row["status"]).word.lower()
            self.found.outcomes[name] += 1
            if row["is_crashed"]:
                self.note_crash(row)
        if not self.is_real:
            self.count_effects({row["id"]: row for row in rows})
        integrity = self.connection.execute("pragma integrity_check").fetchone()[0]
        self.found.integrity = str(integrity)

    def note_crash(self, row: Row) -> None:
        """Note the time from the last heartbeat to the end, the pause before restart included."""
        end, seen = (datetime.fromisoformat(row[key]) for key in ("finished_at", "heartbeat_at"))
        seconds = (end - seen).total_seconds()
        self.found.slowest_crash_seconds = max(self.found.slowest_crash_seconds, seconds)

    def count_effects(self, rows: dict[int, Row]) -> None:
        """Count runs that started twice, and writers that met in one environment."""
        starts: Counter[int] = Counter()
        writers: dict[int, int] = {}
        lines = self.effects.read_text().splitlines() if self.effects.exists() else []
        for line in lines:
            run_id, what = int(line.split()[0]), line.split()[1]
            environment = rows[run_id]["environment_id"]
            if what == "start":
                starts[run_id] += 1
                writers[environment] = run_id
            elif writers.get(environment) != run_id:
                self.found.two_writers += 1
        self.found.doubled = sum(count > 1 for count in starts.values())
        for run_id, row in rows.items():
            # a success without an effect would be a lost run that looks well
            self.found.lost += row["status"] == Status.SUCCESS and not starts[run_id]


def show(found: Kills) -> None:
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(found.outcomes.items()))
    print(
        f"{found.kills} kills, {found.kills_in_runs} of them while a run was active;"
        f" {found.runs} runs ({outcomes}) in {found.seconds:.1f} s"
    )
    print(f"lost {found.lost}, run twice {found.doubled}, two writers {found.two_writers}")
    print(f"dbt processes left behind {found.left_behind}, integrity {found.integrity}")
    print(f"slowest from last heartbeat to crashed {found.slowest_crash_seconds:.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", type=Path)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, is_real=given.real)
    with tempfile.TemporaryDirectory() as folder:
        found = Series(Path(folder), seed=given.seed, is_real=given.real).run(given.kills)
    if given.json:
        print(json.dumps({**found.__dict__, "is_good": found.is_good}))
    else:
        show(found)
    return 0 if found.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
