"""What a run of the server costs over a bare `dbt build` of the same project.

    python -m benchmarks.run_overhead [--rounds 3] [--project FOLDER] [--raw-database FILE]
                                      [--select SELECTION] [--public-projects FOLDER]

Both are warm: partial parsing holds, bytecode is there. The run is measured from its creation to
its end, as its row says. Its process is a copy of one that has imported dbt; the bare build does
that itself. The time to dbt's start ends where dbt says its first word, of the packages where there
are some. By processor time the figure holds on a busy machine. The first run, which loads data, is
not in it.
`--public-projects` is a folder of mirrors: jaffle-shop of it is built, its packages as local ones,
its data loaded before; the seeds that the mirror lacks, as they are large, are drawn. Exits 1 when
the median overhead is above 1.5 s.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import logging
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psutil

from benchmarks.public_shop import SEED_COMMAND, write_public_shop
from benchmarks.tiny_cloud import BUILD, add_job, create_cloud, write_project
from marketing_analytics.cloud_api.states import ENDED, Status
from marketing_analytics.local_cloud.runs import store
from marketing_analytics.local_cloud.runs.code.checkout import Asked, Source, check_out
from marketing_analytics.local_cloud.runs.code.packages import has_packages
from marketing_analytics.local_cloud.runs.code.remotes import Mirrors
from marketing_analytics.local_cloud.runs.engine import Engine
from marketing_analytics.local_cloud.runs.progress import step_log_path
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.local_cloud.runs.steps import DEPS, DEPS_COMMAND
from marketing_analytics.local_cloud.runs.workspace import (
    PROFILE_NAME,
    Workspace,
    base_environment,
    profile_text,
    write_profile,
)
from marketing_analytics.warehouse.duckdb import profile_output

MAX_OVERHEAD_SECONDS = 1.5


def cpu_seconds() -> float:
    """Return the processor time of this process, of its children and of theirs that have ended."""
    me = psutil.Process()
    times = [process.cpu_times() for process in (me, *me.children())]
    return sum(t.user + t.system + t.children_user + t.children_system for t in times)


@contextlib.contextmanager
def spent() -> Iterator[list[float]]:
    """Give the processor time of a block, once it is over; other work does not change it."""
    found: list[float] = []
    before = cpu_seconds()
    yield found
    found.append(cpu_seconds() - before)


def bare_build(
    workspace: Workspace, command: str, before: Sequence[str], raw_database: Path | None
) -> Callable[[], float]:
    """Return a function that runs the command as a user would, and returns its seconds.

    What has to be there first is run at once.
    """
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

    def run(command: str) -> float:
        started = time.monotonic()
        done = subprocess.run(
            [dbt, *shlex.split(command)[1:]],
            cwd=workspace.project,
            env=environment,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            sys.exit(f"the bare `{command}` failed with {done.returncode}")
        return time.monotonic() - started

    # the packages are there before the bare build; each run installs them anew, as dbt Cloud does
    for earlier in [DEPS_COMMAND] * has_packages(workspace.project) + [*before]:
        run(earlier)
    return lambda: run(command)


@dataclass
class Measured:
    """Seconds of each round: of the whole, from the creation to dbt's start, of the processor."""

    whole: list[float] = field(default_factory=list)
    start: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


@contextlib.contextmanager
def runs_of(
    folder: Path, project: Path, command: str, before: Sequence[str], raw: Path | None
) -> Iterator[Callable[[Measured], None]]:
    """Give a function that runs the command through an engine and notes what that took.

    What has to be there first, and a first run, are done at once.
    """
    connection = create_cloud(folder, project)
    job, first = (add_job(connection, commands) for commands in ([command], [*before, command]))
    engine = Engine(folder, raw_database=raw)

    def run(job_id: int, found: Measured) -> None:
        cpu_before = cpu_seconds()
        run_id = store.create_run(connection, job_id).id
        engine.wake()
        while store.require_run(connection, run_id).status not in ENDED:
            time.sleep(0.05)
        row = store.require_run(connection, run_id)
        found.whole.append(seconds_of(row))
        found.start.append(start_of(folder, row))
        found.processor.append(cpu_seconds() - cpu_before)

    engine.start()
    try:
        run(first, Measured())
        yield lambda found: run(job, found)
    finally:
        engine.stop()
        connection.close()


def seconds_of(row: Run) -> float:
    if row.status != Status.SUCCESS:
        sys.exit(f"run {row.id} failed: {row.status_message}")
    end, start = (datetime.fromisoformat(text or "") for text in (row.finished_at, row.created_at))
    return (end - start).total_seconds()


def start_of(folder: Path, row: Run) -> float:
    """Return the seconds from the creation of a run to the first word of dbt."""
    logs = (step_log_path(folder, row.id, step).with_suffix(".jsonl") for step in (DEPS, DEPS + 1))
    words = [line for log in logs if log.is_file() for line in log.open(encoding="utf-8")]
    if not words:
        sys.exit(f"dbt said nothing in run {row.id}")
    began = datetime.fromisoformat(json.loads(words[0])["info"]["ts"])
    return (began - datetime.fromisoformat(row.created_at)).total_seconds()


def absolute_path(text: str) -> Path:
    """Return a path that holds in dbt's folder as well."""
    return Path(text).resolve()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--project", type=absolute_path)
    parser.add_argument("--raw-database", type=absolute_path)
    parser.add_argument("--select", help="what of --project is built, such as tag:daily")
    parser.add_argument("--public-projects", type=absolute_path)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.public_projects:
            project, command = write_public_shop(given.public_projects, folder), "dbt build"
        else:
            project = given.project or write_project(folder / "project")
            command = "dbt build" if given.project else BUILD
            command += f" --select {shlex.quote(given.select)}" if given.select else ""
        raw, before = given.raw_database, [SEED_COMMAND] * bool(given.public_projects)
        workspace = Workspace(folder / "bare", 1, 1, "tiny")
        source = Source(place=str(project), is_dirty=True)
        found = check_out(source, Asked(), workspace.home, Mirrors(folder / "mirrors"))
        inner = os.path.relpath(found.project, workspace.home.tree)
        workspace = dataclasses.replace(workspace, inner=inner)
        bare = bare_build(workspace, command, before, raw)
        bare()
        alone, runs = Measured(), Measured()
        with runs_of(folder / "served", project.resolve(), command, before, raw) as run:
            # in turn: what else the machine does hits both alike
            for _ in range(given.rounds):
                with spent() as bare_cpu:
                    alone.whole.append(bare())
                alone.processor += bare_cpu
                run(runs)
    say(command, alone, runs)
    over = statistics.median(runs.whole) - statistics.median(alone.whole)
    return 0 if over <= MAX_OVERHEAD_SECONDS else 1


def say(command: str, alone: Measured, runs: Measured) -> None:
    """Print medians, and how the rounds lie around them."""
    bare, bare_cpu = statistics.median(alone.whole), statistics.median(alone.processor)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"bare `{command}`: {bare:.2f} s (rounds: {rounded(alone.whole)})")
    whole, processor = statistics.median(runs.whole), statistics.median(runs.processor)
    start = statistics.median(runs.start)
    print(
        f"run: {whole:.2f} s (rounds: {rounded(runs.whole)}),"
        f" overhead {whole - bare:+.2f} s ({whole / bare - 1:+.0%}), by processor time"
        f" {processor - bare_cpu:+.2f} s ({processor / bare_cpu - 1:+.0%});"
        f" creation to dbt's start {start * 1000:.0f} ms"
    )


def rounded(seconds: Sequence[float]) -> str:
    """Return the seconds of rounds in a line."""
    return " ".join(f"{found:.1f}" for found in seconds)


if __name__ == "__main__":
    sys.exit(main())
