"""Deploy over real HTTP: plan, apply, ownership, guards."""

import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from .conftest import some_jobs
from .faulty_cloud import forget_journals

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
DEV = ROOT / "env_file" / "dev_env.tfvars"


def test_the_nine_dev_jobs_are_deployed_with_names_marks_and_schema(jobs, cloud):
    code, out, err = jobs("deploy", "--config", DEV)
    assert (code, err) == (0, "")
    assert "Plan: 9 to add, 0 to change, 0 to remove." in out
    names = {job["name"] for job in cloud.active()}
    assert "marketing-team-feature-x-anna-attribution-daily-refresh" in names
    assert len(names) == 9
    by_key = {
        job["name"].removeprefix("marketing-team-feature-x-anna-"): job for job in cloud.active()
    }
    assert by_key["ad-platform-sync"]["description"].endswith(
        "[jobs:v1 marketing-team/feature-x/anna/ad-platform-sync]"
    )
    assert by_key["ad-platform-sync"]["run_generate_sources"] is True
    assert by_key["attribution-validation"]["triggers"]["schedule"] is False
    schemas = {value for _, name, value in cloud.overrides if name == "DBT_SCHEMA"}
    assert schemas == {"anna_feature_x"}
    assert len(cloud.overrides) == 9


def test_a_second_deploy_says_no_changes_and_writes_nothing(jobs, cloud):
    jobs("deploy", "--config", DEV)
    cloud.requests.clear()
    code, out, _ = jobs("deploy", "--config", DEV)
    assert code == 0
    assert "no changes" in out
    assert cloud.writes == []
    assert len(cloud.requests) == 1


def test_a_plan_of_250_jobs_takes_three_calls(jobs, cloud, job_file):
    config = job_file(some_jobs(250))
    assert jobs("deploy", "--config", config)[0] == 0
    cloud.requests.clear()
    assert "no changes" in jobs("deploy", "--config", config)[1]
    assert len(cloud.requests) == 3


def test_without_variables_in_the_list_each_job_is_asked(jobs, cloud, job_file):
    config = job_file(some_jobs(5))
    jobs("deploy", "--config", config)
    cloud.lists_overrides = False
    cloud.requests.clear()
    assert "no changes" in jobs("deploy", "--config", config)[1]
    assert len(cloud.requests) == 6


def test_a_changed_schedule_is_shown_with_old_new_and_next_run(jobs, cloud, tmp_path):
    jobs("deploy", "--config", DEV)
    config = tmp_path / "dev.tfvars"
    config.write_text(DEV.read_text().replace('"0 9 * * *"', '"15 9 * * *"'))
    code, out, _ = jobs("deploy", "--config", config, "--dry-run")
    assert code == 0
    assert "~ campaign-performance" in out
    assert "0 9 * * * → 15 9 * * *" in out
    assert "next run" in out
    assert "Plan: 0 to add, 1 to change, 0 to remove." in out
    cloud.requests.clear()
    assert jobs("deploy", "--config", config)[0] == 0
    assert [method for method, _ in cloud.writes] == ["POST"]


def test_a_dry_run_writes_nothing(jobs, cloud):
    code, out, _ = jobs("deploy", "--config", DEV, "--dry-run")
    assert code == 0
    assert re.search(r"\+ attribution-daily-refresh +new, every day at 08:00 UTC, next ", out)
    assert cloud.writes == []


def test_a_job_that_left_the_file_is_deleted_last(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(some_jobs(4)))
    cloud.requests.clear()
    code, out, _ = jobs("deploy", "--config", job_file(some_jobs(3) + ""))
    assert code == 0
    assert "- job-3" in out
    assert "no longer in the file" in out
    of_jobs = [method for method, path in cloud.writes if "/jobs/" in path]
    assert of_jobs == ["DELETE"]
    assert len(cloud.active()) == 3


def test_a_large_share_of_deletes_needs_the_number(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(some_jobs(9)))
    config = job_file(some_jobs(1))
    code, _, err = jobs("deploy", "--config", config)
    assert code == 2
    assert "--allow-delete 8" in err
    assert len(cloud.active()) == 9
    assert jobs("deploy", "--config", config, "--allow-delete", "7")[0] == 2
    assert jobs("deploy", "--config", config, "--allow-delete", "8")[0] == 0
    assert len(cloud.active()) == 1


def test_deletes_do_not_happen_after_a_failed_create(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(some_jobs(4)))
    cloud.fail("POST", r"/jobs/$", 400)
    text = some_jobs(3).replace("jobs = {", 'jobs = {\n  fresh = { execute_steps = ["dbt run"] }')
    code, out, err = jobs("deploy", "--config", job_file(text))
    assert code == 1
    assert "failed + marketing-team-feature-x-anna-fresh" in out
    assert "not tried - marketing-team-feature-x-anna-job-3" in out
    assert "help:" in err
    assert len(cloud.active()) == 4


def test_part_of_a_deploy_failing_ends_with_5_and_the_next_one_finishes(jobs, cloud, job_file):
    cloud.fail("POST", r"/jobs/$", 400)
    config = job_file(some_jobs(5))
    assert jobs("deploy", "--config", config)[0] == 5
    assert len(cloud.active()) == 4
    assert jobs("deploy", "--config", config)[0] == 0
    assert len(cloud.active()) == 5


def test_jobs_of_other_branches_users_and_teams_are_not_touched(jobs, cloud, job_file):
    config = job_file(some_jobs(2))
    scopes = [
        ("--branch", "feature-x-anna", "--user", "b"),
        ("--branch", "feature-x", "--user", "anna-b"),
        ("--team", "marketing-team-2"),
        ("--branch", "feature"),
    ]
    for scope in scopes:
        assert jobs("deploy", "--config", config, *scope)[0] == 0
    mark = "[jobs:v1 marketing-team/job-0]"
    cloud.copy_job(cloud.active()[0], name="marketing-team-job-0", description=mark)
    before = json.dumps(cloud.active(), sort_keys=True)
    assert jobs("deploy", "--config", config)[0] == 0
    assert jobs("deploy", "--config", job_file("jobs = {}"), "--allow-delete", "2")[0] == 0
    assert json.dumps(cloud.active(), sort_keys=True) == before


def test_a_job_of_the_same_name_without_our_mark_is_refused(jobs, cloud, job_file):
    config = job_file(some_jobs(1))
    jobs("deploy", "--config", config)
    cloud.change_job(cloud.active()[0], description="made by hand")
    forget_journals()
    cloud.requests.clear()
    code, _, err = jobs("deploy", "--config", config)
    assert code == 2
    assert "does not own" in err
    assert f"{config}:2:3" in err
    assert cloud.writes == []


def test_two_jobs_with_one_mark_become_one(jobs, cloud, job_file):
    config = job_file(some_jobs(1))
    jobs("deploy", "--config", config)
    original = cloud.active()[0]
    cloud.copy_job(original)
    code, out, _ = jobs("deploy", "--config", config)
    assert code == 0
    assert "a second copy" in out
    assert [job["id"] for job in cloud.active()] == [original["id"]]


def test_chains_are_created_in_order_and_point_to_new_ids(jobs, cloud, job_file):
    text = """jobs = {
  c = { execute_steps = ["dbt build"], after = { job = "b", statuses = ["success", "error"] } }
  b = { execute_steps = ["dbt build"], after = { job = "a" } }
  a = { execute_steps = ["dbt build"], schedule_cron = "0 1 * * *" }
}"""
    config = job_file(text)
    assert jobs("deploy", "--config", config)[0] == 0
    ids = {job["name"][-1]: job["id"] for job in cloud.active()}
    conditions = {j["name"][-1]: j["job_completion_trigger_condition"] for j in cloud.active()}
    assert conditions["a"] is None
    assert conditions["b"]["condition"]["job_id"] == ids["a"]
    assert conditions["c"]["condition"] == {
        "job_id": ids["b"],
        "project_id": 2,
        "statuses": [10, 20],
    }
    assert "no changes" in jobs("deploy", "--config", config)[1]


def test_what_runs_after_a_failed_create_is_not_tried(jobs, cloud, job_file):
    text = """jobs = {
  a = { execute_steps = ["dbt build"] }
  b = { execute_steps = ["dbt build"], after = { job = "a" } }
}"""
    cloud.fail("POST", r"/jobs/$", 400)
    code, out, _ = jobs("deploy", "--config", job_file(text))
    assert code == 1
    assert "not tried + marketing-team-feature-x-anna-b: it runs after a" in out


def test_a_job_that_becomes_a_pull_request_job_is_replaced_with_its_followers(
    jobs, cloud, job_file
):
    text = """jobs = {
  a = { execute_steps = ["dbt build"] }
  b = { execute_steps = ["dbt build"], after = { job = "a" } }
}"""
    jobs("deploy", "--config", job_file(text))
    changed = text.replace('"dbt build"] }', '"dbt build"], on_pull_request = true }', 1)
    code, out, _ = jobs("deploy", "--config", job_file(changed))
    assert code == 0
    assert "replaced" in out
    ids = {job["name"][-1]: job["id"] for job in cloud.active()}
    chained = next(job for job in cloud.active() if job["name"].endswith("b"))
    assert chained["job_completion_trigger_condition"]["condition"]["job_id"] == ids["a"]
    assert "no changes" in jobs("deploy", "--config", job_file(changed))[1]


def test_variables_are_set_changed_and_removed(jobs, cloud, job_file):
    text = 'jobs = {{ a = {{ execute_steps = ["dbt build"], env_vars = {{ {} }} }} }}'
    values = lambda: {name: value for _, name, value in cloud.overrides}  # noqa: E731
    jobs("deploy", "--config", job_file(text.format('DBT_A = "1", DBT_B = "2"')))
    assert values() == {"DBT_A": "1", "DBT_B": "2", "DBT_SCHEMA": "anna_feature_x"}
    code, out, _ = jobs("deploy", "--config", job_file(text.format('DBT_A = "3"')))
    assert code == 0
    assert "1 → 3" in out
    assert "2 → not set" in out
    assert values() == {"DBT_A": "3", "DBT_SCHEMA": "anna_feature_x"}


def test_a_switch_of_the_table_reaches_dbt_cloud_and_the_diff(jobs, cloud, job_file):
    text = 'jobs = { a = { execute_steps = ["dbt build"], run_lint = true } }'
    assert jobs("deploy", "--config", job_file(text))[0] == 0
    assert [job["run_lint"] for job in cloud.active()] == [True]
    code, out, _ = jobs("deploy", "--config", job_file(text.replace("true", "false")))
    assert code == 0
    assert re.search(r"run_lint +true → false", out)
    assert [job["run_lint"] for job in cloud.active()] == [False]


def test_a_ci_job_needs_no_webhook_and_is_replaced_when_it_becomes_another(jobs, cloud, job_file):
    text = 'jobs = { a = { execute_steps = ["dbt build"], job_type = "ci" } }'
    config = job_file(text)
    assert jobs("deploy", "--config", config)[0] == 0
    [job] = cloud.active()
    assert (job["job_type"], set(job["triggers"].values())) == ("ci", {False})
    assert "no changes" in jobs("plan", "--config", config)[1]
    plain = job_file(text.replace(', job_type = "ci"', ""))
    assert "replaced" in jobs("deploy", "--config", plain)[1]
    [other] = cloud.active()
    assert (other["job_type"], other["id"] != job["id"]) == ("other", True)
    assert "no changes" in jobs("plan", "--config", plain)[1]


ELSEWHERE = """jobs = {
  a = { execute_steps = ["dbt build"] }
  b = {
    execute_steps  = ["dbt build"]
    environment_id = NUMBER
  }
}"""


@pytest.fixture
def other_environment(cloud):
    """Return the id of a second environment of the project."""
    body = {"name": "Staging", "type": "deployment", "project_id": 2}
    return cloud.ask("POST", "/api/v3/accounts/1/projects/2/environments/", body)["id"]


def test_a_job_in_another_environment_is_found_again(jobs, cloud, job_file, other_environment):
    config = job_file(ELSEWHERE.replace("NUMBER", str(other_environment)))
    assert jobs("deploy", "--config", config)[0] == 0
    places = {job["name"][-1]: job["environment_id"] for job in cloud.active()}
    assert places == {"a": 3, "b": other_environment}
    assert "no changes" in jobs("deploy", "--config", config)[1]
    back = job_file(ELSEWHERE.replace("NUMBER", "3"))
    assert f"environment_id {other_environment} → 3" in jobs("deploy", "--config", back)[1]
    assert len(cloud.active()) == 2


def test_shared_jobs_in_another_environment_are_compared_too(
    jobs, cloud, job_file, other_environment
):
    config = job_file(ELSEWHERE.replace("NUMBER", str(other_environment)))
    jobs("deploy", "--config", config)
    for job in cloud.active():
        key = job["name"][-1]
        name, mark = f"marketing-team-{key}", f"[jobs:v1 marketing-team/{key}]"
        cloud.copy_job(job, name=name, description=mark)
        # the one of production carries the same mark
        cloud.copy_job(job, name=name, description=mark, environment_id=other_environment)
    out = jobs("plan", "--shared", "--config", config, "--json")[1]
    changes = json.loads(out)["changes"]
    assert [change["key"] for change in changes] == ["b"]
    assert "a second copy" in changes[0]["reason"]


def test_an_environment_that_is_not_there_is_named_where_the_job_asks_for_it(jobs, cloud, job_file):
    config = job_file(ELSEWHERE.replace("NUMBER", "98"))
    code, _, err = jobs("deploy", "--config", config)
    assert code == 2
    assert 'there is no environment 98 in project 2 of account 1 (job "b")' in err
    assert f"{config}:5:22" in err
    assert cloud.writes == []


STARTED_BY_ITSELF = """jobs = {
  a = { execute_steps = ["dbt build"], schedule_cron = "* * * * *" }
  b = { execute_steps = ["dbt build"], after = { job = "a" } }
  c = { execute_steps = ["dbt build"], on_merge = true }
  d = { execute_steps = ["dbt build"] }
}"""


def without_schema(cloud):
    """Return the jobs that may start by themselves and do not have their schema."""
    owners = {job_id for job_id, name, _ in cloud.overrides if name == "DBT_SCHEMA"}
    return [
        job["name"]
        for job in cloud.active()
        if job["id"] not in owners
        and (
            job["triggers"]["schedule"]
            or job["triggers"]["on_merge"]
            or job["job_completion_trigger_condition"]
        )
    ]


@pytest.mark.parametrize("share", [0, 0.3])
def test_nothing_starts_a_branch_job_before_it_has_its_schema(jobs, cloud, job_file, share):
    config = job_file(STARTED_BY_ITSELF)
    original, early = cloud.answer, []

    def answer_then_look(*arguments):
        answer = original(*arguments)
        with cloud.lock:
            early.extend(without_schema(cloud))
        return answer

    cloud.answer = answer_then_look
    cloud.fail_randomly(1, share)
    while jobs("deploy", "--config", config)[0] != 0:
        pass
    cloud.random_faults = None
    assert early == []
    cloud.requests.clear()
    assert "no changes" in jobs("deploy", "--config", config)[1]
    assert cloud.writes == []
    by_key = {job["name"][-1]: job for job in cloud.active()}
    assert by_key["a"]["triggers"]["schedule"] is True
    assert by_key["c"]["triggers"]["on_merge"] is True
    condition = by_key["b"]["job_completion_trigger_condition"]["condition"]
    assert condition["job_id"] == by_key["a"]["id"]


def test_a_new_job_takes_three_writes_and_two_when_nothing_starts_it(jobs, cloud, job_file):
    assert jobs("deploy", "--config", job_file(STARTED_BY_ITSELF))[0] == 0
    of_jobs = [path for _, path in cloud.writes if not path.endswith("/bulk/")]
    assert len(of_jobs) == 3 * 3 + 2


def test_an_existing_job_gets_its_variables_before_it_is_switched_on(jobs, cloud, job_file):
    text = 'jobs = {{ a = {{ execute_steps = ["dbt build"], {} }} }}'
    jobs("deploy", "--config", job_file(text.format("")))
    # as after a deploy that ended between the two writes
    cloud.forget_overrides()
    cloud.requests.clear()
    assert jobs("deploy", "--config", job_file(text.format('schedule_cron = "* * * * *"')))[0] == 0
    assert [path.rpartition("/v")[2][0] for _, path in cloud.writes] == ["3", "2"]


def test_a_broken_file_is_refused_before_any_request(jobs, cloud, job_file, monkeypatch):
    monkeypatch.delenv("DBTCLOUD_TOKEN")
    config = job_file('jobs = {\n  a = { execute_stepz = ["dbt build"] }\n}\n')
    code, _, err = jobs("deploy", "--config", config)
    assert code == 2
    assert f"{config}:2:9" in err
    assert "did you mean execute_steps?" in err
    assert cloud.requests == []


def test_a_second_deploy_of_the_scope_at_the_same_time_is_refused(jobs, cloud, job_file, environ):
    config = job_file(some_jobs(3))
    release = threading.Event()
    original = cloud.answer

    def slow(*request):
        release.wait(5)
        return original(*request)

    cloud.answer = slow
    first = subprocess.Popen(
        [sys.executable, ROOT / "scripts" / "dbt_job_manager.py", "deploy", "--config", config],
        stdout=subprocess.DEVNULL,
    )
    while not cloud.requests:
        assert first.poll() is None
        threading.Event().wait(0.02)
    code, _, err = jobs("deploy", "--config", config)
    release.set()
    assert first.wait(20) == 0
    assert code == 4
    assert "another deploy" in err
    assert len(cloud.active()) == 3


def test_plan_with_detailed_exitcode_tells_changes(jobs, cloud, job_file):
    config = job_file(some_jobs(1))
    assert jobs("plan", "--config", config, "--detailed-exitcode")[0] == 2
    jobs("deploy", "--config", config)
    assert jobs("plan", "--config", config, "--detailed-exitcode")[0] == 0


def test_the_order_of_a_plan_does_not_depend_on_the_hash_seed(script, environ):
    outputs = {
        script("plan", "--config", DEV, "--json", env={"PYTHONHASHSEED": str(seed)}).stdout
        for seed in (0, 1, 2)
    }
    assert len(outputs) == 1


def test_the_json_of_deploy_has_these_fields(jobs, cloud, job_file):
    code, out, err = jobs("deploy", "--config", job_file(some_jobs(1)), "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert list(document) == [
        "schema_version",
        "config",
        "scope",
        "dry_run",
        "changes",
        "summary",
        "spared",
        "results",
        "restore_file",
    ]
    assert document["schema_version"] == 1
    assert document["scope"] == {"team": "marketing-team", "branch": "feature-x", "user": "anna"}
    assert list(document["changes"][0]) == [
        "action",
        "key",
        "name",
        "job_id",
        "reason",
        "fields",
        "env_vars",
    ]
    assert document["summary"] == {"jobs": 1, "add": 1, "change": 0, "remove": 0}
    names = ["action", "key", "job_id", "state", "message", "differences"]
    assert list(document["results"][0]) == names


def test_errors_are_json_when_json_is_asked_for(jobs, cloud, job_file):
    code, out, _ = jobs("deploy", "--config", job_file("jobs = {"), "--json")
    error = json.loads(out)["error"]
    assert (code, error["exit_code"]) == (2, 2)
    assert error["where"].endswith(":1:9")
