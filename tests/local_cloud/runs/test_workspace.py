"""The project copy, the rendered profile and what dbt sees of the environment."""

from __future__ import annotations

import json

import pytest

from benchmarks.tiny_cloud import add_variable
from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.code.packages import has_packages
from marketing_analytics.local_cloud.runs.code.prepare import reach_of, readable_of
from marketing_analytics.local_cloud.runs.code.site import profile_of
from marketing_analytics.local_cloud.runs.confinement.access import Access
from marketing_analytics.local_cloud.runs.workspace import (
    Workspace,
    base_environment,
    profile_text,
    run_environment,
    step_variables,
)
from marketing_analytics.local_cloud.store.environments import get_site
from marketing_analytics.local_cloud.store.settings import Kind, add_setting


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


def test_the_profile_is_the_same_text_for_every_run_of_a_schema(cloud):
    raw = cloud.data_folder / "raw.duckdb"
    job = cloud.job()

    def output_of_run() -> dict:
        run = cloud.row(cloud.run(job))
        site = get_site(cloud.connection, 1)
        file = Workspace(cloud.data_folder, run.id, 1, run.schema_name).warehouse
        return profile_of(cloud.connection, run, site, warehouse=file, raw_database=raw).output

    output = output_of_run()
    assert profile_text("dev", output) == profile_text("dev", output_of_run())
    assert output["path"] == str(cloud.data_folder / "warehouse" / "env_1.duckdb")
    assert (output["schema"], output["threads"]) == ("tiny", 4)
    assert "attach" not in output
    raw.touch()
    assert output_of_run()["attach"] == [{"path": str(raw), "alias": "raw", "read_only": True}]


@pytest.mark.parametrize(
    "attributes",
    [
        {"attach": 5},
        {"attach": "other.duckdb"},
        {"attach": ["other.duckdb"]},
        {"attach": {"path": "other.duckdb"}},
        {"attach": [{"alias": "other"}]},
        {"path": ["other.duckdb"]},
        {"path": "other\0.duckdb"},
    ],
)
def test_attributes_that_are_no_part_of_a_profile_are_named(cloud, attributes):
    run, fields = cloud.row(cloud.run(cloud.job())), {"extended_attributes": attributes}
    setting = add_setting(cloud.connection, 1, Kind.EXTENDED_ATTRIBUTES, fields, 1)
    payload = json.dumps({"extended_attributes_id": setting})
    cloud.change("update environments set payload = :payload where id = 1", payload=payload)
    site, file = get_site(cloud.connection, 1), cloud.data_folder / "warehouse.duckdb"
    with pytest.raises(UserError, match="extended attributes"):
        profile_of(cloud.connection, run, site, warehouse=file, raw_database=None)


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
            "GITHUB_PAT": "t",
            "GIT_PAT": "t",
            "GIT_DIR": "/elsewhere/.git",
            "PYTHON_KEYRING_X": "t",
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
    for name in ("PROFILES_DIR", "TARGET_PATH", "LOG_PATH", "STATE", "WRITE_JSON", "THREADS"):
        add_variable(cloud.connection, f"DBT_ENGINE_{name}", "7")
    run = cloud.row(cloud.run(job, cause="why", overrides={"github_pull_request_id": 12}))
    workspace = Workspace(cloud.data_folder, run.id, 1, run.schema_name)
    seen = run_environment(cloud.connection, run, workspace, base={"DBT_B": "server"})
    assert (seen["DBT_A"], seen["DBT_B"]) == ("environment", "job")
    assert seen["DBT_PROFILES_DIR"] == str(workspace.profile)
    # dbt would read these first
    assert {name for name in seen if "ENGINE" in name} == {"DBT_ENGINE_THREADS"}
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


def test_a_step_may_write_the_code_and_not_what_says_which_code_it_is(tmp_path):
    workspace = Workspace(tmp_path, 1, 2, "anna")
    _, writable = reach_of(workspace, Access())
    assert writable is not None
    assert workspace.home.tree in writable
    for path in (workspace.home.index, workspace.home.listing, workspace.parse_file):
        assert not any(path.is_relative_to(folder) for folder in writable)
        assert any(path.is_relative_to(folder) for folder in readable_of(workspace, None))
