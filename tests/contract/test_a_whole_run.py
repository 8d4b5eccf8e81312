"""A real server process with real dbt: deploy a job, run it, read steps, logs and artifacts."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.system

TOKEN = "token-of-a-whole-run-123456789"
SETTINGS = {
    "DBTCLOUD_ACCOUNT_ID": "1001",
    "PROJECT_ID": "2001",
    "ENVIRONMENT_ID": "3001",
    "DBTCLOUD_TOKEN": TOKEN,
}
PROJECT_FILES = {
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\nmodel-paths: [models]\n",
    "models/orders.sql": "select 1 as order_id, 20 as amount",
    "models/revenue.sql": "select sum(amount) as amount from {{ ref('orders') }}",
    "models/broken.sql": "select * from no_such_table",
    "models/slow.sql": "select count(*) as n from range(3000000000) as a, range(1000) as b",
}


class Api:
    """One connection to the server."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self.connection = http.client.HTTPConnection(address.hostname or "", address.port)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        text = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Token {TOKEN}"}
        self.connection.request(method, f"/api/v2/accounts/1001/{path}", text, headers)
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        assert response.status < 300, answer
        return answer

    def run(self, **job: Any) -> int:
        body = {"project_id": 2001, "environment_id": 3001, "name": "whole", **job}
        job_id = self.call("POST", "jobs/", body)["data"]["id"]
        run_id: int = self.call("POST", f"jobs/{job_id}/run/", {"cause": "test"})["data"]["id"]
        return run_id

    def wait(self, run_id: int, done: Any, seconds: float = 120) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            run: dict[str, Any] = self.call("GET", f"runs/{run_id}/?include_related=run_steps")
            if done(run["data"]):
                found: dict[str, Any] = run["data"]
                return found
            time.sleep(0.2)
        raise AssertionError(run)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("whole")
    for name, text in PROJECT_FILES.items():
        path = folder / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    command = [sys.executable, "-m", "marketing_analytics", "cloud", "serve", "--port", "0"]
    command += ["--data-dir", str(folder / "data"), "--project-dir", str(folder / "project")]
    process = subprocess.Popen(command, env={**os.environ, **SETTINGS}, stdout=subprocess.DEVNULL)
    ready = folder / "data" / "server.json"
    until = time.monotonic() + 60
    while not ready.exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    yield Api(json.loads(ready.read_text())["url"])
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


@pytest.mark.slow
def test_a_good_run_has_the_steps_logs_and_artifacts_of_dbt_cloud(api: Api) -> None:
    command = "dbt build --select orders revenue"
    run_id = api.run(execute_steps=[command], generate_docs=True)
    run = api.wait(run_id, lambda run: run["is_complete"])
    assert run["status"] == 10, run["run_steps"]
    names = [step["name"] for step in run["run_steps"]]
    assert names[0] == "Clone git repository"
    assert names[1].startswith("Create Profile from Connection ")
    assert names[2] == "Invoke dbt with `dbt deps`"
    assert names[3] == f"Invoke dbt with `{command}`"
    assert "docs generate" in names[4]
    assert [step["index"] for step in run["run_steps"]] == [1, 2, 3, 4, 5]
    assert all(step["logs"] for step in run["run_steps"] if step["status"] == 10)
    assert "revenue" in run["run_steps"][3]["logs"]
    assert len(run["run_steps"][3]["debug_logs"]) > len(run["run_steps"][3]["logs"])
    assert run["artifacts_saved"]
    assert run["has_docs_generated"]
    assert "manifest.json" in api.call("GET", f"runs/{run_id}/artifacts/")["data"]
    results = api.call("GET", f"runs/{run_id}/artifacts/run_results.json?step=4")
    assert {item["status"] for item in results["results"]} == {"success"}
    latest = api.call("GET", f"jobs/{run['job_id']}/artifacts/manifest.json")
    assert "model.shop.revenue" in latest["nodes"]


@pytest.mark.slow
def test_a_failed_run_stops_and_is_retried_from_there(api: Api) -> None:
    commands = ["dbt run --select orders", "dbt run --select broken", "dbt run --select revenue"]
    run_id = api.run(execute_steps=commands)
    run = api.wait(run_id, lambda run: run["is_complete"])
    assert run["status"] == 20
    assert run["can_retry"]
    details = api.call("GET", f"runs/{run_id}/retry/")["data"]
    assert details == {"failed_step": commands[1], "skipped_steps": [commands[2]]}
    new = api.call("POST", f"jobs/{run['job_id']}/rerun/")["data"]
    assert new["trigger"]["steps_override"] == commands[1:]
    assert api.wait(new["id"], lambda run: run["is_complete"])["status"] == 20


@pytest.mark.slow
def test_a_running_run_is_cancelled(api: Api) -> None:
    run_id = api.run(execute_steps=["dbt run --select slow"])
    api.wait(run_id, lambda run: any(step["status"] == 3 for step in run["run_steps"][3:]))
    api.call("POST", f"runs/{run_id}/cancel/")
    run = api.wait(run_id, lambda run: run["is_complete"], seconds=30)
    assert (run["status"], run["status_message"]) == (30, "Cancelled by user.")
