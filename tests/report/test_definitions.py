"""Numbers are what their SQL says: worked out once more by hand from the rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from benchmarks.small_marts import FIRST, LAST
from marketing_analytics.report.numbers.definitions import (
    METRICS,
    Filters,
    daily_values_of,
    measure_sentence,
    target_of,
    value_of,
)
from marketing_analytics.report.snapshots.snapshot import opened

BY_NAME = {metric.name: metric for metric in METRICS}
OCTOBER = Filters(LAST.replace(day=1), LAST)


@pytest.fixture(scope="module")
def snapshot(shop):
    with opened(shop.snapshots) as found:
        yield found


@pytest.fixture(scope="module")
def rows(snapshot):
    return {
        name: snapshot.rows(f"from {name}")
        for name in ("order_days", "campaign_days", "rpt_attribution_days")
    }


def total(rows, column, **wanted):
    return sum(
        float(row[column])
        for row in rows
        if OCTOBER.from_date <= row["day_date"] <= OCTOBER.to_date
        and all(row[name] == value for name, value in wanted.items())
    )


def test_ratios_are_one_total_over_the_other(snapshot, rows):
    spend = total(rows["campaign_days"], "spend_usd")
    credit = sum(
        total(rows["rpt_attribution_days"], "revenue_usd", channel=channel, has_spend=True,
              model="position_based", window_days=30, day_kind="conversion")
        for channel in ("paid_search", "paid_social")
    )  # fmt: skip
    won = total(rows["order_days"], "orders", conversion_type="first_order")
    expected = {
        "spend_usd": spend,
        "attributed_revenue_usd": credit,
        "roas": credit / spend,
        "mer": total(rows["order_days"], "revenue_usd") / spend,
        "cac_usd": spend / won,
        "new_customers": won,
        "orders": total(rows["order_days"], "orders"),
        "claimed_share": total(rows["campaign_days"], "claimed_value_usd") / credit,
        "ltv_to_cac": (1234.5 / 40) / (spend / won),
    }
    for name, value in expected.items():
        assert value_of(snapshot.connection, BY_NAME[name], OCTOBER) == pytest.approx(value)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_number_is_defined_in_words_and_known_without_rows(snapshot, metric):
    assert metric.sentence.endswith(".")
    assert all(measure_sentence(name) for name in metric.measures)
    long_ago = Filters(FIRST - timedelta(days=400), FIRST - timedelta(days=390))
    assert value_of(snapshot.connection, metric, long_ago) in (None, 0)


@pytest.mark.parametrize("customers", ["all", "first_order", "repeat_order"])
@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_line_has_of_each_day_what_the_number_is_of_that_day(snapshot, metric, customers):
    long = Filters(
        FIRST - timedelta(days=3), LAST + timedelta(days=2), customers, "last_touch", 7, "touch"
    )
    days = [long.from_date + timedelta(days=n) for n in range(long.days)]
    single = [
        value_of(snapshot.connection, metric, replace(long, from_date=day, to_date=day))
        for day in days
    ]
    assert daily_values_of(snapshot.connection, metric, long) == single


def test_returning_customers_are_no_new_ones(snapshot):
    returning = Filters(OCTOBER.from_date, OCTOBER.to_date, customers="repeat_order")
    assert value_of(snapshot.connection, BY_NAME["new_customers"], returning) == 0
    assert value_of(snapshot.connection, BY_NAME["cac_usd"], returning) is None


def test_a_plan_counts_by_its_days_and_only_where_every_month_has_one(snapshot):
    spend, ratio = BY_NAME["spend_usd"], BY_NAME["mer"]
    ten_days = Filters(LAST.replace(day=1), LAST.replace(day=10))
    assert target_of(snapshot.connection, spend, ten_days) == pytest.approx(4000 * 10 / 31)
    assert target_of(snapshot.connection, ratio, ten_days) == pytest.approx(3.5)
    before = Filters(FIRST - timedelta(days=40), LAST)
    assert target_of(snapshot.connection, spend, before) is None
    new = Filters(ten_days.from_date, ten_days.to_date, customers="first_order")
    assert target_of(snapshot.connection, spend, new) is None
