"""Rows are compared with the account's own totals: shown, and doubted once where it is much."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from marketing_analytics.ingest.engine.governor import BrokenAnswerError
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.tables import Table
from marketing_analytics.ingest.engine.trust.shrinkage import Guard
from marketing_analytics.ingest.engine.trust.totals import (
    Reconciliation,
    UnreconciledError,
    by_day,
    day_amounts,
)
from marketing_analytics.ingest.engine.windows import Window

TODAY = date(2026, 5, 31)
MONTH = Window(date(2026, 5, 1), TODAY)
OWN = dict.fromkeys(MONTH.days(), Decimal("10.00"))


@pytest.fixture
def job():
    return Job("facts", {}, MONTH.start, datetime(2026, 5, 31, tzinfo=UTC))


def check(job, changes, **more):
    loaded = OWN | {date(2026, 5, day): Decimal(cost) for day, cost in changes.items()}
    found = Reconciliation("7", MONTH, OWN, loaded, "EUR")
    if doubt := found.check(job, TODAY, **more):
        raise doubt
    return found


def test_rows_that_add_up_say_nothing(job):
    piece = check(job, {}).piece()
    assert job.differences == []
    assert piece.columns["loaded_total"] == ["10.00"] * 31


def test_a_small_difference_is_shown_and_loaded(job):
    check(job, {3: "9.90", 4: "10.25"})
    assert job.differences == [
        "account 7, 2026-05-03: rows differ by -0.10 EUR from the account's own total",
        "account 7, 2026-05-04: rows differ by 0.25 EUR from the account's own total",
    ]


@pytest.mark.parametrize("change", [{3: "0"}, {3: "20"}, {3: "0", 4: "20"}])
def test_a_large_one_is_doubted_until_it_comes_again(job, change):
    with pytest.raises(UnreconciledError, match="the account itself says 310"):
        check(job, change)
    assert job.differences == []
    check(job, change)
    assert len(job.differences) == len(change)


def test_a_difference_that_moves_a_little_is_the_same(job):
    with pytest.raises(UnreconciledError):
        check(job, {3: "0"})
    check(job, {3: "0.50"})
    with pytest.raises(UnreconciledError):
        check(job, {3: "0", 9: "0"})


def test_today_and_yesterday_still_move(job):
    check(job, {30: "0", 31: "0"})
    assert job.differences == []


def test_rows_that_were_rejected_explain_a_difference(job):
    check(job, {3: "0"}, is_sure=True)
    assert len(job.differences) == 1


def test_a_person_may_believe_it(job):
    job.guard = Guard(is_accepting=True)
    check(job, {3: "0"})


@pytest.mark.parametrize(("day", "amount"), [("soon", "1"), (None, "1"), ("2026-05-01", "much")])
def test_totals_that_are_none_are_a_broken_answer(day, amount):
    with pytest.raises(BrokenAnswerError, match="no amount of a day"):
        day_amounts([day], [amount])


FACTS = Table(
    "facts",
    {"account_id": "text", "date": "date", "spend": "money"},
    key=("account_id", "date"),
    mode="parts",
    part_by=("account_id", "date"),
)


@pytest.mark.parametrize("is_loaded", [True, False])
def test_rows_in_doubt_replace_nothing_and_are_not_noted_as_read(job, is_loaded):
    parts = tuple(("7", day) for day in MONTH.days())
    if is_loaded:
        job.guard = Guard({"facts": dict.fromkeys(parts, 1)})
    columns = {"account_id": ["7"] * 31, "date": MONTH.days(), "spend": ["5.00"] * 31}
    read = []

    def keep():
        job.keep(
            [Piece(FACTS, columns, None, parts)],
            lambda: read.append(MONTH),
            lambda built, *, is_sure: (
                (found := Reconciliation("7", MONTH, OWN, by_day(built, "spend"), "EUR")).piece(),
                found.check(job, TODAY, is_sure=is_sure),
            ),
        )

    with pytest.raises(UnreconciledError, match="rows add up to 165"):
        keep()
    assert (job.row_count > 0, read) == (not is_loaded, [])
    keep()
    assert read == [MONTH]
