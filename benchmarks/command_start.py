"""Time whole commands: `marketing --help`, and a dry run of nine jobs on a local server, in ms."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.server_list import served
from marketing_analytics.local_cloud.testing import ACCOUNT_ID as ACCOUNT
from marketing_analytics.local_cloud.testing import ENVIRONMENT_ID as ENVIRONMENT
from marketing_analytics.local_cloud.testing import PROJECT_ID as PROJECT

ROOT = Path(__file__).resolve().parent.parent
MARKETING = str(Path(sys.executable).parent / "marketing")
DEPLOY = ["jobs", "deploy", "--config", "env_file/dev_env.tfvars"]
RUNS = 10
TARGETS_MS = {"--help": 150, "ingest run --help": 150, "deploy --dry-run": 600}


def milliseconds(command: list[str], settings: dict[str, str] | None = None) -> list[float]:
    """Return the wall time of each of the runs of a command, after one warm-up."""
    times = []
    environment = {**os.environ, **(settings or {})}
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=environment)
        times.append((time.perf_counter() - started) * 1000)
    return times[1:]


def report(name: str, times: list[float]) -> bool:
    """Print a figure; return whether the target is met."""
    median, target = statistics.median(times), TARGETS_MS[name]
    print(f"marketing {name}: median {median:.0f} ms, best {min(times):.0f} ms, target {target}")
    return median <= target


def main() -> int:
    """Print the figures; return 1 when a target is missed."""
    helps = ("--help", "ingest run --help")
    met = [report(name, milliseconds([MARKETING, *name.split()])) for name in helps]
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (address, token):
        settings = {
            "DBTCLOUD_HOST_URL": address,
            "DBTCLOUD_TOKEN": token,
            "DBTCLOUD_ACCOUNT_ID": str(ACCOUNT),
            "PROJECT_ID": str(PROJECT),
            "ENVIRONMENT_ID": str(ENVIRONMENT),
            "CI_COMMIT_REF_SLUG": "bench",
            "GITLAB_USER_LOGIN": "bench",
        }
        deploy = [MARKETING, *DEPLOY]
        subprocess.run(
            deploy, check=True, capture_output=True, cwd=ROOT, env={**os.environ, **settings}
        )
        times = milliseconds([*deploy, "--dry-run"], settings)
    return 0 if report("deploy --dry-run", times) and all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
