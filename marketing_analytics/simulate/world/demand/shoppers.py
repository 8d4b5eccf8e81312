"""Shoppers: everyone who comes with or without intent, why they came, and whether they buy.

Every shopper holds two numbers drawn once. `thin` decides whether less spend would still have
brought them, `luck` whether they buy: below the chance they do. Less spend only lowers what the
numbers are compared with, so it takes orders away and never adds one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from marketing_analytics.simulate.world.chance import (
    BoolArray,
    FloatArray,
    IntArray,
    pick,
    pick_in_rows,
    spread,
    stream,
)
from marketing_analytics.simulate.world.demand.plan import SpendPlan, click_prices
from marketing_analytics.simulate.world.demand.regions import region_shares
from marketing_analytics.simulate.world.demand.response import (
    MEMORY_DAYS,
    adstock,
    carry_over,
    saturation,
)
from marketing_analytics.simulate.world.demand.tactics import AFFILIATE_LIFT
from marketing_analytics.simulate.world.parameters import WorldParameters

BASE_CONVERSION = 0.030
# people differ in how much they want it; gamma with this shape and mean 1
PULL_SHAPE = 0.8
MEAN_LIFT = 0.06
LEAST_BASE_SHARE = 0.35
# visits of people without any intent, per click without intent
EMPTY_VISITS = 0.5
EMPTY_VISITS_HARVESTING = 0.15
NOBODY = -1


@dataclass(frozen=True)
class Shoppers:
    """One row per shopper; days are indexes from the world's first, `campaign` is -1 for none.

    `chance` is that of buying without any harvesting tactic, before `scale`. Who clicked came
    through an ad of the campaign on `exposure_day`; the others only saw one.
    """

    region: IntArray
    day: IntArray
    campaign: IntArray
    exposure_day: IntArray
    has_clicked: BoolArray
    pull: FloatArray
    chance: FloatArray
    thin: FloatArray
    luck: FloatArray

    @property
    def count(self) -> int:
        """Return the number of shoppers."""
        return len(self.region)


def effects(plan: SpendPlan, campaign_cents: FloatArray | IntArray) -> FloatArray:
    """Return the effect of spend by campaign, region and day, in that of usual spend."""
    result = np.zeros(campaign_cents.shape)
    for index, tactic in enumerate(plan.tactics):
        usual = np.maximum(plan.usual_cents[index], 1e-9)[:, None]
        pressure = adstock(tactic, np.asarray(campaign_cents[index], dtype=np.float64)) / usual
        result[index] = saturation(tactic, pressure)
    return result


def usual_reach(plan: SpendPlan) -> FloatArray:
    """Return the people a campaign brings a day at its usual spend (campaigns x regions)."""
    per_click = np.array([t.intent_share / t.click_share for t in plan.tactics])
    return np.asarray(plan.usual_cents * (per_click / click_prices(plan.catalog))[:, None])


def make_shoppers(
    rng: np.random.Generator,
    region: IntArray,
    day: IntArray,
    conversion: float,
    campaign: int = NOBODY,
) -> Shoppers:
    """Return shoppers who saw nothing yet."""
    count = len(region)
    pull = rng.gamma(PULL_SHAPE, 1.0 / PULL_SHAPE, count)
    return Shoppers(
        region=region,
        day=day,
        campaign=np.full(count, campaign, dtype=np.int64),
        exposure_day=day,
        has_clicked=np.zeros(count, dtype=bool),
        pull=pull,
        chance=np.minimum(conversion * pull, 0.9),
        thin=rng.random(count),
        luck=rng.random(count),
    )


def draw_base(
    parameters: WorldParameters, plan: SpendPlan, rng: np.random.Generator, count: int
) -> Shoppers:
    """Return those who come by themselves, where and when demand is."""
    days = plan.demand.shape[1]
    cell = pick(rng, (region_shares(parameters)[:, None] * plan.demand).ravel(), count)
    return make_shoppers(rng, cell // days, cell % days, BASE_CONVERSION)


def draw_brought(
    plan: SpendPlan, rng: np.random.Generator, campaign: int, people: FloatArray
) -> Shoppers:
    """Return those whom a campaign brings, and on which day they met it."""
    tactic, days = plan.tactics[campaign], people.shape[1]
    cell = spread(rng.poisson(people.ravel()).astype(np.int64))
    # of what works today, each earlier day has the share that its spend still has
    spent = plan.campaign_cents[campaign].astype(np.float64)
    still = np.zeros((*spent.shape, MEMORY_DAYS + 1))
    for lag, weight in enumerate(carry_over(tactic)[:days]):
        still[:, lag:, lag] = weight * spent[:, : days - lag]
    age = pick_in_rows(rng, np.cumsum(still, axis=2).reshape(-1, MEMORY_DAYS + 1), cell)
    shoppers = make_shoppers(rng, cell // days, cell % days, tactic.conversion, campaign)
    return replace(
        shoppers,
        exposure_day=shoppers.day - age,
        has_clicked=rng.random(len(cell)) < tactic.click_share,
    )


def draw_empty(plan: SpendPlan, rng: np.random.Generator, campaign: int) -> Shoppers:
    """Return those who click and want nothing; they never buy."""
    tactic, days = plan.tactics[campaign], plan.demand.shape[1]
    per_click = (1.0 - tactic.intent_share) * EMPTY_VISITS
    if not tactic.conversion:
        per_click = EMPTY_VISITS_HARVESTING
    clicks = plan.campaign_cents[campaign] / click_prices(plan.catalog)[campaign]
    cell = spread(rng.poisson(clicks.ravel() * per_click).astype(np.int64))
    shoppers = make_shoppers(rng, cell // days, cell % days, 0.0, campaign)
    return replace(shoppers, has_clicked=np.ones(len(cell), dtype=bool))


def draw_shoppers(parameters: WorldParameters, plan: SpendPlan) -> Shoppers:
    """Return all shoppers: so many come by themselves that buyers are near the number wanted."""
    rng = stream(parameters.seed, "shoppers")
    people = usual_reach(plan)[:, :, None] * effects(plan, plan.campaign_cents)
    conversions = np.array([tactic.conversion for tactic in plan.tactics])
    caused = float((people.sum(axis=(1, 2)) * conversions).sum()) * (1.0 + MEAN_LIFT)
    wanted = max(parameters.buyers - caused, LEAST_BASE_SHARE * parameters.buyers)
    count = int(np.ceil(wanted / BASE_CONVERSION / (1.0 + MEAN_LIFT)))
    parts = [draw_base(parameters, plan, rng, count)]
    for campaign, tactic in enumerate(plan.tactics):
        if tactic.conversion:
            parts.append(draw_brought(plan, rng, campaign, people[campaign]))
        parts.append(draw_empty(plan, rng, campaign))
    fields = Shoppers.__dataclass_fields__
    return Shoppers(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in fields})


@dataclass(frozen=True)
class Market:
    """Shoppers under the plan; `scale` makes as many buy as the world has buyers."""

    plan: SpendPlan
    shoppers: Shoppers
    has_visited: BoolArray
    scale: float

    def chances(self, effect: FloatArray, affiliates_run: BoolArray) -> FloatArray:
        """Return the chance of each shopper to buy, given the effect of all campaigns."""
        shoppers = self.shoppers
        lifts = np.ones(shoppers.count)
        for index, tactic in enumerate(self.plan.tactics):
            if tactic.lift:
                gain = tactic.lift * effect[index][shoppers.region, shoppers.day]
                lifts += np.where(self.has_visited | (not tactic.needs_visit), gain, 0.0)
        lifts += AFFILIATE_LIFT * affiliates_run[shoppers.region, shoppers.day]
        return np.asarray(shoppers.chance * lifts * self.scale)

    def buyers(
        self, campaign_cents: IntArray | None = None, affiliates_run: BoolArray | None = None
    ) -> BoolArray:
        """Return who buys: under the plan, or had less been spent, by the same numbers."""
        plan, shoppers = self.plan, self.shoppers
        spent = plan.campaign_cents if campaign_cents is None else campaign_cents
        pages = plan.affiliates_run if affiliates_run is None else affiliates_run
        effect, as_planned = effects(plan, spent), effects(plan, plan.campaign_cents)
        # one beyond the last campaign: those who came by themselves, index -1, stay always
        left = np.ones((effect.shape[0] + 1, *effect.shape[1:]))
        left[:-1] = np.divide(effect, as_planned, out=np.ones_like(effect), where=as_planned > 0)
        stays = shoppers.thin < left[shoppers.campaign, shoppers.region, shoppers.day]
        return np.asarray(stays & (shoppers.luck < self.chances(effect, pages)))


def open_market(
    parameters: WorldParameters, plan: SpendPlan, shoppers: Shoppers, has_visited: BoolArray
) -> Market:
    """Return the market, scaled so that exactly the wanted number of shoppers buy."""
    market = Market(plan, shoppers, has_visited, 1.0)
    chances = market.chances(effects(plan, plan.campaign_cents), plan.affiliates_run)
    needed = np.divide(
        shoppers.luck, chances, out=np.full(shoppers.count, np.inf), where=chances > 0
    )
    # between the last who shall buy and the first who shall not
    nearest = np.partition(needed, (parameters.buyers - 1, parameters.buyers))
    last, following = nearest[parameters.buyers - 1], nearest[parameters.buyers]
    return replace(market, scale=float((last + min(following, 2 * last)) / 2))
