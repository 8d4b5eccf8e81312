"""What a run has of an earlier one: the state it defers to, the results it goes on from."""

from __future__ import annotations

import json

import pytest

from marketing_analytics.cloud_api.states import Status
from marketing_analytics.local_cloud.runs import progress, queue
from marketing_analytics.local_cloud.runs.requests.again import retry_run
from marketing_analytics.local_cloud.runs.requests.deferral import defer, go_on
from marketing_analytics.local_cloud.runs.steps import plan_steps


@pytest.mark.parametrize("is_other", [False, True])
def test_a_run_that_is_deferred_to_another_project_says_so(cloud, tmp_path, is_other):
    good = cloud.run(cloud.job(environment_id=2))
    left = cloud.data_folder / "runs" / str(good) / "artifacts" / "step_4"
    left.mkdir(parents=True)
    (left / "manifest.json").write_text("{}")
    values = {"status": int(Status.SUCCESS), "project_id": 2 if is_other else 1, "id": good}
    if is_other:
        cloud.change(
            "insert into projects (id, account_id, name, source_path, created_at, updated_at)"
            " values (2, 1, 'other', '', '', '')"
        )
    cloud.change(
        "update runs set status = :status, has_artifacts = 1, project_id = :project_id"
        " where id = :id",
        **values,
    )
    row = cloud.row(cloud.run(cloud.job(environment_id=1, deferring_environment_id=2)))
    said, other_id = defer(cloud.connection, row, cloud.data_folder, tmp_path / "state")
    assert other_id == good
    assert ("of another project" in said) is is_other


def test_nobody_writes_the_file_that_a_deferred_run_reads(cloud):
    production = cloud.job(environment_id=1)
    compared = cloud.job(environment_id=2, deferring_environment_id=1)
    first, second = cloud.run(compared), cloud.run(production)
    leases = queue.claim_runs(cloud.connection, queue.new_owner(), lease_seconds=60)
    assert [lease.run_id for lease in leases] == [first]
    assert f"behind run {first}" in cloud.row(second).wait_reason


@pytest.mark.parametrize(
    ("status", "results", "goes_on"),
    [
        (Status.ERROR, ["success", "error"], True),
        (Status.ERROR, ["pass", "skipped"], True),
        # the step failed before dbt wrote any: these are of the good step before it
        (Status.ERROR, ["success", "success"], False),
        # models that it did not reach are in none
        (Status.CANCELLED, ["success", "error"], False),
    ],
)
def test_a_retry_goes_on_in_a_step_only_where_its_own_results_say_what_is_left(
    cloud, tmp_path, status, results, goes_on
):
    run = cloud.run(cloud.job(["dbt run -s a", "dbt run -s b"]))
    steps = plan_steps(cloud.row(run).commands)
    progress.add_steps(cloud.connection, cloud.data_folder, run, steps)
    for index, ended in ((4, Status.SUCCESS), (5, status)):
        progress.end_step(cloud.connection, run, index, ended)
    cloud.change("update runs set status = :status where id = :id", status=int(status), id=run)
    left = cloud.data_folder / "runs" / str(run) / "artifacts" / "step_5"
    left.mkdir(parents=True)
    (left / "manifest.json").write_text("{}")
    nodes = [{"status": one} for one in results]
    found = {"args": {"which": "run"}, "results": nodes}
    (left / "run_results.json").write_text(json.dumps(found))
    new = cloud.row(retry_run(cloud.connection, run))
    assert new.commands == ["dbt run -s b"]
    args = go_on(cloud.connection, new, ["run", "-s", "b"], cloud.data_folder, tmp_path, print)
    assert args[0] == ("retry" if goes_on else "run")
