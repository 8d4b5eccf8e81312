"""The page about jobs and the pipeline say what is true."""

import os
import re
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


def test_a_branch_deploys_the_plan_that_was_shown_and_stops_with_its_branch():
    _, jobs = pipeline()
    plan, deploy, stop = (jobs[f"{verb}-branch-jobs"] for verb in ("plan", "deploy", "stop"))
    assert "--out plan.json" in plan["script"][0]
    assert "plan.json" in plan["artifacts"]["paths"]
    assert deploy["needs"] == ["plan-branch-jobs"]
    assert deploy["script"] == ["python scripts/dbt_job_manager.py deploy --plan plan.json"]
    assert deploy["environment"]["on_stop"] == "stop-branch-jobs"
    assert stop["environment"] == {"name": deploy["environment"]["name"], "action": "stop"}
    # a stop has to be possible whenever a deploy was, after the branch is gone too
    assert stop["rules"] == deploy["rules"]
    assert stop["variables"] == {"GIT_STRATEGY": "none"}


def test_notes_show_what_the_plans_keep_and_need_a_merge_request_and_a_token():
    _, jobs = pipeline()
    for note, plan in (
        ("note-branch-plan", "plan-branch-jobs"),
        ("note-production-plan", "plan-production-terraform"),
    ):
        assert jobs[note]["needs"] == [plan]
        text = jobs[note]["script"][-1].partition("--file ")[2].strip('"')
        assert text in jobs[plan]["artifacts"]["paths"]
        conditions = " ".join(rule["if"] for rule in jobs[note]["rules"] if "if" in rule)
        assert "$CI_MERGE_REQUEST_IID" in conditions
        assert "$GITLAB_TOKEN" in conditions


def test_only_what_a_schedule_asks_for_runs_on_it():
    _, jobs = pipeline()
    asked = {}
    for name in jobs:
        for rule in resolved(jobs, name).get("rules", []):
            condition = rule.get("if", "")
            if '"schedule"' in condition and rule.get("when") != "never":
                asked.setdefault(name, set()).update(re.findall(r'\$(\w+) == "1"', condition))
    assert asked == {
        "slow-tests": {"NIGHTLY"},
        "cleanup-old-branch-jobs": {"NIGHTLY"},
        "report-drift": {"NIGHTLY"},
        "load-platforms": {"INGEST"},
        "watch-marts": {"MONITORS"},
        "build-report": {"REPORT"},
        "pages": {"REPORT"},
    }


def test_the_pipeline_is_valid_against_gitlabs_schema():
    files = [ROOT / ".gitlab-ci.yml", *sorted((ROOT / "ci").glob("*.yml"))]
    program = Path(sys.executable).parent / "check-jsonschema"
    command = [program, "--builtin-schema", "vendor.gitlab-ci", *files]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0, done.stdout
