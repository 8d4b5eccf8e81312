"""Which ad, if any, a visit comes through: the more it is shown there on that day, the likelier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.ads.catalog import BERLIN, NEW_YORK
from marketing_analytics.simulate.world.ads.platforms import BY_NAME
from marketing_analytics.simulate.world.calendar import local_day
from marketing_analytics.simulate.world.chance import (
    FloatArray,
    IntArray,
    pick_in_rows,
)
from marketing_analytics.simulate.world.demand.plan import SpendPlan, click_prices
from marketing_analytics.simulate.world.demand.regions import IS_EUR, region_shares
from marketing_analytics.simulate.world.demand.tactics import AFFILIATE, AFFILIATE_LATE
from marketing_analytics.simulate.world.parameters import WorldParameters

# a campaign on twice its usual spend is not met twice as often
PRESENCE_HALF = 0.5
NOBODY = -1
AD_KINDS = ("paid_social", "paid_search", AFFILIATE)
# what no ad brings: direct, organic search, organic social, referral, e-mail
EARLY_FREE = (2.0, 4.0, 1.2, 0.9, 0.0)
LATE_FREE = (3.0, 2.2, 0.5, 0.4, 0.0)
CUSTOMER_FREE = (3.0, 1.7, 0.4, 0.4, 3.6)


@dataclass(frozen=True)
class Met:
    """What each visit came through: a campaign and its local day, or a free source.

    `campaign` is -1 without an ad; one beyond the last campaign stands for the affiliates.
    """

    campaign: IntArray
    ad_day: IntArray
    free: IntArray


def market_days(plan: SpendPlan, region: IntArray, moment_us: IntArray) -> IntArray:
    """Return the local date of each visit in the zone of its market's accounts, as an index."""
    is_eur = IS_EUR[region]
    days = np.empty(len(region), dtype=np.int64)
    for zone, mine in ((NEW_YORK, ~is_eur), (BERLIN, is_eur)):
        days[mine] = local_day(moment_us[mine], zone)
    # at the edges a local day can lie outside of the world, where no ad runs
    return np.clip(days - plan.start_day, 0, plan.demand.shape[1] - 1)


class Meetings:
    """The chances of all campaigns and the affiliates, by region and day."""

    def __init__(self, parameters: WorldParameters, plan: SpendPlan) -> None:
        self.plan = plan
        self.days = plan.demand.shape[1]
        usual = np.maximum(plan.usual_cents, 1e-9)
        used = plan.campaign_cents / usual[:, :, None]
        buyers_a_day = parameters.buyers / parameters.days * region_shares(parameters)
        clicks = usual / click_prices(plan.catalog)[:, None] / buyers_a_day
        shown = clicks[:, :, None] * used * (1 + PRESENCE_HALF) / (used + PRESENCE_HALF)
        # regions x days x campaigns: a visit looks up one row
        pages = plan.affiliates_run[None, :, :] * 1.0
        table = np.moveaxis(np.concatenate([shown, pages]), 0, -1).reshape(-1, len(usual) + 1)
        self.early = np.cumsum(table * [*(t.early for t in plan.tactics), 0.0], axis=1)
        channels = [BY_NAME[c.platform].channel for c in plan.catalog.campaigns] + [AFFILIATE]
        self.kinds = [np.array([c == kind for c in channels]) for kind in AD_KINDS]
        self.late = np.cumsum(table * [*(t.late for t in plan.tactics), AFFILIATE_LATE], axis=1)

    def meet(
        self,
        rng: np.random.Generator,
        region: IntArray,
        moment_us: IntArray,
        eagerness: FloatArray,
        free: tuple[float, ...],
        *,
        is_late: bool,
    ) -> Met:
        """Return what each visit came through; the eager meet more ads than others."""
        table = self.late if is_late else self.early
        day = market_days(self.plan, region, moment_us)
        cell = region * self.days + day
        ads = table[cell, -1] * eagerness
        is_met = rng.random(len(cell)) * (ads + sum(free)) < ads
        campaign = np.where(is_met, pick_in_rows(rng, table, cell), NOBODY)
        weights = np.cumsum(np.array([free]), axis=1)
        source = pick_in_rows(rng, weights, np.zeros(len(cell), dtype=np.int64))
        return Met(campaign.astype(np.int64), day, np.where(is_met, NOBODY, source))

    def meet_kind(
        self,
        rng: np.random.Generator,
        region: IntArray,
        moment_us: IntArray,
        campaign: IntArray,
        kind: IntArray,
    ) -> IntArray:
        """Return the campaign of the followed kind that each meets; where none runs, the one met.

        Kinds are the networks of social ads, search, and the affiliates.
        """
        cell = region * self.days + market_days(self.plan, region, moment_us)
        shown = np.diff(self.late, axis=1, prepend=0.0)
        result = campaign.copy()
        for followed, mine in enumerate(self.kinds):
            rows = np.flatnonzero(kind == followed)
            table = np.cumsum(shown * mine, axis=1)
            rows = rows[table[cell[rows], -1] > 0]
            result[rows] = pick_in_rows(rng, table, cell[rows])
        return result


def pick_ads(
    plan: SpendPlan, rng: np.random.Generator, campaign: IntArray, region: IntArray, day: IntArray
) -> IntArray:
    """Return the ad of each visit through a campaign, by what its ads spent there; else -1."""
    ad = np.full(len(campaign), NOBODY, dtype=np.int64)
    days = plan.demand.shape[1]
    for index in range(len(plan.catalog.campaigns)):
        rows = np.flatnonzero(campaign == index)
        ads = np.flatnonzero(plan.ad_campaign == index)
        spent = np.moveaxis(plan.ad_cents[ads], 0, -1).reshape(-1, len(ads)).astype(np.float64)
        table = np.cumsum(spent, axis=1)
        ad[rows] = ads[pick_in_rows(rng, table, region[rows] * days + day[rows])]
    return ad
