"""Time whole commands in ms: helps, and a dry run of nine jobs on a local server.

The target is for the time of the processor, so that a busy machine says the same.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.jobs_as_code import installed
from benchmarks.server_list import served
from marketing_analytics.local_cloud.testing import ACCOUNT_ID as ACCOUNT
from marketing_analytics.local_cloud.testing import ENVIRONMENT_ID as ENVIRONMENT
from marketing_analytics.local_cloud.testing import PROJECT_ID as PROJECT

ROOT = Path(__file__).resolve().parent.parent
MARKETING = str(Path(sys.executable).parent / "marketing")
DEPLOY = ["jobs", "deploy", "--config", "env_file/dev_env.tfvars"]
RUNS = 10
HELPS = ("--help", "jobs --help", "jobs deploy --help", "ingest run --help")
TARGETS_MS = {**dict.fromkeys(HELPS, 150), "deploy --dry-run": 300}


def milliseconds(command: list[str], settings: dict[str, str]) -> list[tuple[float, float]]:
    """Return the processor's and the wall time of each run of a command, after one warm-up."""
    times = []
    for _ in range(RUNS + 1):
        started, before = time.perf_counter(), os.times()
        environment = installed() | settings
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=environment)
        after = os.times()
        cpu = after.children_user + after.children_system
        cpu -= before.children_user + before.children_system
        times.append((cpu * 1000, (time.perf_counter() - started) * 1000))
    return times[1:]


def report(name: str, times: list[tuple[float, float]]) -> bool:
    """Print a figure; return whether the target is met."""
    cpu, wall = (statistics.median(each) for each in zip(*times, strict=True))
    target = TARGETS_MS[name]
    print(f"marketing {name}: {cpu:.0f} ms of the processor, target {target}; took {wall:.0f} ms")
    return bool(cpu <= target)


def main() -> int:
    """Print the figures; return 1 when a target is missed."""
    met = [report(name, milliseconds([MARKETING, *name.split()], {})) for name in HELPS]
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
            deploy, check=True, capture_output=True, cwd=ROOT, env=installed() | settings
        )
        times = milliseconds([*deploy, "--dry-run"], settings)
    return 0 if report("deploy --dry-run", times) and all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
