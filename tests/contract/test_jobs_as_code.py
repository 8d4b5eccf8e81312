"""dbt-jobs-as-code 1.22, unmodified, as a judge: validate, plan, sync, import-jobs, link, unlink.

It needs versions of its own, so it lives in `.venv-clients` (or where JOBS_AS_CODE points).
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.local_cloud.api.conftest import (
    ACCOUNT,
    ENVIRONMENT,
    PROJECT,
    TOKEN,
    ClientOverHttp,
    jobs_path,
)

pytestmark = pytest.mark.system

VARIABLES = f"v3/accounts/{ACCOUNT}/projects/{PROJECT}/environment-variables/"


def job(name: str, **fields: Any) -> dict[str, Any]:
    """Return a job of its file; JSON is YAML."""
    return {
        "account_id": ACCOUNT,
        "project_id": PROJECT,
        "environment_id": ENVIRONMENT,
        "dbt_version": None,
        "name": name,
        "settings": {"threads": 4, "target_name": "production"},
        "execution": {"timeout_seconds": 600},
        "run_generate_sources": True,
        "execute_steps": ["dbt build --select tag:ads", "dbt test"],
        "generate_docs": False,
        "schedule": {"cron": "0 8 * * 1-5"},
        "triggers": {
            "github_webhook": False,
            "git_provider_webhook": False,
            "schedule": True,
            "on_merge": False,
        },
        **fields,
    }


def off() -> dict[str, bool]:
    return dict.fromkeys(("github_webhook", "git_provider_webhook", "schedule", "on_merge"), False)


class JobsAsCode:
    """Runs the tool in a folder against a server."""

    def __init__(self, program: Path, folder: Path, port: int) -> None:
        self.program = program
        self.file = folder / "jobs.yml"
        self.environment = {
            **os.environ,
            "DBT_BASE_URL": f"http://127.0.0.1:{port}",
            "DBT_API_KEY": TOKEN,
        }

    def write(self, **jobs: dict[str, Any]) -> None:
        self.file.write_text(json.dumps({"jobs": jobs}))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [str(self.program), *arguments],
            cwd=self.file.parent,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        return result

    def changes(self, command: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(command, "jobs.yml", "--json").stdout)
        return found


@pytest.fixture
def tool(client: ClientOverHttp, tmp_path: Path, repository: Path) -> JobsAsCode:
    default = repository / ".venv-clients" / "bin" / "dbt-jobs-as-code"
    program = Path(os.environ.get("JOBS_AS_CODE") or default)
    if not program.exists():
        pytest.skip(f"dbt-jobs-as-code is not installed at {program}; make test installs it")
    return JobsAsCode(program, tmp_path, client.connection.port)


def test_plan_sync_and_plan_again_without_changes(client: ClientOverHttp, tool: JobsAsCode) -> None:
    client.post(f"{VARIABLES}bulk/", {"env_var": {"new_name": "DBT_SCHEMA", "project": "base"}})
    daily = job("Daily", custom_environment_variables=[{"DBT_SCHEMA": "from_job"}])
    merge = job("Merge", job_type="merge", triggers={**off(), "on_merge": True})
    manual = job("On demand", job_type="other", triggers=off(), description="by hand")
    tool.write(daily=daily, manual=manual, merge=merge)
    assert {item["action"] for item in tool.changes("plan")["job_changes"]} == {"CREATE"}
    assert client.get(jobs_path()).data == []

    synced = tool.changes("sync")
    assert synced["apply_success"]
    assert len(synced["applied"]["job_changes"]) == 3
    again = tool.changes("plan")
    assert again["job_changes"] == []
    assert again["env_var_overwrite_changes"] == []
    stored = {item["name"]: item for item in client.get(jobs_path()).data}
    assert set(stored) == {"Daily [[daily]]", "Merge [[merge]]", "On demand [[manual]]"}
    assert stored["Daily [[daily]]"]["schedule"]["cron"] == "0 8 * * 1-5"


def test_sync_updates_and_deletes(client: ClientOverHttp, tool: JobsAsCode) -> None:
    tool.write(one=job("One"), two=job("Two"))
    tool.changes("sync")
    changed = job("One", settings={"threads": 8, "target_name": "production"})
    tool.write(one={**changed, "schedule": {"cron": "5 4 * * 0"}})
    actions = {item["identifier"]: item["action"] for item in tool.changes("sync")["job_changes"]}
    assert actions == {"one": "UPDATE", "two": "DELETE"}
    (left,) = client.get(jobs_path()).data
    assert left["settings"]["threads"] == 8
    assert left["schedule"]["cron"] == "5 4 * * 0"
    assert tool.changes("plan")["job_changes"] == []


def test_what_is_imported_plans_as_unchanged(client: ClientOverHttp, tool: JobsAsCode) -> None:
    tool.write(one=job("One"), two=job("Two", triggers=off(), job_type="other"))
    tool.changes("sync")
    imported = tool.run("import-jobs", "--account-id", str(ACCOUNT), "--managed-only").stdout
    tool.file.write_text(imported)
    assert tool.changes("plan")["job_changes"] == []


def test_validate_online_knows_account_project_and_environment(
    client: ClientOverHttp, tool: JobsAsCode
) -> None:
    tool.write(one=job("One"))
    tool.run("validate", "jobs.yml", "--online")


@pytest.mark.slow
def test_link_adopts_a_job_and_unlink_gives_it_up(client: ClientOverHttp, tool: JobsAsCode) -> None:
    created = client.create_job(name="Old")
    tool.write(old=job("Old", linked_id=created["id"]))
    tool.run("link", "jobs.yml")
    assert client.get(jobs_path(created["id"])).data["name"] == "Old [[old]]"
    tool.run("unlink", "--config", "jobs.yml")
    assert client.get(jobs_path(created["id"])).data["name"] == "Old"


@pytest.mark.slow
def test_deactivate_and_update_jobs_work_too(client: ClientOverHttp, tool: JobsAsCode) -> None:
    created = client.create_job(name="Old", triggers={"schedule": True})
    tool.run("deactivate-jobs", "--account-id", str(ACCOUNT), "-j", str(created["id"]))
    assert client.get(jobs_path(created["id"])).data["triggers"]["schedule"] is False
    tool.write(old=job("New", linked_id=created["id"]))
    tool.run("update-jobs", "jobs.yml")
    assert client.get(jobs_path(created["id"])).data["name"] == "New"
