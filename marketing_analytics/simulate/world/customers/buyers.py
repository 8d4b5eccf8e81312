"""Which shoppers buy, as customers or as guests, under which number, and when they first order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketing_analytics.simulate.world.chance import IntArray, stream
from marketing_analytics.simulate.world.demand.journeys import Visits
from marketing_analytics.simulate.world.demand.shoppers import Market
from marketing_analytics.simulate.world.parameters import SECOND_US, WorldParameters


@dataclass(frozen=True)
class Buyers:
    """Shoppers by the number of the person: customers, guests, then those who never buy.

    `first_us` is the first order of each buyer, `decided_us` the last visit of each shopper.
    """

    shopper: IntArray
    first_us: IntArray
    decided_us: IntArray

    @property
    def person(self) -> IntArray:
        """Return the person of each shopper."""
        result = np.empty(len(self.shopper), dtype=np.int64)
        result[self.shopper] = np.arange(len(self.shopper))
        return result


def build_buyers(parameters: WorldParameters, market: Market, visits: Visits) -> Buyers:
    """Return who buys, numbered so that the number tells nothing."""
    rng = stream(parameters.seed, "buyers")
    is_buyer = market.buyers()
    bought = rng.permutation(np.flatnonzero(is_buyer))
    shopper = np.concatenate([bought, np.flatnonzero(~is_buyer)]).astype(np.int64)
    # visits are sorted by shopper, and each has one decision
    decided_us = visits.start_us[visits.is_decision]
    # 3 to 25 minutes from landing to order
    lead_us = rng.integers(180, 1_500, len(bought)) * SECOND_US
    return Buyers(shopper, decided_us[bought] + lead_us, decided_us)
