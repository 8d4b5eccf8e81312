"""Deliveries: signed, kept, tried again, and of the runs that somebody asked for."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import sqlite3
import threading
import time
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.tiny_cloud import add_job, create_cloud, write_project
from marketing_analytics.local_cloud.runs.store import create_run, request_cancel
from marketing_analytics.local_cloud.store.connection import transaction
from marketing_analytics.local_cloud.webhooks import sender as sender_module
from marketing_analytics.local_cloud.webhooks import store
from marketing_analytics.local_cloud.webhooks.sender import Sender, attempt, connect

NOT_NOTED = "attempt_not_noted"
HOST = frozenset({"127.0.0.1"})


@pytest.fixture
def place(tmp_path, new_store):
    return new_store(tmp_path)


@pytest.fixture
def connection(tmp_path, place):
    project = write_project(tmp_path / "project")
    with closing(create_cloud(tmp_path, project, store=place)) as connection:
        yield connection


@contextmanager
def receiver(*statuses):
    """Receive deliveries, answering with the statuses in turn, then with 200."""
    answers, received, has_come = list(statuses), [], threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.path, self.headers["authorization"], body))
            status = answers.pop(0) if answers else 200
            self.send_response(status)
            if status == 302:
                self.send_header("location", "http://169.254.169.254/")
            self.end_headers()
            has_come.set()

        def log_message(self, *_given):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", received, has_come
    finally:
        server.shutdown()
        server.server_close()


def subscribe(connection, url="https://a.example.com", **fields):
    given = {"name": "told", "client_url": url, "event_types": list(store.EVENTS), "job_ids": []}
    return store.add_webhook(connection, 1, {**given, "active": True, **fields})


def deliveries(connection, webhook_id):
    return store.list_deliveries(connection, webhook_id, limit=50, offset=0).rows


def test_the_end_of_a_run_is_told_to_those_who_asked(connection):
    job_id = add_job(connection)
    everything, _ = subscribe(connection)
    other_job, _ = subscribe(connection, job_ids=[str(job_id + 1)])
    errors, _ = subscribe(connection, event_types=[store.ERRORED])
    paused, _ = subscribe(connection, active=False)
    run = create_run(connection, job_id)
    request_cancel(connection, run.id)
    (told,) = deliveries(connection, everything)
    body = json.loads(told.body)
    assert (told.event_type, body["eventType"]) == (store.COMPLETED, store.COMPLETED)
    assert (body["eventId"], body["webhooksID"], body["accountId"]) == (told.id, everything, 1)
    data = body["data"]
    assert (data["runId"], data["jobId"], data["runStatus"]) == (
        str(run.id), str(job_id), "Cancelled",
    )  # fmt: skip
    assert data["runFinishedAt"] is not None
    assert not any(deliveries(connection, hook) for hook in (other_job, errors, paused))


def test_a_delivery_is_signed_over_its_exact_body(connection):
    with receiver() as (url, received, _):
        assert attempt(url, '{"a": "ä"}', "key", HOST) == (200, "")
        path, signature, body = received[0]
    assert path == "/hook"
    assert body == '{"a": "ä"}'.encode()
    assert signature == hmac.new(b"key", body, hashlib.sha256).hexdigest()


def test_a_redirect_is_not_followed(connection):
    with receiver(302) as (url, received, _):
        status, problem = attempt(url, "{}", "key", HOST)
    assert (status, problem, len(received)) == (302, "the receiver answered 302", 1)
    assert attempt(url, "{}", "key", HOST)[0] == 0


@contextmanager
def flooding(words, *, pause=0.0):
    """Receive a delivery, and say the same words again and again."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            taken, _ = server.accept()
            with taken, suppress(OSError):
                while True:
                    taken.sendall(words)
                    time.sleep(pause)

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


@pytest.mark.parametrize(
    ("words", "pause"), [(b"HTTP/1.1 100 Continue\r\n\r\n", 0.0), (b"H", 0.05), (b"", 0.05)]
)
def test_a_receiver_that_never_ends_its_answer_is_left(monkeypatch, words, pause):
    monkeypatch.setattr(sender_module, "MAX_SECONDS", 0.3)
    with flooding(words, pause=pause) as url:
        assert attempt(url, "{}", "key", HOST) == (0, "no answer: it took longer than 0.3 s")


def test_what_was_answered_counts_whatever_comes_of_the_rest(monkeypatch):
    monkeypatch.setattr(sender_module, "MAX_SECONDS", 0.3)
    begun = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with flooding(begun) as url:
        assert attempt(url, "{}", "key", HOST) == (200, "")


def test_what_a_receiver_writes_makes_no_long_problem():
    with flooding(b"x" * 60_000 + b"\r\n") as url:
        status, problem = attempt(url, "{}", "key", HOST)
    assert status == 0
    assert len(problem) <= 300


def test_a_host_is_told_at_the_first_of_its_addresses_that_answers(monkeypatch):
    with receiver() as (url, received, _):
        port = int(url.split(":")[2].split("/")[0])
        both = [(2, 1, 6, "", (address, port)) for address in ("127.0.0.9", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **_named: (
            both if given[0] == "two.example.com" else [(2, 1, 6, "", (given[0], port))]
        ))  # fmt: skip
        given = f"http://two.example.com:{port}/", "{}", "key", {"two.example.com"}
        assert attempt(*given) == (200, "")
    assert len(received) == 1


def test_a_slow_receiver_keeps_no_other_one_waiting(connection, place):
    with flooding(b"", pause=0.05) as slow, receiver() as (url, _, has_come):
        for given in (slow, url):
            subscribe(connection, given)
        job_id = add_job(connection)
        for _ in range(30):
            request_cancel(connection, create_run(connection, job_id).id)
        sender = Sender(place, HOST)
        sender.start()
        assert has_come.wait(5)
        sender.stop()


def test_what_was_received_while_the_server_stops_is_noted(connection, place):
    webhook_id, _ = subscribe(connection)
    request_cancel(connection, create_run(connection, add_job(connection)).id)
    (due,) = store.due_deliveries(connection)
    sender = Sender(place)
    sender._done.put((due, 200, ""))
    sender._stopping.set()
    sender.start()
    sender.stop()
    (told,) = deliveries(connection, webhook_id)
    assert told.delivered_at is not None


@pytest.mark.parametrize("times", [2, 1_000])
def test_how_a_delivery_went_is_noted_as_soon_as_the_store_can_be_written(
    connection, place, monkeypatch, caplog, times
):
    failures = iter(range(times))

    def save(*given):
        if next(failures, None) is not None:
            raise sqlite3.OperationalError("database is locked")
        store.save_attempt(*given)

    monkeypatch.setattr(sender_module, "save_attempt", save)
    monkeypatch.setattr(sender_module, "SAVE_SECONDS", 0.5)
    monkeypatch.setattr(sender_module, "QUICK_SECONDS", 0.02)
    with receiver() as (url, received, has_come):
        webhook_id, _ = subscribe(connection, url)
        request_cancel(connection, create_run(connection, add_job(connection)).id)
        sender = Sender(place, HOST)
        sender.start()
        assert has_come.wait(20)
        until = time.monotonic() + 10
        while sender._busy and time.monotonic() < until:
            time.sleep(0.02)
        sender.stop()
        (told,) = deliveries(connection, webhook_id)
        words = [record.getMessage() for record in caplog.records if record.action == NOT_NOTED]
        assert words[0] == f"how delivery {told.id} went cannot be noted yet: database is locked"
        expected = (True, 1) if times == 2 else (False, 2)
        assert (told.delivered_at is not None, len(words)) == expected
        if not told.delivered_at:
            # it is sent again with the same id, by which the receiver knows it
            connection.execute("update webhook_deliveries set next_attempt_at = '2020'")
            monkeypatch.setattr(sender_module, "save_attempt", store.save_attempt)
            again = Sender(place, HOST)
            again._begin_due(connection)
            until = time.monotonic() + 10
            while len(received) < 2 and time.monotonic() < until:
                time.sleep(0.02)
    assert len(received) == (1 if told.delivered_at else 2)
    assert {json.loads(body)["eventId"] for _, _, body in received} == {told.id}
    assert len({body for _, _, body in received}) == 1


def test_a_webhook_whose_thread_cannot_start_is_told_later(connection, place, monkeypatch):
    class Never:
        def __init__(self, **_given: object) -> None: ...

        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    subscribe(connection)
    request_cancel(connection, create_run(connection, add_job(connection)).id)
    sender = Sender(place)
    monkeypatch.setattr(sender_module, "threading", SimpleNamespace(Thread=Never))
    with pytest.raises(RuntimeError, match="new thread"):
        sender._begin_due(connection)
    assert not sender._busy


def test_what_waits_is_not_looked_for_all_the_time_while_a_receiver_is_slow(place, monkeypatch):
    looks: list[object] = []
    monkeypatch.setattr(sender_module, "due_deliveries", lambda given: looks.append(given) or [])
    monkeypatch.setattr(sender_module, "QUICK_SECONDS", 0.01)
    monkeypatch.setattr(sender_module, "drop_old_deliveries", lambda _: None)
    sender = Sender(place)
    sender._busy.add("slow")
    sender.start()
    time.sleep(0.2)
    sender.stop()
    assert len(looks) == 1


def test_not_every_address_of_a_host_is_tried():
    with receiver() as (url, _, _), pytest.raises(OSError, match="refused"):
        connect(["127.0.0.9"] * 4 + ["127.0.0.1"], int(url.split(":")[2].split("/")[0]))


def test_the_server_sends_with_the_secret_of_the_webhook(connection, place, tmp_path):
    with receiver() as (url, received, has_come):
        webhook_id, secret = subscribe(connection, url)
        request_cancel(connection, create_run(connection, add_job(connection)).id)
        sender = Sender(place, HOST)
        sender.start()
        assert has_come.wait(20)
        sender.stop()
    _, signature, body = received[0]
    assert signature == hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert secret not in store.get_webhook(connection, 1, webhook_id).secret
    if isinstance(place, Path):
        assert secret.encode() not in place.read_bytes()


def test_one_of_two_senders_makes_an_attempt(connection):
    subscribe(connection)
    request_cancel(connection, create_run(connection, add_job(connection)).id)
    (due,) = store.due_deliveries(connection)
    assert [store.take_delivery(connection, due) for _ in range(2)] == [True, False]
    assert store.due_deliveries(connection) == []


def test_what_fails_is_tried_five_times_more_and_then_kept(connection):
    webhook_id, _ = subscribe(connection)
    request_cancel(connection, create_run(connection, add_job(connection)).id)
    for attempts in range(1, 7):
        (due,) = store.due_deliveries(connection)
        with transaction(connection):
            store.save_attempt(connection, due, 500, "the receiver answered 500")
        (kept,) = deliveries(connection, webhook_id)
        assert (kept.attempts, kept.next_attempt_at is None) == (attempts, attempts == 6)
        # not before its time
        assert store.due_deliveries(connection) == []
        connection.execute(
            "update webhook_deliveries set next_attempt_at = '2020' where next_attempt_at <> ''"
        )
    assert (kept.status_code, kept.delivered_at) == (500, None)
    assert store.get_webhook(connection, 1, webhook_id).last_status == "500"
    assert store.drop_old_deliveries(connection) == 0
    connection.execute("update webhook_deliveries set created_at = '2020'")
    assert store.drop_old_deliveries(connection) == 1
