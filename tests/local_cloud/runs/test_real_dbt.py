"""The same with real dbt on a tiny project: what a user sees of a run."""

from __future__ import annotations

import json

import pytest

from benchmarks.tiny_cloud import BUILD, add_variable
from marketing_analytics.local_cloud.runs import progress, store
from marketing_analytics.local_cloud.runs.artifacts import list_artifacts, resolve_artifact
from marketing_analytics.local_cloud.runs.workspace import METADATA_NAMES

pytestmark = pytest.mark.system


@pytest.fixture
def store_kind() -> str:
    """Return one store: what dbt does does not depend on it."""
    return "sqlite"


@pytest.fixture
def engine(start_engine):
    return start_engine(program=(), interrupt_seconds=10, terminate_seconds=5)


def nodes_of_step(cloud, run_id: int, step: int) -> list:
    found = progress.list_nodes(cloud.connection, run_id)
    return [node for node in found if node.step_index == step]


def nodes(cloud, run_id: int, step: int) -> dict[str, str]:
    rows = nodes_of_step(cloud, run_id, step)
    return {row.name: row.status for row in rows}


def test_a_build_leaves_models_logs_nodes_and_artifacts_and_the_next_parse_is_partial(
    cloud, engine
):
    add_variable(cloud.connection, "DBT_ENV_SECRET_WORD", "canary-4711")
    (cloud.project / "models" / "two.sql").write_text(
        "{{ config(materialized='table') }}\n"
        "{{ log('the word is ' ~ env_var('DBT_CLOUD_JOB_ID') ~ 'canary-4711', info=true) }}\n"
        "select id from {{ ref('one') }}\n"
    )
    job = cloud.job([BUILD, "dbt test --select two"], generate_docs=True)
    run = cloud.run(job)
    row = cloud.wait(run, seconds=60)
    assert (row.status, row.status_message, row.has_artifacts) == (10, None, 1)
    check_warehouse(cloud)
    assert "Completed successfully" in cloud.log(run, 4)
    assert "the word is " in cloud.log(run, 4)
    assert nodes(cloud, run, 4) == {
        "one": "success",
        "two": "success",
        "not_null_two_id": "pass",
        "unique_two_id": "pass",
    }
    first = nodes_of_step(cloud, run, 4)[0]
    assert first.thread.startswith("Thread-")
    assert row.started_at <= first.started_at <= first.finished_at <= row.finished_at
    assert first.execution_seconds > 0
    assert nodes(cloud, run, 5) == {"not_null_two_id": "pass", "unique_two_id": "pass"}
    assert {"manifest.json", "run_results.json"} <= set(list_artifacts(cloud.data_folder, run, 4))
    assert "catalog.json" in list_artifacts(cloud.data_folder, run)
    results = resolve_artifact(cloud.data_folder, run, "run_results.json", 5)
    assert results is not None
    assert len(json.loads(results.read_text())["results"]) == 2
    for path in (cloud.data_folder / "runs" / str(run) / "steps").iterdir():
        assert "canary-4711" not in path.read_text()
    again = cloud.run(job)
    assert cloud.wait(again, seconds=60).status == 10
    # the manifest of a partial parse tells of its own run as well
    for name in ("manifest.json", "run_results.json", "catalog.json"):
        path = resolve_artifact(cloud.data_folder, again, name)
        assert path is not None
        told = json.loads(path.read_text())["metadata"]["env"]
        assert (told["DBT_CLOUD_RUN_ID"], told["DBT_CLOUD_JOB_ID"]) == (str(again), str(job))
        assert told["DBT_CLOUD_PROJECT_ID"] == "1"
        assert told["DBT_CLOUD_RUN_REASON_CATEGORY"] == "api"
        assert set(told) == set(METADATA_NAMES)
    text = (cloud.data_folder / "runs" / str(again) / "steps" / "4.debug.log").read_text()
    assert "Partial parsing enabled: 0 files deleted, 0 files added, 0 files changed" in text


def check_warehouse(cloud) -> None:
    """Who sees the run ended can open the file, and finds everything in it, not in its log."""
    import duckdb

    path = cloud.data_folder / "warehouse" / "env_1.duckdb"
    assert not path.with_suffix(".duckdb.wal").exists()
    with duckdb.connect(str(path), read_only=True) as warehouse:
        assert warehouse.execute("select id from tiny.two").fetchall() == [(1,)]


def test_a_model_that_fails_is_named_with_its_message(cloud, engine):
    run = cloud.run(cloud.job(["dbt run --select one broken"]))
    row = cloud.wait(run, seconds=60)
    assert row.status == 20
    assert row.status_message.startswith("Invoke dbt with `dbt run --select one broken` failed")
    assert "no_such_column" in row.status_message
    assert nodes(cloud, run, 4) == {"one": "success", "broken": "error"}
    broken = next(row for row in progress.list_nodes(cloud.connection, run) if row.name == "broken")
    assert "no_such_column" in broken.message
    assert row.has_artifacts == 1


@pytest.mark.slow
def test_an_option_that_its_command_does_not_have_fails_with_dbts_words(cloud, engine):
    run = cloud.run(cloud.job(["dbt test --full-refresh"]))
    assert cloud.wait(run, seconds=60).status == 20
    assert "No such option" in cloud.log(run)
    assert "--full-refresh" in cloud.row(run).status_message.partition("failed: ")[2]


@pytest.mark.slow
def test_a_long_query_is_cancelled_with_its_results_kept(cloud, engine, wait_until):
    run = cloud.run(cloud.job(["dbt run --select one slow"]))
    wanted = {"one": "success", "slow": "started"}
    wait_until(lambda: nodes(cloud, run, 4) == wanted, 60)
    store.request_cancel(cloud.connection, run)
    row = cloud.wait(run, seconds=20)
    assert (row.status, row.status_message) == (30, "Cancelled by user.")
    assert nodes(cloud, run, 4)["one"] == "success"
    assert "run_results.json" in list_artifacts(cloud.data_folder, run)
    following = cloud.run(cloud.job(["dbt run --select one"]))
    assert cloud.wait(following, seconds=60).status == 10


@pytest.mark.slow
def test_a_missing_raw_database_is_the_reason_that_a_run_gives(cloud, start_engine):
    raw = cloud.data_folder / "raw.duckdb"
    start_engine(program=(), raw_database=raw)
    (cloud.project / "models" / "one.sql").write_text("select * from raw.shop.orders\n")
    run = cloud.run(cloud.job([BUILD]))
    row = cloud.wait(run, seconds=60)
    assert row.status == 20
    sentence = f"failed: there is no raw database at {raw} yet: "
    assert sentence in row.status_message
    assert row.status_message.endswith(f" ingest run --raw-database {raw} fills it")


def test_no_secret_of_a_run_reaches_the_store(cloud, engine):
    add_variable(cloud.connection, "DBT_PSEUDONYM_KEY", "canary-4711")
    (cloud.project / "models" / "broken.sql").write_text(
        "{{ config(materialized='table') }}\n"
        "select error('it was ' || '{{ env_var(\"DBT_PSEUDONYM_KEY\") }}')\n"
    )
    run = cloud.run(cloud.job(["dbt build --select broken"]))
    row = cloud.wait(run, seconds=60)
    assert "it was **********" in row.status_message
    (node,) = nodes_of_step(cloud, run, 4)
    assert "it was **********" in node.message
    stored = "\n".join(cloud.connection.iterdump())
    assert stored.count("canary-4711") == 1, "only the variable itself"
