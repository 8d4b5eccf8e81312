"""An answer far smaller than what is loaded is believed when it comes again, or when told to."""

from collections import Counter

import pytest

from marketing_analytics.ingest.engine.tables import Table
from marketing_analytics.ingest.engine.trust.shrinkage import Guard, ShrunkError

DAYS = [("a", day) for day in range(10)]
FACTS = Table(
    "facts", {"account": "text", "day": "count"}, key=(), mode="parts", part_by=("account", "day")
)
FULL = Counter(dict.fromkeys(DAYS, 10))


def guard(**more):
    return Guard({"facts": dict(FULL)}, **more)


def test_an_empty_answer_is_held_back_and_told():
    with pytest.raises(ShrunkError) as held:
        guard().check(FACTS, DAYS, Counter(), {})
    assert held.value.message == (
        "facts of a 0 to a 9 came with 0 rows instead of 100; the old ones stay"
    )
    assert "--accept-shrinkage" in held.value.hint


def test_the_same_answer_is_believed_the_second_time_also_of_shifted_windows():
    state = {}
    with pytest.raises(ShrunkError):
        guard().check(FACTS, DAYS, Counter(), state)
    guard().check(FACTS, DAYS[1:], Counter(), state)
    assert state == {"facts": {"a 0": 0}}


def test_another_small_answer_is_held_back_again():
    state = {}
    with pytest.raises(ShrunkError):
        guard().check(FACTS, DAYS, Counter(), state)
    with pytest.raises(ShrunkError, match="came with 40 rows"):
        guard().check(FACTS, DAYS, Counter(dict.fromkeys(DAYS, 4)), state)
    guard().check(FACTS, DAYS, Counter(dict.fromkeys(DAYS, 4)), state)


@pytest.mark.parametrize("left", [5, 9, 10, 11])
def test_half_of_the_rows_and_more_pass(left):
    guard().check(FACTS, DAYS, Counter(dict.fromkeys(DAYS, left)), {})


def test_a_full_answer_forgets_what_was_held():
    state = {}
    with pytest.raises(ShrunkError):
        guard().check(FACTS, DAYS, Counter(), state)
    guard().check(FACTS, DAYS, FULL, state)
    assert state == {"facts": {}}


def test_a_day_may_disappear_and_few_rows_say_nothing():
    guard().check(FACTS, DAYS, FULL - Counter({DAYS[0]: 10}), {})
    guard().check(FACTS, DAYS[:1], Counter(), {})


def test_a_person_may_accept():
    guard(is_accepting=True).check(FACTS, DAYS, Counter(), {})


def test_a_whole_table_is_one_part():
    table = Table("orders", {"id": "text"}, key=("id",), mode="replace")
    with pytest.raises(ShrunkError, match="orders of the whole table came with 3 rows"):
        Guard({"orders": {(): 50}}).check(table, [()], Counter({(): 3}), {})
