"""Windows are read around what cannot be read: a bad day is a day, an account is an island."""

from datetime import UTC, date, datetime, timedelta

import pytest

from marketing_analytics.core.errors import AuthError, TerminalError, TransientError
from marketing_analytics.ingest.engine.answers import (
    Cursors,
    EndlessListError,
    as_account,
    part,
    records,
    whole_number,
)
from marketing_analytics.ingest.engine.governor import (
    AccountError,
    BrokenAnswerError,
    TooMuchDataError,
)
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.reading import MOST_BAD_DAYS, Reader, Task
from marketing_analytics.ingest.engine.trust.shrinkage import ShrunkError
from marketing_analytics.ingest.engine.windows import Window

FIRST = date(2026, 5, 1)
MONTH = Window(FIRST, FIRST + timedelta(days=29))


def read_all(spoil, accounts=("1",)):
    """Read a month of accounts; `spoil(account, day)` gives the error of a day, or None."""
    job = Job("facts", {}, FIRST, datetime(2026, 6, 1, tzinfo=UTC))
    found = set()
    asked = []

    def read(task):
        asked.append(task)
        for day in task.window.days():
            if error := spoil(task.account_id, day):
                raise error
        found.update((task.account_id, day) for day in task.window.days())

    Reader(job, read).read_all([Task(account, "facts", MONTH) for account in accounts])
    return job, found, asked


FAULTS = {
    "refused": lambda: TerminalError("HTTP 400"),
    "broken": lambda: BrokenAnswerError("half a body"),
    "failing": lambda: TransientError("HTTP 500", status_code=500),
    "too much": lambda: TooMuchDataError("reduce the amount of data"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("number", [0, 13, 29])
def test_the_days_around_a_bad_one_are_read(fault, number):
    bad = FIRST + timedelta(days=number)
    job, found, asked = read_all(lambda _, day: FAULTS[fault]() if day == bad else None)
    assert {day for _, day in found} == set(MONTH.days()) - {bad}
    [told] = job.failures
    assert told.message.startswith(f"facts of account 1, {bad}: ")
    assert "next run" in told.hint
    assert len(asked) <= 12
    # each halving gave one window that could be read, and the bad day is left
    assert (job.windows_done, job.windows_planned) == (len(asked) // 2, len(asked) // 2 + 1)


def test_a_denied_account_is_asked_once_and_the_others_are_read():
    denied = AccountError("no permission")
    job, found, asked = read_all(lambda one, _: denied if one == "2" else None, "123")
    assert {one for one, _ in found} == {"1", "3"}
    assert [task.account_id for task in asked].count("2") == 1
    assert [error.message for error in job.failures] == ["account 2: no permission"]


def test_an_account_without_any_good_day_is_given_up_after_some():
    def broken():
        return TransientError("HTTP 500", status_code=500)

    job, found, asked = read_all(lambda one, _: broken() if one == "1" else None, "12")
    assert len({day for one, day in found if one == "2"}) == 30
    assert len(job.failures) == MOST_BAD_DAYS
    assert len(asked) < 15


@pytest.mark.parametrize(
    "error",
    [
        AuthError("token expired"),
        TransientError("cannot reach it"),
        TransientError("HTTP 503", status_code=503, retry_after_seconds=40_000),
        TransientError("HTTP 429", status_code=429),
    ],
    ids=["login", "unreachable", "long wait", "budget"],
)
def test_what_hits_every_window_is_not_asked_again_in_halves(error):
    job, found, asked = read_all(lambda *_: error)
    assert (len(asked), found, job.failures) == (1, set(), [error])


def test_an_answer_that_is_not_believed_is_not_cut_until_it_is():
    job, _, asked = read_all(lambda *_: ShrunkError("facts came with 0 rows"))
    assert len(asked) == 1
    assert "facts of account 1" in job.failures[0].message


def test_a_cursor_that_comes_twice_ends_the_list():
    cursors = Cursors("the list")
    cursors.check("a")
    cursors.check("b")
    with pytest.raises(EndlessListError, match="the list goes round in a circle"):
        cursors.check("a")


def test_a_list_has_an_end():
    cursors = Cursors("the list", most=3)
    cursors.check("a")
    cursors.check("b")
    with pytest.raises(EndlessListError, match="has not ended after 3 pages"):
        cursors.check("c")


@pytest.mark.parametrize("body", [[], None, "x", 7, {"rows": 7}, {"rows": {}}, {"rows": ["a"]}])
def test_what_is_no_list_of_records_is_a_broken_answer(body):
    if body == []:
        assert records(body, "rows", "/a") == []
        return
    with pytest.raises(BrokenAnswerError, match="the answer to /a"):
        records(body, "rows", "/a")


def test_parts_of_an_answer_are_what_they_should_be_or_absent():
    assert records({}, "rows", "/a") == []
    assert part({}, "paging", "/a") == {}
    assert whole_number({"n": "7"}, "n", "/a") == 7
    with pytest.raises(BrokenAnswerError):
        part({"paging": []}, "paging", "/a")
    with pytest.raises(BrokenAnswerError):
        whole_number({"n": "many"}, "n", "/a")


@pytest.mark.parametrize(
    ("currency", "zone"),
    [
        (None, "Europe/Berlin"),
        ("", "Europe/Berlin"),
        (7, "Europe/Berlin"),
        ("EUR", None),
        ("EUR", ""),
        ("EUR", "Mars/Olympus"),
        ("EUR", "../../etc/passwd"),
        ("EUR", 7),
    ],
)
def test_an_account_without_currency_or_zone_is_an_island(currency, zone):
    with pytest.raises(AccountError, match=r"its (currency|time zone) is"):
        as_account({"id": "1", "c": currency, "z": zone}, "id", "c", "z")
