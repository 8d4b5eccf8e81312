"""cleanup: which branches go, what is spared, and what git knows."""

import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from marketing_analytics.cloud_api.names import Owner, Scope
from marketing_analytics.core.errors import UserError
from marketing_analytics.jobs.cleanup.choose import Wish, check_count, choose
from marketing_analytics.jobs.cleanup.merged import default_branch, merges_of
from marketing_analytics.jobs.past.journal import Entry
from marketing_analytics.jobs.plan import remote_job

from .conftest import some_jobs
from .faulty_cloud import forget_journals

system = pytest.mark.system
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BRANCH = Scope("marketing-team", "feature-x", "anna")


def days_ago(count):
    return (NOW - timedelta(days=count)).isoformat()


def branch_job(job_id, changed, run=None, owner=None):
    """Return a job that was changed so many days ago; run: (status, days since it finished)."""
    owner = owner or Owner(BRANCH, f"job-{job_id}")
    data = {"id": job_id, "name": f"j{job_id}", "description": owner.mark}
    data["updated_at"] = data["created_at"] = days_ago(changed)
    if run:
        status, days = run
        data["most_recent_run"] = {
            "id": 70 + job_id,
            "status": status,
            "created_at": days_ago(days),
        }
        data["most_recent_run"]["finished_at"] = days_ago(days) if status > 3 else None
    return remote_job(data, [])


def chosen(*jobs, journal=None, **wish):
    found = choose(Wish("marketing-team", **wish), jobs, journal or {}, NOW)
    return [change.job_id for change in found.deletes], found


@pytest.mark.parametrize(
    ("jobs", "gone"),
    [
        ([branch_job(1, 9)], [1]),
        ([branch_job(1, 9, (10, 8))], [1]),
        # a run counts, whatever became of it
        ([branch_job(1, 9, (20, 6))], []),
        ([branch_job(1, 9, (3, 9))], []),
        ([branch_job(1, 9, (1, 9))], []),
        # one job that was deployed shows that the branch is alive
        ([branch_job(1, 9), branch_job(2, 1)], []),
        (
            [
                branch_job(1, 9),
                branch_job(2, 1, owner=Owner(Scope("marketing-team", "y", "b"), "k")),
            ],
            [1],
        ),
        ([branch_job(1, 99, owner=Owner(Scope("marketing-team"), "daily"))], []),
        ([branch_job(1, 99, owner=Owner(Scope("sales", "feature-x", "anna"), "a"))], []),
        ([branch_job(1, 99, owner=Owner(BRANCH, "a", is_kept=True))], []),
    ],
)
def test_age_is_that_of_the_newest_deploy_or_run_of_the_branch(jobs, gone):
    assert chosen(*jobs, older_than_days=7)[0] == gone


def test_a_deploy_without_changes_is_known_to_the_journal():
    journal = {1: Entry(Owner(BRANCH, "a"), NOW - timedelta(days=1))}
    assert chosen(branch_job(1, 9), older_than_days=7, journal=journal)[0] == []


def test_what_runs_and_what_is_kept_is_spared_with_the_reason():
    jobs = [branch_job(1, 9, (3, 0)), branch_job(2, 9, owner=Owner(BRANCH, "b", is_kept=True))]
    gone, found = chosen(*jobs, branch_job(3, 9), branch="feature-x")
    assert gone == [3]
    assert {change.job_id: change.reason for change in found.spared} == {
        1: "run 71 is under way",
        2: "it has keep = true",
    }


def test_many_deletes_that_nobody_looks_at_need_their_number():
    _, found = chosen(*(branch_job(n, 9) for n in range(1, 52)), older_than_days=7)
    wish = Wish("marketing-team", 7)
    with pytest.raises(UserError, match="51 jobs, more than 50"):
        check_count(found, wish, None, is_watched=False)
    with pytest.raises(UserError, match="more than the 9 allowed"):
        check_count(found, wish, 9, is_watched=True)
    check_count(found, wish, 51, is_watched=False)
    check_count(found, wish, None, is_watched=True)
    check_count(found, Wish("marketing-team", branch="feature-x"), None, is_watched=False)


# git


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """Return a repository whose branches came into main in every way."""
    folder = tmp_path_factory.mktemp("clone")

    def git(*arguments):
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)

    def commit(name, text="x"):
        (folder / name).write_text(text)
        git("add", name)
        git("commit", "-m", name)

    git("init", "-b", "main")
    commit("first")
    for branch in ("merged", "Gone/Branch", "squashed", "rebased", "open", "part"):
        git("checkout", "-b", branch, "main")
        commit(f"{slug(branch)}-1")
        commit(f"{slug(branch)}-2")
    git("branch", "fresh", "main")
    git("checkout", "main")
    commit("meanwhile")
    git("merge", "--no-ff", "merged", "-m", "Merge branch 'merged'")
    git("merge", "--no-ff", "Gone/Branch", "-m", "Merge branch 'Gone/Branch' into 'main'")
    git("branch", "-D", "Gone/Branch")
    git("merge", "--squash", "squashed")
    git("commit", "-m", "all of it")
    git("cherry-pick", "rebased~1", "rebased", "part~1")
    return folder


def slug(name):
    return name.lower().replace("/", "-")


def test_git_knows_merges_squashes_rebases_and_what_is_open(clone, monkeypatch):
    monkeypatch.chdir(clone)
    monkeypatch.delenv("CI_DEFAULT_BRANCH", raising=False)
    names = ("merged", "gone-branch", "squashed", "rebased", "open", "part", "fresh", "unknown")
    found = merges_of(names)
    assert {name for name, merge in found.items() if merge.is_merged} == {
        "merged",
        "gone-branch",
        "squashed",
        "rebased",
    }
    assert "by a squash" in found["squashed"].how
    assert "by a rebase" in found["rebased"].how
    assert found["open"].how == "2 of its commits are not merged"
    assert found["part"].how == "1 of its commits is not merged"
    assert found["fresh"].how == "it has no commit of its own, or was fast-forwarded"
    assert found["unknown"].how == "git has no branch of this name here"


def test_a_part_of_the_history_is_not_enough(clone, monkeypatch, tmp_path):
    command = ["git", "clone", "-q", "--depth", "1", f"file://{clone}", str(tmp_path / "shallow")]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.chdir(tmp_path / "shallow")
    with pytest.raises(UserError, match="only a part of the history") as refused:
        default_branch()
    assert "GIT_DEPTH: 0" in refused.value.hint
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no repository"):
        default_branch()


# over HTTP


@system
def test_cleanup_of_a_merged_branch_says_how_it_knows(jobs, cloud, job_file, clone, monkeypatch):
    monkeypatch.chdir(clone)
    for branch in ("squashed", "open"):
        jobs("deploy", "--config", job_file(some_jobs(1)), "--branch", branch)
    code, out, _ = jobs("cleanup", "--merged", "--yes")
    assert code == 0
    assert "merged into main by a squash" in out
    assert "! branch open stays: 2 of its commits are not merged" in out
    assert [job["name"] for job in cloud.active()] == ["marketing-team-open-anna-job-0"]


@system
def test_the_environment_of_a_branch_stops_for_all_its_users(jobs, cloud, job_file):
    for branch, user in (("a", "anna"), ("a", "ben"), ("a-b", "anna")):
        where = ("--branch", branch, "--user", user)
        jobs("deploy", "--config", job_file(some_jobs(2)), *where)
    assert jobs("cleanup", "--branch", "A", "--yes")[0] == 0
    assert {job["name"] for job in cloud.active()} == {
        f"marketing-team-a-b-anna-job-{n}" for n in (0, 1)
    }
    assert "no job of branch a can go" in jobs("cleanup", "--branch", "a", "--yes")[1]


@system
def test_cleanup_without_a_choice_is_refused(jobs):
    code, _, err = jobs("cleanup", "--yes")
    assert code == 2
    assert "--older-than DAYS, --merged or --branch NAME" in err


@system
@pytest.mark.parametrize("what", ["deploy", "run"])
def test_what_came_to_life_after_the_plan_is_spared(jobs, cloud, job_file, monkeypatch, what):
    from marketing_analytics.jobs.commands import cleanup

    jobs("deploy", "--config", job_file(some_jobs(2)))
    cloud.age(9)

    def meanwhile(*_):
        job = cloud.job("job-0")
        if what == "run":
            cloud.ask("POST", f"/api/v2/accounts/1/jobs/{job['id']}/run/", {"cause": "by hand"})
        else:
            cloud.change_job(job, generate_docs=True)

    monkeypatch.setattr(cleanup, "confirm", meanwhile)
    code, out, _ = jobs("cleanup", "--older-than", "7")
    assert code == 0
    assert [job["name"][-5:] for job in cloud.active()] == ["job-0"]
    said = "is under way" if what == "run" else "deployed or changed since the plan was made"
    assert said in out
    assert "done: 1 of 2 deleted" in out


@system
def test_a_cleanup_is_undone(jobs, cloud, job_file, tmp_path):
    jobs("deploy", "--config", job_file(some_jobs(3, ', env_vars = { DBT_A = "1" }')))
    cloud.age(9)
    out = jobs("cleanup", "--older-than", "7", "--yes", "--json")[1]
    assert cloud.active() == []
    assert jobs("undo", json.loads(out)["restore_file"], "--yes")[0] == 0
    forget_journals()
    assert (
        "no changes"
        in jobs("plan", "--config", job_file(some_jobs(3, ', env_vars = { DBT_A = "1" }')))[1]
    )


def drop_steps(cloud):
    return [
        body["steps_override"][0]
        for method, path, body in cloud.requests
        if method == "POST" and path.endswith("/run/")
    ]


ENDED = [{"status": 3}, {"status": 10}]


@system
def test_the_schema_goes_by_one_run_before_the_jobs(jobs, cloud, job_file, monkeypatch):
    from marketing_analytics.jobs.cleanup import schemas

    monkeypatch.setattr(schemas, "POLL_SECONDS", 0)
    jobs("deploy", "--config", job_file(some_jobs(3)))
    arguments = ("cleanup", "--branch", "feature-x", "--with-schemas")
    out = jobs(*arguments, "--dry-run")[1]
    assert "- schema anna_feature_x: dropped by a run of job" in out
    cloud.script = list(ENDED)
    code, out, _ = jobs(*arguments, "--yes")
    assert code == 0
    assert "dropped schema anna_feature_x" in out
    assert drop_steps(cloud) == [
        (
            'dbt run-operation drop_branch_schema --args \'{"schema": "anna_feature_x", '
            '"user": "anna", "branch": "feature-x"}\''
        )
    ]
    assert cloud.active() == []


@system
def test_a_run_that_fails_leaves_the_jobs(jobs, cloud, job_file, monkeypatch):
    from marketing_analytics.jobs.cleanup import schemas

    monkeypatch.setattr(schemas, "POLL_SECONDS", 0)
    jobs("deploy", "--config", job_file(some_jobs(2)))
    cloud.script = [{"status": 20}]
    code, out, _ = jobs("cleanup", "--branch", "feature-x", "--with-schemas", "--yes")
    assert code == 1
    assert "which should drop schema anna_feature_x, failed" in out
    assert len(cloud.active()) == 2


@system
def test_a_schema_that_another_job_uses_stays(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(some_jobs(1)))
    # another team's branch of the same name and user
    jobs("deploy", "--config", job_file(some_jobs(1)), "--team", "sales")
    arguments = ("cleanup", "--branch", "feature-x", "--with-schemas", "--yes", "--json")
    document = json.loads(jobs(*arguments)[1])
    assert document["schemas"][0]["job_id"] is None
    assert "writes to it" in document["schemas"][0]["stays"]
    assert drop_steps(cloud) == []
    assert len(cloud.active()) == 1


@system
def test_a_schema_of_another_name_is_never_dropped(jobs, cloud, job_file):
    config = job_file(some_jobs(1, ', env_vars = { DBT_SCHEMA = "prod" }'))
    jobs("deploy", "--config", config)
    out = jobs("cleanup", "--branch", "feature-x", "--with-schemas", "--yes")[1]
    assert "schema anna_feature_x: stays: no job of the branch writes to it" in out
    assert drop_steps(cloud) == []
