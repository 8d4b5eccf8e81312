"""How ads wear out: who saw one already sees it again, and clicks less.

An ad is shown to an audience of its own size. The more of it has seen the ad, the more often a
person sees it on a day; the click rate falls with that. Platforms charge by click here: a tired ad
costs the same for a click and is shown more often for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.ads.catalog import Catalog
from marketing_analytics.simulate.world.ads.platforms import META
from marketing_analytics.simulate.world.chance import FloatArray, IntArray, stream
from marketing_analytics.simulate.world.parameters import WorldParameters

# how often one person sees a new ad on a day
FIRST_FREQUENCY = 1.15
# by how much that grows in a month of usual spend: visitors are few, broad audiences many
GROWTH = {"retargeting": 0.30, "leads": 0.12, "prospecting": 0.07, "video": 0.03}
AUDIENCE_SPREAD = 0.5
# the click rate falls with the frequency to this power
WEAR = 0.7
MONTH_DAYS = 30.0
MOST_FREQUENT = 6.0


@dataclass(frozen=True)
class Wear:
    """By ad and day: views by one person, and the share of the first click rate that is left."""

    frequency: FloatArray
    rate: FloatArray

    def reach(self, impressions: IntArray) -> IntArray:
        """Return how many persons impressions fall on: one at least where there are any."""
        persons = np.floor(impressions / self.frequency)
        return np.maximum(persons, impressions > 0).astype(np.int64)


def build_wear(parameters: WorldParameters, catalog: Catalog, spend: IntArray) -> Wear:
    """Return how the ads of the only platform that tells reach wear out with their spend."""
    rng = stream(parameters.seed, "audiences")
    tactics = {campaign.campaign_id: campaign.tactic for campaign in catalog.campaigns}
    # drawn for all ads: a tactic more does not change the audiences of the others
    size = rng.lognormal(0.0, AUDIENCE_SPREAD, len(catalog.ads))
    growth = np.array(
        [
            GROWTH.get(tactics[ad.campaign_id], 0.0) if ad.platform == META else 0.0
            for ad in catalog.ads
        ]
    )
    usual = spend.sum(axis=1) / np.maximum((spend > 0).sum(axis=1), 1)
    shown = (np.cumsum(spend, axis=1) - spend) / np.maximum(usual, 1.0)[:, None]
    months = shown / MONTH_DAYS
    frequency = np.minimum(FIRST_FREQUENCY + (growth / size)[:, None] * months, MOST_FREQUENT)
    return Wear(frequency, (FIRST_FREQUENCY / frequency) ** WEAR)
