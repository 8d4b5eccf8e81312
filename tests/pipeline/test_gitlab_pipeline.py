"""The pipeline of .gitlab-ci.yml, run by gitlab-ci-local: which jobs it has, what they deploy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.conftest import IDENTITY, ROOT
from tests.pipeline.gitlab_api import PROJECT, GitLabApi
from tests.pipeline.gitlab_api import TOKEN as TOKEN_OF_GITLAB

PROVIDER = os.environ.get("DBTCLOUD_PROVIDER_DIR", "")
needs_provider = pytest.mark.skipif(
    not (PROVIDER and shutil.which("terraform")),
    reason="needs terraform, and DBTCLOUD_PROVIDER_DIR with terraform-provider-dbtcloud",
)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CHECKS = dict.fromkeys(["job files", "terraform files", "checks", "coverage"], "on_success")
BRANCH = {
    "plan-branch-jobs": "on_success",
    "deploy-branch-jobs": "manual",
    "stop-branch-jobs": "manual",
}
TERRAFORM = {"plan-production-terraform": "on_success", "deploy-production-terraform": "manual"}
CLEANUP = {"cleanup-old-branch-jobs": "manual"}
PLANNED = {"plan-production-terraform": "on_success"}
NOTED = {"note-production-plan": "on_success"}


@pytest.fixture
def gitlab():
    """Return a running GitLab."""
    gitlab = GitLabApi()
    yield gitlab
    gitlab.close()


@pytest.fixture
def connected(pipeline, cloud, gitlab, tmp_path):
    """Return the pipeline with the CI variables of a team, and a Python that has nothing."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "python"], check=True)
    variables = {
        **IDENTITY,
        "DBTCLOUD_HOST_URL": cloud.url,
        "TEST_ENVIRONMENT_ID": cloud.environments["staging"],
        "PROD_ENVIRONMENT_ID": cloud.environments["production"],
        "CI_API_V4_URL": gitlab.url,
        "CI_PROJECT_ID": PROJECT,
        "CI_REPOSITORY_URL": f"file://{pipeline.repository}",
        "GITLAB_TOKEN": TOKEN_OF_GITLAB,
    }
    lines = "".join(f'{name}: "{value}"\n' for name, value in variables.items())
    (pipeline.repository / ".gitlab-ci-local-variables.yml").write_text(lines)
    path = (str(tmp_path / "python" / "bin"), pipeline.environ["PATH"])
    pipeline.environ["PATH"] = os.pathsep.join(path)
    return pipeline


@pytest.fixture
def provider(connected, tmp_path):
    """Let terraform init find the real provider, as a registry would serve it."""
    name = "registry.terraform.io/dbt-labs/dbtcloud/1.12.5/linux_amd64"
    folder = tmp_path / "providers" / name
    folder.mkdir(parents=True)
    binary = next(Path(PROVIDER).glob("terraform-provider-dbtcloud*"))
    (folder / "terraform-provider-dbtcloud_v1.12.5").symlink_to(binary.resolve())
    config = tmp_path / "terraformrc"
    mirror = f'filesystem_mirror {{\n    path = "{tmp_path / "providers"}"\n  }}'
    config.write_text(f"provider_installation {{\n  {mirror}\n}}\n")
    connected.environ |= {"TF_CLI_CONFIG_FILE": str(config), "CHECKPOINT_DISABLE": "1"}
    return connected


def on_schedule(name):
    """Return the variables of a scheduled pipeline."""
    return {"CI_PIPELINE_SOURCE": "schedule", name: "1"}


def merge_request_to(branch):
    """Return the variables of a merge request's pipeline, which has no CI_COMMIT_BRANCH."""
    return {
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_MERGE_REQUEST_IID": "12",
        "GITLAB_TOKEN": TOKEN_OF_GITLAB,
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": branch,
        "CI_COMMIT_BRANCH": "",
    }


@pytest.mark.parametrize(
    ("branch", "variables", "expected"),
    [
        ("feature-x", {}, CHECKS | BRANCH | CLEANUP),
        ("main", {}, CHECKS | TERRAFORM | CLEANUP),
        ("production", {}, CHECKS | TERRAFORM | CLEANUP),
        ("main", {"CI_PIPELINE_SOURCE": "schedule"}, {}),
        (
            "main",
            on_schedule("NIGHTLY"),
            dict.fromkeys(("slow-tests", "cleanup-old-branch-jobs", "report-drift"), "on_success"),
        ),
        ("main", on_schedule("INGEST"), {"load-platforms": "on_success"}),
        ("main", on_schedule("MONITORS"), {"watch-marts": "on_success"}),
        ("main", on_schedule("REPORT"), {"build-report": "on_success", "pages": "on_success"}),
        (
            "feature-x",
            merge_request_to("main"),
            CHECKS | BRANCH | CLEANUP | PLANNED | NOTED | {"note-branch-plan": "on_success"},
        ),
        ("main", merge_request_to("production"), CHECKS | CLEANUP | PLANNED | NOTED),
    ],
    ids=[
        "branch",
        "main",
        "production",
        "schedule",
        "night",
        "ingestion",
        "monitors",
        "report",
        "merge request",
        "main to production",
    ],
)
def test_a_pipeline_has_these_jobs(pipeline, branch, variables, expected):
    pipeline.checkout(branch)
    assert pipeline.jobs(**variables) == expected
    if "deploy-branch-jobs" in expected:
        assert pipeline.needs["deploy-branch-jobs"] == "[plan-branch-jobs]"


def test_a_branch_deploys_exactly_what_it_planned_and_one_note_shows_it(connected, cloud, gitlab):
    connected.checkout("feature-x")
    connected.run("job files")
    assert "9 to add" in connected.run("plan-branch-jobs")
    connected.run("deploy-branch-jobs")
    deployed = cloud.jobs("development")
    assert len(deployed) == 9
    assert {name.partition("-jennifer-")[0] for name in deployed} == {"marketing-team-feature-x"}
    assert "nothing to clean up" in connected.run("cleanup-old-branch-jobs")
    assert cloud.jobs("development") == deployed
    # what was planned against another state is refused: nine jobs are there, none should be added
    assert "appeared since the plan was made" in connected.run("deploy-branch-jobs")
    assert cloud.jobs("development") == deployed
    for _ in range(2):
        assert "no changes" in connected.run("plan-branch-jobs")
        connected.run("note-branch-plan", **merge_request_to("main"))
    (note,) = gitlab.bodies("12")
    assert "no changes" in note
    assert cloud.jobs("staging") == cloud.jobs("production") == []


def test_the_jobs_of_a_branch_go_with_it(connected, cloud):
    for branch in ("feature-x", "feature-y"):
        config = ROOT / "env_file" / "dev_env.tfvars"
        command = [sys.executable, ROOT / "scripts" / "dbt_job_manager.py", "deploy"]
        command += ["--config", config, "--branch", branch, "--user", "jennifer"]
        settings = {**os.environ, **IDENTITY, "DBTCLOUD_HOST_URL": cloud.url}
        subprocess.run(command, env=settings, check=True, capture_output=True)
    connected.checkout("feature-x")
    connected.run("stop-branch-jobs")
    left = cloud.jobs("development")
    assert {name.partition("-jennifer-")[0] for name in left} == {"marketing-team-feature-y"}


@needs_provider
def test_drift_is_one_issue_while_it_lasts(provider, cloud, gitlab):
    provider.checkout("main")
    provider.run("plan-production-terraform")
    provider.run("note-production-plan", **merge_request_to("main"))
    (note,) = gitlab.bodies("12")
    assert "Plan: " in note
    provider.run("deploy-production-terraform")
    provider.run("report-drift")
    assert gitlab.issues == []
    job = cloud.call("v2/accounts/1/jobs/?limit=1")[0]
    place = f"v2/accounts/1/jobs/{job['id']}/"
    cloud.call(place, {**job, "settings": {"threads": 77, "target_name": "default"}})
    for _ in range(2):
        provider.run("report-drift")
    (issue,) = gitlab.issues
    assert "77" in issue["description"]
    assert issue["state"] == "opened"
    cloud.call(place, job)
    provider.run("report-drift")
    assert gitlab.issues[0]["state"] == "closed"


@needs_provider
def test_main_deploys_staging_and_production_deploys_production(provider, cloud, gitlab):
    for branch, environment, count in (("main", "staging", 6), ("production", "production", 5)):
        provider.checkout(branch)
        provider.run("terraform files")
        provider.run("plan-production-terraform")
        assert cloud.jobs(environment) == []
        provider.run("deploy-production-terraform")
        assert len(cloud.jobs(environment)) == count
        assert "No changes" in provider.run("plan-production-terraform")
    assert cloud.jobs("development") == []
    assert "marketing-team-attribution-production" in cloud.jobs("production")
    assert [path.rpartition("/")[2] for path in gitlab.server.states] == ["test", "prod"]
    assert gitlab.server.locks == {}
