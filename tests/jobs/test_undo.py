"""undo: what a deploy or a cleanup did is taken back, and nothing that people did since."""

import json
import stat
from pathlib import Path

import pytest

from marketing_analytics.jobs.past import restore
from marketing_analytics.jobs.plan import remote_job

from .conftest import some_jobs

pytestmark = pytest.mark.system

CHAIN = """jobs = {
  a = { execute_steps = ["dbt build"], schedule_cron = "0 5 * * *", env_vars = { DBT_A = "1" } }
  b = { execute_steps = ["dbt build"], after = { job = "a" } }
  c = { execute_steps = ["dbt test"], after = { job = "b", statuses = ["error"] }, threads = 7 }
}"""
OTHER = """jobs = {
  b = { execute_steps = ["dbt run"], env_vars = { DBT_B = "2" } }
  d = { execute_steps = ["dbt build"] }
}"""


@pytest.fixture
def restore_file(tmp_path):
    """Return a function that returns the newest restore file."""

    def newest(kind="deploy"):
        folder = tmp_path / "state" / "marketing" / "jobs" / "restore"
        return max(folder.glob(f"*-{kind}-*.json"), key=lambda path: path.stat().st_mtime_ns)

    return newest


def state_of(cloud, *, ids=True):
    """Return the jobs and their variables as people see them, by name."""
    numbers = {job["id"]: job["name"] for job in cloud.active()}
    ignored = {"id", "created_at", "updated_at", "next_run"} if not ids else {"updated_at"}
    found = {}
    for job in cloud.active():
        body = {k: v for k, v in job.items() if k not in ignored}
        condition = body.pop("job_completion_trigger_condition")
        parent = condition and numbers[condition["condition"]["job_id"]]
        statuses = condition and condition["condition"]["statuses"]
        variables = {n: v for job_id, n, v in cloud.overrides if job_id == job["id"]}
        found[job["name"]] = (body, parent, statuses, variables)
    return found


def deployed(jobs, cloud, job_file):
    """Deploy a chain, then a file in which two are gone, one is new and one is changed."""
    jobs("deploy", "--config", job_file(CHAIN))
    before = state_of(cloud, ids=False)
    code, out, _ = jobs("deploy", "--config", job_file(OTHER), "--allow-delete", "2")
    assert code == 0
    return before, out


def test_a_deploy_is_taken_back_with_chains_variables_and_new_ids(
    jobs, cloud, job_file, restore_file
):
    before, out = deployed(jobs, cloud, job_file)
    path = restore_file()
    assert f"undo: jobs undo {path}" in out.replace("group undo", "jobs undo")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    cloud.requests.clear()
    code, out, err = jobs("undo", path, "--dry-run")
    assert (code, cloud.writes) == (0, [])
    assert "Undo: 2 to add again, 1 to change back, 1 to remove." in out
    code, out, err = jobs("undo", path, "--yes")
    assert (code, err) == (0, "")
    assert out.count(", which was job ") == 2
    assert state_of(cloud, ids=False) == before
    cloud.requests.clear()
    code, out, _ = jobs("undo", path, "--yes")
    assert (code, cloud.writes) == (0, [])
    assert "nothing to undo: everything is as it was" in out
    assert "no changes" in jobs("plan", "--config", job_file(CHAIN))[1]


def test_an_undo_can_be_undone(jobs, cloud, job_file, restore_file):
    deployed(jobs, cloud, job_file)
    after = state_of(cloud, ids=False)
    jobs("undo", restore_file(), "--yes")
    code, out, _ = jobs("undo", restore_file("undo"), "--yes")
    assert code == 0
    assert "left alone" not in out
    assert state_of(cloud, ids=False) == after


def test_what_was_changed_since_is_shown_and_left_alone(jobs, cloud, job_file, restore_file):
    deployed(jobs, cloud, job_file)
    path = restore_file()
    b, d = sorted(cloud.active(), key=lambda job: job["name"])
    cloud.change_job(b, execute_steps=["dbt run --full-refresh"])
    cloud.change_job(d, generate_docs=True)
    code, out, _ = jobs("undo", path, "--yes")
    assert code == 0
    assert "! b  left alone: it was changed since" in out
    assert "! d  left alone: it was changed since" in out
    assert "dbt run --full-refresh" in out
    steps = {job["name"][-1]: job["execute_steps"] for job in cloud.active()}
    assert steps == {
        "a": ["dbt build"],
        "b": ["dbt run --full-refresh"],
        "c": ["dbt test"],
        "d": ["dbt build"],
    }
    code, out, _ = jobs("undo", path, "--yes", "--force")
    assert code == 0
    steps = {job["name"][-1]: job["execute_steps"] for job in cloud.active()}
    assert steps == {"a": ["dbt build"], "b": ["dbt build"], "c": ["dbt test"]}


def test_a_field_that_no_file_holds_counts_as_a_change_too(jobs, cloud, job_file, restore_file):
    deployed(jobs, cloud, job_file)
    b = next(job for job in cloud.active() if job["name"].endswith("b"))
    cloud.change_job(b, compare_changes_flags="--select state:new")
    out = jobs("undo", restore_file(), "--yes")[1]
    assert "! b  left alone: it was changed since" in out


@pytest.mark.parametrize("fault", ["lost", 503])
def test_an_undo_that_was_cut_off_converges_without_duplicates(
    jobs, cloud, job_file, restore_file, fault
):
    before, _ = deployed(jobs, cloud, job_file)
    path = restore_file()
    cloud.fail("POST", r"/jobs/$", fault)
    cloud.fail("POST", r"/jobs/\d+/$", 400, 400)
    assert jobs("undo", path, "--yes")[0] in (1, 5)
    cloud.fail("DELETE", r"/jobs/\d+/$", 400)
    assert jobs("undo", path, "--yes")[0] in (1, 5)
    assert jobs("undo", path, "--yes")[0] == 0
    assert state_of(cloud, ids=False) == before


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_with_30_percent_faults_an_undo_converges_without_duplicates(
    jobs, cloud, job_file, restore_file, seed
):
    before, _ = deployed(jobs, cloud, job_file)
    path = restore_file()
    cloud.fail_randomly(seed, 0.3)
    codes = []
    while codes[-1:] != [0] and len(codes) < 20:
        codes.append(jobs("undo", path, "--yes")[0])
    cloud.random_faults = None
    print(f"seed {seed}: exit codes {codes}")
    assert codes[-1] == 0
    assert len(cloud.active()) == len(before)
    assert state_of(cloud, ids=False) == before


def test_a_deploy_that_was_killed_is_undone_by_the_mark(jobs, cloud, job_file, restore_file):
    before, _ = deployed(jobs, cloud, job_file)
    path = restore_file()
    # as it is when the deploy did not live to write the ids of what it created
    document = json.loads(path.read_text())
    for job in document["jobs"]:
        if job["action"] == "create":
            assert job.pop("job_id")
            job["job_id"] = None
    path.write_text(json.dumps(document))
    code, _out, err = jobs("undo", path, "--yes")
    assert (code, err) == (0, "")
    assert state_of(cloud, ids=False) == before


def test_a_job_that_is_there_again_by_another_deploy_is_not_doubled(
    jobs, cloud, job_file, restore_file
):
    before, _ = deployed(jobs, cloud, job_file)
    path = restore_file()
    jobs("deploy", "--config", job_file(CHAIN))
    code, out, _ = jobs("undo", path, "--yes")
    assert code == 0
    assert "nothing to undo" in out
    assert state_of(cloud, ids=False) == before


def test_other_jobs_of_the_team_follow_a_job_to_its_new_id(jobs, cloud, job_file, restore_file):
    jobs("deploy", "--config", job_file(some_jobs(3)))
    first = cloud.job("job-0")
    condition = {"condition": {"job_id": first["id"], "project_id": 2, "statuses": [10]}}
    of_team = cloud.copy_job(
        first,
        name="nightly",
        description="[jobs:v1 marketing-team/nightly]",
        job_completion_trigger_condition=condition,
    )
    of_others = cloud.copy_job(
        first, name="theirs", description="", job_completion_trigger_condition=condition
    )
    text = some_jobs(3).replace('  job-0 = { execute_steps = ["dbt build"] }\n', "")
    jobs("deploy", "--config", job_file(text))
    code, _out, _ = jobs("undo", restore_file(), "--yes")
    assert code == 0
    now = {job["id"]: job for job in cloud.active()}
    parent = now[of_team["id"]]["job_completion_trigger_condition"]["condition"]["job_id"]
    assert now[parent]["name"] == first["name"]
    assert now[of_others["id"]]["job_completion_trigger_condition"] == condition


def test_a_shared_job_of_another_environment_is_not_taken_for_a_deleted_one(
    jobs, cloud, job_file, tmp_path
):
    jobs("deploy", "--config", job_file(some_jobs(1)))
    body = {"name": "Staging", "type": "deployment", "project_id": 2}
    other = cloud.ask("POST", "/api/v3/accounts/1/projects/2/environments/", body)["id"]
    mark = "[jobs:v1 marketing-team/daily]"
    here = cloud.copy_job(cloud.job("job-0"), name="daily", description=mark)
    there = cloud.copy_job(here, environment_id=other)
    cloud.ask("DELETE", f"/api/v2/accounts/1/jobs/{here['id']}/")
    old = restore.past_of("delete", remote_job(here, []), "daily", None)
    path = tmp_path / "restore.json"
    made = restore.RestoreFile(path, "cleanup", "now", cloud.url, 1, 2, "team", (old,))
    made.save()
    assert "1 to add again" in jobs("undo", path, "--yes", "--force")[1]
    places = [job["environment_id"] for job in cloud.active() if job["description"] == mark]
    assert sorted(places) == sorted([3, other])
    now = next(job for job in cloud.active() if job["id"] == there["id"])
    assert now["updated_at"] == there["updated_at"]


def test_a_job_that_is_kept_is_not_deleted_by_undo(jobs, cloud, job_file, restore_file):
    config = job_file('jobs = { a = { execute_steps = ["dbt build"], keep = true } }')
    jobs("deploy", "--config", config)
    code, out, _ = jobs("undo", restore_file(), "--yes", "--force")
    assert code == 0
    assert "left alone: it has keep = true" in out
    assert len(cloud.active()) == 1


def test_a_secret_is_not_in_the_file_and_that_is_said(jobs, cloud, job_file, restore_file):
    jobs("deploy", "--config", job_file(some_jobs(3)))
    job = cloud.job("job-0")
    token = "dbtc_" + "x" * 40
    for name, value in (("DBT_ENV_SECRET_KEY", "hidden-1"), ("DBT_PLAIN", token)):
        path = "/api/v3/accounts/1/projects/2/environment-variables/"
        cloud.ask("POST", f"{path}bulk/", {"env_var": {"new_name": name, "project": ""}})
        body = {"name": name, "raw_value": value, "job_definition_id": job["id"], "type": "job"}
        cloud.ask("POST", path, {**body, "project_id": 2, "account_id": 1})
    text = some_jobs(3).replace('  job-0 = { execute_steps = ["dbt build"] }\n', "")
    jobs("deploy", "--config", job_file(text))
    text = restore_file().read_text()
    assert "hidden-1" not in text
    assert token not in text
    out = jobs("undo", restore_file(), "--dry-run")[1]
    assert "values that cannot be brought back: DBT_ENV_SECRET_KEY, DBT_PLAIN" in out


def test_without_a_place_for_the_file_nothing_is_written(jobs, cloud, job_file, tmp_path):
    (tmp_path / "taken").write_text("")
    code, _, err = jobs(
        "deploy", "--config", job_file(some_jobs(1)), "--restore-dir", tmp_path / "taken" / "x"
    )
    assert code == 1
    assert "--restore-dir" in err
    assert cloud.active() == []


def test_a_folder_of_ones_own_gets_the_file_and_old_ones_are_removed(
    jobs, cloud, job_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(restore, "MAX_FILES", 1)
    folder = tmp_path / "artifacts"
    for count in (1, 2):
        jobs("deploy", "--config", job_file(some_jobs(count)), "--restore-dir", folder)
        (folder / "notes.json").write_text("")
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 2
    assert "notes.json" in names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "it is no JSON"),
        ("[]", "a part of it is missing"),
        ('{"schema_version": 2, "jobs": []}', "schema_version is not 1"),
        ('{"schema_version": 1, "jobs": [{"action": "delete"}]}', "a part of it is missing"),
    ],
)
def test_a_file_of_another_kind_is_refused(jobs, tmp_path, text, said):
    path = tmp_path / "restore.json"
    path.write_text(text)
    code, _, err = jobs("undo", path, "--yes")
    assert code == 2
    assert said in err


def test_a_file_of_another_project_is_refused(jobs, cloud, job_file, restore_file, monkeypatch):
    jobs("deploy", "--config", job_file(some_jobs(1)))
    monkeypatch.setenv("PROJECT_ID", "9")
    code, _, err = jobs("undo", restore_file(), "--yes")
    assert code == 2
    assert "is about PROJECT_ID 2, and 9 is set" in err


def test_without_a_terminal_undo_needs_yes(jobs, cloud, job_file, restore_file):
    jobs("deploy", "--config", job_file(some_jobs(1)))
    code, _, err = jobs("undo", restore_file())
    assert code == 2
    assert "--yes" in err
    assert len(cloud.active()) == 1


def test_what_changes_while_the_plan_is_looked_at_ends_with_3(
    jobs, cloud, job_file, restore_file, monkeypatch
):
    from marketing_analytics.jobs.commands import undo

    jobs("deploy", "--config", job_file(some_jobs(1)))

    def meanwhile(*_):
        cloud.change_job(cloud.job("job-0"), generate_docs=True)

    monkeypatch.setattr(undo, "confirm", meanwhile)
    code, _, err = jobs("undo", restore_file())
    assert (code, "changed while the plan was looked at" in err) == (3, True)
    assert len(cloud.active()) == 1


def test_the_json_of_undo_has_these_fields(jobs, cloud, job_file, restore_file):
    deployed(jobs, cloud, job_file)
    document = json.loads(jobs("undo", restore_file(), "--yes", "--json")[1])
    assert list(document) == [
        "schema_version", "file", "dry_run", "steps", "results", "restore_file",
    ]  # fmt: skip
    assert {step["verdict"] for step in document["steps"]} == {"to do"}
    assert {result["state"] for result in document["results"]} == {"done"}
    assert Path(document["restore_file"]).exists()
