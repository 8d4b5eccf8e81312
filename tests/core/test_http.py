"""What a failed call means, and how long to wait."""

from __future__ import annotations

import gzip

import httpx
import pytest

from marketing_analytics.core import http
from marketing_analytics.core.errors import AmbiguousError, TerminalError, TransientError


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("refused"), TransientError),
        (httpx.ConnectTimeout("slow"), TransientError),
        (httpx.ReadTimeout("slow"), AmbiguousError),
        (httpx.RemoteProtocolError("cut"), AmbiguousError),
        (httpx.WriteError("reset"), AmbiguousError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_a_lost_answer_is_ambiguous_and_an_unsent_request_is_not(error, kind):
    assert type(http.error_from_exception(error, "host")) is kind


def test_retry_after_is_read_in_seconds_and_as_a_date():
    assert http.retry_after_seconds("7") == 7
    at = 1_800_000_000.0
    assert http.retry_after_seconds("Fri, 15 Jan 2027 08:00:30 GMT", now=at) == 30
    assert http.retry_after_seconds("soon") is None
    assert http.retry_after_seconds(None) is None


class Flaky:
    """Fails with the given errors, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_a_transient_failure_is_repeated_after_the_wait_that_was_asked_for():
    waits: list[float] = []
    call = Flaky(TransientError("busy", retry_after_seconds=3.0), TransientError("busy"))
    assert http.call_with_retry(call, sleep=waits.append) == "done"
    assert call.calls == 3
    assert waits[0] == 3.0
    assert 1.0 <= waits[1] <= 2.0


def test_a_refusal_is_not_repeated():
    call = Flaky(TerminalError("no"))
    with pytest.raises(TerminalError):
        http.call_with_retry(call, sleep=lambda _: None)
    assert call.calls == 1


def test_an_ambiguous_create_is_never_repeated_blindly():
    call = Flaky(AmbiguousError("lost"))
    with pytest.raises(AmbiguousError):
        http.call_with_retry(call, is_repeatable=False, sleep=lambda _: None)
    assert call.calls == 1


def test_a_wait_beyond_the_bound_is_not_waited_for():
    call = Flaky(TransientError("come back tomorrow", retry_after_seconds=40_000))
    with pytest.raises(TransientError):
        http.call_with_retry(call, sleep=lambda _: pytest.fail("slept"))


def test_attempts_are_bounded():
    call = Flaky(*[TransientError("busy") for _ in range(9)])
    with pytest.raises(TransientError):
        http.call_with_retry(call, attempts=4, sleep=lambda _: None)
    assert call.calls == 4


def client_of(body: bytes, **headers: str) -> httpx.Client:
    """Return a client that gets this answer to everything."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(body))

    return httpx.Client(transport=httpx.MockTransport(answer), base_url="http://host")


def test_a_packed_answer_is_bounded_by_what_it_unpacks_to():
    packed = gzip.compress(b"0" * 5_000_000)
    assert len(packed) < 10_000
    encoded = {"Content-Encoding": "gzip"}
    answer = http.send_bounded(client_of(packed, **encoded), "GET", "/a", max_bytes=5_000_000)
    assert answer.content == b"0" * 5_000_000
    with pytest.raises(http.AnswerTooLargeError, match="the answer to /a is larger than 4 MiB"):
        http.send_bounded(client_of(packed, **encoded), "GET", "/a", max_bytes=4 * 2**20)


def test_an_answer_that_drips_ends():
    with pytest.raises(httpx.ReadTimeout, match="not complete after 0 s"):
        http.send_bounded(client_of(b"{}"), "GET", "/a", answer_seconds=0)


def test_half_of_a_packed_answer_is_a_lost_one():
    packed = gzip.compress(b"{}")
    broken = b"x" * len(packed)
    with pytest.raises(httpx.DecodingError):
        http.send_bounded(client_of(broken, **{"Content-Encoding": "gzip"}), "GET", "/a")
