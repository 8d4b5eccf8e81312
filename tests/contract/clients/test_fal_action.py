"""fal's action for GitHub, which is a script for Node: it triggers, polls, keeps the artifact.

`PUBLIC_PROJECTS` names a folder of bare repositories, as in the tests of public projects; the
action is `fal-ai+dbt-cloud-action/repo` there and brings its libraries along.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.clients]
NAME = "fal-ai+dbt-cloud-action"


@pytest.fixture(scope="module")
def action(tmp_path_factory):
    """Return the folder of the action."""
    mirror = Path(os.environ.get("PUBLIC_PROJECTS", "/nowhere"), NAME, "repo")
    if not (mirror.is_dir() and shutil.which("node")):
        pytest.skip(f"needs node, and PUBLIC_PROJECTS with {NAME}")
    folder = tmp_path_factory.mktemp("action")
    read = ["git", "-c", "safe.directory=*", "--git-dir", str(mirror), "archive", "HEAD"]
    archive = subprocess.run(read, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    return folder


@pytest.fixture
def run_action(action, cloud, tmp_path):
    """Return a function that runs the action as GitHub does, with its inputs."""

    def run(code=0, **inputs):
        served, outputs = cloud.served, tmp_path / "outputs"
        outputs.write_text("")
        given = {
            "dbt_cloud_url": served.url,
            "dbt_cloud_token": served.token,
            "dbt_cloud_account_id": served.account_id,
            "interval": 1,
            "failure_on_error": "true",
            "get_artifacts": "true",
            "wait_for_job": "true",
            "cause": "Triggered by a GitHub Action",
            **inputs,
        }
        done = subprocess.run(
            ["node", str(action / "index.js")],
            cwd=tmp_path,
            env={f"INPUT_{name.upper()}": str(value) for name, value in given.items()}
            | {"PATH": os.environ["PATH"], "GITHUB_OUTPUT": str(outputs)}
            | {"NODE_EXTRA_CA_CERTS": str(served.certificate)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout, outputs.read_text()

    return run


def test_the_action_keeps_what_bare_dbt_would_have_left(run_action, cloud, bare, tmp_path):
    job = cloud.make_job("fal", ["dbt parse"])
    steps = '["dbt build --exclude tag:slow tag:fragile"]'
    _, outputs = run_action(dbt_cloud_job_id=job, steps_override=steps, threads_override=2)
    run = cloud.check_built(job, bare)
    assert str(run["id"]) in outputs
    kept = json.loads((tmp_path / "target" / "run_results.json").read_text())
    assert kept == cloud.artifact(run["id"], "run_results.json")
    assert run["href"].startswith(cloud.served.url)


def test_the_action_fails_with_the_logs_of_a_failed_run(run_action, cloud):
    job = cloud.make_job("fal fails", ["dbt run --select fragile"])
    printed, _ = run_action(code=1, dbt_cloud_job_id=job)
    assert "no_such_column" in printed
