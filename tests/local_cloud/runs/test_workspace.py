"""The project copy, the rendered profile and what dbt sees of the environment."""

from __future__ import annotations

import json

import pytest

from benchmarks.tiny_cloud import add_variable
from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.workspace import (
    Workspace,
    base_environment,
    copy_project,
    has_packages,
    render_profile,
    run_environment,
    step_variables,
)


def test_the_copy_follows_the_project_and_leaves_junk_behind(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    for name in ("dbt_project.yml", "models/a.sql", "target/run.sql", "profiles.yml", "x.duckdb"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    assert copy_project(source, target) == (2, 2)
    assert copy_project(source, target) == (2, 0)
    (source / "models" / "a.sql").rename(source / "models" / "b.sql")
    (source / "dbt_project.yml").write_text("changed now")
    assert copy_project(source, target) == (2, 2)
    assert not (target / "models" / "a.sql").exists()
    assert not (target / "x.duckdb").exists()
    assert (target / "dbt_project.yml").read_text() == "changed now"


def test_installed_packages_stay_in_the_copy(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "dbt_project.yml").write_text("name: x")
    (target / "dbt_packages" / "p").mkdir(parents=True)
    (target / "dbt_packages" / "p" / "dbt_project.yml").write_text("name: p")
    copy_project(source, target)
    assert (target / "dbt_packages" / "p" / "dbt_project.yml").exists()


def test_a_folder_without_a_project_is_refused_with_its_name(tmp_path):
    with pytest.raises(UserError, match=str(tmp_path)):
        copy_project(tmp_path, tmp_path / "target")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("packages.yml", "packages:\n  - local: ../p\n", True),
        ("packages.yml", "packages: []\n", False),
        ("dependencies.yml", "projects:\n  - name: up\n", True),
        ("packages.yml", ": : not yaml [", True),
        ("other.yml", "packages: [1]", False),
    ],
)
def test_packages_are_installed_only_when_the_project_names_some(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    assert has_packages(tmp_path) is expected


def test_the_profile_is_the_same_text_for_every_run_of_a_schema(tmp_path):
    raw = tmp_path / "raw.duckdb"
    texts = {
        render_profile(
            Workspace(tmp_path, run_id, 3, "anna"), threads=4, target_name="dev", raw_database=raw
        )
        for run_id in (1, 2)
    }
    assert len(texts) == 1
    output = json.loads(texts.pop())["marketing_cloud"]["outputs"]["dev"]
    assert output["path"] == str(tmp_path / "warehouse" / "env_3.duckdb")
    assert output["schema"] == "anna"
    assert "attach" not in output
    raw.touch()
    workspace = Workspace(tmp_path, 1, 3, "anna")
    text = render_profile(workspace, threads=4, target_name="dev", raw_database=raw)
    attached = json.loads(text)["marketing_cloud"]["outputs"]["dev"]["attach"]
    assert attached == [{"path": str(raw), "alias": "raw", "read_only": True}]


def test_dbt_sees_what_it_needs_of_the_servers_environment():
    seen = base_environment(
        {
            "PATH": "/bin",
            "DBTCLOUD_TOKEN": "t",
            "META_ADS_ACCESS_TOKEN": "t",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DBT_ENV_SECRET_X": "kept",
            "MARKETING_PSEUDONYM_KEY": "1:k",
            "SHOP_DATABASE_URL": "postgresql://u:secret@h/shop",
            "GITHUB_TOKEN": "t",
            "GIT_TOKEN": "t",
            "LC_ALL": "C.UTF-8",
            "https_proxy": "http://proxy:3128",
        }
    )
    assert seen == {
        "PATH": "/bin",
        "DBT_ENV_SECRET_X": "kept",
        "LC_ALL": "C.UTF-8",
        "https_proxy": "http://proxy:3128",
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
    }


def test_variables_of_job_environment_and_project_and_those_of_dbt_cloud(cloud):
    job = cloud.job()
    add_variable(cloud.connection, "DBT_A", "project")
    add_variable(cloud.connection, "DBT_A", "environment", environment_id=1)
    add_variable(cloud.connection, "DBT_A", "other environment", environment_id=2)
    add_variable(cloud.connection, "DBT_B", "project")
    add_variable(cloud.connection, "DBT_B", "job", job_id=job)
    add_variable(cloud.connection, "DBT_PROFILES_DIR", "/somewhere/else")
    run = cloud.row(cloud.run(job, cause="why", overrides={"github_pull_request_id": 12}))
    workspace = Workspace(cloud.data_folder, run.id, 1, run.schema_name)
    seen = run_environment(cloud.connection, run, workspace, base={"DBT_B": "server"})
    assert (seen["DBT_A"], seen["DBT_B"]) == ("environment", "job")
    assert seen["DBT_PROFILES_DIR"] == str(workspace.profile)
    assert seen["DBT_CLOUD_RUN_ID"] == str(run.id)
    assert seen["DBT_CLOUD_JOB_ID"] == str(job)
    assert seen["DBT_CLOUD_ENVIRONMENT_NAME"] == "environment 1"
    assert (seen["DBT_CLOUD_RUN_REASON"], seen["DBT_CLOUD_RUN_REASON_CATEGORY"]) == ("why", "api")
    assert (seen["DBT_CLOUD_PR_ID"], seen["DBT_CLOUD_INVOCATION_CONTEXT"]) == ("12", "ci")
    assert all(isinstance(value, str) for value in seen.values())


def test_the_parse_file_is_given_to_dbt_once_it_exists(tmp_path):
    workspace = Workspace(tmp_path, 1, 2, "anna")
    assert "DBT_PARTIAL_PARSE_FILE_PATH" not in step_variables(workspace, 4)
    workspace.parse_file.parent.mkdir()
    workspace.parse_file.touch()
    assert step_variables(workspace, 4)["DBT_PARTIAL_PARSE_FILE_PATH"] == str(workspace.parse_file)
