"""Exchange rates with four decimals per day, and exact conversion to US cents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketing_analytics.simulate.world.chance import IntArray, stream
from marketing_analytics.simulate.world.parameters import WorldParameters

RATE_SCALE = 10_000
MARGIN_DAYS = 1


@dataclass(frozen=True)
class Exchange:
    """USD per EUR in ten-thousandths for each day from `first_day`."""

    first_day: int
    eur_rates: IntArray

    def rate(self, days: IntArray) -> IntArray:
        """Return the EUR rate of each day; days outside take the nearest."""
        index = np.clip(days - self.first_day, 0, len(self.eur_rates) - 1)
        return np.asarray(self.eur_rates[index], dtype=np.int64)

    def usd_cents(self, cents: IntArray, is_eur: NDArray[Any], days: IntArray) -> IntArray:
        """Return round half up(amount * rate, 2) per row; amounts are not negative."""
        # adding half of the divisor before an integer division rounds half up
        converted = (cents * self.rate(days) + RATE_SCALE // 2) // RATE_SCALE
        # integers all the way: floats would round halves by chance
        return np.where(is_eur, converted, cents).astype(np.int64)

    def usd_cents_of_micros(
        self, micros: IntArray, is_eur: NDArray[Any], days: IntArray
    ) -> IntArray:
        """Return round half up(micros / 1e6 * rate, 2) per row."""
        rates = np.where(is_eur, self.rate(days), RATE_SCALE)
        # micros to cents is 10,000; both divisions in one, so that rounding happens once
        scale = RATE_SCALE * 10_000
        return np.asarray((micros * rates + scale // 2) // scale, dtype=np.int64)


def build_exchange(parameters: WorldParameters) -> Exchange:
    """Return a random walk of EUR near 1.08 for every day of the world and one more."""
    rng = stream(parameters.seed, "exchange")
    # a day of an account west of UTC begins before the world does
    first_day = parameters.start_day - MARGIN_DAYS
    count = parameters.end_day + MARGIN_DAYS - first_day + 1
    # up to 0.38 cents a day, near what EUR/USD moves
    steps = rng.integers(-38, 39, size=count)
    rates = np.empty(count, dtype=np.int64)
    level = 10_800
    for index, step in enumerate(steps):
        # pulled back to the mean so that no seed drifts away
        level = level + int(step) + (10_800 - level) // 40
        rates[index] = level
    return Exchange(first_day=first_day, eur_rates=rates)
