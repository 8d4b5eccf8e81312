"""What a run of the server costs over a bare `dbt build` of the same project.

    python -m benchmarks.run_overhead [--rounds 3] [--project FOLDER] [--raw-database FILE]

Both are warm: partial parsing holds, bytecode is there. The run is measured from its creation to
its end, as its row says, with a spare process and without one; without one dbt is imported anew.
Exits 1 when the median overhead without a spare is above 1.5 s.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from benchmarks.tiny_cloud import BUILD, add_job, create_cloud, write_project
from marketing_analytics.cloud_api.states import ENDED, Status
from marketing_analytics.local_cloud.runs import store
from marketing_analytics.local_cloud.runs.code.checkout import Asked, Source, check_out
from marketing_analytics.local_cloud.runs.code.remotes import Mirrors
from marketing_analytics.local_cloud.runs.engine import Engine, EngineSettings
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.local_cloud.runs.workspace import (
    PROFILE_NAME,
    Workspace,
    base_environment,
    profile_text,
    write_profile,
)
from marketing_analytics.local_cloud.store.connection import open_connection
from marketing_analytics.warehouse.duckdb import profile_output

MAX_OVERHEAD_SECONDS = 1.5


def cpu_seconds() -> float:
    """Return the processor time of this process and of the children that have ended."""
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)


@contextlib.contextmanager
def report(name: str) -> Iterator[None]:
    """Print the processor time of a block; it does not depend on what else the machine does."""
    before = cpu_seconds()
    yield
    print(f"{name}: {cpu_seconds() - before:.2f} s of processor time")


def bare_build(
    workspace: Workspace, command: str, raw_database: Path | None
) -> Callable[[], float]:
    """Return a function that runs the command as a user would, and returns its seconds."""
    output = profile_output(
        workspace.warehouse, schema=workspace.schema_name, threads=4, raw_database=raw_database
    )
    write_profile(workspace, profile_text("default", output))
    environment = {
        **base_environment(os.environ),
        "DBT_PROFILE": PROFILE_NAME,
        "DBT_PROFILES_DIR": str(workspace.profile),
        "DBT_TARGET_PATH": str(workspace.target),
        "DBT_LOG_PATH": str(workspace.run),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    dbt = str(Path(sys.executable).parent / "dbt")

    def build() -> float:
        started = time.monotonic()
        done = subprocess.run(
            [dbt, *command.split()[1:]],
            cwd=workspace.project,
            env=environment,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            sys.exit(f"the bare command failed with {done.returncode}")
        return time.monotonic() - started

    return build


def measure_runs(folder: Path, command: str, raw: Path | None, rounds: int, spares: int) -> float:
    """Return the median seconds of runs through an engine."""
    connection = open_connection(folder / "cloud.sqlite")
    job = add_job(connection, [command])
    settings = EngineSettings(spare_processes=spares)
    engine = Engine(folder, raw_database=raw, settings=settings)
    engine.start()
    try:
        seconds = []
        for _ in range(rounds + 1):
            # a spare is there when it has had time to import dbt
            time.sleep(6.0 if spares else 0.5)
            run_id = store.create_run(connection, job).id
            engine.wake()
            while store.require_run(connection, run_id).status not in ENDED:
                time.sleep(0.05)
            seconds.append(seconds_of(store.require_run(connection, run_id)))
        return statistics.median(seconds[1:])
    finally:
        engine.stop()
        connection.close()


def seconds_of(row: Run) -> float:
    if row.status != Status.SUCCESS:
        sys.exit(f"run {row.id} failed: {row.status_message}")
    end, start = (datetime.fromisoformat(text or "") for text in (row.finished_at, row.created_at))
    return (end - start).total_seconds()


def absolute_path(text: str) -> Path:
    """Return a path that holds in dbt's folder as well."""
    return Path(text).resolve()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--project", type=absolute_path)
    parser.add_argument("--raw-database", type=absolute_path)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = given.project or write_project(folder / "project")
        command = "dbt build" if given.project else BUILD
        raw = given.raw_database
        create_cloud(folder / "data", project.resolve()).close()
        workspace = Workspace(folder / "bare", 1, 1, "tiny")
        source = Source(place=str(project), is_dirty=True)
        found = check_out(source, Asked(), workspace.home, Mirrors(folder / "mirrors"))
        inner = os.path.relpath(found.project, workspace.home.tree)
        workspace = dataclasses.replace(workspace, inner=inner)
        bare = bare_build(workspace, command, raw)
        bare()
        with report(f"{given.rounds} bare builds"):
            alone = statistics.median(bare() for _ in range(given.rounds))
        with report(f"{given.rounds + 1} runs and the engine"):
            cold = measure_runs(folder / "data", command, raw, given.rounds, spares=0)
        warm = measure_runs(folder / "data", command, raw, given.rounds, spares=1)
    print(f"bare `{command}`: {alone:.2f} s (median of {given.rounds})")
    print(f"run without a spare process: {cold:.2f} s, overhead {cold - alone:+.2f} s")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"run with a spare process: {warm:.2f} s, overhead {warm - alone:+.2f} s")
    return 0 if cold - alone <= MAX_OVERHEAD_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
