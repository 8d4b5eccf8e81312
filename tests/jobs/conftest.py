"""Fixtures of the jobs tests: a dbt Cloud with faults, and the command as users start it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.jobs.faulty_cloud import TOKEN, FaultyCloud

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "dbt_job_manager.py"


@pytest.fixture
def cloud(tmp_path):
    """Return the local dbt Cloud's API, running, with faults on request."""
    folder = tmp_path / "cloud"
    folder.mkdir()
    cloud = FaultyCloud(folder)
    yield cloud
    cloud.close()


@pytest.fixture
def environ(cloud, monkeypatch, tmp_path):
    """Set the environment of a user of branch feature-x."""
    # completion keeps the keys of jobs there
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in list(os.environ):
        if name.startswith(("DBTCLOUD_", "CI_", "GITLAB_", "TEAM_", "MARKETING_")):
            monkeypatch.delenv(name)
    values = {
        "DBTCLOUD_ACCOUNT_ID": "1",
        "DBTCLOUD_TOKEN": TOKEN,
        "PROJECT_ID": "2",
        "ENVIRONMENT_ID": "3",
        "DBTCLOUD_HOST_URL": cloud.url,
        "CI_COMMIT_REF_SLUG": "feature-x",
        "GITLAB_USER_LOGIN": "anna",
        "TMPDIR": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


@pytest.fixture
def jobs(environ, monkeypatch):
    """Return a function that runs the command in this process: (exit code, stdout, stderr)."""
    from click.testing import CliRunner

    from marketing_analytics.cloud_api import client, pace
    from marketing_analytics.jobs.cli import group

    # waits are real, only shorter
    monkeypatch.setattr(pace, "CALL_BURST", 2000)
    monkeypatch.setattr(
        client.CloudClient.__init__, "__kwdefaults__", {"retry_base_seconds": 0.01, "on_wait": None}
    )

    def run(*arguments, text=None):
        result = CliRunner().invoke(group, [str(a) for a in arguments], input=text)
        assert "Traceback" not in result.stderr
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture
def screen(monkeypatch):
    """Return a function that makes the output of `jobs` a terminal of so many columns."""
    from marketing_analytics.core import console

    def show(columns):
        monkeypatch.setattr(console, "is_terminal", lambda stream: True)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("NO_COLOR", "1")

    return show


@pytest.fixture
def script():
    """Return a function that runs scripts/dbt_job_manager.py as a process."""

    def run(*arguments, env=None, cwd=ROOT):
        return subprocess.run(
            [sys.executable, str(SCRIPT), *map(str, arguments)],
            capture_output=True,
            text=True,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return run


@pytest.fixture
def job_file(tmp_path):
    """Return a function that writes a job file and returns its path."""

    def write(text, name="jobs.tfvars"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def some_jobs(count, extra=""):
    """Return a job file with jobs 0 to count - 1."""
    entries = "\n".join(
        f'  job-{n} = {{ execute_steps = ["dbt build"]{extra} }}' for n in range(count)
    )
    return f"jobs = {{\n{entries}\n}}\n"
