"""The spend plan: budgets by campaign, region and day that follow demand, and planned pauses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from marketing_analytics.simulate.world.ads.catalog import Catalog, prices_of
from marketing_analytics.simulate.world.ads.platforms import BY_NAME
from marketing_analytics.simulate.world.chance import BoolArray, FloatArray, IntArray, stream
from marketing_analytics.simulate.world.demand.regions import (
    IS_EUR,
    REGIONS,
    in_market,
    region_shares,
)
from marketing_analytics.simulate.world.demand.season import base_demand, moods
from marketing_analytics.simulate.world.demand.tactics import AFFILIATE, TACTICS, Tactic
from marketing_analytics.simulate.world.parameters import WorldParameters

BUDGET_CENTS_PER_BUYER = 2_600
# how strongly spend follows demand: 1 is in proportion
FOLLOW_BRINGING, FOLLOW_HARVESTING = 0.8, 1.2
# what nobody planned: regions and campaigns spend more in one month than in another
WOBBLE, WOBBLE_KEPT = 0.35, 0.9
AUCTION_NOISE = 0.12
HOLD_OUT_SHARE, SWITCH_OFF_SHARE = 0.22, 0.035
HOLD_OUTS_PER_TACTIC = 2
HOLD_OUT_REGIONS = {False: 5, True: 3}
SWITCHED_OFF = ("prospecting", "generic_search", "retargeting", "brand_search")
HOLD_OUT, SWITCH_OFF = "hold_out", "switch_off"


@dataclass(frozen=True)
class Pause:
    """A tactic that was planned not to run in one region; days are inclusive."""

    kind: str
    tactic: str
    region: int
    first_day: int
    last_day: int


@dataclass(frozen=True)
class SpendPlan:
    """What is spent where and when, in cents of the accounts' currencies.

    Arrays end in (regions, days). `usual_cents` is what a campaign spends a day in a region
    while it runs; pressures are measured in it.
    """

    catalog: Catalog
    start_day: int
    demand: FloatArray
    pauses: tuple[Pause, ...]
    ad_campaign: IntArray
    ad_cents: IntArray
    usual_cents: FloatArray
    affiliates_run: BoolArray

    @cached_property
    def campaign_cents(self) -> IntArray:
        """Return spend per campaign, region and day."""
        result = np.zeros((len(self.catalog.campaigns), *self.ad_cents.shape[1:]), dtype=np.int64)
        np.add.at(result, self.ad_campaign, self.ad_cents)
        return result

    @property
    def tactics(self) -> list[Tactic]:
        """Return the tactic of each campaign."""
        return [TACTICS[campaign.tactic] for campaign in self.catalog.campaigns]


def plan_pauses(parameters: WorldParameters) -> tuple[Pause, ...]:
    """Return hold-outs of some regions and switch-offs of all, for every tactic by itself."""
    rng = stream(parameters.seed, "pauses")
    pauses: list[Pause] = []
    regions = np.arange(len(REGIONS))

    def add(
        kind: str, tactic: str, chosen: IntArray, share: float, low: float, high: float
    ) -> None:
        """Pause a tactic somewhere in a part of the world's days."""
        length = max(1, round(parameters.days * share))
        first = parameters.start_day + int(parameters.days * rng.uniform(low, high - share))
        last = min(first + length - 1, parameters.end_day)
        pauses.extend(Pause(kind, tactic, int(region), first, last) for region in chosen)

    for tactic in (*TACTICS, AFFILIATE):
        shuffled = rng.permutation(regions)
        for number in range(HOLD_OUTS_PER_TACTIC):
            # other regions in each half of the world, some of both markets
            parts = [
                shuffled[IS_EUR[shuffled] == is_eur][number * size : (number + 1) * size]
                for is_eur, size in HOLD_OUT_REGIONS.items()
            ]
            low = 0.1 + 0.45 * number
            add(HOLD_OUT, tactic, np.concatenate(parts), HOLD_OUT_SHARE, low, low + 0.42)
        if tactic in SWITCHED_OFF:
            add(SWITCH_OFF, tactic, regions, SWITCH_OFF_SHARE, 0.2, 0.95)
    return tuple(pauses)


def runs(parameters: WorldParameters, pauses: tuple[Pause, ...], tactic: str) -> BoolArray:
    """Return where and when (regions x days) a tactic is not paused."""
    result = np.ones((len(REGIONS), parameters.days), dtype=bool)
    for pause in pauses:
        if pause.tactic == tactic:
            first, last = pause.first_day, pause.last_day
            result[pause.region, first - parameters.start_day : last + 1 - parameters.start_day] = (
                False
            )
    return result


def usual_spend(parameters: WorldParameters, catalog: Catalog) -> FloatArray:
    """Return the cents a campaign spends in a region on a usual day (campaigns x regions)."""
    a_day = BUDGET_CENTS_PER_BUYER * parameters.buyers / parameters.days
    weights: dict[str, float] = {}
    for ad in catalog.ads:
        weights[ad.campaign_id] = weights.get(ad.campaign_id, 0.0) + ad.weight
    result = np.zeros((len(catalog.campaigns), len(REGIONS)))
    shares = region_shares(parameters)
    for index, campaign in enumerate(catalog.campaigns):
        of_platform = sum(
            weights[c.campaign_id] for c in catalog.campaigns if c.platform == campaign.platform
        )
        budget = a_day * BY_NAME[campaign.platform].budget_share
        budget *= weights[campaign.campaign_id] / of_platform
        reached = in_market(catalog.account(campaign.account_id).market) * shares
        result[index] = budget * reached / reached.sum()
    return result


def plan_spend(parameters: WorldParameters, catalog: Catalog) -> SpendPlan:
    """Return the plan: the usual spend, times demand, times chance, but for planned pauses."""
    rng = stream(parameters.seed, "spend")
    demand = base_demand(parameters)
    pauses = plan_pauses(parameters)
    campaigns, days = catalog.campaigns, parameters.days
    usual = usual_spend(parameters, catalog)
    wobble = moods(rng, len(campaigns) * len(REGIONS), days, WOBBLE, WOBBLE_KEPT)
    index = {campaign.campaign_id: i for i, campaign in enumerate(campaigns)}
    ad_campaign = np.array([index[ad.campaign_id] for ad in catalog.ads], dtype=np.int64)
    weight = np.array([ad.weight for ad in catalog.ads])
    share = weight / np.bincount(ad_campaign, weight)[ad_campaign]
    planned = usual[:, :, None] * wobble.reshape(len(campaigns), len(REGIONS), days)
    calendar = np.arange(parameters.start_day, parameters.end_day + 1)
    for i, campaign in enumerate(campaigns):
        is_running = (calendar >= campaign.first_day) & (calendar <= campaign.last_day)
        is_bringing = TACTICS[campaign.tactic].conversion > 0
        follow = FOLLOW_BRINGING if is_bringing else FOLLOW_HARVESTING
        is_on = runs(parameters, pauses, campaign.tactic) & is_running
        planned[i] *= demand**follow * is_on
    noise = np.exp(rng.normal(0.0, AUCTION_NOISE, (len(ad_campaign), *demand.shape)))
    exact = planned[ad_campaign] * share[:, None, None] * noise
    # rounded at random, so that small amounts do not all become nothing
    cents = np.floor(exact + rng.random(exact.shape)) * (exact > 0)
    return SpendPlan(
        catalog=catalog,
        start_day=parameters.start_day,
        demand=demand,
        pauses=pauses,
        ad_campaign=ad_campaign,
        ad_cents=cents.astype(np.int64),
        usual_cents=usual,
        affiliates_run=runs(parameters, pauses, AFFILIATE),
    )


def click_prices(catalog: Catalog) -> FloatArray:
    """Return the usual price of a click of each campaign, in cents."""
    return np.array([prices_of(campaign)[0] for campaign in catalog.campaigns])
