"""`validate --online` and `doctor`: what the settings and files name is there, or it is said."""

import json
import re
from pathlib import Path

import pytest

from marketing_analytics.jobs.doctor import clock_finding
from marketing_analytics.jobs.online import seconds_of
from tests.jobs.faulty_cloud import TOKEN

ROOT = Path(__file__).resolve().parents[2]
DEV = ROOT / "env_file" / "dev_env.tfvars"
STEP = 'execute_steps = ["dbt build"]'
WRONG = f"""jobs = {{
  a = {{
    {STEP}
    environment_id = 77
    deferring_environment_id = 78
    env_vars = {{ DBT_NEW = "1" }}
    dbt_version = "1.2.3"
  }}
  b = {{
    {STEP}
    deferring_environment_id = 79
  }}
}}
"""


def test_a_file_that_names_what_is_there_passes(jobs, cloud):
    code, out, _ = jobs("validate", "--online", DEV)
    assert (code, out) == (0, f"{DEV}: 9 jobs, ok\n")
    assert cloud.writes == []


def test_every_mistake_is_told_with_its_place_and_what_there_is(jobs, cloud, job_file):
    path = job_file(WRONG)
    code, _, err = jobs("validate", "--online", path, "--environment-id", "99")
    assert code == 2
    assert re.findall(r"no environment (\d+)", err) == ["99", "77", "78", "79"]
    assert re.findall(r"--> (.*)", err) == [f"{path}:{line}" for line in ("4:22", "5:32", "11:32")]
    assert "the project has 3 " in err
    code, out, _ = jobs("validate", "--online", path, "--json")
    assert (code, len(json.loads(out)["errors"])) == (2, 3)


def test_what_works_with_the_deploy_tool_only_is_a_warning(jobs, cloud, job_file):
    path = job_file(WRONG.replace("77", "3").replace("78", "3").replace("79", "3"))
    code, out, err = jobs("validate", "--online", path)
    assert (code, out) == (0, f"{path}: 2 jobs, ok\n")
    assert "warning: the project has no variable DBT_NEW" in err
    assert 'warning: nothing in the project runs dbt "1.2.3"' in err
    assert jobs("validate", "--online", path, "--strict")[0] == 2
    warnings = json.loads(jobs("validate", "--online", path, "--json")[1])["warnings"]
    assert [list(warning) for warning in warnings] == [["message", "where", "hint"]] * 2


def test_environments_of_every_page_are_known(jobs, cloud, job_file):
    place = "/api/v3/accounts/1/projects/2/environments/"
    body = {"type": "deployment", "dbt_version": "latest", "account_id": 1, "project_id": 2}
    made = [cloud.ask("POST", place, {**body, "name": f"e{n}"})["id"] for n in range(101)]
    file = job_file(f"jobs = {{ a = {{ {STEP}, environment_id = {made[-1]} }} }}")
    assert jobs("validate", "--online", file)[0] == 0
    missing = job_file(f"jobs = {{ a = {{ {STEP}, environment_id = {made[-1] + 1} }} }}")
    assert jobs("validate", "--online", missing)[0] == 2


def test_an_environment_for_developing_runs_no_jobs(jobs, cloud, job_file):
    place = "/api/v3/accounts/1/projects/2/environments/"
    body = {"type": "development", "dbt_version": "latest", "account_id": 1, "project_id": 2}
    made = cloud.ask("POST", place, {**body, "name": "dev"})["id"]
    file = job_file(f"jobs = {{ a = {{ {STEP} }} }}")
    code, _, err = jobs("validate", "--online", file, "--environment-id", str(made))
    assert code == 2
    assert f"environment {made} is for developing" in err


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        (r"/accounts/1/$", 404, "the token does not see account 1"),
        (r"/projects/2/$", 404, "the token does not see project 2"),
        (r"/environments/$", 403, "the token does not see the environments"),
        (r"/runs/$", 403, "the token does not see the runs"),
    ],
)
def test_rights_that_are_missing_are_told(jobs, cloud, path, status, said):
    cloud.fail("GET", path, status, status)
    code, _, err = jobs("validate", "--online", DEV)
    assert (code, said in err) == (2, True)
    cloud.fail("GET", path, status, status)
    code, out, _ = jobs("doctor")
    assert (code, "fault  " in out) == (1, True)


def test_a_wrong_token_ends_with_4(jobs, cloud, monkeypatch):
    monkeypatch.setenv("DBTCLOUD_TOKEN", "another-token-987654")
    code, _, err = jobs("validate", "--online", DEV)
    assert (code, "refused the token" in err) == (4, True)
    code, out, _ = jobs("doctor")
    assert code == 1
    assert re.search(r"fault  token: .* refused the token.*; set DBTCLOUD_TOKEN", out)


def test_the_lengths_of_past_runs_are_seconds():
    run = {"started_at": "2026-01-01 06:00:00+00:00", "finished_at": "2026-01-01T06:01:30.5+00:00"}
    assert seconds_of(run) == 90.5
    assert seconds_of({**run, "finished_at": None}) is None
    assert seconds_of({}) is None


def test_doctor_says_what_is_well(jobs, cloud):
    code, out, _ = jobs("doctor", "--config", DEV)
    assert code == 0, out
    lines = out.splitlines()
    assert lines[-1] == "all is well"
    subjects = [line[7:].partition(":")[0] for line in lines[:-1] if "terraform: " not in line]
    expected = "job file, branch, user, dbt, settings, encryption, local server, token, clock, "
    expected += "account, API, rights, project, environment"
    assert subjects == expected.split(", ")
    assert cloud.writes == []


def test_doctor_as_json_says_the_same_and_no_secret(jobs, cloud, job_file, monkeypatch):
    monkeypatch.setenv("TEAM_NAME", TOKEN)
    code, out, _ = jobs("doctor", "--json", "--config", job_file("jobs = 1"))
    document = json.loads(out)
    assert list(document) == ["schema_version", "is_well", "findings"]
    assert (code, document["is_well"]) == (1, False)
    assert {tuple(each) for each in document["findings"]} == {
        ("subject", "is_fault", "text", "hint")
    }
    assert TOKEN not in out


def test_doctor_names_a_host_that_nobody_listens_at(jobs, monkeypatch):
    from marketing_analytics.cloud_api import client

    monkeypatch.setattr(client, "FIRST_ATTEMPTS", 1)
    code, out, _ = jobs("doctor", "--host-url", "http://127.0.0.1:9")
    assert code == 1
    assert re.search(r"fault  local server: cannot reach .*; `make up` starts it", out)


def test_doctor_wants_encryption_to_another_host(jobs, monkeypatch):
    from marketing_analytics.cloud_api import client

    monkeypatch.setattr(client, "FIRST_ATTEMPTS", 1)
    out = jobs("doctor", "--host-url", "http://127.1.2.3:9")[1]
    assert "fault  encryption: none; write https://" in out


def test_the_clock_is_compared_with_the_servers():
    assert not clock_finding(-50.0).is_fault
    for ahead_seconds, said in ((-300.0, "300 s ahead"), (300.0, "300 s behind")):
        finding = clock_finding(ahead_seconds)
        assert (finding.is_fault, said in finding.text) == (True, True)
    assert not clock_finding(None).is_fault


@pytest.mark.parametrize("columns", [80, 40])
def test_the_lines_of_doctor_fit_the_terminal(columns, monkeypatch):
    import io

    from marketing_analytics.core.console import Console
    from marketing_analytics.jobs.doctor import Finding, report

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("COLUMNS", str(columns))
    screen = Terminal()
    finding = Finding("token", "it is refused by the host", "set DBTCLOUD_TOKEN to another", True)
    assert report(Console(out=screen), iter([finding]), 1) == 1
    lines = screen.getvalue().splitlines()
    assert all(len(line) <= columns for line in lines)
    assert all(line.startswith("       ") for line in lines[1:-1])
