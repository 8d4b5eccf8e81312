"""What a curve through spend and attributed conversions knows of what the next dollar brings."""

from __future__ import annotations

import pytest

from benchmarks.response_curves import ALL, ESTIMATED, Judged, judge, row_of, true_returns
from marketing_analytics.simulate.world.parameters import WorldParameters
from marketing_analytics.simulate.world.world import generate

HARVESTING = ("retargeting", "display_retargeting", "brand_search")


def test_a_curve_without_an_answer_is_neither_right_nor_wrong():
    curves = [
        Judged("video", ESTIMATED, truth=0.5, estimate=0.4, lower=0.1, upper=0.7),
        Judged("video", ESTIMATED, truth=0.5, estimate=0.9, lower=0.6, upper=1.2),
        Judged("video", "too few weeks", truth=0.5, estimate=None, lower=None, upper=None),
    ]
    assert row_of("video", curves) == "| video | 3 | 2 | 50% | 50% | 0.50 | 0.65 | 0.60 |"


def test_the_next_dollar_brings_less_than_the_mean_one_where_effects_saturate():
    world = generate(WorldParameters(seed=2, customers=1_000, days=90))
    campaigns = {c.campaign_id: c for c in world.catalog.campaigns}
    returns = true_returns(world)
    assert returns.keys() == campaigns.keys() | {c.platform for c in campaigns.values()}
    by_tactic = {tactic: value for tactic, value in returns.values() if tactic != ALL}
    assert min(by_tactic.values()) > 0
    # bids on the own name harvest what was there
    assert by_tactic["brand_search"] < min(by_tactic["prospecting"], by_tactic["generic_search"])


@pytest.mark.slow
def test_curves_flatter_the_harvest_and_miss_who_only_saw_an_ad():
    curves = [c for c in judge(seeds=8, customers=20_000, days=180) if c.is_answered]
    harvest = [curve for curve in curves if curve.tactic in HARVESTING]
    assert sum(curve.is_too_high for curve in harvest) > 0.9 * len(harvest)
    seen = [curve for curve in curves if curve.tactic == "prospecting"]
    assert sum(curve.is_too_high for curve in seen) < 0.1 * len(seen)
    assert sum((curve.upper or 0) < curve.truth for curve in seen) > 0.5 * len(seen)
    # what is called an interval of 95 % holds the truth far less often
    campaigns = [curve for curve in curves if curve.tactic != ALL]
    assert sum(curve.is_inside for curve in campaigns) < 0.7 * len(campaigns)
