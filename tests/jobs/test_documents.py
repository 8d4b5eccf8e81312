"""The page about jobs and the pipeline say what is true."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from marketing_analytics.cloud_api.attributes import ATTRIBUTES
from marketing_analytics.jobs.cli import group
from marketing_analytics.jobs.settings import FLAGS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "jobs.md").read_text()


@pytest.mark.parametrize("name", sorted(group.members))
def test_every_command_is_described_with_its_own_flags(name):
    command = group.get_command(click.Context(group), name)
    line = next(line for line in PAGE.splitlines() if f"`{name} " in line or f"`{name}`" in line)
    shared = {"--json", "--environment-id", *FLAGS.values(), "--host-url"}
    for option in command.params:
        if isinstance(option, click.Option) and not set(option.opts) & shared:
            assert option.opts[-1] in line, option.opts


@pytest.mark.parametrize("name", [attribute.name for attribute in ATTRIBUTES])
def test_every_attribute_is_described(name):
    assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("name", sorted(FLAGS))
def test_every_setting_is_described_with_its_flag(name):
    assert f"| `{name}` | `{FLAGS[name]}` |" in PAGE


def pipeline():
    """Return all jobs of the pipeline."""
    root = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())
    jobs = {}
    for include in root["include"]:
        jobs |= yaml.safe_load((ROOT / include["local"]).read_text())
    return root, jobs


def resolved(jobs, name):
    """Return a job with what it extends."""
    parents = jobs[name].get("extends", [])
    merged = {}
    for parent in [parents] if isinstance(parents, str) else parents:
        merged |= resolved(jobs, parent)
    return merged | jobs[name]


def test_the_pipeline_has_its_stages_and_every_stage_has_a_job():
    root, jobs = pipeline()
    assert root["stages"] == ["validate", "test", "plan", "deploy", "cleanup"]
    used = {resolved(jobs, name)["stage"] for name in jobs if not name.startswith(".")}
    assert used == set(root["stages"])


def test_deploys_of_one_thing_wait_for_each_other():
    _, jobs = pipeline()
    for name in jobs:
        if not name.startswith(".") and resolved(jobs, name)["stage"] in ("deploy", "cleanup"):
            assert "resource_group" in resolved(jobs, name), name


def test_cleanup_runs_on_a_schedule_and_by_hand():
    _, jobs = pipeline()
    on_schedule, *_, by_hand = jobs["cleanup-old-branch-jobs"]["rules"]
    assert on_schedule == {"if": '$CI_PIPELINE_SOURCE == "schedule" && $NIGHTLY == "1"'}
    assert by_hand == {"when": "manual", "allow_failure": True}
    assert "cleanup --older-than 7 --yes" in jobs["cleanup-old-branch-jobs"]["script"][0]


@pytest.mark.parametrize("name", ["deploy-branch-jobs", "deploy-production-terraform"])
def test_every_deploy_waits_for_a_click(name):
    _, jobs = pipeline()
    assert {rule.get("when", "on_success") for rule in jobs[name]["rules"]} == {"never", "manual"}


def test_the_pipeline_is_valid_against_gitlabs_schema():
    files = [ROOT / ".gitlab-ci.yml", *sorted((ROOT / "ci").glob("*.yml"))]
    program = Path(sys.executable).parent / "check-jsonschema"
    command = [program, "--builtin-schema", "vendor.gitlab-ci", *files]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0, done.stdout
