"""A day that costs far more than usual, told on its day or late, and days that are told late."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from marketing_analytics.monitor.checks.budget import CHECK, costly_day

AS_OF = date(2026, 10, 31)
ROW = {
    "platform": "meta_ads",
    "campaign_id": "m1",
    "campaign_name": "Prospecting",
    "budget_usd": 930,
}


def day(back: int) -> date:
    return AS_OF - timedelta(days=back)


def found(costs: dict[int, float], since: float) -> str | None:
    """Return what is said where each day costs 30 but those named, by days back."""
    days = {day(back): costs.get(back, 30.0) for back in range(28)}
    seen = SimpleNamespace(
        as_of=AS_OF, currency="USD", thresholds={k: t.default for k, t in CHECK.thresholds.items()}
    )
    finding = costly_day(seen, ROW, {("meta_ads", "m1"): days}, since)
    return finding and finding.sentence


@pytest.mark.parametrize(
    ("costs", "since", "cost", "on"),
    [
        ({0: 200.0}, 200.0, 200, AS_OF),
        # yesterday's cost was told today, beside today's
        ({1: 200.0}, 200.0, 200, day(1)),
        # of a day that was known before, a part became known
        ({2: 300.0}, 180.0, 180, day(2)),
    ],
)
def test_a_dear_day_is_named_by_its_date(costs, since, cost, on):
    said = found(costs, since)
    usual = "where 30 is usual and 30 a day is its budget"
    assert said == f"Prospecting cost {cost} USD on {on}, {usual}"


@pytest.mark.parametrize(
    ("costs", "since"),
    [
        ({}, 30.0),
        # four days that a platform told late have cost what each has cost
        ({}, 120.0),
        ({3: 35.0}, 210.0),
        # a dear day that was known at the last run
        ({1: 200.0}, 30.0),
        # the month's sum went down
        ({}, -50.0),
    ],
)
def test_days_that_cost_what_is_usual_are_no_dear_day(costs, since):
    assert found(costs, since) is None
