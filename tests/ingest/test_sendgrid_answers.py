"""SendGrid's lists that change while they are read, and its rate limit."""

import email.utils
import time

import httpx
import pytest

from marketing_analytics.core.errors import AuthError, TerminalError, TransientError
from marketing_analytics.ingest.platforms.sendgrid.access import classify
from marketing_analytics.ingest.platforms.sendgrid.lists import read_list
from marketing_analytics.ingest.platforms.sendgrid.values import time_of, without_addresses


class Changing:
    """A list of numbers that is changed before some of its requests."""

    def __init__(self, count, changes=None):
        self.rows = [{"id": number} for number in range(count)]
        self.changes = changes or {}
        self.asked = 0

    def get(self, path, parameters):
        self.asked += 1
        self.changes.get(self.asked, self.changes.get("always", lambda rows: None))(self.rows)
        start = parameters["offset"]
        return self.rows[start : start + parameters["limit"]]


def ids(rows):
    return [row["id"] for row in rows]


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 19, 20, 28, 29, 100])
def test_a_list_is_read_to_its_end(count):
    assert ids(read_list(Changing(count), "/list", {}, 10)) == list(range(count))


@pytest.mark.parametrize(
    "change",
    [lambda rows: rows.insert(0, {"id": -1}), lambda rows: rows.pop(0), lambda rows: rows.clear()],
)
def test_a_list_that_changed_while_it_was_read_is_read_again(change):
    changing = Changing(35, {3: change})
    assert ids(read_list(changing, "/list", {}, 10)) == ids(changing.rows)


def test_a_list_that_never_holds_still_is_not_believed():
    count = iter(range(1000, 2000))
    changing = Changing(35, {"always": lambda rows: rows.insert(0, {"id": next(count)})})
    with pytest.raises(TerminalError, match="changed each time it was read"):
        read_list(changing, "/list", {}, 10)
    assert changing.asked == 6


def test_a_server_that_ignores_offsets_ends_too():
    class Same(Changing):
        def get(self, path, parameters):
            return super().get(path, parameters | {"offset": 0})

    with pytest.raises(TerminalError):
        read_list(Same(35), "/list", {}, 10)


def answer(status, headers=None, body=None):
    request = httpx.Request("GET", "https://api.sendgrid.com/v3/stats")
    body = body or {"errors": [{"message": "said so", "field": None}]}
    return httpx.Response(status, headers=headers, json=body, request=request)


def test_the_wait_is_until_the_reset_by_the_clock_of_sendgrid():
    def wait(**headers):
        return classify(answer(429, headers)).retry_after_seconds

    # the clock here may be wrong: the answer tells the time
    then = 1_600_000_000
    date = email.utils.formatdate(then, usegmt=True)
    assert wait(**{"X-RateLimit-Reset": str(then + 37), "Date": date}) == 37
    assert wait(**{"X-RateLimit-Reset": str(then - 5), "Date": date}) == 0
    assert 35 < wait(**{"X-RateLimit-Reset": str(time.time() + 37)}) <= 37
    assert wait() is None
    assert wait(**{"X-RateLimit-Reset": "soon"}) is None


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (429, TransientError, "too many requests"),
        (401, AuthError, "refused the key: said so"),
        (403, AuthError, "refused /v3/stats: said so"),
        (400, TerminalError, "refused /v3/stats: said so"),
    ],
)
def test_refusals_are_told_in_the_words_of_sendgrid(status, kind, said):
    error = classify(answer(status))
    assert type(error) is kind
    assert said in error.message
    assert "HTTP" in classify(answer(status, body={"error": 1})).message or status == 429


def test_an_answer_without_a_refusal_is_none():
    assert classify(answer(200)) is None
    assert classify(answer(500)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("550 <a.b+c@x-y.example.com>: no", "550 <(address)>: no"),
        ("https://s.example/?m=a%40b.example&x=1", "https://s.example/?m=(address)&x=1"),
        ("at 10 @ home", "at 10 @ home"),
        (None, None),
        (7, 7),
    ],
)
def test_addresses_are_taken_out_of_texts(text, expected):
    assert without_addresses(text) == expected


def test_what_is_no_epoch_second_stays_to_be_told():
    assert time_of(0).isoformat() == "1970-01-01T00:00:00+00:00"
    assert (time_of("soon"), time_of(True), time_of(None)) == ("soon", True, None)
    assert time_of(10**18) == str(10**18)
