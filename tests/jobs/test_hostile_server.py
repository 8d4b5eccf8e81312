"""A server that answers nonsense: one sentence, no escape sequence, little memory."""

import gzip
import json
import random
import threading
import tracemalloc
from http.server import BaseHTTPRequestHandler

import pytest

from marketing_analytics.cloud_api import answers as answers_module
from marketing_analytics.cloud_api.answers import check_job
from marketing_analytics.cloud_api.names import Scope
from marketing_analytics.core.errors import PlatformError
from marketing_analytics.jobs.model import read_job_text
from marketing_analytics.jobs.payload import desired_jobs, overrides_of
from marketing_analytics.jobs.plan import make_plan, remote_job
from marketing_analytics.jobs.render import change_texts
from tests.jobs.faulty_cloud import JOBS, QuietServer

from .conftest import some_jobs

SCOPE = Scope("marketing-team", "feature-x", "anna")


def job(number, **fields):
    return {"id": number, "name": f"job {number}", "description": "", **fields}


def envelope(data, **extra):
    return json.dumps({"status": {"code": 200}, "data": data, **extra}).encode()


def endless(page):
    """Return a full page of new jobs, whatever was asked."""
    return envelope([job(page * 100 + n + 1, filler="x" * 40_000) for n in range(100)])


BOMB = gzip.compress(b'{"data": "' + b"x" * 60_000_000 + b'"}', 9)
LISTS = gzip.compress(b'{"data": [' + b"[]," * 1_000_000 + b"[]]}", 9)
ANSWERS = {
    "the same page for ever": lambda _: envelope([job(n + 1) for n in range(100)]),
    "pages without end": endless,
    "a bomb": lambda _: BOMB,
    "a million lists": lambda _: LISTS,
    "deep": lambda _: b'{"data": ' + b"[" * 200_000,
    "no list": lambda _: envelope({"a": 1}),
    "numbers": lambda _: envelope([1, 2]),
    "no id": lambda _: envelope([{"name": "a"}]),
    "text as id": lambda _: envelope([job("7")]),
    "no json": lambda _: b"<html>",
    "no object": lambda _: b"[]",
    "packed half": lambda _: BOMB[: len(BOMB) // 2],
}


@pytest.fixture
def hostile(environ, monkeypatch):
    """Return a function that lets a server give these answers to every GET."""
    answers, servers = {}, []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            answers["page"] = answers.get("page", -1) + 1
            body = answers["answer"](answers["page"])
            self.send_response(answers.get("status", 200))
            if body[:2] == b"\x1f\x8b":
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def serve(answer, status=200):
        answers.update(answer=answer, status=status)
        server = QuietServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("DBTCLOUD_HOST_URL", f"http://127.0.0.1:{server.server_address[1]}")

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("name", ANSWERS)
def test_nonsense_is_one_sentence_and_little_memory(jobs, hostile, job_file, name):
    hostile(ANSWERS[name])
    tracemalloc.start()
    code, out, err = jobs("plan", "--config", job_file(some_jobs(1)))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert "this is a bug" not in err
    assert peak_bytes < 150 * 2**20


def test_small_jobs_without_end_are_one_sentence(jobs, hostile, job_file, monkeypatch):
    monkeypatch.setattr(answers_module, "MAX_LIST_ITEMS", 1000)
    hostile(lambda page: envelope([job(page * 100 + n + 1) for n in range(100)]))
    code, _, err = jobs("plan", "--config", job_file(some_jobs(1)))
    assert (code, "has more than 1,000 items" in err) == (1, True)


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_no_escape_sequence_of_the_server_reaches_the_terminal(
    jobs, hostile, job_file, status, monkeypatch
):
    foul = "\x1b]0;owned\x07\x1b[2J\u202e"
    mark = SCOPE.mark_of("job-9")
    data = [job(7, name=foul, description=f"{foul} {mark}", execute_steps=[foul])]
    body = envelope(data if status == 200 else {"why": foul}, status={"user_message": foul})
    hostile(lambda _: body, status)
    _, out, err = jobs("plan", "--config", job_file(some_jobs(1)), "--detailed-exitcode")
    assert not set("\x1b\x07\u202e") & set(out + err)


ODD = [None, True, -1, 10**30, 1.5, "", "x", [], {}, [None], [[1]], {"a": {}}, "\x00", ["a", 3]]


def spoiled(value, rng):
    """Return a JSON value with one part of it replaced by something odd."""
    if isinstance(value, dict) and value and ("id" in value or rng.random() < 0.8):
        key = rng.choice(sorted(value))
        return {**value, key: spoiled(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.5:
        place = rng.randrange(len(value))
        return [*value[:place], spoiled(value[place], rng), *value[place + 1 :]]
    return rng.choice(ODD)


def test_odd_values_of_jobs_make_a_plan_or_a_sentence(jobs, cloud, job_file):
    text = some_jobs(2, ', schedule_cron = "0 1 * * *"').replace(
        "jobs = {", 'jobs = {\n  c = { execute_steps = ["dbt run"], after = { job = "job-0" } }'
    )
    config = job_file(text)
    jobs("deploy", "--config", config)
    path = f'{JOBS}?include_related=["custom_environment_variables"]'
    real = cloud.ask("GET", path)
    assert real[0]["custom_environment_variables"]
    file = read_job_text(text)
    desired = desired_jobs(file, SCOPE, 3)
    rng = random.Random(3)
    kept = 0
    for _ in range(500):
        found = [{**part, "id": each["id"]} for each in real if (part := spoiled(each, rng))]
        try:
            found = [check_job(each, "host") for each in found]
            remote = [
                remote_job(each, overrides_of(each.get("custom_environment_variables")))
                for each in found
            ]
            plan = make_plan(file, SCOPE, desired, remote)
        except PlatformError:
            continue
        for change in plan.changes:
            change_texts(change)
        kept += plan.job_count == 3
    assert kept > 100


def test_what_a_hand_wrote_into_our_jobs_is_shown_and_carried_out_nowhere(jobs, cloud, job_file):
    foul = "\x1b[8mhidden\x1b]0;x\x07"
    config = job_file(some_jobs(1))
    jobs("deploy", "--config", config)
    job = cloud.job("job-0")
    described = f"{foul} {job['description']}"
    cloud.change_job(job, description=described, execute_steps=[f"dbt run {foul}"])
    cloud.copy_job(job, name=f"stranger {foul}", description=foul)
    link = ("link", "other", "--job-id", "2", "--dry-run")
    said = [
        jobs("plan", "--config", config),
        jobs("diff", "--config", config),
        jobs("list", "--details", "--all-environments"),
        jobs(*link),
        jobs("deploy", "--config", config),
    ]
    assert "␛[8mhidden" in said[0][1]
    assert all(text for _, text, _ in said)
    assert not [text for _, *texts in said for text in texts if set("\x1b\x07") & set(text)]
