"""The lineage check as a user meets it: dbt is asked about a small manifest, by the commands."""

import json
import os
import subprocess
import sys

import pytest

from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.jobs.lineage import asking
from marketing_analytics.jobs.lineage.manifest import Found, find_manifest
from marketing_analytics.jobs.lineage.project import Node, project_json, project_of
from tests.jobs.test_lineage import PROJECT

pytestmark = pytest.mark.system

FILE = """jobs = {
  reads = {
    execute_steps = ["dbt build --select report --exclude tag:nope"]
    schedule_cron = "0 6 * * *"
  }
  makes = {
    execute_steps = ["dbt build --select orders"]
    schedule_cron = "0 8 * * *"
  }
}
"""
SAID = [
    '"--exclude tag:nope" leaves out nothing',
    'job "reads" runs before job "makes", which builds what it reads: orders',
]


def model(name, *parents):
    """Return a model as it stands in a manifest."""
    return {
        "resource_type": "model",
        "unique_id": f"model.small.{name}",
        "name": name,
        "alias": name,
        "package_name": "small",
        "fqn": ["small", name],
        "path": f"{name}.sql",
        "original_file_path": f"models/{name}.sql",
        "database": "d",
        "schema": "s",
        "language": "sql",
        "raw_code": "select 1",
        "checksum": {"name": "sha256", "checksum": ""},
        "depends_on": {"macros": [], "nodes": [f"model.small.{parent}" for parent in parents]},
    }


def manifest_of(*models):
    """Return a manifest."""
    empty = ("sources", "macros", "docs", "exposures", "metrics", "groups", "selectors", "disabled")
    empty += ("parent_map", "child_map", "group_map", "saved_queries", "semantic_models")
    return {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "project_name": "small",
            "adapter_type": "duckdb",
        },
        "nodes": {node["unique_id"]: node for node in models},
        "unit_tests": {},
        "functions": {},
        **{name: {} for name in empty},
    }


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a folder with a job file beside a dbt project that was parsed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "transform" / "target").mkdir(parents=True)
    (tmp_path / "transform" / "dbt_project.yml").write_text("name: small\n")
    manifest = json.dumps(manifest_of(model("orders"), model("report", "orders")))
    (tmp_path / "transform" / "target" / "manifest.json").write_text(manifest)
    (tmp_path / "env_file").mkdir()
    (tmp_path / "env_file" / "jobs.tfvars").write_text(FILE)
    return tmp_path


def test_commands_warn_with_place_and_strict_refuses(jobs, cloud, project, monkeypatch):
    path = project / "env_file" / "jobs.tfvars"
    code, out, err = jobs("validate", path)
    assert (code, out) == (0, f"{path}: 2 jobs, ok\n")
    warnings = [line for line in err.splitlines() if line.startswith("warning: ")]
    assert [said in line for said, line in zip(SAID, warnings, strict=True)] == [True, True]
    assert f"--> {path}:3:22" in err
    assert f"--> {path}:4:21" in err
    # from here on dbt is not asked again: nothing changed
    monkeypatch.setattr(asking, "ask", None)
    document = json.loads(jobs("validate", path, "--json")[1])
    assert list(document) == ["schema_version", "files", "warnings"]
    assert [each["where"] for each in document["warnings"]] == [f"{path}:3:22", f"{path}:4:21"]
    code, _, err = jobs("validate", path, "--strict")
    assert (code, "2 errors" in err) == (2, True)
    for command in (["plan"], ["deploy", "--dry-run"]):
        code, out, err = jobs(*command, "--config", path, "--json")
        assert (code, err.count("warning: ")) == (0, 2)
        assert len(json.loads(out)["warnings"]) == 2
    code, _, err = jobs("deploy", "--config", path, "--strict")
    assert (code, "errors" in err, cloud.active()) == (2, True, [])
    code, out, err = jobs("deploy", "--config", path)
    assert (code, err.count("warning: "), len(cloud.active())) == (0, 2, 2)


@pytest.mark.slow
def test_past_runs_in_dbt_cloud_tell_what_overlaps(jobs, cloud, project):
    path = project / "env_file" / "jobs.tfvars"
    path.write_text(FILE.replace(" --exclude tag:nope", "").replace("0 6 *", "30 8 *"))
    assert jobs("deploy", "--config", path)[0] == 0
    for _ in range(3):
        assert jobs("run", "makes")[0] == 0
    assert "warning" not in jobs("validate", path, "--online")[2]
    # the median of the runs that went through counts
    times = {1: ("10", "08:40:00"), 2: ("10", "08:50:00"), 3: ("20", "23:00:00")}
    for number, (status, end) in times.items():
        cloud.run_sql(
            "update runs set status = :status, started_at = :start, finished_at = :end "
            "where id = (select id from runs order by id limit 1 offset :number)",
            status=status,
            start="2026-01-01T08:00:00.000000+00:00",
            end=f"2026-01-01T{end}.000000+00:00",
            number=number - 1,
        )
    code, _, err = jobs("validate", path, "--online")
    assert code == 0
    assert 'reads orders while job "makes", which takes 45 min, builds them' in err


@pytest.mark.slow
def test_a_manifest_that_dbt_cannot_read_is_an_error(jobs, project):
    (project / "transform" / "target" / "manifest.json").write_text('{"metadata": {}}')
    code, _, err = jobs("validate", project / "env_file" / "jobs.tfvars")
    assert code == 2
    assert "dbt cannot read" in err
    assert "make a new one" in err


def test_without_a_manifest_validate_says_so_and_plan_is_silent(jobs, cloud, job_file):
    path = job_file(FILE)
    code, out, err = jobs("validate", path)
    assert (code, out) == (0, f"{path}: 2 jobs, ok\n")
    assert err.startswith("lineage is not checked: there is no manifest of dbt; --project-dir DIR")
    assert jobs("plan", "--config", path)[2] == ""


def test_without_dbt_validate_says_so(project, monkeypatch):
    """The deploy tool is installed without dbt where pipelines run it."""
    root = asking.PACKAGE_ROOT
    broken = project / "broken" / "dbt"
    broken.mkdir(parents=True)
    said = "raise ModuleNotFoundError(\"No module named 'dbt'\", name='dbt')"
    (broken / "__init__.py").write_text(said)
    done = subprocess.run(
        [sys.executable, root / "scripts" / "dbt_job_manager.py", "validate", "jobs.tfvars"],
        cwd=project / "env_file",
        env={**os.environ, "PYTHONPATH": str(broken.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "jobs.tfvars: 2 jobs, ok\n")
    assert done.stderr == "lineage is not checked: dbt is not installed here\n"


def test_what_was_asked_for_has_to_be_there(tmp_path):
    with pytest.raises(UserError, match="there is no manifest nowhere"):
        find_manifest([], manifest="nowhere")
    with pytest.raises(UserError, match="is no dbt project"):
        find_manifest([], project_dir=str(tmp_path))


def test_an_old_manifest_is_used_and_said_to_be_old(project):
    file = project / "env_file" / "jobs.tfvars"
    assert find_manifest([file]).note == ""
    later = (project / "transform" / "target" / "manifest.json").stat().st_mtime + 10
    changed = project / "transform" / "models.sql"
    changed.write_text("select 1")
    os.utime(changed, (later, later))
    found = find_manifest([file])
    assert "is older than models.sql: --project-dir" in found.note
    # a manifest that is new enough is not made again, though dbt could not
    os.utime(changed, (1, 1))
    assert find_manifest([file], project_dir=str(project / "transform")).manifest == found.manifest


@pytest.mark.slow
def test_a_project_that_dbt_cannot_parse_is_told(project):
    (project / "transform" / "dbt_project.yml").write_text("name: [")
    (project / "transform" / "target" / "manifest.json").unlink()
    with pytest.raises(MachineError, match="dbt cannot parse"):
        find_manifest([], project_dir=str(project / "transform"))


def test_answers_are_kept_for_the_question_only(project, monkeypatch):
    found = Found(project / "transform" / "target" / "manifest.json")
    asked = []

    def ask(found, steps):
        asked.append(steps)
        return json.dumps(project_json(PROJECT))

    monkeypatch.setattr(asking, "ask", ask)
    for _ in range(2):
        assert asking.project_at(found, ["dbt build"]).works == PROJECT.works
    assert len(asked) == 1
    found.manifest.write_text("{}")
    asking.project_at(found, ["dbt build"])
    assert len(asked) == 2
    for number in range(30):
        asking.project_at(found, [str(number)])
    assert len(list((project / "cache").rglob("*.json"))) == asking.MAX_KEPT
    # what is damaged is asked again
    for kept in (project / "cache").rglob("*.json"):
        kept.write_text('{"digest": 1}')
    asking.project_at(found, ["29"])
    assert len(asked) == 33


def test_a_project_survives_json():
    project = project_of(json.loads(json.dumps(project_json(PROJECT))))
    assert project == PROJECT
    assert project.nodes["model.stg"] == Node("stg", "model", ("source.raw",), True, True)
