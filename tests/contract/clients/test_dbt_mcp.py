"""dbt-mcp 2.8 over https, asked as an assistant asks it: its admin tools."""

import json
import time

import pytest

from .shop import BUILD

pytestmark = [pytest.mark.clients]


@pytest.fixture(scope="module")
def assistant(run_client, cloud):
    """Return a function that calls tools of a fresh server; it returns what they said."""
    served = cloud.served
    settings = {
        "DBT_HOST": cloud.host,
        "DBT_TOKEN": served.token,
        "DBT_ACCOUNT_ID": str(served.account_id),
        "DBT_PROD_ENV_ID": str(served.environment_id),
        "DBT_MCP_ENABLE_ADMIN_API": "true",
        "DBT_MCP_ENABLE_DISCOVERY": "true",
        # those that dbt Labs' own servers answer
        "DISABLE_TOOLS": "get_related_models,search,text_to_sql,execute_sql",
        "DO_NOT_TRACK": "1",
    }

    def call(*calls, is_refused=False):
        said = run_client("dbt-mcp", "dbt_mcp_client.py", given=json.dumps(calls), **settings)
        found = json.loads(said.splitlines()[-1])
        for (name, _), (is_error, texts) in zip(calls, found["said"], strict=True):
            assert is_error == is_refused, (name, texts)
        return [read(texts) for _, texts in found["said"]]

    return call


def read(texts):
    """Return what a tool said: JSON where it is some."""
    try:
        found = [json.loads(text) for text in texts]
    except ValueError:
        return texts
    return found[0] if len(found) == 1 else found


def wait(cloud, job_id):
    """Return the last run of a job as soon as it has ended."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        run = cloud.runs_of(job_id)[-1]
        if run["is_complete"]:
            return run
        time.sleep(0.5)
    raise AssertionError("the run does not end")


def test_an_assistant_lists_triggers_reads_and_retries(assistant, cloud, bare):
    good, failing = (
        cloud.make_job("mcp good"),
        cloud.make_job("mcp fails", [BUILD, "dbt run -s fragile"]),
    )
    slow = cloud.make_job("mcp slow", ["dbt run --select tag:slow"])
    projects, jobs, details, *_ = assistant(
        ("list_projects", {}),
        ("list_jobs", {}),
        ("get_job_details", {"job_id": good}),
        *(("trigger_job_run", {"job_id": job, "cause": "asked"}) for job in (good, failing, slow)),
    )
    assert "Marketing" in json.dumps(projects)
    assert all(str(job) in json.dumps(jobs) for job in (good, failing, slow))
    assert BUILD in json.dumps(details)
    assert wait(cloud, failing)["status"] == 20
    wait(cloud, good)
    run = cloud.check_built(good, bare)
    assert cloud.rows() == bare.rows
    failed, [hanging] = cloud.runs_of(failing)[-1], cloud.runs_of(slow)
    names, artifact, runs, about, error, *_ = assistant(
        ("list_job_run_artifacts", {"run_id": run["id"]}),
        ("get_job_run_artifacts", {"run_id": run["id"], "artifact_path": "run_results.json"}),
        ("list_jobs_runs", {"job_id": good}),
        ("get_job_run_details", {"run_id": run["id"]}),
        ("get_job_run_error", {"run_id": failed["id"]}),
        ("cancel_job_run", {"run_id": hanging["id"]}),
        ("retry_job_run", {"run_id": failed["id"]}),
    )
    assert "run_results.json" in json.dumps(names)
    assert "model.shop.customers" in json.dumps(artifact)
    assert str(run["id"]) in json.dumps(runs)
    assert about["status"] == 10
    assert "no_such_column" in json.dumps(error)
    assert wait(cloud, slow)["status"] == 30
    assert wait(cloud, failing)["id"] > failed["id"]


def test_an_assistant_discovers_the_project(assistant, cloud, bare):
    job = cloud.make_job("mcp docs", generate_docs=True, run_generate_sources=True)
    cloud.ask("POST", f"v2/{{account}}/jobs/{job}/run/", {"cause": "docs"})
    run = wait(cloud, job)
    assert run["status"] == 10
    model = {"unique_id": "model.shop.customers"}
    models, marts, details, parents, children, health, *rest = assistant(
        ("get_all_models", {}),
        ("get_mart_models", {}),
        ("get_model_details", model),
        ("get_model_parents", {"name": "customers"}),
        ("get_model_children", model),
        ("get_model_health", {"name": "customers"}),
        ("get_model_performance", {**model, "include_tests": True}),
        ("get_lineage", {**model, "depth": 5}),
        ("get_all_sources", {}),
        ("get_source_details", {"unique_id": "source.shop.till.raw_orders"}),
        ("get_exposures", {}),
        ("get_exposure_details", {"unique_id": "exposure.shop.weekly_board"}),
        ("get_all_macros", {"package_names": ["shop"]}),
        ("get_macro_details", {"unique_id": "macro.shop.cents"}),
        ("get_seed_details", {"name": "raw_orders"}),
        ("get_snapshot_details", {"unique_id": "snapshot.shop.customers_seen"}),
        ("get_test_details", {"unique_id": "test.shop.no_negative_amounts"}),
    )
    shown = {name for name in bare.manifest["nodes"] if name.startswith("model.")}
    assert all(name in json.dumps(models) for name in shown)
    assert "stg_orders" not in json.dumps(marts)
    assert "customers" in json.dumps(marts)
    text = json.dumps(details)
    assert "All that they paid." in text
    assert bare.manifest["nodes"]["model.shop.customers"]["raw_code"].split()[-1] in text
    assert "stg_orders" in json.dumps(parents)
    assert all(name in json.dumps(children) for name in ("weekly_board", "customers_seen"))
    assert '"success"' in json.dumps(health)
    performance, lineage, sources, about_source, exposures, board, macros, cents, *last = rest
    assert str(run["id"]) in json.dumps(performance)
    assert all(name in json.dumps(lineage) for name in ("raw_orders", "weekly_board"))
    assert "raw_orders" in json.dumps(sources)
    assert "What the till recorded." in json.dumps(about_source)
    assert '"pass"' in json.dumps(about_source)
    assert "https://board.example.com/1" in json.dumps(exposures)
    assert "ann@example.com" in json.dumps(board)
    assert "macro.shop.cents" in json.dumps(macros)
    assert "* 100" in json.dumps(cents)
    seed, snapshot, test = map(json.dumps, last)
    assert "seed.shop.raw_orders" in seed
    assert "dbt_valid_from" in snapshot
    assert "amount_cents < 0" in test
