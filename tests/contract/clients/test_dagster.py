"""dagster-dbt 0.29: it reads the project out of a run's manifest and materialises its assets."""

import json

import pytest

pytestmark = [pytest.mark.clients]


def test_assets_are_materialised_and_tests_become_checks(run_client, cloud, bare, tmp_path):
    home = {"DAGSTER_HOME": str(tmp_path), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    said = run_client("dagster-dbt", "dagster_client.py", **home)
    found = json.loads(said.splitlines()[-1])
    assert found["success"]
    assert set(found["assets"]) == {"raw_orders", "stg_orders", "customers", "customers_seen"}
    tests = [name for name in bare.statuses if name.startswith("test.")]
    assert len(found["checks"]) == len(tests)
    assert all(found["checks"].values())
    [url] = found["urls"]
    jobs = {job["name"]: job["id"] for job in cloud.ask("GET", "v2/{account}/jobs/?limit=100")}
    [own] = [name for name in jobs if "DAGSTER_ADHOC" in name.upper()][:1]
    runs = [run for job in jobs.values() for run in cloud.runs_of(job) if run["href"] == url]
    [run] = runs
    assert own
    bare.check(
        cloud.artifact(run["id"], "run_results.json"), cloud.artifact(run["id"], "manifest.json")
    )
    assert cloud.rows() == bare.rows
