"""Ads that are shown to the same persons again and again are clicked less."""

from __future__ import annotations

import numpy as np
import pytest

from marketing_analytics.simulate.world.ads.platforms import META
from marketing_analytics.simulate.world.parameters import WorldParameters
from marketing_analytics.simulate.world.world import generate


@pytest.fixture(scope="module")
def shown():
    """Return by ad of a world: platform, tactic, and its first and last 30 days summed."""
    world = generate(WorldParameters(seed=4, customers=4_000, days=120))
    table, catalog = world.ad_days, world.catalog
    assert (table.reach <= table.impressions).all()
    assert (table.reach > 0).all()
    ads = []
    for number, ad in enumerate(catalog.ads):
        rows = np.flatnonzero((table.ad == number) & (table.spend_cents > 0))
        ends = [rows[:30], rows[-30:]]
        sums = {
            name: [int(getattr(table, name)[end].sum()) for end in ends]
            for name in ("impressions", "clicks", "reach")
        }
        left = table.click_rate_left[ends[1]].mean() / 1e6
        ads.append((ad.platform, catalog.by_id[ad.campaign_id].tactic, sums, left))
    return ads


def test_frequency_grows_most_where_the_audience_is_small(shown):
    growth = {"retargeting": [], "video": []}
    for platform, tactic, sums, _ in shown:
        first, last = (i / r for i, r in zip(sums["impressions"], sums["reach"], strict=True))
        if platform != META:
            assert last == pytest.approx(first, rel=0.05)
        elif tactic in growth:
            growth[tactic].append(last - first)
    assert min(growth["retargeting"]) > 0.2
    assert np.mean(growth["retargeting"]) > 4 * np.mean(growth["video"])


def test_a_tired_ad_is_clicked_less(shown):
    for name, tired in (("retargeting", True), ("video", False)):
        mine = [(sums, left) for platform, tactic, sums, left in shown if tactic == name]
        clicks, impressions = (
            np.array([sums[of] for sums, _ in mine]).sum(axis=0) for of in ("clicks", "impressions")
        )
        change = (clicks[1] / impressions[1]) / (clicks[0] / impressions[0])
        assert (change < 0.8) == tired
        assert (np.mean([left for _, left in mine]) < 0.8) == tired
