"""Deploy beside dbt-jobs-as-code: calls and times of both on one server, as Markdown too.

Both create the same 50 jobs with 3 variables each, plan again, and change all jobs, in turns, on
the real API of the local dbt Cloud whose answers are 50 ms on their way. Times are those of
whole processes, with the bytecode of both compiled, as an installation has it. Then ours plans
1,000 jobs.
Usage: python -m benchmarks.jobs_as_code [--runs 3] [--jobs 50] [--large 1000]
"""

from __future__ import annotations

import argparse
import compileall
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OURS = [sys.executable, str(ROOT / "scripts" / "dbt_job_manager.py")]
THEIRS = ROOT / ".venv-clients" / "bin" / "dbt-jobs-as-code"
TOKEN = "test-token-123456"
LATENCY_SECONDS = 0.05
VARIABLES = ("DBT_SCHEMA", "DBT_A", "DBT_B")
# most calls, and how many times as fast as the other
GOALS = {"create": (210, 15), "plan, unchanged": (1, 10), "change all": (52, 10)}
LARGE_GOALS = {"calls": 10, "seconds": 1.0, "MB": 100}


@dataclass(frozen=True)
class Figure:
    """What one command took."""

    calls: int
    seconds: float
    cpu_seconds: float
    megabytes: float


def serve(pipe: Connection, folder: str) -> None:
    """Answer: `fresh` starts a server anew and returns its address, `calls` counts them."""
    sys.path.insert(0, str(ROOT))
    # tests have no types
    faulty: Any = import_module("tests.jobs.faulty_cloud")
    cloud, number = None, 0
    while True:
        asked, value = pipe.recv()
        if asked == "fresh":
            if cloud:
                cloud.close()
            number += 1
            place = Path(folder) / str(number)
            place.mkdir()
            cloud = faulty.FaultyCloud(place)
            pipe.send(cloud.url)
        elif cloud and asked == "latency":
            cloud.latency_seconds = value
            pipe.send(None)
        elif cloud:
            count = len(cloud.requests)
            cloud.requests.clear()
            pipe.send(count)


class Server:
    """The server, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=serve, args=(theirs, str(folder)), daemon=True)
        self.process.start()
        self.url = ""

    def ask(self, what: str, value: Any = None) -> Any:
        """Return the answer of the process."""
        self.pipe.send((what, value))
        return self.pipe.recv()

    def fresh(self) -> None:
        """Start anew, with the variables that the jobs override."""
        from benchmarks.server_list import Client

        self.url = self.ask("fresh")
        client = Client(self.url, TOKEN)
        path = "/api/v3/accounts/1/projects/2/environment-variables/bulk/"
        for name in VARIABLES:
            client.request("POST", path, {"env_var": {"new_name": name, "project": "base"}})
        client.connection.close()
        self.ask("latency", LATENCY_SECONDS)

    def measure(self, command: list[str], environment: dict[str, str]) -> Figure:
        """Run a command to its end and return what it took. Raise SystemExit when it fails."""
        self.ask("calls")
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=installed() | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{command} ended with {process.returncode}")
        cpu_seconds = usage.ru_utime + usage.ru_stime
        return Figure(self.ask("calls"), seconds, cpu_seconds, usage.ru_maxrss / 1024)


def installed() -> dict[str, str]:
    """Return an environment in which Python keeps the bytecode that it compiles."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def ours(folder: Path, url: str, count: int, threads: int) -> tuple[list[str], dict[str, str]]:
    """Write our file and return what runs the tool on it."""
    variables = ", ".join(f'{name} = "{name.lower()}"' for name in VARIABLES)
    lines = [
        f'  job-{n} = {{ execute_steps = ["dbt build --select m{n}"], threads = {threads}, '
        f'schedule_cron = "{n % 60} {far_hour()} * * *", env_vars = {{ {variables} }} }}'
        for n in range(count)
    ]
    (folder / "jobs.tfvars").write_text("jobs = {\n" + "\n".join(lines) + "\n}\n")
    environment = settings_of(url) | {"TMPDIR": str(folder)}
    return ["--config", str(folder / "jobs.tfvars")], environment


def settings_of(url: str) -> dict[str, str]:
    """Return the settings with which our tool works on a server of these benchmarks."""
    return {
        "DBTCLOUD_HOST_URL": url,
        "DBTCLOUD_TOKEN": TOKEN,
        "DBTCLOUD_ACCOUNT_ID": "1",
        "PROJECT_ID": "2",
        "ENVIRONMENT_ID": "3",
        "CI_COMMIT_REF_SLUG": "bench",
        "GITLAB_USER_LOGIN": "bench",
    }


def theirs(folder: Path, url: str, count: int, threads: int) -> tuple[list[str], dict[str, str]]:
    """Write their file (JSON is YAML) and return what runs the tool on it."""
    jobs = {
        f"job-{n}": {
            "account_id": 1,
            "project_id": 2,
            "environment_id": 3,
            "dbt_version": None,
            "name": f"job {n}",
            "settings": {"threads": threads, "target_name": "default"},
            "execution": {"timeout_seconds": 0},
            "execute_steps": [f"dbt build --select m{n}"],
            "generate_docs": False,
            "run_generate_sources": False,
            "schedule": {"cron": f"{n % 60} {far_hour()} * * *"},
            "triggers": {
                "github_webhook": False,
                "git_provider_webhook": False,
                "schedule": True,
                "on_merge": False,
            },
            "custom_environment_variables": [{name: name.lower()} for name in VARIABLES],
        }
        for n in range(count)
    }
    (folder / "jobs.yml").write_text(json.dumps({"jobs": jobs}))
    return [str(folder / "jobs.yml")], {"DBT_BASE_URL": url, "DBT_API_KEY": TOKEN}


def far_hour() -> int:
    """Return an hour of the day that is not soon."""
    return (datetime.now(UTC) + timedelta(hours=12)).hour


def one_round(server: Server, folder: Path, is_ours: bool, count: int) -> list[Figure]:
    """Return the figures of creating, planning again and changing all, for one tool."""
    server.fresh()
    write = ours if is_ours else theirs
    deploy, plan = ("deploy", "plan") if is_ours else ("sync", "plan")
    program = OURS if is_ours else [str(THEIRS)]
    arguments, environment = write(folder, server.url, count, 4)
    found = [
        server.measure([*program, deploy, *arguments], environment),
        server.measure([*program, plan, *arguments], environment),
    ]
    arguments, environment = write(folder, server.url, count, 8)
    return [*found, server.measure([*program, deploy, *arguments], environment)]


def middle(figures: list[Figure]) -> Figure:
    """Return the medians."""
    calls = max(figure.calls for figure in figures)
    names = ("seconds", "cpu_seconds", "megabytes")
    return Figure(calls, *(statistics.median(getattr(f, name) for f in figures) for name in names))


def compare(server: Server, folder: Path, runs: int, count: int) -> bool:
    """Print the table; return whether all goals are met."""
    rounds: dict[bool, list[list[Figure]]] = {True: [], False: []}
    compileall.compile_dir(ROOT / "marketing_analytics", quiet=1)
    for _ in range(runs):
        for is_ours in (False, True):
            rounds[is_ours].append(one_round(server, folder, is_ours, count))
    print(f"| {count} jobs, {len(VARIABLES)} variables each | dbt-jobs-as-code | ours | times |")
    print("|---|---|---|---|")
    is_met = True
    for place, (name, (most_calls, least_times)) in enumerate(GOALS.items()):
        other, own = (middle([r[place] for r in rounds[is_ours]]) for is_ours in (False, True))
        times = other.seconds / own.seconds
        is_met &= (own.calls <= most_calls or count != 50) and times >= least_times
        print(f"| {name} | {in_words(other)} | {in_words(own)} | {times:.1f} |", flush=True)
    return is_met


def in_words(figure: Figure) -> str:
    """Return a figure for a cell."""
    return f"{figure.calls} calls, {figure.seconds:.2f} s (CPU {figure.cpu_seconds:.2f} s)"


def plan_large(server: Server, folder: Path, count: int) -> bool:
    """Print what a plan of many jobs takes; return whether the goals are met."""
    server.fresh()
    server.ask("latency", 0.0)
    arguments, environment = ours(folder, server.url, count, 4)
    server.measure([*OURS, "deploy", *arguments], environment)
    server.ask("latency", LATENCY_SECONDS)
    found = server.measure([*OURS, "plan", *arguments], environment)
    print(f"| plan of {count} jobs | | {in_words(found)}, {found.megabytes:.0f} MB | |")
    seen = {"calls": found.calls, "seconds": found.seconds, "MB": found.megabytes}
    return all(seen[name] <= goal for name, goal in LARGE_GOALS.items())


def main() -> int:
    """Measure both; return 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=50)
    parser.add_argument("--large", type=int, default=1000)
    arguments = parser.parse_args()
    if not THEIRS.exists():
        print(f"{THEIRS} is not there: make .venv-clients/installed")
        return 1
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name))
        try:
            met = [
                compare(server, Path(name), arguments.runs, arguments.jobs),
                plan_large(server, Path(name), arguments.large),
            ]
        finally:
            server.process.kill()
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
