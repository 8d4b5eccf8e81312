"""list: what it shows of which jobs, on a terminal, in a pipe and as JSON."""

import json
import re
from pathlib import Path

import pytest

from marketing_analytics.jobs.payload import compared

ROOT = Path(__file__).resolve().parents[2]
DEV = ROOT / "env_file" / "dev_env.tfvars"
ONE = 'jobs = { a = { execute_steps = ["dbt build"], description = "Builds." } }\n'


def test_list_shows_all_jobs_of_the_team_and_no_others(jobs, cloud, job_file):
    config = job_file(ONE)
    jobs("deploy", "--config", config)
    jobs("deploy", "--config", config, "--branch", "other")
    jobs("deploy", "--config", config, "--team", "sales")
    code, out, _ = jobs("list")
    assert code == 0
    assert "marketing-team-feature-x-anna-a" in out
    assert "marketing-team-other-anna-a" in out
    assert "sales" not in out


def test_a_piped_list_is_tab_separated_with_a_line_of_names(jobs, cloud, job_file):
    config = job_file(ONE.replace("a = {", 'a = { schedule_cron = "0 9 * * *",'))
    jobs("deploy", "--config", config)
    jobs("run", "a")
    [names, row] = [line.split("\t") for line in jobs("list")[1].splitlines()]
    assert names == [
        "id", "key", "branch", "user", "name", "cron", "next_run_at", "run", "status",
    ]  # fmt: skip
    found = dict(zip(names, row, strict=True))
    [job] = cloud.active()
    assert found["id"] == str(job["id"])
    assert (found["key"], found["branch"], found["user"]) == ("a", "feature-x", "anna")
    assert (found["name"], found["cron"]) == (job["name"], "0 9 * * *")


def list_on_a_terminal(columns):
    """Return what `list` shows on a terminal of so many columns, without colours."""
    import os
    import pty
    import subprocess
    import sys

    command = [sys.executable, ROOT / "scripts" / "dbt_job_manager.py", "list"]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"}
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 10_000)
        except OSError:
            break
    os.close(ours)
    assert process.wait(20) == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())


@pytest.mark.parametrize("columns", [120, 80, 40])
def test_a_list_fits_the_terminal_and_shows_the_key_that_run_takes(jobs, cloud, environ, columns):
    assert jobs("deploy", "--config", DEV)[0] == 0
    text = list_on_a_terminal(columns)
    assert all(len(line.rstrip()) <= columns for line in text.splitlines()), text
    for job in cloud.active():
        key = job["name"].removeprefix("marketing-team-feature-x-anna-")
        assert re.search(rf"^ *({job['id']} +)?{key}( |\r?$)", text, re.MULTILINE), text


@pytest.mark.parametrize("columns", [120, 40])
def test_a_list_parts_the_jobs_of_branches(jobs, cloud, job_file, columns):
    config = job_file(ONE)
    jobs("deploy", "--config", config)
    jobs("deploy", "--config", config, "--branch", "other")
    text = " ".join(list_on_a_terminal(columns).split())
    first, second = text.index("branch feature-x"), text.index("branch other")
    one, two = sorted((first, second))
    assert re.search(r"\ba\b.* on demand|\ba\b", text[one:two])
    assert re.search(r"\ba\b", text[two:])


def test_list_details_shows_steps_and_variables(jobs, cloud, job_file, screen):
    jobs("deploy", "--config", job_file(ONE))
    screen(80)
    out = jobs("list", "--details")[1]
    assert "$ dbt build" in out
    assert "DBT_SCHEMA=anna_feature_x" in out
    assert "Builds." in out


def test_list_details_shows_what_runs_beside_the_steps_and_when_it_changed(
    jobs, cloud, job_file, screen
):
    screen(80)
    flags = "run_source_freshness = true, generate_docs = true"
    jobs("deploy", "--config", job_file(ONE.replace("a = {", f"a = {{ {flags},")))
    out = jobs("list", "--details")[1]
    assert "$ dbt source freshness, first" in out
    assert "$ dbt docs generate, at the end" in out
    assert re.search(r"changed \d{4}-\d\d-\d\d \d\d:\d\d UTC, \d+ (s|min) ago$", out, re.MULTILINE)


def test_list_details_shows_every_attribute_that_says_something(jobs, cloud, job_file, screen):
    screen(80)
    flags = "on_merge = true, timeout_seconds = 90, run_lint = true, environment_id = 3"
    jobs("deploy", "--config", job_file(ONE.replace("a = {", f"a = {{ {flags},")))
    lines = [line.strip() for line in jobs("list", "--details")[1].splitlines()]
    assert {"timeout_seconds 90", "on_merge true", "run_lint true", "threads 4"} <= set(lines)
    assert not [line for line in lines if line.startswith(("run_compare_changes", "target_name"))]


def test_an_empty_list_says_so(jobs):
    code, out, err = jobs("list")
    assert (code, len(out.splitlines())) == (0, 1)
    assert "team marketing-team has no jobs in environment 3 of project 2" in err


def test_the_json_of_list_has_these_fields(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(ONE))
    document = json.loads(jobs("list", "--json")[1])
    assert list(document) == ["schema_version", "team", "environment_id", "elsewhere", "jobs"]
    assert list(document["jobs"][0]) == [
        "id",
        "key",
        "name",
        "branch",
        "user",
        "description",
        *[a.name for a in compared() if a.name != "description"],
        "next_run_at",
        "updated_at",
        "env_vars",
        "last_run",
        "created_at",
        "schedule",
        "drift",
    ]
