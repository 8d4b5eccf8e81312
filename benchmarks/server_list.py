"""Figure: list requests a second that the local dbt Cloud answers to one keep-alive client.

Starts `marketing cloud serve` on a free port, creates 9 jobs, then lists them for some seconds.
Usage: python benchmarks/server_list.py [--seconds 5] [--jobs 9] [--include]
"""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from marketing_analytics.local_cloud.testing import ACCOUNT_ID as ACCOUNT
from marketing_analytics.local_cloud.testing import ENVIRONMENT_ID as ENVIRONMENT
from marketing_analytics.local_cloud.testing import PROJECT_ID as PROJECT
from marketing_analytics.local_cloud.testing import serving

TARGET_PER_SECOND = 500


def main() -> int:
    """Measure, print one line, and return 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--jobs", type=int, default=9)
    parser.add_argument("--include", action="store_true", help="with environment and variables")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (address, token):
        client = Client(address, token)
        for number in range(arguments.jobs):
            client.create_job(number)
        path = f"/api/v2/accounts/{ACCOUNT}/jobs/?project_id={PROJECT}&limit=100"
        if arguments.include:
            path += "&include_related=[environment,custom_environment_variables]"
        rate, median_ms, slowest_ms, size = client.measure(path, arguments.seconds)
    print(
        f"{rate:.0f} list requests/s of {arguments.jobs} jobs ({size} bytes each), one client: "
        f"median {median_ms:.2f} ms, slowest 1 % {slowest_ms:.2f} ms; target {TARGET_PER_SECOND}"
    )
    return 0 if rate >= TARGET_PER_SECOND else 1


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, str]]:
    """Run a server and give its address and token."""
    project = folder / "project"
    project.mkdir()
    (project / "dbt_project.yml").write_text("name: bench\nversion: 1.0.0\nprofile: bench\n")
    with serving(project, folder / "data") as cloud:
        yield cloud.url, cloud.token


class Client:
    """One keep-alive connection."""

    def __init__(self, address: str, token: str) -> None:
        parts = urlsplit(address)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        self.headers = {"Authorization": f"Token {token}"}

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        """Send a request and return the body of its answer, which must be a success."""
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, self.headers)
        response = self.connection.getresponse()
        answer = response.read()
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {answer[:300]!r}")
        return answer

    def create_job(self, number: int) -> None:
        """Create a job like the ones that deployments make."""
        job = {
            "project_id": PROJECT,
            "environment_id": ENVIRONMENT,
            "name": f"marketing-team-main-user-job-{number}",
            "description": f"A job. [marketing:1 team=marketing-team key=job-{number}]",
            "execute_steps": ["dbt build --select tag:attribution", "dbt test --select tag:ads"],
            "settings": {"threads": 4, "target_name": "default"},
            "triggers": {"schedule": True},
            "schedule": {"date": {"type": "custom_cron", "cron": f"{number} 8 * * *"}},
        }
        self.request("POST", f"/api/v2/accounts/{ACCOUNT}/jobs/", job)

    def measure(self, path: str, seconds: float) -> tuple[float, float, float, int]:
        """Return requests a second, median and 99th percentile in ms, bytes of an answer."""
        for _ in range(100):
            size = len(self.request("GET", path))
        times = []
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            before = time.perf_counter()
            self.request("GET", path)
            times.append(time.perf_counter() - before)
        rate = len(times) / (time.perf_counter() - start)
        times.sort()
        return rate, times[len(times) // 2] * 1e3, times[len(times) * 99 // 100] * 1e3, size


if __name__ == "__main__":
    raise SystemExit(main())
