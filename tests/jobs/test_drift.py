"""diff and list --details: how dbt Cloud differs from a file, and what a job is about."""

import json
import re

import pytest

FILE = """jobs = {
  a = { execute_steps = ["dbt build"], schedule_cron = "0 9 * * *", env_vars = { DBT_A = "1" } }
  b = { execute_steps = ["dbt build"], after = { job = "a" } }
  c = { execute_steps = ["dbt test"] }
}
"""


@pytest.fixture
def drifted(jobs, cloud, job_file):
    """Deploy a file; change a job, delete one, add one; return the file."""
    file = job_file(FILE)
    jobs("deploy", "--config", file)
    ids = {job["name"].rpartition("-")[2]: job for job in cloud.active()}
    cloud.change_job(ids["a"], settings={"threads": 9, "target_name": "default"})
    cloud.run_sql(
        "update environment_variables set value = '2' where name = 'DBT_A' and job_id is not null"
    )
    cloud.ask("DELETE", f"/api/v2/accounts/1/jobs/{ids['c']['id']}/")
    mark = "[jobs:v1 marketing-team/feature-x/anna/extra]"
    cloud.copy_job(ids["b"], name="extra", description=mark)
    cloud.copy_job(ids["b"], name="stranger", description="")
    return file


def test_no_drift_is_0(jobs, cloud, job_file):
    file = job_file(FILE)
    jobs("deploy", "--config", file)
    code, out, _ = jobs("diff", "--config", file)
    assert (code, "no drift: 3 jobs are as the file says" in out) == (0, True)
    # the whole check is one list
    cloud.requests.clear()
    jobs("diff", "--config", file)
    assert [method for method, _, _ in cloud.requests] == ["GET"]


def test_drift_is_2_and_names_what_differs_with_both_values(jobs, cloud, drifted, screen):
    for columns in (None, 80, 40):
        if columns:
            screen(columns)
        code, out, _ = jobs("diff", "--config", drifted)
        text = " ".join(out.split())
        assert code == 2
        assert "threads: file 4 · dbt Cloud 9" in text
        assert "DBT_A: file 1 · dbt Cloud 2" in text
        assert "+ c in the file, not in dbt Cloud" in text
        assert re.search(r"- extra in dbt Cloud, not in the file \(job \d+\)", text)
        assert re.search(r"changed \d{4}-\d\d-\d\d \d\d:\d\d UTC, \d+ s ago", text)
        assert "dbt Cloud does not say by whom" in text
        assert "Drift: 1 job differs, 1 missing, 1 not in the file." in text
        assert "stranger" not in text
        if columns:
            plain = re.sub(r"\x1b\[[0-9;]*m", "", out)
            lines = [line for line in plain.splitlines() if "/" not in line]
            assert max(map(len, lines)) <= columns
    assert cloud.writes[-1][0] != "GET"


def test_diff_writes_nothing(jobs, cloud, drifted):
    cloud.requests.clear()
    jobs("diff", "--config", drifted)
    assert cloud.writes == []


def test_the_json_of_diff_has_these_fields(jobs, cloud, drifted):
    code, out, _ = jobs("diff", "--config", drifted, "--json")
    document = json.loads(out)
    assert code == 2
    assert list(document) == [
        *("schema_version", "config", "scope", "environment_id", "drift", "summary")
    ]
    assert document["summary"] == {"jobs": 3, "differ": 1, "missing": 1, "not_in_file": 1}
    [differs] = [each for each in document["drift"] if each["state"] == "differs"]
    assert list(differs) == [
        *("state", "key", "name", "job_id", "fields", "env_vars", "created_at", "updated_at")
    ]
    assert differs["fields"] == [{"field": "threads", "file": 4, "cloud": 9}]
    assert differs["env_vars"] == [{"name": "DBT_A", "file": "1", "cloud": "2"}]
    assert {each["key"]: each["state"] for each in document["drift"]} == {
        "a": "differs",
        "c": "missing",
        "extra": "not in file",
    }


def test_a_replaced_job_is_one_difference(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(FILE))
    file = job_file(FILE.replace('schedule_cron = "0 9 * * *"', 'job_type = "ci"'))
    document = json.loads(jobs("diff", "--config", file, "--json")[1])
    found = sorted((each["key"], each["state"]) for each in document["drift"])
    assert found == [("a", "differs"), ("b", "differs")]


def test_a_bad_file_is_an_error_and_no_drift(jobs, job_file):
    code, out, _ = jobs("diff", "--config", job_file("jobs = {"), "--json")
    assert (code, "error" in json.loads(out)) == (2, True)


@pytest.mark.parametrize("lists_overrides", [True, False])
def test_list_compares_each_job_with_a_file(jobs, cloud, drifted, lists_overrides):
    cloud.lists_overrides = lists_overrides
    document = json.loads(jobs("list", "--config", drifted, "--json")[1])
    found = {job["key"]: job["drift"] for job in document["jobs"]}
    assert found == {
        "a": {"state": "differs", "fields": ["threads", "DBT_A"]},
        "b": {"state": "same", "fields": []},
        "extra": {"state": "not in file", "fields": []},
    }
    out = jobs("list", "--config", drifted, "--details")[1]
    names, *rows = [line.split("\t") for line in out.splitlines()]
    shown = [dict(zip(names, row, strict=True)) for row in rows]
    shown.sort(key=lambda row: row["key"])
    assert [row["drift"] for row in shown] == ["differs: threads, DBT_A", "same", "not in file"]
    assert [row["schedule"] for row in shown] == [
        "Every day at 09:00 UTC",
        "on demand",
        "on demand",
    ]
    assert shown[0]["environment_id"] == "3"
    assert shown[0]["steps"] == "dbt build"


def test_a_chain_over_two_environments_is_as_the_file(jobs, cloud, job_file):
    body = {"name": "Other", "type": "deployment", "project_id": 2, "account_id": 1}
    place = "/api/v3/accounts/1/projects/2/environments/"
    other = cloud.ask("POST", place, {**body, "dbt_version": "latest"})["id"]
    file = job_file(FILE.replace("b = {", f"b = {{ environment_id = {other},"))
    assert jobs("deploy", "--config", file)[0] == 0
    document = json.loads(jobs("list", "--config", file, "--json")[1])
    assert [job["drift"]["state"] for job in document["jobs"]] == ["same"] * 3
    assert document["elsewhere"] == 0


def test_details_tell_when_whose_and_how_a_job_is(jobs, cloud, drifted, screen):
    jobs("run", "a")
    number = cloud.job("a")["id"]
    cloud.run_sql(
        "update runs set status = 20, started_at = strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now', "
        "'-3 hours'), finished_at = strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now', '-2 hours')"
    )
    for columns in (80, 40):
        screen(columns)
        out = jobs("list", "--config", drifted, "--details")[1]
        text = " ".join(out.split())
        assert f"a (job {number}) · differs from the file in threads, DBT_A" in text
        assert re.search(r"Every day at 09:00 UTC · next \w+ \d+-\d+-\d+ 09:00 UTC, in \d+ ", text)
        assert f"after #{number} (success)" in text
        assert f"last run error (run {cloud.runs[0]}), 2 h ago, took 1 h 00 min" in text
        assert "team marketing-team · branch feature-x · user anna · environment 3" in text
        assert re.search(r"extra \(job \d+\) · not in the file", text)
        assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines())) <= columns


def test_what_a_foreign_hand_wrote_cannot_move_the_cursor(jobs, cloud, drifted, screen):
    [job] = [job for job in cloud.active() if job["name"].endswith("-a")]
    evil = f"x\x1b[2J {job['description']}"
    cloud.change_job(job, description=evil, execute_steps=["dbt build\x1b]0;x\x07"])
    for words in (("list",), ("list", "--details"), ("diff", "--config", drifted)):
        assert "\x1b" not in jobs(*words)[1]
    screen(80)
    for words in (("list", "--details"), ("diff", "--config", drifted)):
        assert "\x1b[2J" not in jobs(*words)[1]
