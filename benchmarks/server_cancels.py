"""Cancel runs at random moments and time how long each takes to be over.

    python -m benchmarks.server_cancels [--cancels 500] [--seed 1] [--real] [--json]

Some wait, some start, some run, and every twentieth has a dbt that ignores signals. Exits 1 unless
each run is over within 20 s of its cancel and no dbt process stays behind. `--real` runs real dbt
on a model that would take hours.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.tiny_cloud import STAND_IN, add_job, create_cloud, write_project
from marketing_analytics.cloud_api.states import ACTIVE, ENDED, Status
from marketing_analytics.local_cloud.runs import store
from marketing_analytics.local_cloud.runs.child.process import is_running
from marketing_analytics.local_cloud.runs.confinement.access import Access
from marketing_analytics.local_cloud.runs.engine import Engine, EngineSettings

ENVIRONMENTS = 4
MAX_SECONDS = 20.0
STUBBORN_EVERY = 20
# at most so many runs wait or run at a time
TOGETHER = 8
LOOK_SECONDS = 0.02


@dataclass
class Cancels:
    """What became of the runs. `was` counts their states when they were cancelled."""

    cancels: int = 0
    was: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    left_behind: int = 0

    @property
    def is_good(self) -> bool:
        """Return whether every run was over in time and left nothing."""
        is_whole = len(self.seconds) == self.cancels > 0
        return is_whole and max(self.seconds) <= MAX_SECONDS and self.left_behind == 0


@contextmanager
def engine_of(data_folder: Path, *, is_real: bool) -> Iterator[Engine]:
    """Give an engine with the patience of a real server."""
    settings = EngineSettings(
        poll_seconds=0.05, program=() if is_real else STAND_IN, access=Access(is_open=not is_real)
    )
    engine = Engine(data_folder, settings=settings)
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()


class Series:
    """Feeds an engine with long runs, cancels each, and watches it end."""

    def __init__(self, folder: Path, *, seed: int, is_real: bool) -> None:
        self.data_folder = folder / "data"
        self.random = random.Random(seed)
        self.is_real = is_real
        project = write_project(folder / "project")
        self.connection = create_cloud(
            self.data_folder, project, environments=ENVIRONMENTS, run_slots=ENVIRONMENTS
        )
        self.jobs = [
            add_job(self.connection, ["dbt run"], environment_id=number % ENVIRONMENTS + 1)
            for number in range(TOGETHER)
        ]
        self.found = Cancels()
        # run, and when it is to be cancelled or when it was; monotonic seconds
        self.waiting: dict[int, float] = {}
        self.cancelled: dict[int, float] = {}

    def run(self, cancels: int) -> Cancels:
        """Cancel so many runs and return what became of them."""
        with (
            closing(self.connection),
            engine_of(self.data_folder, is_real=self.is_real) as engine,
        ):
            while len(self.found.seconds) < cancels:
                self.feed(cancels)
                self.cancel(engine)
                self.watch()
                time.sleep(LOOK_SECONDS)
        return self.found

    def feed(self, cancels: int) -> None:
        """Keep some runs going, each to be cancelled at a moment of its own."""
        begun = self.found.cancels + len(self.waiting)
        while begun < cancels and len(self.waiting) + len(self.cancelled) < TOGETHER:
            begun += 1
            job = self.random.choice(self.jobs)
            overrides = {"steps_override": [self.command(begun)]}
            run = store.create_run(self.connection, job, overrides=overrides)
            self.waiting[run.id] = time.monotonic() + self.random.uniform(0, self.longest)

    @property
    def longest(self) -> float:
        return 15.0 if self.is_real else 2.0

    def command(self, number: int) -> str:
        if self.is_real:
            return "dbt run --select slow"
        is_stubborn = number % STUBBORN_EVERY == 0
        return "dbt run sleep=600" + " ignore-signals" * is_stubborn

    def cancel(self, engine: Engine) -> None:
        """Cancel the runs whose moment has come."""
        now = time.monotonic()
        for run_id in [key for key, at in self.waiting.items() if at <= now]:
            del self.waiting[run_id]
            before = store.require_run(self.connection, run_id).status
            self.found.was[Status(before).word.lower()] += 1
            self.found.cancels += 1
            self.cancelled[run_id] = time.monotonic()
            store.request_cancel(self.connection, run_id)
            engine.wake()

    def watch(self) -> None:
        """Note the runs that are over, and whether their dbt is."""
        for run_id, asked_at in list(self.cancelled.items()):
            run = store.require_run(self.connection, run_id)
            waited = time.monotonic() - asked_at
            if run.status not in ENDED and waited <= 3 * MAX_SECONDS:
                continue
            del self.cancelled[run_id]
            word = "never ended" if run.status in ACTIVE else Status(run.status).word.lower()
            self.found.ended[word] += 1
            self.found.seconds.append(waited)
            self.found.left_behind += bool(
                run.process_id and is_running(run.process_id, run.process_started_at)
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cancels", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        series = Series(Path(folder), seed=given.seed, is_real=given.real)
        found = series.run(given.cancels)
    if given.json:
        print(json.dumps({**found.__dict__, "is_good": found.is_good}))
        return 0 if found.is_good else 1
    was, ended = (
        ", ".join(f"{count} {name}" for name, count in sorted(one.items()))
        for one in (found.was, found.ended)
    )
    print(f"{found.cancels} cancels of runs that were {was}; they ended {ended}")
    print(
        f"over after {statistics.median(found.seconds):.2f} s (median),"
        f" {max(found.seconds):.1f} s (slowest; {MAX_SECONDS:.0f} asked);"
        f" dbt processes left behind {found.left_behind}"
    )
    return 0 if found.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
