"""With real dbt: requests build apart, defer to production, go on where they failed, and end."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from marketing_analytics.local_cloud.runs.artifacts import resolve_artifact
from marketing_analytics.local_cloud.runs.confinement.access import Access
from marketing_analytics.local_cloud.runs.requests.closing import close_requests
from tests.ingest.database_servers import PASSWORD, engine_of, postgresql

pytestmark = pytest.mark.slow

WHO = ("-c", "user.name=t", "-c", "user.email=t@example.com")
GITHUB = "github_pull_request_id"


@pytest.fixture
def store_kind() -> str:
    """Return one store: what dbt does does not depend on it."""
    return "sqlite"


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *WHO, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, message: str) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def engine(start_engine, tmp_path):
    # repositories of packages are beside the data folder
    access = Access(folders=(tmp_path,))
    patience = {"interrupt_seconds": 10, "terminate_seconds": 5}
    return start_engine(program=(), access=access, **patience)


@pytest.fixture
def branch(cloud) -> str:
    """Put the tiny project under git, with a branch that changes one of its three models."""
    project = cloud.project
    for name in ("slow.sql", "broken.sql"):
        (project / "models" / name).unlink()
    (project / "models" / "three.sql").write_text("select id from {{ ref('two') }}\n")
    git(project, "init", "-qb", "main")
    commit(project, "first")
    git(project, "checkout", "-qb", "change")
    (project / "models" / "three.sql").write_text("select id + 1 as id from {{ ref('two') }}\n")
    commit(project, "change")
    git(project, "checkout", "-q", "main")
    return "change"


def rows(cloud, environment: int, statement: str) -> list:
    import duckdb

    path = cloud.data_folder / "warehouse" / f"env_{environment}.duckdb"
    with duckdb.connect(str(path), read_only=True) as warehouse:
        return warehouse.execute(statement).fetchall()


def relations(cloud, environment: int) -> set[str]:
    statement = "select schema_name || '.' || table_name from duckdb_tables() union all "
    statement += "select schema_name || '.' || view_name from duckdb_views() where not internal"
    return {row[0] for row in rows(cloud, environment, statement)}


def check(cloud, run: int) -> None:
    row = cloud.wait(run, seconds=90)
    assert row.status == 10, (row.status_message, cloud.log(run))


def test_a_request_builds_what_it_changed_apart_and_leaves_nothing(cloud, engine, branch):
    production = cloud.run(cloud.job(["dbt build"]))
    check(cloud, production)
    before = relations(cloud, 1)
    job = cloud.job(
        ["dbt build --select state:modified+"], environment_id=2, deferring_environment_id=1
    )
    run = cloud.run(job, overrides={GITHUB: 12, "git_branch": branch})
    check(cloud, run)
    schema = f"dbt_cloud_pr_{job}_12"
    # one of three models changed, the others are read where production built them
    assert relations(cloud, 2) == {f"{schema}.three"}
    assert relations(cloud, 1) == before
    assert cloud.row(run).deferring_run_id == production
    assert f"Deferred to run {production}" in cloud.log(run, 1)
    path = resolve_artifact(cloud.data_folder, run, "run_results.json")
    told = json.loads(path.read_text())["metadata"]["env"]
    assert told["DBT_CLOUD_PR_ID"] == "12"
    assert told["DBT_CLOUD_GIT_SHA"] == git(cloud.project, "rev-parse", branch)
    assert told["DBT_CLOUD_GIT_BRANCH"] == branch
    # a view of another file cannot be read without it, so it is not asked for its rows
    (closing,) = close_requests(cloud.connection, job, 12)
    check(cloud, closing)
    assert relations(cloud, 2) == set()
    assert f"Dropped the schema {schema}" in cloud.log(closing)
    assert relations(cloud, 1) == before


def test_a_retry_goes_on_at_the_failed_model(cloud, engine, branch):
    git(cloud.project, "checkout", "-q", branch)
    (cloud.project / "models" / "three.sql").write_text("select nothing from {{ ref('two') }}\n")
    commit(cloud.project, "broken")
    git(cloud.project, "checkout", "-q", "main")
    job = cloud.job(["dbt build --select one two three"])
    overrides = {GITHUB: 5, "git_branch": branch}
    failed = cloud.run(job, overrides=overrides)
    assert cloud.wait(failed, seconds=90).status == 20
    git(cloud.project, "checkout", "-q", branch)
    (cloud.project / "models" / "three.sql").write_text("select 7 as id from {{ ref('two') }}\n")
    commit(cloud.project, "mended")
    retry = {**overrides, "retrying_run_id": failed}
    again = cloud.run(job, overrides=retry, cause_category="rerun")
    check(cloud, again)
    assert f"Goes on where run {failed} failed" in cloud.log(again)
    path = resolve_artifact(cloud.data_folder, again, "run_results.json")
    built = [result["unique_id"] for result in json.loads(path.read_text())["results"]]
    assert built == ["model.tiny.three"]
    assert rows(cloud, 1, f"select id from dbt_cloud_pr_{job}_5.three") == [(7,)]


def test_packages_beside_the_project_and_from_git_work_and_a_failure_is_a_sentence(
    cloud, start_engine, tmp_path
):
    # a repository on this machine lies outside of what a run may read
    start_engine(program=(), access=Access(folders=(tmp_path / "other",)))
    other = tmp_path / "other"
    other.mkdir()
    (other / "dbt_project.yml").write_text("name: other\nversion: '1.0'\n")
    (other / "macros").mkdir()
    (other / "macros" / "m.sql").write_text("{% macro seven() %}7{% endmacro %}\n")
    beside = tmp_path / "beside"
    shutil.copytree(other, beside)
    (beside / "dbt_project.yml").write_text("name: beside\nversion: '1.0'\n")
    git(other, "init", "-qb", "main")
    sha = commit(other, "first")
    packages = cloud.project / "packages.yml"
    packages.write_text(
        f"packages:\n  - git: 'file://{other}'\n    revision: {sha}\n  - local: ../beside\n"
    )
    (cloud.project / "models" / "one.sql").write_text(
        "select {{ other.seven() }} + {{ beside.seven() }} as id\n"
    )
    job = cloud.job(["dbt run --select one"])
    check(cloud, cloud.run(job))
    assert rows(cloud, 1, "select id from tiny.one") == [(14,)]
    packages.write_text("packages:\n  - local: ../nowhere\n")
    row = cloud.wait(cloud.run(job), seconds=90)
    assert row.status == 20
    assert row.status_message.startswith("Invoke dbt with `dbt deps` failed: ")
    assert "nowhere" in row.status_message


def test_an_environment_with_a_connection_builds_into_postgresql(cloud, engine, monkeypatch):
    import sqlalchemy

    (cloud.project / "models" / "broken.sql").unlink()
    with postgresql() as url:
        cloud.build_into(url, PASSWORD, environment_id=1)
        job = cloud.job(["dbt build --select one two"])
        run = cloud.run(job)
        check(cloud, run)
        change = cloud.run(job, overrides={GITHUB: 3})
        check(cloud, change)
        (closing,) = close_requests(cloud.connection, job, 3)

        def schemas() -> set[str]:
            engine = engine_of(url)
            with engine.connect() as connection:
                statement = "select table_schema from information_schema.tables"
                found = {row[0] for row in connection.execute(sqlalchemy.text(statement))}
            engine.dispose()
            return found - {"pg_catalog", "information_schema"}

        check(cloud, closing)
        assert schemas() == {"marts"}
        assert cloud.row(change).schema_name == f"dbt_cloud_pr_{job}_3"
        for path in (cloud.data_folder / "runs").rglob("*"):
            if path.is_file():
                assert PASSWORD not in path.read_text(errors="replace"), path
