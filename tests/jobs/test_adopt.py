"""Whose jobs are: the journal, names, link and unlink; jobs of others are never touched."""

import json

import pytest

from marketing_analytics.cloud_api.names import Owner, Scope
from marketing_analytics.core import clock
from marketing_analytics.core.errors import UserError
from marketing_analytics.jobs.adopt.claims import adopted
from marketing_analytics.jobs.model import read_job_text
from marketing_analytics.jobs.past import journal
from marketing_analytics.jobs.past.journal import Entry, with_owners
from marketing_analytics.jobs.payload import desired_jobs
from marketing_analytics.jobs.plan import remote_job

from .conftest import some_jobs
from .faulty_cloud import forget_journals

system = pytest.mark.system
SCOPE = Scope("marketing-team", "feature-x", "anna")
KEPT = 'jobs = { a = { execute_steps = ["dbt build"], keep = true } }'


def job_of(job_id, name="a", description="", environment_id=3):
    data = {"id": job_id, "name": name, "description": description}
    return remote_job({**data, "environment_id": environment_id}, [])


def entries(**jobs):
    return {int(n[1:]): Entry(owner, clock.now()) for n, owner in jobs.items()}


def test_the_journal_knows_a_job_unless_another_carries_its_mark():
    owner = Owner(SCOPE, "a")
    unmarked, marked = job_of(1), job_of(2, description=owner.mark)
    assert with_owners([unmarked], entries(j1=owner))[0].owner == owner
    assert not with_owners([unmarked], entries(j1=owner))[0].is_marked
    assert [j.owner for j in with_owners([unmarked, marked], entries(j1=owner))] == [None, owner]
    # what others wrote into the description beats what this machine remembers
    other = Owner(Scope("sales"), "b")
    assert with_owners([job_of(1, description=other.mark)], entries(j1=owner))[0].owner == other
    # a shared job of another environment is another job
    shared = Owner(Scope("marketing-team"), "a")
    found = with_owners(
        [job_of(1), job_of(2, description=shared.mark, environment_id=4)], entries(j1=shared)
    )
    assert found[0].owner == shared


def test_a_name_is_adopted_where_only_one_job_has_it():
    file = read_job_text('jobs = { a = { execute_steps = ["dbt build"] } }')
    desired = desired_jobs(file, SCOPE, 3)
    name = desired[0].name
    owners = [job.owner for job in adopted([job_of(1, name), job_of(2, "b")], SCOPE, desired)]
    assert owners == [Owner(SCOPE, "a"), None]
    assert adopted([job_of(1, name, environment_id=4)], SCOPE, desired)[0].owner is None
    taken = [job_of(1, name), job_of(2, "x", Owner(SCOPE, "a").mark)]
    assert adopted(taken, SCOPE, desired)[0].owner is None
    with pytest.raises(UserError, match="several jobs are called") as refused:
        adopted([job_of(1, name), job_of(2, name)], SCOPE, desired)
    assert "link a --job-id 1" in refused.value.hint


@system
def test_a_removed_mark_is_set_again_and_no_second_job_appears(jobs, cloud, job_file):
    config = job_file(some_jobs(2))
    jobs("deploy", "--config", config)
    job = cloud.job("job-0")
    cloud.change_job(job, description="who are you")
    _code, out, _ = jobs("plan", "--config", config)
    assert "~ job-0" in out
    assert "the mark was removed; it will be set again" in out
    assert jobs("deploy", "--config", config)[0] == 0
    assert [j["id"] for j in cloud.active()] == [1, 2]
    assert cloud.job("job-0")["description"] == job["description"]
    assert "no changes" in jobs("plan", "--config", config)[1]


@system
def test_a_job_that_only_the_journal_knows_is_not_deleted(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(some_jobs(2)))
    cloud.change_job(cloud.job("job-1"), description="mine now")
    assert "no changes" in jobs("deploy", "--config", job_file(some_jobs(1)))[1]
    cloud.age(99)
    jobs("cleanup", "--older-than", "7", "--yes")
    assert [job["description"] for job in cloud.active()] == ["mine now"]


@system
def test_a_machine_without_a_journal_adopts_by_name_with_consent(jobs, cloud, job_file):
    config = job_file(some_jobs(1))
    jobs("deploy", "--config", config)
    cloud.change_job(cloud.active()[0], description="by hand")
    forget_journals()
    code, _, err = jobs("deploy", "--config", config)
    assert code == 2
    assert "--adopt" in err
    assert jobs("deploy", "--config", config, "--adopt")[0] == 0
    assert [job["id"] for job in cloud.active()] == [1]


@system
def test_the_journal_is_private_bounded_and_nothing_depends_on_it(
    jobs, cloud, job_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(journal, "MAX_ENTRIES", 3)
    jobs("deploy", "--config", job_file(some_jobs(5)))
    [path] = (tmp_path / "state").rglob("journal-*.json")
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(json.loads(path.read_text())["jobs"]) == 3
    for text in ("{", "[]", '{"schema_version": 1, "jobs": {"x": {}}}', '{"schema_version": 9}'):
        path.write_text(text)
        assert "no changes" in jobs("deploy", "--config", job_file(some_jobs(5)))[1]
    path.unlink()
    path.mkdir()
    code, _out, err = jobs("deploy", "--config", job_file(some_jobs(5)))
    assert (code, "the journal of job ids was not written" in err) == (0, True)


# keep


@system
def test_a_kept_job_survives_its_file_and_cleanup(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(KEPT))
    [job] = cloud.active()
    assert job["description"] == "[jobs:v1 marketing-team/feature-x/anna/a keep]"
    empty = job_file("jobs = {}", "empty.tfvars")
    code, out, _ = jobs("deploy", "--config", empty)
    assert code == 0
    assert "! a  no longer in the file, but keep = true: it stays (job 1)" in out
    spared = json.loads(jobs("plan", "--config", empty, "--json")[1])["spared"]
    assert [change["job_id"] for change in spared] == [1]
    cloud.age(99)
    out = jobs("cleanup", "--older-than", "7", "--yes")[1]
    assert "it has keep = true" in out
    assert len(cloud.active()) == 1
    loose = job_file(KEPT.replace(", keep = true", ""))
    assert "keep         true → false" in jobs("plan", "--config", loose)[1]
    jobs("deploy", "--config", loose)
    jobs("deploy", "--config", empty)
    assert cloud.active() == []


@system
def test_a_kept_job_is_not_replaced(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(KEPT))
    changed = KEPT.replace("keep = true", "on_pull_request = true")
    code, _, err = jobs("deploy", "--config", job_file(changed))
    assert code == 2
    assert "job 1 (a) has keep = true and would be replaced" in err


@system
def test_a_second_copy_of_a_kept_job_goes(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(KEPT))
    cloud.copy_job(cloud.active()[0])
    assert "a second copy of job 1" in jobs("deploy", "--config", job_file(KEPT))[1]
    assert [job["id"] for job in cloud.active()] == [1]


# link, unlink


@pytest.fixture
def by_hand(cloud):
    """Return a job that somebody made in dbt Cloud."""
    body = {"name": "Daily", "project_id": 2, "environment_id": 3, "execute_steps": ["dbt build"]}
    return cloud.ask("POST", "/api/v2/accounts/1/jobs/", {**body, "description": "Builds."})


@system
def test_a_linked_job_is_deployed_without_a_second_one(jobs, cloud, job_file, by_hand):
    arguments = ("link", "daily", "--job-id", by_hand["id"])
    cloud.requests.clear()
    code, out, _ = jobs(*arguments, "--dry-run")
    assert (code, cloud.writes) == (0, [])
    assert "Daily → marketing-team-feature-x-anna-daily" in out
    assert jobs(*arguments)[0] == 0
    [job] = cloud.active()
    assert job["description"] == "Builds. [jobs:v1 marketing-team/feature-x/anna/daily]"
    assert job["execute_steps"] == ["dbt build"]
    assert "nothing to do" in jobs(*arguments)[1]
    text = (
        'jobs = { daily = { execute_steps = ["dbt build"], description = "Builds.", threads = 1 } }'
    )
    plan = jobs("plan", "--config", job_file(text))[1]
    assert "1 to change" in plan
    assert "DBT_SCHEMA" in plan
    restore = json.loads(jobs("unlink", "daily", "--json")[1])["restore_file"]
    assert cloud.active()[0]["description"] == "Builds."
    assert jobs("undo", restore, "--yes")[0] == 0
    assert cloud.active()[0]["description"] == job["description"]


@system
def test_jobs_of_others_and_taken_keys_are_not_linked(jobs, cloud, job_file, by_hand):
    jobs("deploy", "--config", job_file(some_jobs(1)))
    code, _, err = jobs("link", "job-0", "--job-id", by_hand["id"])
    assert code == 2
    assert "job-0 of team marketing-team · branch feature-x · user anna is job 2 already" in err
    cloud.change_job(by_hand, description="[jobs:v1 sales/daily]")
    code, _, err = jobs("link", "daily", "--job-id", by_hand["id"])
    assert (code, "belongs to team sales as daily" in err) == (2, True)
    assert jobs("link", "daily", "--job-id", by_hand["id"], "--force")[0] == 0
    assert "is not usable as the key" in jobs("link", "A b", "--job-id", "1")[2]
    assert "there is no job 99" in jobs("link", "c", "--job-id", "99")[2]
    assert jobs("link")[0] == jobs("link", "a")[0] == jobs("link", "--all")[0] == 2
    assert jobs("unlink", "nobody")[0] == 2


@system
def test_the_json_of_link_has_these_fields(jobs, cloud, by_hand):
    document = json.loads(jobs("link", "daily", "--job-id", by_hand["id"], "--json")[1])
    assert list(document) == ["schema_version", "dry_run", "changes", "restore_file"]
    assert [f["field"] for f in document["changes"][0]["fields"]] == ["name", "description"]
    document = json.loads(jobs("unlink", "--all", "--yes", "--json")[1])
    assert len(document["changes"]) == 1


@system
def test_a_shared_key_of_two_environments_is_not_unlinked_by_chance(jobs, cloud, monkeypatch):
    body = {"name": "Staging", "type": "deployment", "project_id": 2}
    other = cloud.ask("POST", "/api/v3/accounts/1/projects/2/environments/", body)["id"]
    job = {"name": "d", "project_id": 2, "execute_steps": ["dbt build"]}
    for place in (3, other):
        mark = "[jobs:v1 marketing-team/daily]"
        job |= {"environment_id": place, "description": mark}
        cloud.ask("POST", "/api/v2/accounts/1/jobs/", job)
    monkeypatch.delenv("ENVIRONMENT_ID")
    code, _, err = jobs("unlink", "daily", "--shared")
    assert (code, "several jobs are daily: 1 (environment 3), 2 (environment" in err) == (2, True)
    monkeypatch.setenv("ENVIRONMENT_ID", str(other))
    assert jobs("unlink", "daily", "--shared")[0] == 0
    assert [job["description"] for job in cloud.active()] == [mark, ""]


# an account that many tools use


@system
@pytest.mark.parametrize("count", [12, pytest.param(300, marks=pytest.mark.slow)])
def test_among_jobs_of_other_tools_only_ours_are_touched(jobs, cloud, job_file, count):
    config = job_file(some_jobs(9))
    jobs("deploy", "--config", config)
    first = cloud.active()[0]
    strange = [
        "", "daily [[daily]]",
        "[jobs:v1 marketing-team/feature-x/anna/job-0] copied", "[jobs:v2 x]",
        "[jobs:v1 sales/feature-x/anna/job-0]", "[jobs:v1 marketing-team/feature-x/ben/job-0]",
    ]  # fmt: skip
    ours = {job["id"] for job in cloud.active()}
    for number in range(count):
        name = f"{'marketing-team-feature-x-anna-' * (number % 2)}other-{number}"
        cloud.copy_job(first, name=name, description=strange[number % len(strange)])

    def others():
        return [job for job in cloud.active() if job["id"] not in ours]

    before = others()
    cloud.requests.clear()
    text = some_jobs(5).replace("dbt build", "dbt run")
    assert jobs("deploy", "--config", job_file(text), "--allow-delete", "4", "--adopt")[0] == 0
    out = jobs("cleanup", "--older-than", "0", "--branch", "feature-x", "--yes", "--json")[1]
    deleted = {result["job_id"] for result in json.loads(out)["results"]}
    assert deleted & ours == ours & deleted
    bens = {job["id"] for job in before if "/ben/" in job["description"]}
    assert deleted <= ours | bens
    jobs("undo", json.loads(out)["restore_file"], "--yes")
    jobs("unlink", "--all", "--yes")
    touched = {path for method, path in cloud.writes}
    for job in before:
        is_ours_to_clean = job["id"] in bens
        assert is_ours_to_clean or not any(f"/jobs/{job['id']}/" in path for path in touched)
