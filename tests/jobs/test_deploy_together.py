"""Deploys beside others: people who edit in between, a second machine, a plan that waited."""

import json
import os
import random
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from marketing_analytics.cloud_api import answers as answers_module
from marketing_analytics.cloud_api.names import Scope
from marketing_analytics.jobs.guards import lease as lease_module
from marketing_analytics.jobs.guards.quiet import is_far, is_quiet
from marketing_analytics.jobs.payload import Desired
from tests.jobs.faulty_cloud import JOBS, race

from .conftest import SCRIPT, some_jobs

pytestmark = pytest.mark.system

THREE = some_jobs(3)
CHANGED = some_jobs(3, ", threads = 8")


def between(cloud, act):
    """Let `act` happen once, right after the next list of jobs was answered."""
    original = cloud.answer

    def answer(method, path, *rest):
        found = original(method, path, *rest)
        if method == "GET" and path.startswith(JOBS):
            cloud.answer = original
            act()
        return found

    cloud.answer = answer


# what changed since the plan


def test_a_job_edited_between_plan_and_write_is_left_and_both_versions_are_shown(
    jobs, cloud, job_file
):
    jobs("deploy", "--config", job_file(THREE))
    first = cloud.job("job-0")
    between(cloud, lambda: cloud.change_job(first, settings={"threads": 2, "target_name": "x"}))
    code, out, err = jobs("deploy", "--config", job_file(CHANGED))
    assert code == 5
    assert re.search(r"stale ~ .*job-0: job \d+ was changed since the plan was made", out)
    assert "threads: the plan saw 4, now 2" in out
    assert "target_name: the plan saw default, now x" in out
    assert "new plan" in err
    assert [cloud.job(f"job-{n}")["settings"]["threads"] for n in range(3)] == [2, 8, 8]


def test_when_all_are_stale_the_exit_code_is_3_and_nothing_is_written(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(some_jobs(1)))
    [job] = cloud.active()
    between(cloud, lambda: cloud.change_job(job, execute_steps=["dbt run"]))
    cloud.requests.clear()
    config = job_file(some_jobs(1, ", threads = 8"))
    code, out, _ = jobs("deploy", "--config", config, "--json")
    assert (code, cloud.writes) == (3, [])
    [result] = json.loads(out)["results"]
    assert result["state"] == "stale"
    assert result["differences"] == [
        {"field": "steps", "planned": ["dbt build"], "now": ["dbt run"]}
    ] or result["differences"][0]["now"] == ["dbt run"]


@pytest.mark.parametrize("kind", ["deleted", "appeared", "variable", "named"])
def test_what_else_may_happen_in_between_stops_the_job(jobs, cloud, job_file, kind):
    jobs("deploy", "--config", job_file(some_jobs(2)))
    first, second = cloud.job("job-0"), cloud.job("job-1")
    mark = first["description"].replace("job-0", "fresh")
    stranger = {"name": first["name"].replace("job-0", "fresh"), "description": ""}
    acts = {
        "deleted": lambda: cloud.ask("DELETE", f"{JOBS}{first['id']}/"),
        "appeared": lambda: cloud.copy_job(second, description=mark),
        "variable": lambda: cloud.run_sql(
            "update environment_variables set value = 'x' where job_id = :id", id=first["id"]
        ),
        "named": lambda: cloud.copy_job(second, **stranger),
    }
    between(cloud, acts[kind])
    text = some_jobs(2, ", threads = 8").replace(
        "jobs = {", 'jobs = {\n  fresh = { execute_steps = ["dbt build"] }'
    )
    code, out, _ = jobs("deploy", "--config", job_file(text))
    assert code == 5
    assert len(re.findall("^  stale", out, re.MULTILINE)) == 1
    words = {"deleted": "was deleted", "variable": "DBT_SCHEMA: the plan saw set"}
    assert words.get(kind, "appeared since the plan was made") in out


def test_what_a_run_changes_is_no_edit(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(THREE))
    between(cloud, lambda: cloud.age(days=2))
    assert jobs("deploy", "--config", job_file(CHANGED))[0] == 0


def test_remote_edits_are_all_noticed(jobs, cloud, job_file):
    """The sample of the 1,000 edits of benchmarks/jobs_faults.py."""
    jobs("deploy", "--config", job_file(some_jobs(10)))
    rng = random.Random(7)
    remote = cloud.active()
    edited = rng.sample(range(10), 6)
    steps = {n: [f"dbt run --select m{rng.random()}"] for n in edited}

    def edit():
        for n in edited:
            cloud.change_job(remote[n], execute_steps=steps[n])

    between(cloud, edit)
    code, out, _ = jobs("deploy", "--config", job_file(some_jobs(10, ", threads = 8")))
    assert (code, out.count("  stale ~")) == (5, 6)
    assert all(cloud.active()[n]["execute_steps"] == steps[n] for n in edited)


def test_a_change_of_50_jobs_takes_52_calls(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(some_jobs(50)))
    cloud.requests.clear()
    assert jobs("deploy", "--config", job_file(some_jobs(50, ", threads = 8")))[0] == 0
    assert len(cloud.requests) == 52


def test_50_new_jobs_with_three_variables_take_at_most_210_calls(jobs, cloud, job_file):
    for name in ("DBT_SCHEMA", "DBT_A", "DBT_B"):
        body = {"env_var": {"new_name": name, "project": "base"}}
        cloud.ask("POST", "/api/v3/accounts/1/projects/2/environment-variables/bulk/", body)
    at = datetime.now(UTC) + timedelta(hours=3)
    extra = f', env_vars = {{ DBT_A = "1", DBT_B = "2" }}, schedule_cron = "0 {at.hour} * * *"'
    assert jobs("deploy", "--config", job_file(some_jobs(50, extra)))[0] == 0
    assert len(cloud.overrides) == 150
    assert len(cloud.requests) == 207
    assert all(job["triggers"]["schedule"] for job in cloud.active())


# saved plans


@pytest.fixture
def saved(jobs, cloud, job_file, tmp_path):
    """Return the path of a plan that changes three jobs."""
    jobs("deploy", "--config", job_file(THREE))
    path = tmp_path / "jobs.plan"
    assert jobs("plan", "--config", job_file(CHANGED), "--out", path)[0] == 0
    return path


def test_a_saved_plan_is_applied_whatever_the_file_says_by_now(jobs, cloud, saved, job_file):
    job_file("jobs = {}")
    cloud.requests.clear()
    assert jobs("deploy", "--plan", saved)[0] == 0
    assert [job["settings"]["threads"] for job in cloud.active()] == [8, 8, 8]
    assert len(cloud.requests) == 5
    # it is done now, and the jobs are not those that it saw
    assert jobs("deploy", "--plan", saved)[0] == 3


def test_a_saved_plan_is_refused_whole_when_one_job_changed(jobs, cloud, saved):
    cloud.change_job(cloud.active()[1], execute_steps=["dbt run"])
    cloud.requests.clear()
    code, _, err = jobs("deploy", "--plan", saved)
    assert (code, cloud.writes) == (3, [])
    assert re.search(r"1 of 3 changes: job-\d: job", err)
    assert "now ['dbt run']" in err


def test_a_saved_plan_of_new_and_removed_jobs(jobs, cloud, saved, job_file):
    text = some_jobs(2).replace(
        "jobs = {", 'jobs = {\n  b = { execute_steps = ["dbt build"], after = { job = "job-0" } }'
    )
    assert jobs("plan", "--config", job_file(text), "--out", saved)[0] == 0
    assert jobs("deploy", "--plan", saved)[0] == 0
    assert "no changes" in jobs("plan", "--config", job_file(text))[1]


@pytest.mark.parametrize("what", ["account", "host", "branch"])
def test_a_saved_plan_for_another_place_is_refused(jobs, cloud, saved, monkeypatch, what):
    cloud.requests.clear()
    flags = ["--branch", "other"] if what == "branch" else []
    if what == "account":
        monkeypatch.setenv("DBTCLOUD_ACCOUNT_ID", "77")
    if what == "host":
        monkeypatch.setenv("DBTCLOUD_HOST_URL", "http://127.0.0.1:9")
    code, _, err = jobs("deploy", "--plan", saved, *flags)
    assert (code, cloud.requests) == (3, [])
    words = {"account": "account_id 1 (now 77)", "host": "host_url", "branch": "(now other)"}
    assert words[what] in err


@pytest.mark.parametrize("what", ["edited", "newer", "garbage", "absent", "hollow"])
def test_a_file_that_is_no_plan_is_one_sentence(jobs, cloud, saved, what):
    cloud.requests.clear()
    text = saved.read_text()
    texts = {
        "edited": text.replace("dbt build", "dbt run"),
        "newer": text.replace('"schema_version": 1', '"schema_version": 2'),
        "garbage": "[" * 100_000,
        "hollow": json.dumps({"kind": "marketing-jobs-plan", "schema_version": 1}),
    }
    saved.unlink() if what == "absent" else saved.write_text(texts[what])
    code, _, err = jobs("deploy", "--plan", saved)
    assert (code, cloud.requests) == (2, [])
    assert err.startswith("error: ")


def test_a_plan_holds_no_secret_of_dbt_cloud(jobs, cloud, job_file, tmp_path):
    jobs("deploy", "--config", job_file(some_jobs(1)))
    secret = "glpat-abcdefghijklmnop123"
    cloud.change_job(cloud.active()[0], execute_steps=[f"dbt run --vars '{secret}'"])
    sql = "update environment_variables set value = :secret where job_id is not null"
    cloud.run_sql(sql, secret=secret)
    path = tmp_path / "jobs.plan"
    assert jobs("plan", "--config", job_file(some_jobs(1)), "--out", path)[0] == 0
    assert secret not in path.read_text()
    assert "test-token" not in path.read_text()
    assert jobs("deploy", "--plan", path)[0] == 0


def test_either_a_file_or_a_plan(jobs, cloud, saved, job_file):
    assert jobs("deploy", "--plan", saved, "--config", job_file(THREE))[0] == 2
    assert jobs("deploy")[0] == 2


# several machines


def test_five_machines_make_each_job_once(cloud, job_file, environ, monkeypatch):
    """The sample of the 200 races of benchmarks/jobs_faults.py."""
    monkeypatch.setattr(lease_module, "POLL_SECONDS", 0.02)
    config = job_file(some_jobs(3))
    codes = race(cloud.url, config, machines=5, wait_seconds=60)
    # 3: the plan was made before another one's jobs, and the lease came free just then
    assert codes[0] == 0
    assert set(codes) <= {0, 3}
    assert len(cloud.active()) == 3
    assert lease_names(cloud) == []


def lease_names(cloud):
    sql = "select distinct name from environment_variables where name like 'DBT_JOBS_DEPLOY%'"
    return [row[0] for row in cloud.run_sql(sql)]


def claim(cloud, name="1", *, minutes=5, process=None, machine="other"):
    """Write a claim of somebody else's deploy."""
    now = datetime.now(UTC)
    value = {
        "holder": "bert@elsewhere",
        "machine": lease_module.this_machine() if machine == "this" else machine,
        "process": process or os.getpid(),
        "since": (now - timedelta(minutes=2)).isoformat(),
        "until": (now + timedelta(minutes=minutes)).isoformat(),
    }
    prefix = lease_module.prefix_of(Scope("marketing-team", "feature-x", "anna"))
    body = {"env_var": {"new_name": f"{prefix}{name}", "project": json.dumps(value)}}
    cloud.ask("POST", "/api/v3/accounts/1/projects/2/environment-variables/bulk/", body)


def test_who_deploys_is_said_and_nothing_is_written(jobs, cloud, job_file):
    claim(cloud)
    code, _, err = jobs("deploy", "--config", job_file(THREE))
    assert (code, cloud.active()) == (4, [])
    assert re.search(r"bert@elsewhere deploys .* branch feature-x .* since \d{4}-", err)
    assert "--wait" in err
    # only the other one's claim is left
    assert len(lease_names(cloud)) == 1


def test_a_deploy_waits_for_the_lease(jobs, cloud, job_file, monkeypatch):
    monkeypatch.setattr(lease_module, "POLL_SECONDS", 0.01)
    claim(cloud)
    original = cloud.answer

    def answer(method, path, *rest):
        found = original(method, path, *rest)
        if len(cloud.requests) == 8:
            cloud.run_sql("delete from environment_variables where value like '%bert%'")
        return found

    cloud.answer = answer
    code, _, err = jobs("deploy", "--config", job_file(THREE), "--wait", "60")
    assert (code, len(cloud.active())) == (0, 3)
    assert "waiting: bert@elsewhere deploys since" in err


@pytest.mark.parametrize(
    "dead", [{"minutes": -1}, {"machine": "this", "process": 2**22 + 1}], ids=["over", "killed"]
)
def test_the_lease_of_a_dead_holder_ends(jobs, cloud, job_file, dead):
    claim(cloud, **dead)
    assert jobs("deploy", "--config", job_file(THREE))[0] == 0
    assert (len(cloud.active()), lease_names(cloud)) == (3, [])


def test_a_plan_and_a_deploy_of_another_scope_need_no_lease(jobs, cloud, job_file):
    claim(cloud)
    assert jobs("plan", "--config", job_file(THREE))[0] == 0
    assert jobs("deploy", "--config", job_file(THREE), "--branch", "other")[0] == 0


def test_without_the_right_to_write_variables_there_is_no_lease_but_a_deploy(jobs, cloud, job_file):
    cloud.fail("POST", "/bulk/$", 403)
    code, _, err = jobs("deploy", "--config", job_file(THREE))
    assert (code, len(cloud.active())) == (0, 3)
    assert "there is no lease" in err


def test_a_lease_that_was_lost_stops_the_deploy(jobs, cloud, job_file, monkeypatch):
    monkeypatch.setattr(lease_module, "LASTS", timedelta(0))
    monkeypatch.setattr(lease_module, "RENEW_AFTER", timedelta(0))
    code, out, err = jobs("deploy", "--config", job_file(THREE))
    assert (code, cloud.active()) == (4, [])
    assert "was lost" in err + out


def test_second_copies_are_no_matter_for_the_delete_guard(jobs, cloud, job_file):
    config = job_file(THREE)
    jobs("deploy", "--config", config)
    ids = [job["id"] for job in cloud.active()]
    for job in cloud.active() * 2:
        cloud.copy_job(job)
    assert jobs("deploy", "--config", config)[0] == 0
    assert [job["id"] for job in cloud.active()] == ids


# too many calls


@pytest.fixture
def script_process(environ):
    """Return a function that starts the command as a process whose stderr can be read."""
    started = []

    def start(*arguments):
        command = [sys.executable, str(SCRIPT), *map(str, arguments)]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, **pipes, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


def test_without_retry_after_the_pause_is_waited_out_and_told(jobs, cloud, job_file, monkeypatch):
    monkeypatch.setattr(answers_module, "COOLDOWN_SECONDS", 1.2)
    cloud.retry_after = None
    cloud.fail("GET", JOBS, 429)
    code, out, err = jobs("plan", "--config", job_file(THREE), "--json")
    assert code == 0
    [event] = map(json.loads, err.splitlines())
    assert (event["event"], event["seconds"]) == ("waiting", 1)
    assert json.loads(out)["summary"]["add"] == 3


def test_the_pause_that_a_date_asks_for_is_waited(jobs, cloud, job_file):
    at = datetime.now(UTC) + timedelta(seconds=3)
    cloud.retry_after = format_datetime(at, usegmt=True)
    cloud.fail("GET", JOBS, 429)
    assert jobs("plan", "--config", job_file(THREE))[0] == 0
    assert datetime.now(UTC) >= at - timedelta(seconds=1)


def test_a_pause_of_hours_is_not_waited_for(jobs, cloud, job_file):
    cloud.retry_after = "7200"
    cloud.fail("GET", JOBS, 429)
    code, _, err = jobs("plan", "--config", job_file(THREE))
    assert (code, "limits the rate" in err) == (1, True)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
def test_a_pause_is_interrupted_with_130_and_the_next_deploy_finishes(
    jobs, cloud, job_file, script_process, signum
):
    cloud.retry_after = None
    cloud.fail("POST", "/environment-variables/$", 429)
    config = job_file(THREE)
    process = script_process("deploy", "--config", config)
    for line in process.stderr:
        if "trying again in 5 min" in line:
            process.send_signal(signum)
            break
    assert process.wait(30) == 130
    assert "changes are done" in process.stderr.read()
    assert all(not any(job["triggers"].values()) for job in cloud.active())
    assert jobs("deploy", "--config", config)[0] == 0
    assert "no changes" in jobs("deploy", "--config", config)[1]
    assert lease_names(cloud) == []


# what starts a new job


NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "is_so"),
    [
        (None, True),
        ("0 8 * * *", True),
        ("20 12 * * *", True),
        ("14 12 * * *", False),
        ("0 12 * * *", False),
        ("* * * * *", False),
        ("*/20 * * * *", False),
    ],
)
def test_a_schedule_that_is_about_to_come_due_is_not_far(cron, is_so):
    assert is_far(cron, NOON) is is_so


def desired(key, cron=None, after=None, **flags):
    fields = {"schedule_cron": cron, "after": after, "on_merge": False, "on_pull_request": False}
    return Desired(key, fields | flags, {}, 0)


@pytest.mark.parametrize(
    ("parent", "is_so"),
    [
        (desired("a", "0 8 * * *"), True),
        (desired("a", "5 12 * * *"), False),
        (desired("a", on_merge=True), False),
        (desired("a", on_pull_request=True), False),
        (desired("b"), False),
    ],
    ids=["far", "soon", "merge", "pull request", "not new"],
)
def test_what_runs_after_a_job_is_as_quiet_as_that(parent, is_so):
    job = desired("c", after=("a", ("success",)))
    assert is_quiet(job, {parent.key: parent}, NOON) is is_so
    below = desired("d", after=("c", ("success",)))
    assert is_quiet(below, {parent.key: parent, "c": job}, NOON) is is_so


def test_a_new_job_whose_variables_fail_is_switched_off(jobs, cloud, job_file):
    at = datetime.now(UTC) + timedelta(hours=3)
    extra = f', schedule_cron = "0 {at.hour} * * *"'
    cloud.fail("POST", "/environment-variables/$", 400)
    assert jobs("deploy", "--config", job_file(some_jobs(1, extra)))[0] == 1
    [job] = cloud.active()
    assert job["triggers"]["schedule"] is False
    assert jobs("deploy", "--config", job_file(some_jobs(1, extra)))[0] == 0
    assert cloud.active()[0]["triggers"]["schedule"] is True
