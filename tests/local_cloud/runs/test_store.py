"""What a run takes from its job and overrides, cancelling, lists, logs, chains."""

from __future__ import annotations

import json

import pytest

from benchmarks.tiny_cloud import add_variable
from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs import store
from marketing_analytics.local_cloud.runs.store import RunFilter
from marketing_analytics.local_cloud.store.pages import Page


def test_a_run_takes_its_settings_from_the_job(cloud):
    job = cloud.job(
        ["dbt build"],
        settings={"threads": 3, "target_name": "prod"},
        execution={"timeout_seconds": 60},
        generate_docs=True,
        run_generate_sources=True,
    )
    row = cloud.row(cloud.run(job, cause="because"))
    assert (row.threads, row.target_name, row.timeout_seconds) == (3, "prod", 60)
    assert (row.generate_docs, row.run_source_freshness) == (1, 1)
    assert (row.status, row.cause, row.cause_category) == (1, "because", "api")
    assert row.schema_name == "tiny"


def test_overrides_win_and_null_means_no_override(cloud):
    job = cloud.job(["dbt build"], settings={"threads": 3}, generate_docs=True)
    overrides = {
        "threads_override": 8,
        "steps_override": ["dbt test"],
        "timeout_seconds_override": 5,
        "generate_docs_override": False,
        "schema_override": "mine",
        "target_name_override": None,
    }
    row = cloud.row(cloud.run(job, overrides=overrides))
    assert (row.threads, row.timeout_seconds, row.generate_docs) == (8, 5, 0)
    assert row.commands == ["dbt test"]
    assert (row.schema_name, row.target_name) == ("mine", "default")
    assert "target_name_override" not in row.trigger_body


def test_the_schema_is_the_narrowest_dbt_schema_variable(cloud):
    job, other = cloud.job(), cloud.job()
    add_variable(cloud.connection, "DBT_SCHEMA", "of_project")
    assert cloud.row(cloud.run(job)).schema_name == "of_project"
    add_variable(cloud.connection, "DBT_SCHEMA", "of_environment", environment_id=1)
    assert cloud.row(cloud.run(job)).schema_name == "of_environment"
    add_variable(cloud.connection, "DBT_SCHEMA", "anna_feature", job_id=job)
    assert cloud.row(cloud.run(job)).schema_name == "anna_feature"
    assert cloud.row(cloud.run(other)).schema_name == "of_environment"
    run = cloud.run(job, overrides={"schema_override": "one_off"})
    assert cloud.row(run).schema_name == "one_off"


@pytest.mark.parametrize(
    "overrides",
    [
        {"schema_override": "{{ env_var('HOME') }}"},
        {"schema_override": "x" * 64},
        {"schema_override": "../up"},
        {"target_name_override": "a b"},
        {"threads_override": 0},
        {"threads_override": "four"},
    ],
)
def test_an_override_that_cannot_be_used_is_refused_and_nothing_is_queued(cloud, overrides):
    job = cloud.job()
    with pytest.raises(UserError):
        cloud.run(job, overrides=overrides)
    assert store.list_runs(cloud.connection, RunFilter()) == Page([], 0)


def test_a_run_of_a_missing_or_deleted_job_is_refused(cloud):
    job = cloud.job()
    cloud.connection.execute("update jobs set state = 2")
    for job_id in (job, 4711):
        with pytest.raises(UserError, match="there is no job"):
            cloud.run(job_id)


def test_cancelling_a_queued_run_ends_it_at_once_and_twice_is_no_error(cloud):
    run = cloud.run(cloud.job())
    row = store.request_cancel(cloud.connection, run)
    assert (row.status, row.status_message) == (30, "Cancelled by user.")
    assert store.request_cancel(cloud.connection, run) == row
    with pytest.raises(UserError, match="there is no run 99"):
        store.request_cancel(cloud.connection, 99)


def condition(job_id: int, *statuses: int) -> dict:
    return {"condition": {"job_id": job_id, "project_id": 1, "statuses": list(statuses)}}


def test_the_end_of_a_run_queues_the_jobs_that_wait_for_that_status(cloud):
    first = cloud.job()
    after_cancel = cloud.job(job_completion_trigger_condition=condition(first, 20, 30))
    after_success = cloud.job(job_completion_trigger_condition=condition(first, 10))
    run = cloud.run(first)
    store.request_cancel(cloud.connection, run)
    wanted = RunFilter(cause_categories=("job completion",))
    (row,) = store.list_runs(cloud.connection, wanted).rows
    assert row.job_id == after_cancel
    assert row.cause == f"Triggered by the completion of run {run} of job {first}"
    assert after_success


def test_a_run_ends_though_a_job_that_waits_for_it_cannot_run(cloud, caplog):
    first = cloud.job()
    broken = cloud.job(job_completion_trigger_condition=condition(first, 30))
    whole = cloud.job(job_completion_trigger_condition=condition(first, 30))
    add_variable(cloud.connection, "DBT_SCHEMA", "no schema", job_id=broken)
    assert store.request_cancel(cloud.connection, cloud.run(first)).status == 30
    wanted = RunFilter(cause_categories=("job completion",))
    assert [row.job_id for row in store.list_runs(cloud.connection, wanted).rows] == [whole]
    assert f"job {broken} could not be queued" in caplog.text


def test_a_job_that_names_itself_does_not_run_for_ever(cloud):
    job = cloud.job()
    payload = {"execute_steps": [], "job_completion_trigger_condition": condition(job, 30)}
    cloud.change("update jobs set payload = :payload", payload=json.dumps(payload))
    store.request_cancel(cloud.connection, cloud.run(job))
    assert store.list_runs(cloud.connection, RunFilter()).total_count == 1


def test_runs_are_filtered_ordered_and_paged(cloud):
    one, two = cloud.job(), cloud.job(environment_id=2)
    runs = [cloud.run(job) for job in (one, two, one, two, one)]
    store.request_cancel(cloud.connection, runs[0])

    def ids(order_by: str = "id", limit: int = 100, offset: int = 0, **wanted):
        page = store.list_runs(
            cloud.connection, RunFilter(**wanted), order_by=order_by, limit=limit, offset=offset
        )
        return [row.id for row in page.rows], page.total_count

    assert ids() == (runs, 5)
    assert ids(order_by="-id", limit=2, offset=1) == ([runs[3], runs[2]], 5)
    assert ids(offset=50) == ([], 5)
    assert ids(job_id=two) == ([runs[1], runs[3]], 2)
    assert ids(statuses=(30,)) == ([runs[0]], 1)
    assert ids(environment_id=2, id_above=runs[1]) == ([runs[3]], 1)
    assert ids(run_ids=(runs[2], 99)) == ([runs[2]], 1)
    assert ids(account_id=2) == ([], 0)
    assert ids(project_ids=(1,), created_from="2020", created_to="2999")[1] == 5
    with pytest.raises(UserError, match="ordered by 'name'"):
        ids(order_by="name")


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({}, 4),
        ({"search": "SECOND"}, 2),
        ({"search": "%"}, 0),
        ({"cause_categories": ("ui", "rerun")}, 1),
        ({"statuses": (30,)}, 1),
        ({"environment_id": 2, "account_id": 1}, 2),
        ({"job_id": 1, "has_docs": False}, 2),
        ({"has_docs": False, "has_sources": False}, 4),
        ({"dbt_versions": ("1.8.0",)}, 0),
        ({"account_id": 2}, 0),
    ],
    ids=lambda value: " ".join(value) or "all" if isinstance(value, dict) else "",
)
def test_both_lists_and_the_count_select_the_same_runs(cloud, wanted, count):
    first, second = cloud.job(), cloud.job(environment_id=2)
    cloud.change("update jobs set name = 'the second' where id = :id", id=second)
    runs = [cloud.run(first, cause_category="ui"), *(cloud.run(job) for job in (second, first))]
    cloud.run(second)
    store.request_cancel(cloud.connection, runs[0])
    chosen = RunFilter(**wanted)
    page = store.list_runs(cloud.connection, chosen, order_by="-id")
    newest = store.newest_runs(cloud.connection, chosen, limit=100)
    assert [run.id for run in newest] == [run.id for run in page.rows]
    assert (page.total_count, store.count_runs(cloud.connection, chosen)) == (count, count)
    assert all(run.job_name == ("job", "the second")[run.job_id == second] for run in newest)
