"""Volume, mix and return add up to the change, whatever the amounts."""

from __future__ import annotations

import re
from datetime import timedelta

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.small_marts import write_marts
from marketing_analytics.report.numbers.changes import customers, decomposed, largest, overall
from marketing_analytics.report.numbers.definitions import Filters
from marketing_analytics.report.snapshots.publish import publish
from marketing_analytics.report.snapshots.snapshot import opened
from marketing_analytics.warehouse.marts import Marts

AMOUNT = st.integers(0, 10**8).map(lambda cents: cents / 100)
CHANNELS = st.dictionaries(st.sampled_from("abcd"), st.tuples(AMOUNT, AMOUNT))


# on a busy machine a first draw can take seconds, which says nothing of the amounts
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CHANNELS, CHANNELS)
def test_the_parts_add_up_to_the_change_of_every_channel(before, now):
    for one in decomposed(before, now):
        assert one.volume + one.mix + one.returned == pytest.approx(one.total, abs=1e-3)


def test_more_spend_at_the_same_return_is_volume_alone():
    (one,) = decomposed({"a": (100, 200)}, {"a": (150, 300)})
    assert (one.volume, one.mix, one.returned) == (100, 0, 0)


def test_spend_that_moves_to_a_better_channel_is_mix_alone():
    changes = decomposed({"a": (100, 100), "b": (100, 300)}, {"a": (50, 50), "b": (150, 450)})
    assert sum(one.mix for one in changes) == 100
    assert sum(one.volume for one in changes) == sum(one.returned for one in changes) == 0


def test_a_dollar_that_brings_less_is_return_alone():
    (one,) = decomposed({"a": (100, 200)}, {"a": (100, 150)})
    assert (one.volume, one.mix, one.returned) == (0, 0, -50)


def test_the_sentences_say_amounts_and_directions():
    changes = decomposed({"a": (100, 200)}, {"a": (150, 270)})
    assert overall(changes, "28 days before", "USD") == (
        "Attributed revenue of paid channels rose by 70 USD to 270 USD (↑ +35.0 %)"
        " against the 28 days before: volume +100 USD, mix +0 USD, return −30 USD."
    )
    assert largest(changes, {"a": "Paid search"}, "USD") == (
        "Paid search moved most, by +70 USD: its ROAS went from 2.00 to 1.80;"
        " −30 USD of it is return, +100 USD spend."
    )
    assert overall([], "28 days before", "USD").startswith("No revenue is attributed")


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ((0, 0), (50, 70), "it had no spend before"), ((50, 70), (0, 0), "it has no spend now"),
        ((0, 0), (0, 70), "it had no spend;"),
    ],
)  # fmt: skip
def test_a_channel_without_a_return_is_told_why(before, now, said):
    told = largest(decomposed({"a": before, "b": (9, 9)}, {"a": now, "b": (9, 9)}), {}, "EUR")
    assert f": {said}" in told


def test_one_customer_is_no_customers(tmp_path):
    path = write_marts(tmp_path / "marts.duckdb", days=60)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "use marts.marts; delete from fct_conversions where conversion_type = 'first_order'"
            " and rowid not in (select max(rowid) from fct_conversions where"
            " conversion_type = 'first_order')"
        )
    publish(Marts(str(path)), tmp_path / "snapshots")
    with opened(tmp_path / "snapshots") as snapshot:
        last = snapshot.last_day
        now = Filters(last - timedelta(days=27), last)
        said = customers(snapshot.connection, now, now.before("previous"), "EUR")
    assert re.search(r" 1 new customer \(–\) cost [\d,.]+ EUR, – before\.$", said)


def test_no_channel_moved_most_where_none_moved():
    for revenue in (0, 70):
        changes = decomposed({"a": (100, revenue), "b": (0, 0)}, {"a": (150, revenue)})
        assert largest(changes, {}, "USD") == "The attributed revenue of no channel moved."
