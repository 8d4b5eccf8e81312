import threading
import time
from contextlib import contextmanager

import pytest

from marketing_analytics.core.errors import (
    AuthError,
    PlatformError,
    RemoteError,
    TerminalError,
    TransientError,
)
from marketing_analytics.ingest.engine.governor import Governor, Limits, Token, TooMuchDataError

from .scripted_platform import Answer, in_order, serve

OK = Answer({"ok": True})
QUICK = Limits(attempts=4, retry_base_seconds=0.001, max_wait_seconds=1)
PATIENT = Limits(attempts=4, max_wait_seconds=3600)


def governor_for(address, limits=QUICK, **more):
    given = {"classify": lambda response: None, "stop": threading.Event()} | more
    return Governor("Platform", address, limits=limits, **given)


@pytest.mark.parametrize(
    "fault",
    [
        Answer({}, status=429),
        Answer({}, status=429, headers={"Retry-After": "0.01"}),
        Answer({}, status=500),
        Answer(b"<html>busy</html>", status=503, headers={"Content-Type": "text/html"}),
        Answer(b"<html>proxy</html>", headers={"Content-Type": "text/html"}),
        Answer(b'{"ok": tr'),
        Answer({"ok": True, "padding": "x" * 500}, cut=True),
    ],
    ids=["429", "429-with-header", "500", "503-page", "200-page", "half-json", "cut"],
)
def test_a_fault_that_passes_is_retried(fault):
    with serve(in_order(fault, fault, OK)) as (address, requests):
        assert governor_for(address).get("/x") == {"ok": True}
        assert len(requests) == 3


def test_a_fault_that_stays_ends_after_the_attempts_with_a_sentence():
    with serve(in_order(Answer({}, status=500))) as (address, requests):
        with pytest.raises(TransientError, match="Platform answered /x with HTTP 500") as caught:
            governor_for(address).get("/x")
        assert caught.value.hint == "Platform has trouble; run again later"
        assert len(requests) == QUICK.attempts


def test_a_refusal_is_not_retried():
    with serve(in_order(Answer({}, status=400))) as (address, requests):
        with pytest.raises(TerminalError):
            governor_for(address).get("/x")
        assert len(requests) == 1


def test_a_wait_beyond_the_bound_is_not_waited_for_and_names_the_time_to_come_back():
    busy = Answer({}, status=429, headers={"Retry-After": "40591"})
    with serve(in_order(busy)) as (address, requests):
        with pytest.raises(TransientError, match=r"asks to wait 11.3 h") as caught:
            governor_for(address).get("/x")
        assert len(requests) == 1
        assert "run again after 20" in caught.value.hint


def test_an_expired_token_is_renewed_once_for_all_threads():
    tokens = iter(["one-token", "two-token", "three-token"])
    token = Token(lambda: next(tokens))

    def answer(asked):
        good = asked.headers["Authorization"] == "Bearer two-token"
        return OK if good else Answer({}, status=401)

    with serve(answer) as (address, _):
        governor = governor_for(address, token=token)
        threads = [threading.Thread(target=governor.get, args=("/x",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert token.value() == "two-token"


def test_a_token_that_stays_refused_ends_the_request():
    with serve(in_order(Answer({}, status=401))) as (address, requests):
        with pytest.raises(AuthError):
            governor_for(address, token=Token(lambda: "a-token")).get("/x")
        assert len(requests) == 4


def test_a_large_answer_that_breaks_off_asks_for_less_instead_of_the_same_again():
    cut = Answer({"padding": "x" * 500}, cut=True)
    with serve(in_order(cut)) as (address, requests):
        with pytest.raises(TooMuchDataError):
            governor_for(address).send("GET", "/x", is_large=True)
        assert len(requests) == 1


def test_no_more_connections_are_used_than_allowed():
    now, most, lock = [0], [0], threading.Lock()

    def answer(asked):
        return OK

    with serve(answer) as (address, _):
        governor = governor_for(address, max_connections=2)
        stream = governor._client.stream

        @contextmanager
        def counted(*args, **kwargs):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.01)
            with stream(*args, **kwargs) as response:
                yield response
            with lock:
                now[0] -= 1

        governor._client.stream = counted
        threads = [threading.Thread(target=governor.get, args=("/x",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most[0] == 2


def test_a_wait_ends_at_once_when_the_run_is_stopped():
    stop = threading.Event()
    with serve(in_order(Answer({}, status=429, headers={"Retry-After": "600"}))) as (address, _):
        threading.Timer(0.05, stop.set).start()
        # a wait that went on would outlast the time limit of the test
        with pytest.raises(PlatformError, match="stopped"):
            governor_for(address, PATIENT, stop=stop).get("/x")


def test_usage_that_runs_out_holds_the_next_request_back():
    with serve(in_order(OK)) as (address, _):
        governor = governor_for(address, pace=lambda response: 0.1)
        started = time.monotonic()
        governor.get("/x")
        governor.get("/x")
        assert time.monotonic() - started >= 0.1


def test_a_server_that_is_not_there_is_a_sentence():
    with serve(in_order(OK)) as (address, _):
        gone = address
    host = gone.removeprefix("http://").partition("/")[0]
    with pytest.raises(RemoteError, match=f"cannot reach Platform at {host}: ") as caught:
        governor_for(gone, setting="PLATFORM_BASE_URL").get("/x")
    assert "check PLATFORM_BASE_URL" in caught.value.hint
