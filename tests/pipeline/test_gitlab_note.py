"""One note of a merge request, or one issue, that is kept up to date."""

import pytest
from click.testing import CliRunner

from scripts import gitlab_note
from tests.pipeline.gitlab_api import PROJECT, TOKEN, GitLabApi

SECRET = "planted-secret-of-dbt-cloud"
MARK = "<!-- marketing-jobs:branch -->"


@pytest.fixture
def gitlab(monkeypatch):
    """Return a running GitLab, and the environment of a job in a merge request's pipeline."""
    gitlab = GitLabApi()
    for name, value in {
        "CI_API_V4_URL": gitlab.url,
        "CI_PROJECT_ID": PROJECT,
        "CI_MERGE_REQUEST_IID": "12",
        "CI_COMMIT_SHORT_SHA": "abc123",
        "GITLAB_TOKEN": TOKEN,
        "DBTCLOUD_TOKEN": SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(gitlab_note, "FIRST_PAUSE_SECONDS", 0.01)
    yield gitlab
    gitlab.close()


@pytest.fixture
def publish(gitlab, tmp_path):
    """Return a function that publishes a text: (exit code, what was printed)."""

    def run(text, *flags, key="branch"):
        path = tmp_path / "plan.txt"
        path.write_text(text)
        given = ["--key", key, "--title", "Plan", "--file", str(path), *flags]
        done = CliRunner().invoke(gitlab_note.main, given)
        return done.exit_code, done.output.strip()

    return run


def test_twenty_pipelines_leave_one_note_and_touch_no_other(gitlab, publish):
    # more than a page of others, one of which quotes ours, mark and all
    for number in range(150):
        gitlab.add_note("12", f"a remark {number}")
    gitlab.add_note("12", f"{MARK}\nmine now")
    others = gitlab.bodies("12")
    assert publish("plan 0") == (0, "note created")
    for number in range(1, 20):
        assert publish(f"plan {number}") == (0, "note updated")
    assert publish("plan 19") == (0, "note is up to date")
    assert gitlab.bodies("12")[:-1] == others
    assert gitlab.bodies("12")[-1].startswith(f"{MARK}\n### Plan\n\n```\nplan 19\n```\n")
    assert publish("other plan", key="production") == (0, "note created")
    assert len(gitlab.bodies("12")) == len(others) + 2


@pytest.mark.parametrize("fault", [500, 429, "lost"])
def test_an_answer_that_is_lost_makes_no_second_note(gitlab, publish, fault):
    # the list is answered, the note that is written is not
    gitlab.faults = [None, fault]
    code, said = publish("plan")
    assert code == 0
    assert said in ("note created", "note is up to date")
    assert len(gitlab.bodies("12")) == 1


def test_two_notes_of_two_pipelines_at_once_become_one(gitlab, publish):
    publish("plan")
    gitlab.notes["12"].append({**gitlab.notes["12"][0], "id": 999})
    assert publish("plan") == (0, "note is up to date")
    assert len(gitlab.bodies("12")) == 1


def test_a_note_holds_no_secret_closes_no_fence_and_has_an_end(gitlab, publish):
    text = f"{SECRET}\n{TOKEN}\n````\n\x1b[31mred\n" + "x" * 99 + "\n"
    assert publish(text + "y\n" * 100_000)[0] == 0
    (body,) = gitlab.bodies("12")
    assert SECRET not in body
    assert TOKEN not in body
    assert "\x1b" not in body
    assert body.count("`````") == 2
    assert len(body) < 62_000
    assert "in the log of the job" in body


def test_an_issue_is_opened_once_updated_and_closed_when_it_is_over(gitlab, publish):
    assert publish("", "--over") == (0, "no issue is open")
    assert publish("drift 1", "--issue") == (0, "issue opened")
    assert publish("drift 2", "--issue") == (0, "issue updated")
    assert publish("drift 2", "--issue") == (0, "issue is up to date")
    assert publish("", "--over") == (0, "issue closed")
    assert publish("drift 3", "--issue") == (0, "issue opened")
    assert [issue["state"] for issue in gitlab.issues] == ["closed", "opened"]
    assert "drift 2" in gitlab.issues[0]["description"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("GITLAB_TOKEN", "", (2, "GITLAB_TOKEN is not set")),
        ("GITLAB_TOKEN", "glpat-wrong-token-000", (4, "with the scope api")),
        ("CI_PROJECT_ID", "78", (1, "404 Project Not Found")),
        ("CI_MERGE_REQUEST_IID", "", (2, "CI_MERGE_REQUEST_IID is not set")),
        ("CI_API_V4_URL", "http://127.0.0.1:1/api/v4", (1, "GitLab did not answer")),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(
    gitlab, publish, monkeypatch, name, value, expected
):
    monkeypatch.setenv(name, value)
    code, said = publish("plan")
    assert code == expected[0]
    assert expected[1] in said
    assert "Traceback" not in said
    assert "glpat-wrong" not in said
