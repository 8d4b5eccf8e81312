"""Memory, files and threads of one server while thousands of runs go through it.

    python -m benchmarks.server_soak [--runs 5000]

The whole server (API, pages, engine, webhooks) with a stand-in for dbt. Runs are started over the
API; beside them lists, run pages and the home page are read. Exits 1 when the memory of the last
fifth is more than 5 % above that of the second fifth, or files or threads grow.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from benchmarks.seeded_pages import seed_many
from benchmarks.tiny_cloud import STAND_IN, create_cloud, write_project
from marketing_analytics.core.console import Console
from marketing_analytics.local_cloud.runs.confinement.access import Access
from marketing_analytics.local_cloud.runs.engine import Engine, EngineSettings
from marketing_analytics.local_cloud.server import run_server
from marketing_analytics.local_cloud.settings import Identity, ServerSettings
from marketing_analytics.local_cloud.store.accounts import add_token
from marketing_analytics.local_cloud.store.connection import open_connection, transaction
from marketing_analytics.web.listening import open_socket

ENVIRONMENTS = 4
TOGETHER = 8
LOOKS = 50
RUNS_BEFORE = 10_000
MOST_GROWTH = 0.05
TOKEN = "soak-token-soak-token"
ACCOUNT = "/api/v2/accounts/1"


def serve(data_folder: Path) -> None:
    """Be the server that is measured."""
    logging.disable(logging.WARNING)
    settings = ServerSettings(
        identity=Identity(account_id=1, project_id=1, environment_id=1, token=TOKEN),
        data_dir=data_folder,
        project_dir=data_folder.parent / "project",
    )
    with closing(open_socket(settings.host, 0)) as listening:
        # the stand-in is outside the folders of a run
        engine = Engine(
            data_folder, settings=EngineSettings(program=STAND_IN, access=Access(is_open=True))
        )
        engine.start()
        run_server(settings, engine, listening, Console())


def prepare(folder: Path) -> None:
    """Fill the store."""
    project = write_project(folder / "project")
    slots = {"environments": ENVIRONMENTS, "run_slots": ENVIRONMENTS}
    with closing(create_cloud(folder / "data", project, **slots)) as store, transaction(store):
        add_token(store, 1, "first", TOKEN)
    # a store beyond SQLite's page caches, which else fill during the series
    seed_many(folder / "data", jobs=100, runs=RUNS_BEFORE)


def add_jobs(client: httpx.Client) -> list[int]:
    """Create the jobs; return their ids."""
    return [
        post(
            client,
            f"{ACCOUNT}/jobs/",
            {
                "name": f"job {number}",
                "project_id": 1,
                "environment_id": number % ENVIRONMENTS + 1,
                "execute_steps": ["dbt run"],
            },
        )
        for number in range(TOGETHER)
    ]


def post(client: httpx.Client, path: str, body: dict[str, Any]) -> int:
    return int(client.post(path, json=body).raise_for_status().json()["data"]["id"])


class Look:
    """What the kernel says of a process."""

    def __init__(self, pid: int) -> None:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
        said = dict(line.split(":", 1) for line in lines if ":" in line)
        self.megabytes = int(said["VmRSS"].split()[0]) / 1024
        self.threads = int(said["Threads"])
        self.files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())

    def __str__(self) -> str:
        return f"{self.megabytes:.1f} MB, {self.files} files, {self.threads} threads"


def soak(client: httpx.Client, jobs: list[int], runs: int, pid: int) -> list[Look]:
    """Let so many runs go through the server; return a look at it after every fiftieth."""
    looks = []
    begun = 0
    for look in range(1, LOOKS + 1):
        goal = runs * look // LOOKS
        while begun < goal:
            begun += feed(client, jobs, goal - begun)
            read(client, begun)
            time.sleep(0.05)
        while waiting(client):
            time.sleep(0.05)
        looks.append(Look(pid))
        print(f"{begun} runs: {looks[-1]}", flush=True)
    return looks


def waiting(client: httpx.Client) -> int:
    path = f"{ACCOUNT}/runs/?status__in=[1,2,3]&limit=1"
    return int(get(client, path).json()["extra"]["pagination"]["total_count"])


def feed(client: httpx.Client, jobs: list[int], most: int) -> int:
    """Start as many runs as there is room for; return how many."""
    count = min(TOGETHER - waiting(client), most)
    for number in range(max(count, 0)):
        body = {"cause": "soak", "steps_override": ["dbt run print=65536"]}
        path = f"{ACCOUNT}/jobs/{jobs[number % len(jobs)]}/run/"
        post(client, path, body)
    return max(count, 0)


def read(client: httpx.Client, run_id: int) -> None:
    """Read what a person and a client would."""
    for path in ("/jobs", "/runs", f"/runs/{run_id}"):
        get(client, path)
    get(client, f"{ACCOUNT}/runs/{run_id}/?include_related=[run_steps]")
    get(client, "/")


def get(client: httpx.Client, path: str) -> httpx.Response:
    return client.get(path, headers={"Accept": "text/html"}).raise_for_status()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--serve", type=Path)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        command = [sys.executable, "-m", "benchmarks.server_soak", "--serve", str(folder / "data")]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            address = address_of(folder / "data" / "server.json")
            headers = {"Authorization": f"Token {TOKEN}"}
            with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
                looks = soak(client, add_jobs(client), given.runs, server.pid)
        finally:
            server.terminate()
            server.wait()
        with closing(open_connection(folder / "data" / "cloud.sqlite")) as connection:
            states = connection.execute("select status, count(*) from runs group by 1").fetchall()
    return judge(looks, [tuple(row) for row in states])


def address_of(path: Path) -> str:
    until = time.monotonic() + 60
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.05)
    return str(json.loads(path.read_text("utf-8"))["url"])


def judge(looks: list[Look], states: list[tuple[int, ...]]) -> int:
    """Compare the second fifth with the last; return 1 when something grows."""
    fifth = len(looks) // 5
    early, late = looks[fifth : 2 * fifth], looks[-fifth:]
    before, after = (statistics.median(one.megabytes for one in part) for part in (early, late))
    files, threads = (
        max(getattr(one, name) for one in late) - max(getattr(one, name) for one in early)
        for name in ("files", "threads")
    )
    growth = after / before - 1
    print(f"runs by status: {states}")
    print(
        f"memory {before:.1f} MB in the second fifth, {after:.1f} MB in the last ({growth:+.1%});"
        f" files {files:+d}, threads {threads:+d}"
    )
    return 0 if growth <= MOST_GROWTH and files <= 2 and threads <= 2 else 1


if __name__ == "__main__":
    sys.exit(main())
