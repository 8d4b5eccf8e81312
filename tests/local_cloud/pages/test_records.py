"""The audit log, the deliveries of webhooks, and what differs from the job files."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path

import pytest

from marketing_analytics.local_cloud.pages.records.audit import deed_of
from marketing_analytics.local_cloud.pages.records.drift import Drift, JobFiles, value_words
from marketing_analytics.local_cloud.store.connection import open_connection


def rows_of(seeded, statement):
    with closing(open_connection(seeded.folder / "cloud.sqlite")) as connection:
        return [tuple(row) for row in connection.execute(statement).fetchall()]


def hook_of(seeded):
    return rows_of(seeded, "select id from webhooks")[0][0]


def states_of(text):
    return re.findall(r'<li class="item.*?<svg.*?</svg>([\w ]+)</span>', text, re.DOTALL)


def test_the_deliveries_of_a_webhook_say_how_they_went_and_what_follows(seeded):
    text = seeded.client().get(f"/webhooks/{hook_of(seeded)}").text
    assert sorted(states_of(text)) == ["Delivered", "Given up", "Retrying", "Waiting"]
    assert "the receiver answered 503" in text
    assert "attempt 2 of 6" in text
    assert "attempt 6 of 6, nothing follows by itself" in text
    assert "answered with 200" in text
    assert f'href="/runs/{seeded.ids["failed"]}"' in text
    # the payload is there, a key in the address is not
    assert "&#34;runStatus&#34;: &#34;failed&#34;" in text
    assert "a1b2c3d4e5" not in text
    listed = seeded.client().get("/webhooks").text
    assert "a1b2c3d4e5" not in listed
    assert "tell the team" in listed


def test_a_delivery_that_was_given_up_is_sent_again_by_pressing(seeded):
    client, hook = seeded.client(), hook_of(seeded)
    given_up = "where next_attempt_at is null and delivered_at is null"
    ((delivery,),) = rows_of(seeded, f"select id from webhook_deliveries {given_up}")
    answer = client.post(f"/deliveries/{delivery}/again")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/webhooks/{hook}")
    assert rows_of(seeded, f"select id from webhook_deliveries {given_up}") == []
    assert client.post("/deliveries/wev_none/again").status_code == 404
    assert client.get("/webhooks/wsu_none").status_code == 404


def test_the_audit_log_says_who_wanted_what_and_finds_what_was_refused(seeded):
    client = seeded.client()
    text = client.get("/audit").text
    job, running = seeded.ids["job"], seeded.ids["running"]
    assert f'<a href="/jobs/{job}">start job {job}</a>' in text
    assert f'<a href="/runs/{running}">cancel run {running}</a>' in text
    assert "60 changes" in text
    refused = client.get("/audit?show=refused").text
    assert "start job" not in refused
    assert "delete service token 4" in refused
    found = client.get("/audit?search=CREDENTIALS").text
    assert "change credential 3" in found
    assert "cancel run" not in found
    assert "Nothing fits" in client.get("/audit?search=no-such-thing").text
    # a page beyond the last is the last
    assert "Page 2 of 2" in client.get("/audit?page=99").text


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("POST", "/api/v2/accounts/1/jobs", "create job"),
        ("POST", "/api/v2/accounts/1/jobs/7/", "change job 7"),
        ("POST", "/api/v2/accounts/1/jobs/7/pull-requests/3/close", "close pull request 3"),
        ("DELETE", "/api/v3/accounts/1/projects/2", "delete project 2"),
        ("POST", "/api/v3/accounts/1/projects/2/repositories", "create repository"),
        ("DELETE", "/api/v3/accounts/1/webhooks/subscription/wsu_a", "delete subscription wsu_a"),
        ("POST", "/drift/compare", "compare drift"),
        ("POST", "/", "create"),
    ],
)
def test_a_request_is_told_in_words(method, path, words):
    assert deed_of(method, path)[0] == words


def test_what_is_done_on_a_page_is_in_the_audit_log_with_the_token_that_counts(seeded):
    client = seeded.client()
    before = rows_of(seeded, "select count(*) from audit_events")[0][0]
    client.post(f"/runs/{seeded.ids['queued']}/cancel")
    client.post("/runs/999999/cancel")
    client.post("/zone", content="zone=Europe%2FBerlin&next=%2F")
    client.post("/jobs/1/run", headers={"sec-fetch-site": "cross-site"})
    noted = rows_of(seeded, "select token_name, method, path, status from audit_events")[before:]
    assert noted == [
        ("first, on the page", "POST", f"/runs/{seeded.ids['queued']}/cancel", 303),
        ("first, on the page", "POST", "/runs/999999/cancel", 404),
    ]


def test_drift_shows_what_differs_and_the_commands_that_mend_it(seeded):
    text = seeded.client().get("/drift").text
    assert "2 of 9 differ" in text
    assert "0 8 * * *" in text
    assert "0 9 * * *" in text
    assert "customer-segments" in text
    assert "marketing jobs deploy --config env_file/dev_env.tfvars" in text
    assert "401: Invalid token." in text


def test_pages_without_webhooks_and_changes_say_what_to_do(empty_pages):
    assert "No webhooks yet" in empty_pages.get("/webhooks").text
    assert "Nothing was changed yet" in empty_pages.get("/audit").text


def test_drift_is_compared_by_the_command_and_kept(tmp_path, monkeypatch):
    fake = tmp_path / "marketing_analytics"
    fake.mkdir()
    (fake / "__init__.py").touch()
    (fake / "__main__.py").write_text(
        "import json, os, sys\n"
        "if '--shared' in sys.argv:\n"
        "    print(json.dumps({'error': {'message': 'no such token', 'hint': 'export it'}}))\n"
        "    sys.exit(2)\n"
        "print(json.dumps({**json.loads(os.environ['ANSWER']), 'given': sys.argv[1:]}))\n"
    )
    monkeypatch.chdir(tmp_path)
    answer = json.dumps({"drift": [], "summary": {"jobs": 3}})
    files = JobFiles((Path("a.tfvars"),), (Path("b.tfvars"),), {"ANSWER": answer})
    drift = Drift(files, tmp_path)
    assert [line.state for line in drift.lines(())] == [None, None]
    drift.look()
    own, shared = drift.lines(())
    assert (own.state.word, own.job_count, own.problem) == ("Same", 3, "")
    assert (shared.state.word, shared.is_shared) == ("Not compared", True)
    assert shared.problem == "no such token\nexport it"
    kept = json.loads((tmp_path / "drift.json").read_text())
    given = ["jobs", "diff", "--json", "--config", "a.tfvars"]
    assert kept["--config a.tfvars"]["answer"]["given"] == given
    (tmp_path / "drift.json").write_text("{")
    assert [line.state for line in drift.lines(())] == [None, None]


def test_values_of_drift_are_words_and_secrets_are_masked():
    assert value_words(None, ()) == "–"
    assert value_words(False, ()) == "off"
    assert value_words(["a", "b"], ()) == "a\nb"
    assert value_words({"job": "x"}, ()) == '{"job": "x"}'
    assert value_words("hunter2-very", ["hunter2-very"]) == "**********"
