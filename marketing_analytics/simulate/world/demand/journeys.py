"""The visits of shoppers up to the one in which they decide, drawn forward in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.calendar import local_midnights
from marketing_analytics.simulate.world.chance import (
    BoolArray,
    FloatArray,
    IntArray,
    daytime_fraction,
    rank_within,
    spread,
    stream,
)
from marketing_analytics.simulate.world.demand.meetings import (
    EARLY_FREE,
    LATE_FREE,
    NOBODY,
    Meetings,
    Met,
)
from marketing_analytics.simulate.world.demand.plan import SpendPlan
from marketing_analytics.simulate.world.demand.shoppers import Shoppers
from marketing_analytics.simulate.world.parameters import (
    DAY_US,
    HOUR_US,
    SECOND_US,
    WorldParameters,
)

# who wants it more comes more often, and meets more of the ads that wait for such people
LEAST_VISITS, VISITS_PER_PULL, MOST_PULL = 0.10, 0.24, 4.0
MEMORY_SECONDS = 5 * 86_400
# an order takes up to 25 minutes, and all of it lies inside of the world
LAST_DECISION_US = HOUR_US // 2
LAST_CLICK_US = 3 * HOUR_US


@dataclass(frozen=True)
class Visits:
    """One row per visit; of each shopper exactly one is the decision."""

    shopper: IntArray
    start_us: IntArray
    is_decision: BoolArray
    met: Met


def moments_in(
    parameters: WorldParameters, day: IntArray, zone: str, fraction: FloatArray
) -> IntArray:
    """Return a moment inside of the local dates, and of the world, in whole seconds."""
    begins = local_midnights(day + parameters.start_day, zone)
    ends = local_midnights(day + parameters.start_day + 1, zone)
    low = np.maximum(begins, parameters.start_us)
    high = np.minimum(ends, parameters.end_us - LAST_CLICK_US)
    seconds = (fraction * ((high - low) // SECOND_US)).astype(np.int64)
    return np.asarray(low + seconds * SECOND_US, dtype=np.int64)


def click_moments(
    parameters: WorldParameters, plan: SpendPlan, shoppers: Shoppers, rng: np.random.Generator
) -> IntArray:
    """Return when each shopper met the ad that brought them; the world's start for the others."""
    result = np.full(shoppers.count, parameters.start_us, dtype=np.int64)
    fraction = daytime_fraction(rng.random(shoppers.count))
    for index, campaign in enumerate(plan.catalog.campaigns):
        rows = np.flatnonzero(shoppers.campaign == index)
        zone = plan.catalog.account(campaign.account_id).timezone_name
        result[rows] = moments_in(parameters, shoppers.exposure_day[rows], zone, fraction[rows])
    return result


def decision_moments(
    parameters: WorldParameters,
    shoppers: Shoppers,
    exposed_us: IntArray,
    decides_at_click: BoolArray,
    rng: np.random.Generator,
) -> IntArray:
    """Return when each shopper comes to decide: on their day, an hour after the ad at least."""
    fraction = daytime_fraction(rng.random(shoppers.count))
    seconds = (fraction * (DAY_US // SECOND_US)).astype(np.int64)
    moment = parameters.start_us + shoppers.day * DAY_US + seconds * SECOND_US
    is_brought = shoppers.campaign >= 0
    moment = np.where(is_brought, np.maximum(moment, exposed_us + HOUR_US), moment)
    moment = np.minimum(moment, parameters.end_us - LAST_DECISION_US)
    return np.where(decides_at_click, exposed_us, moment).astype(np.int64)


def visits_between(
    parameters: WorldParameters,
    shoppers: Shoppers,
    exposed_us: IntArray,
    decided_us: IntArray,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """Return (shopper, moment) of the visits between the first ad and the decision."""
    eager = np.minimum(shoppers.pull, MOST_PULL)
    counts = rng.poisson(LEAST_VISITS + VISITS_PER_PULL * eager).astype(np.int64)
    shopper = spread(counts)
    # those who came by themselves have been thinking about it for days
    before = HOUR_US + (rng.exponential(MEMORY_SECONDS, len(shopper))).astype(np.int64) * SECOND_US
    decided, exposed = decided_us[shopper], exposed_us[shopper]
    room = np.maximum(decided - exposed - 2 * HOUR_US, 0)
    within = exposed + HOUR_US + (rng.random(len(shopper)) * room).astype(np.int64)
    is_brought = shoppers.campaign[shopper] >= 0
    start = np.where(is_brought, within // SECOND_US * SECOND_US, decided - before)
    # what lies before the first day was never measured
    keep = np.where(is_brought, room > 0, start >= parameters.start_us)
    return shopper[keep], start[keep].astype(np.int64)


def draw_visits(
    parameters: WorldParameters, plan: SpendPlan, meetings: Meetings, shoppers: Shoppers
) -> Visits:
    """Return all visits of shoppers, sorted by shopper and time."""
    rng = stream(parameters.seed, "journeys")
    everyone = np.arange(shoppers.count, dtype=np.int64)
    exposed_us = click_moments(parameters, plan, shoppers, rng)
    at_click = shoppers.has_clicked & (shoppers.exposure_day == shoppers.day)
    decided_us = decision_moments(parameters, shoppers, exposed_us, at_click, rng)
    clicked_before = np.flatnonzero(shoppers.has_clicked & ~at_click)
    shopper, start_us = visits_between(parameters, shoppers, exposed_us, decided_us, rng)
    keep = ~at_click[shopper]
    shopper, start_us = shopper[keep], start_us[keep]
    joined = np.concatenate([everyone, clicked_before, shopper])
    starts = np.concatenate([decided_us, exposed_us[clicked_before], start_us])
    is_decision = np.arange(len(joined)) < shoppers.count
    came_by_click = np.zeros(len(joined), dtype=bool)
    came_by_click[: shoppers.count] = at_click
    came_by_click[shoppers.count : shoppers.count + len(clicked_before)] = True
    # a decision is the last visit, even when another begins in the same second
    order = np.lexsort((is_decision, starts, joined))
    joined, starts = joined[order], starts[order]
    is_decision, came_by_click = is_decision[order], came_by_click[order]
    met = meet_ads(rng, meetings, shoppers, joined, starts, came_by_click)
    return Visits(joined, starts, is_decision, met)


def meet_ads(
    rng: np.random.Generator,
    meetings: Meetings,
    shoppers: Shoppers,
    shopper: IntArray,
    start_us: IntArray,
    came_by_click: BoolArray,
) -> Met:
    """Return what each visit came through: the ad that brought it, or what it met on its way."""
    campaign = np.where(came_by_click, shoppers.campaign[shopper], NOBODY)
    ad_day = np.where(came_by_click, shoppers.exposure_day[shopper], 0)
    free = np.full(len(shopper), NOBODY, dtype=np.int64)
    is_first = rank_within(shopper) == 0
    eager = np.minimum(shoppers.pull, MOST_PULL)
    for is_late, mine in ((False, is_first), (True, ~is_first)):
        rows = np.flatnonzero(mine & ~came_by_click)
        # a first visit is nobody's to harvest: all meet the same ads
        eagerness = eager[shopper[rows]] if is_late else np.ones(len(rows))
        weights = LATE_FREE if is_late else EARLY_FREE
        region = shoppers.region[shopper[rows]]
        met = meetings.meet(rng, region, start_us[rows], eagerness, weights, is_late=is_late)
        campaign[rows], ad_day[rows], free[rows] = met.campaign, met.ad_day, met.free
    return Met(campaign.astype(np.int64), ad_day.astype(np.int64), free)


def has_visited_before(visits: Visits) -> BoolArray:
    """Return per shopper whether the decision was not their first visit."""
    counts = np.bincount(visits.shopper)
    return np.asarray(counts > 1)
