"""What ties customers to the shop: how long, how closely, and the way by which they come.

A customer leaves for good right after a purchase (BG/NBD). Interest fades in the weeks before, and
little of it is left afterwards: who has lapsed visits less and reads fewer mails.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.chance import (
    FloatArray,
    IntArray,
    pick,
    pick_in_rows,
    stream,
)
from marketing_analytics.simulate.world.customers.people import NEVER_US, People
from marketing_analytics.simulate.world.parameters import DAY_US, WorldParameters


@dataclass(frozen=True)
class Ties:
    """One row per customer: purchases a day by themselves, the chance to leave after each.

    `lapsed_us` is the purchase after which nothing but a newsletter brings them back, or never.
    """

    rate_per_day: FloatArray
    leave_chance: FloatArray
    lapsed_us: IntArray

    def lapsed_of(self, person: IntArray) -> IntArray:
        """Return when each person lapsed; who is no customer never does."""
        of_all = np.append(self.lapsed_us, NEVER_US)
        return np.asarray(of_all[np.minimum(person, len(self.lapsed_us))], dtype=np.int64)


def interest(
    parameters: WorldParameters, ties: Ties, person: IntArray, at_us: IntArray
) -> FloatArray:
    """Return how much interest is left at each moment: 1, fading to what remains when lapsed."""
    habits = parameters.habits
    days_left = (ties.lapsed_of(person) - at_us) / DAY_US
    here = np.clip(days_left / habits.fading_days, 0.0, 1.0)
    return np.asarray(habits.interest_left + (1.0 - habits.interest_left) * here)


@dataclass(frozen=True)
class Habits:
    """By person: the free source they like best, how often they meet ads, the ads they follow."""

    usual: IntArray
    eagerness: FloatArray
    followed: IntArray


def usual_ways(parameters: WorldParameters, people: People) -> Habits:
    """Return the ways by which each person likes to come."""
    rng, habits = stream(parameters.seed, "usual ways"), parameters.habits
    usual = pick(rng, habits.likes, people.count)
    # who types the address or reads mail seldom searches
    eagerness = np.asarray(habits.meets_ads, dtype=np.float64)[usual]
    followed = pick_in_rows(rng, np.cumsum(np.asarray(habits.follows_ads), axis=1), usual)
    return Habits(usual, eagerness, followed)
