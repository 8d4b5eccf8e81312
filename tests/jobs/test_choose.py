"""Which job a word means, in which environment, and whose a run is: nothing by surprise."""

import json

import pytest

SAME = 'jobs = { same = { execute_steps = ["dbt build"] } }\n'
STAGING = 3
ENVIRONMENTS = "/api/v3/accounts/1/projects/2/environments/"
FIELDS = {"name": "marketing-team-same", "description": "[jobs:v1 marketing-team/same]"}


@pytest.fixture
def production(cloud):
    """Return the id of a second environment."""
    body = {"name": "Production", "type": "deployment", "project_id": 2, "account_id": 1}
    return cloud.ask("POST", ENVIRONMENTS, {**body, "dbt_version": "latest"})["id"]


@pytest.fixture
def same(jobs, cloud, job_file, production):
    """Return the ids of the shared job `same` in staging and production: one mark, one name."""
    jobs("deploy", "--config", job_file(SAME))
    [job] = cloud.active()
    cloud.forget_overrides()
    cloud.change_job(job, **FIELDS)
    copy = cloud.copy_job({**job, **FIELDS}, environment_id=production)
    return {STAGING: job["id"], production: copy["id"]}


WORDS = ("same", "key:same", "marketing-team-same", "name:marketing-team-same")


@pytest.mark.parametrize("how", ["setting", "flag", "file"])
def test_run_starts_the_job_of_the_environment_that_is_set(
    jobs, cloud, same, production, monkeypatch, job_file, how
):
    started = []
    for environment, job_id in sorted(same.items(), reverse=True):
        flags = ("--environment-id", environment) if how == "flag" else ()
        if how == "setting":
            monkeypatch.setenv("ENVIRONMENT_ID", str(environment))
        elif how == "file":
            monkeypatch.delenv("ENVIRONMENT_ID", raising=False)
            file = job_file(f"environment_id = {environment}\n{SAME}", f"{environment}.tfvars")
            flags = ("--config", file)
        for word in WORDS if how == "setting" else WORDS[:1]:
            code, out, err = jobs("run", word, "--shared", *flags)
            assert code == 0, err
            assert f"(job {job_id}, environment {environment})" in out
            started.append(job_id)
    assert cloud.runs_of_jobs == started


COMMANDS = ("run", "cancel", "retry", "logs", "artifacts", "history")


def test_without_an_environment_a_mark_in_two_is_refused_with_both(
    jobs, cloud, same, production, monkeypatch
):
    monkeypatch.delenv("ENVIRONMENT_ID")
    for command, word in zip(COMMANDS, [*WORDS, *WORDS], strict=False):
        code, _, err = jobs(command, word, "--shared")
        assert code == 2, command
        assert f"{word} means 2 jobs" in err
        for place, name in ((STAGING, "Development"), (production, "Production")):
            assert f"id:{same[place]}  marketing-team-same  environment {place} ({name})" in err
        assert "--environment-id" in err
    assert cloud.runs == []


def test_a_job_of_another_environment_alone_is_refused_and_can_be_taken_by_its_id(
    jobs, cloud, same, production, monkeypatch
):
    cloud.ask("DELETE", f"/api/v2/accounts/1/jobs/{same[production]}/")
    monkeypatch.setenv("ENVIRONMENT_ID", str(production))
    for word in ("same", "marketing-team-same", str(same[STAGING])):
        code, _, err = jobs("run", word, "--shared")
        assert code == 2
        assert f"environment {production}, only of another environment" in err
        assert f"id:{same[STAGING]}" in err
    assert cloud.runs == []
    assert jobs("run", f"id:{same[STAGING]}", "--shared")[0] == 0
    assert cloud.runs_of_jobs == [same[STAGING]]


def test_a_job_whose_file_names_its_own_environment_is_found_there(
    jobs, cloud, same, production, job_file
):
    file = job_file(SAME.replace("{ exec", f"{{ environment_id = {production}, exec"))
    assert jobs("run", "same", "--shared", "--config", file)[0] == 0
    assert cloud.runs_of_jobs == [same[production]]


def test_a_name_of_two_jobs_and_a_number_that_is_id_and_name_are_refused(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(SAME))
    [job] = cloud.active()
    cloud.forget_overrides()
    first = cloud.copy_job(job, name="by hand", description="")["id"]
    second = cloud.copy_job(job, name="by hand", description="")["id"]
    named = cloud.copy_job(job, name=str(job["id"]), description="")["id"]
    keyed = cloud.copy_job(job, name="same", description="")["id"]
    meant = {"by hand": (first, second), str(job["id"]): (job["id"], named)}
    meant["same"] = (job["id"], keyed)
    for word, ids in meant.items():
        code, _, err = jobs("run", word)
        assert (code, cloud.runs) == (2, [])
        assert "means 2 jobs" in err
        assert all(f"id:{job_id}  " in err for job_id in ids)
    chosen = {
        f"id:{second}": second,
        "key:same": job["id"],
        "name:same": keyed,
        f"name:{job['id']}": named,
        f"id:{job['id']}": job["id"],
    }
    for word in chosen:
        assert jobs("run", word)[0] == 0
    assert cloud.runs_of_jobs == list(chosen.values())


def test_two_copies_of_a_mark_are_refused_and_a_deploy_mends_it(jobs, cloud, job_file):
    file = job_file(SAME)
    jobs("deploy", "--config", file)
    cloud.copy_job(cloud.active()[0])
    code, _, err = jobs("run", "same")
    assert (code, cloud.runs) == (2, [])
    assert "the next deploy makes one job of them" in err


def test_nothing_is_started_when_one_of_several_words_is_wrong(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(SAME))
    assert jobs("run", "same", "nothing")[0] == 2
    assert cloud.runs == []


def test_a_name_of_a_foreign_job_cannot_move_the_cursor(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(SAME))
    made = cloud.copy_job(cloud.active()[0], name="evil\x1b[2J", description="")
    code, out, _ = jobs("run", f"id:{made['id']}")
    assert code == 0
    assert "\x1b" not in out


# lists


def test_list_has_the_jobs_of_the_environment_and_says_what_is_elsewhere(
    jobs, cloud, same, production, monkeypatch, screen
):
    document = json.loads(jobs("list", "--json")[1])
    assert [job["id"] for job in document["jobs"]] == [same[STAGING]]
    assert (document["environment_id"], document["elsewhere"]) == (STAGING, 1)
    _, out, err = jobs("list")
    assert len(out.splitlines()) == 2
    assert "environment 3 alone; other environments have 1 job: --all-environments" in err
    document = json.loads(jobs("list", "--json", "--all-environments")[1])
    assert {job["id"] for job in document["jobs"]} == set(same.values())
    assert (document["environment_id"], document["elsewhere"]) == (None, 0)
    monkeypatch.delenv("ENVIRONMENT_ID")
    screen(100)
    out = jobs("list")[1]
    assert f"team marketing-team · environment {production}" in out
    assert "team marketing-team · environment 3" in out


def test_plan_of_shared_jobs_sees_those_of_the_environment_alone(
    jobs, cloud, same, production, job_file
):
    other = job_file(SAME.replace("same", "other"))
    flags = ("--config", other, "--shared", "--environment-id", production, "--json")
    for command, key in (("plan", "changes"), ("diff", "drift")):
        found = json.loads(jobs(command, *flags)[1])[key]
        assert {each["job_id"] for each in found} == {None, same[production]}


# runs of somebody else


@pytest.fixture
def foreign(jobs, cloud, same, production):
    """Return runs of others by what is foreign in them."""
    [staging] = [job for job in cloud.active() if job["id"] == same[STAGING]]
    sales = cloud.copy_job(staging, name="x", description="[jobs:v1 sales/x]")["id"]
    by_hand = cloud.copy_job(staging, name="y", description="")["id"]
    found = {}
    for name, job_id in {"team": sales, "mark": by_hand, "environment": same[production]}.items():
        assert jobs("run", f"id:{job_id}")[0] == 0
        found[name] = cloud.runs[-1]
    return found


SAID = {
    "team": "which is of team sales, not marketing-team",
    "mark": "which this tool did not make",
    "environment": "in environment 4, not 3",
}


def test_a_run_of_somebody_else_is_cancelled_only_when_any_is_allowed(jobs, cloud, foreign):
    assert jobs("run", "same", "--shared")[0] == 0
    own = cloud.runs[-1]
    for what, run_id in foreign.items():
        code, _, err = jobs("cancel", own, run_id)
        assert code == 2
        assert f"run {run_id} is of " in err
        assert SAID[what] in err
        assert "--any" in err
        # all are looked at before one is cancelled
        states = cloud.run_sql("select status from runs where id in (:a, :b)", a=own, b=run_id)
        assert [row[0] for row in states] == [1, 1]
        code, out, _ = jobs("cancel", run_id, "--any")
        assert (code, out) == (0, f"run {run_id}: cancelled\n")


def test_retry_refuses_and_logs_tell_whose_a_run_is(jobs, cloud, foreign):
    cloud.run_sql("update runs set status = 20")
    for what, run_id in foreign.items():
        code, _, err = jobs("retry", run_id)
        assert (code, len(cloud.runs)) == (2, 3)
        assert SAID[what] in err
        code, _, err = jobs("logs", run_id)
        assert code == 0
        assert SAID[what] in err


def test_a_run_of_another_project_is_not_cancelled(jobs, cloud, same):
    assert jobs("run", "same", "--shared")[0] == 0
    code, _, err = jobs("cancel", cloud.runs[0], "--project-id", 9)
    assert code == 2
    assert f"run {cloud.runs[0]} is of project 2, not 9; nothing was cancelled" in err
