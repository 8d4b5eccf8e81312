"""Runs of pull and merge requests build apart, replace each other and clean up behind them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from datetime import timedelta

import pytest

from benchmarks.tiny_cloud import add_variable
from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs import store
from marketing_analytics.local_cloud.runs.requests import closing
from marketing_analytics.local_cloud.runs.requests.closing import (
    DROP_COMMAND,
    close_requests,
    expire_requests,
    kept_words,
)
from marketing_analytics.local_cloud.runs.requests.overriding import shown_schemas, taken_schemas
from marketing_analytics.local_cloud.store.settings import Kind, add_setting
from tests.local_cloud.runs.conftest import GITHUB, GITLAB


def place(cloud, environment_id: int, **ids: int) -> None:
    """Let an environment use settings."""
    cloud.change(
        "update environments set payload = :payload where id = :id",
        payload=json.dumps(ids),
        id=environment_id,
    )


def left_manifest(cloud, schema: str, names: Mapping[str, str | None], **overrides: int) -> None:
    """Let a run have ended whose manifest shows a node in each of some schemas."""
    run = cloud.run(cloud.job(), overrides={"schema_override": schema, **overrides})
    parts = {
        kind: {kind: {"relation_name": f'"e"."{name}"."a"' if name else None}}
        for kind, name in names.items()
    }
    folder = cloud.data_folder / "runs" / str(run) / "artifacts" / "step_4"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(parts))
    cloud.change("update runs set status = 10, has_artifacts = 1 where id = :id", id=run)


@pytest.mark.parametrize(
    ("overrides", "schema"),
    [
        ({GITHUB: 12}, "dbt_cloud_pr_{job}_12"),
        ({GITLAB: 7}, "dbt_cloud_pr_{job}_7"),
        ({"azure_pull_request_id": 3}, "dbt_cloud_pr_{job}_3"),
        ({"non_native_pull_request_id": 4}, "dbt_cloud_pr_{job}_4"),
        ({GITHUB: 12, "schema_override": "dbt_cloud_pr_{job}_12"}, "dbt_cloud_pr_{job}_12"),
        ({GITHUB: 12, "schema_override": "dbt_cloud_pr_mine"}, "dbt_cloud_pr_mine"),
        ({"schema_override": "sandbox"}, "sandbox"),
        ({GITHUB: 0}, "production"),
        ({}, "production"),
    ],
)
def test_a_request_builds_into_a_schema_of_its_own(cloud, overrides, schema):
    add_variable(cloud.connection, "DBT_SCHEMA", "production")
    job = cloud.job()
    given = {k: v.format(job=job) if isinstance(v, str) else v for k, v in overrides.items()}
    run = cloud.row(cloud.run(job, overrides=given))
    assert run.schema_name == schema.format(job=job)


@pytest.mark.parametrize("schema", ["tiny", "TINY", "production"])
def test_a_request_never_builds_where_an_environment_does(cloud, schema):
    add_variable(cloud.connection, "DBT_SCHEMA", "production")
    with pytest.raises(UserError, match="may not build into the schema"):
        cloud.run(cloud.job(), overrides={GITHUB: 12, "schema_override": schema})


@pytest.mark.parametrize("schema", ["prod_cred", "PROD_CRED", "prod_attr", "prod_dataset"])
def test_a_request_never_builds_where_the_settings_of_an_environment_let_it_build(cloud, schema):
    connection = cloud.connection
    user = {"type": "postgres", "default_schema": "prod_cred"}
    place(cloud, 2, credentials_id=add_setting(connection, 1, Kind.CREDENTIALS, user, 1))
    for environment_id, given in ((3, {"schema": "prod_attr"}), (4, {"dataset": "prod_dataset"})):
        fields = {"extended_attributes": json.dumps(given)}
        attributes = add_setting(connection, 1, Kind.EXTENDED_ATTRIBUTES, fields, 1)
        place(cloud, environment_id, extended_attributes_id=attributes)
    with pytest.raises(UserError, match="which an environment builds into"):
        cloud.run(cloud.job(), overrides={GITHUB: 12, "schema_override": schema})


@pytest.mark.parametrize("name", ["tiny_ci_7", "shop", "shop_marts_ci", "Shop_Marts_EU"])
def test_a_request_may_build_beside_an_environment_that_made_nothing_there(cloud, name):
    cloud.change("update environments set schema_name = 'shop_marts' where id = 2")
    run = cloud.row(cloud.run(cloud.job(), overrides={GITHUB: 12, "schema_override": name}))
    assert run.schema_name == name
    taken = taken_schemas(cloud.connection, run, cloud.data_folder)
    assert {"tiny", "shop_marts"} <= taken
    assert name.lower() not in taken


def test_where_environments_build_is_what_their_newest_manifests_show(cloud):
    left_manifest(cloud, "tiny", {"nodes": "tiny_old"})
    left_manifest(cloud, "TINY", {"nodes": "Tiny_Marts", "functions": "tiny_functions"})
    left_manifest(cloud, "sandbox", {"nodes": "sandbox_marts"})
    left_manifest(cloud, "dbt_pr_ci", {"nodes": "dbt_pr_ci_marts"}, **{GITHUB: 11})
    left_manifest(cloud, "tiny", {"nodes": None, "functions": "tiny_new"})
    given = {GITHUB: 12, "schema_override": "tiny_ci"}
    run = cloud.row(cloud.run(cloud.job(), overrides=given))
    taken = taken_schemas(cloud.connection, run, cloud.data_folder)
    assert {name for name in taken if "_" in name} == {"tiny_marts", "tiny_functions", "tiny_new"}
    manifest = next((cloud.data_folder / "runs").glob("*/artifacts/step_4/manifest.json"))
    for hostile in ('{"nodes": [1], "functions": {"a": 2}}', "[]", "no"):
        manifest.write_text(hostile)
        assert shown_schemas(cloud.data_folder, int(manifest.parts[-4])) == set()
    own = cloud.row(cloud.run(cloud.job(), overrides={GITHUB: 12}))
    assert taken_schemas(cloud.connection, own, cloud.data_folder) == frozenset()


@pytest.mark.parametrize(
    ("other", "is_shared"),
    [
        ({"hostname": "DB.example.com", "dbname": "shop"}, True),
        ({"hostname": "db.example.com", "dbname": "other"}, False),
        ({"hostname": "db2.example.com", "dbname": "shop"}, False),
    ],
)
def test_a_request_never_builds_where_another_project_does_in_the_same_warehouse(
    cloud, other, is_shared
):
    connection = cloud.connection
    connection.execute(
        "insert into projects (id, account_id, name, source_path, created_at, updated_at)"
        " values (2, 1, 'other', '', '', '')"
    )
    cloud.change("update environments set project_id = 2, schema_name = 'theirs' where id = 2")
    add_variable(connection, "DBT_SCHEMA", "by_variable", environment_id=2)
    cloud.change("update environment_variables set project_id = 2")
    job = cloud.job()
    own = {"hostname": "db.example.com", "dbname": "shop"}
    for environment_id, config in ((1, own), (2, other)):
        fields = {"name": "Shop", "adapter_version": "postgres_v0", "config": config}
        connection_id = add_setting(connection, 1, Kind.CONNECTION, fields)
        place(cloud, environment_id, connection_id=connection_id)
    for name in ("theirs", "by_variable"):
        overrides = {GITHUB: 12, "schema_override": name}
        if is_shared:
            with pytest.raises(UserError, match="which an environment builds into"):
                cloud.run(job, overrides=overrides)
        else:
            assert cloud.row(cloud.run(job, overrides=overrides)).schema_name == name


def test_an_environment_whose_settings_are_gone_stops_no_request_of_others(cloud):
    place(cloud, 2, credentials_id=99)
    run = cloud.run(cloud.job(), overrides={GITHUB: 12, "schema_override": "sandbox"})
    assert cloud.row(run).schema_name == "sandbox"


@pytest.mark.parametrize("end", ["5", "5_staging", "6"])
def test_a_request_never_builds_into_the_schema_of_another_one(cloud, end):
    first, second = cloud.job(), cloud.job()
    job = second if end == "6" else first
    for name in (f"dbt_cloud_pr_{job}_{end}", f"DBT_Cloud_PR_{job}_{end}"):
        with pytest.raises(UserError, match="which another request builds into"):
            cloud.run(second, overrides={GITHUB: 7, "schema_override": name})


def test_the_end_of_a_request_leaves_the_schema_of_another_one(cloud):
    first, second = cloud.job(), cloud.job()
    cloud.run(first, overrides={GITHUB: 5})
    cloud.run(second, overrides={GITHUB: 6})
    # a trigger could name it before
    cloud.change(
        "update request_schemas set schema_name = :name where request = 'github 6'",
        name=f"dbt_cloud_pr_{first}_5",
    )
    assert close_requests(cloud.connection, second, 6) == []
    (closing,) = close_requests(cloud.connection, first, 5)
    assert cloud.row(closing).schema_name == f"dbt_cloud_pr_{first}_5"


def test_a_newer_commit_cancels_the_older_run_of_the_same_request(cloud):
    job, other_job = cloud.job(), cloud.job()
    old = cloud.run(job, overrides={GITHUB: 12})
    apart = [
        cloud.run(job, overrides={GITHUB: 13}),
        cloud.run(job, overrides={GITLAB: 12}),
        cloud.run(other_job, overrides={GITHUB: 12}),
        cloud.run(job),
    ]
    new = cloud.run(job, overrides={GITHUB: 12})
    assert cloud.row(old).status == 30
    reason = f"Cancelled: run {new} has a newer commit of pull request 12."
    assert cloud.row(old).status_message == reason
    assert all(cloud.row(run).status == 1 for run in (*apart, new))


def test_a_run_that_goes_on_is_told_why_it_is_cancelled(cloud, start_engine):
    start_engine()
    job = cloud.job(["dbt run sleep=30"])
    old = cloud.run(job, overrides={GITHUB: 12})
    cloud.wait(old, 3)
    new = cloud.run(job, overrides={GITHUB: 12})
    row = cloud.wait(old)
    assert (row.status, row.status_message) == (
        30,
        f"Cancelled: run {new} has a newer commit of pull request 12.",
    )


def test_the_end_of_a_request_cancels_its_runs_and_queues_one_that_drops(cloud):
    job = cloud.job(generate_docs=True, run_generate_sources=True)
    old = cloud.run(job, overrides={GITHUB: 12})
    cloud.run(job, overrides={GITHUB: 13})
    (closing,) = close_requests(cloud.connection, job, 12)
    assert cloud.row(old).status_message == "Cancelled: pull request 12 was closed."
    row = cloud.row(closing)
    assert (row.schema_name, row.commands) == (f"dbt_cloud_pr_{job}_12", [DROP_COMMAND])
    assert row.is_closing
    assert (row.generate_docs, row.run_source_freshness) == (False, False)
    assert close_requests(cloud.connection, job, 12) == []
    # a schema that this server did not name stays
    cloud.run(job, overrides={GITHUB: 14, "schema_override": "mine"})
    assert close_requests(cloud.connection, job, 14) == []


def test_a_schema_that_requests_of_two_hosts_share_stays_until_the_last_of_them_ends(cloud, caplog):
    job = cloud.job()
    runs = [cloud.run(job, overrides={kind: 5}) for kind in (GITHUB, GITLAB)]
    with pytest.raises(UserError, match="github 5 and gitlab 5 are open"):
        close_requests(cloud.connection, job, 5)
    assert close_requests(cloud.connection, job, 5, "github") == []
    assert f"gitlab 5 of job {job} uses its schema dbt_cloud_pr_{job}_5, which stays" in caplog.text
    stays = f"The schema dbt_cloud_pr_{job}_5 stays: merge request 5 of gitlab uses it."
    assert kept_words(cloud.connection, job, 5) == stays
    assert [cloud.row(run).status for run in runs] == [30, 1]
    (closing,) = close_requests(cloud.connection, job, 5)
    assert cloud.row(closing).schema_name == f"dbt_cloud_pr_{job}_5"
    assert kept_words(cloud.connection, job, 5) == ""


def test_of_two_requests_with_one_schema_the_one_that_expires_leaves_it_to_the_other(cloud):
    job = cloud.job()
    for kind in (GITHUB, GITLAB):
        cloud.run(job, overrides={kind: 5})
    old = "update request_schemas set used_at = '2020-01-01' where request like :request"
    cloud.change(old, request="github%")
    assert expire_requests(cloud.connection, timedelta(days=30)) == []
    cloud.change(old, request="%")
    assert len(expire_requests(cloud.connection, timedelta(days=30))) == 1


def test_a_run_of_a_request_completes_nothing(cloud, start_engine):
    first = cloud.job()
    condition = {"condition": {"job_id": first, "project_id": 1, "statuses": [10]}}
    second = cloud.job(job_completion_trigger_condition=condition)
    start_engine()
    cloud.wait(cloud.run(first, overrides={GITHUB: 12}))
    assert store.most_recent_run(cloud.connection, second) is None
    cloud.wait(cloud.run(first))
    assert store.most_recent_run(cloud.connection, second) is not None


def test_requests_that_nobody_closes_expire(cloud):
    job = cloud.job()
    cloud.run(job, overrides={GITHUB: 12})
    cloud.run(job, overrides={GITHUB: 13})
    assert expire_requests(cloud.connection, timedelta(days=30)) == []
    cloud.connection.execute(
        "update request_schemas set used_at = '2020-01-01' where request = 'github 12'"
    )
    (closing,) = expire_requests(cloud.connection, timedelta(days=30))
    assert cloud.row(closing).cause == "Pull request 12 was not run for 30 days"


def test_a_request_that_cannot_be_closed_keeps_no_other_one_open(cloud, caplog):
    wrong, good = cloud.job(), cloud.job()
    for job in (wrong, good):
        cloud.run(job, overrides={GITHUB: 12})
    cloud.change("update request_schemas set used_at = '2020-01-01'")
    with pytest.MonkeyPatch.context() as patch:

        def add_run(connection, job_id, **given):
            if job_id == wrong:
                raise UserError("the schema 'a-b' may only hold letters")
            return store.add_run(connection, job_id, **given)

        patch.setattr(closing, "add_run", add_run)
        for expected in (1, 0):
            assert len(expire_requests(cloud.connection, timedelta(days=30))) == expected
    told = [record for record in caplog.records if record.action == "request_not_closed"]
    assert [record.getMessage() for record in told] == [
        f"pull request 12 of job {wrong} cannot be closed: the schema 'a-b' may only hold letters"
    ] * 2
    (run_id,) = expire_requests(cloud.connection, timedelta(days=30))
    assert cloud.row(run_id).job_id == wrong


def test_a_run_of_a_request_ends_before_it_builds_where_an_environment_has_built(
    cloud, start_engine
):
    left_manifest(cloud, "tiny", {"nodes": "tiny_marts"})
    start_engine()
    given = {GITHUB: 12, "schema_override": "Tiny_Marts"}
    row = cloud.wait(cloud.run(cloud.job(["dbt run-operation make_it"]), overrides=given))
    assert row.status == 20
    assert "nothing was built: Tiny_Marts would lie where an environment builds" in str(
        row.status_message
    )
    assert cloud.effect_lines() == []


def test_the_run_says_which_commit_it_works_on(cloud, start_engine):
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    for words in (("init", "-qb", "main"), ("add", "-A"), (*who, "commit", "-qm", "first")):
        subprocess.run(["git", *words], cwd=cloud.project, check=True)
    start_engine()
    job = cloud.job()
    good = cloud.wait(cloud.run(job, overrides={"git_branch": "main"}))
    assert (good.status, good.git_branch, good.has_changes) == (10, "main", False)
    assert len(good.git_sha) == 40
    for asked in ("git_branch", "git_sha"):
        bad = cloud.wait(cloud.run(job, overrides={asked: "0123456"}))
        assert bad.status == 20
        assert "Clone git repository failed: there is no" in bad.status_message
