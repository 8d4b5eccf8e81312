"""Exchange rates with four decimals per day, and exact conversion to US cents.

Banks publish none on weekends and on some holidays: the last one before holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketing_analytics.simulate.world.chance import BoolArray, IntArray, stream
from marketing_analytics.simulate.world.names import date_texts
from marketing_analytics.simulate.world.parameters import WorldParameters

RATE_SCALE = 10_000
# further than any stretch of days without a rate
MARGIN_DAYS = 7
HOLIDAYS = ("01-01", "05-01", "12-25", "12-26")


@dataclass(frozen=True)
class Exchange:
    """USD per EUR in ten-thousandths on each day on which it was published."""

    published_days: IntArray
    eur_rates: IntArray

    def rate(self, days: IntArray) -> IntArray:
        """Return the EUR rate of each day: the last one that was published until then."""
        index = np.searchsorted(self.published_days, days, side="right") - 1
        return np.asarray(self.eur_rates[np.maximum(index, 0)], dtype=np.int64)

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


def is_published(days: IntArray) -> BoolArray:
    """Return on which days a bank publishes rates: not on weekends, nor on some holidays."""
    # day 0 of 1970 was a Thursday: 0 is Monday
    is_weekday = (days + 3) % 7 < 5
    return np.asarray(is_weekday & ~np.isin([text[5:] for text in date_texts(days)], HOLIDAYS))


def build_exchange(parameters: WorldParameters) -> Exchange:
    """Return a random walk of EUR near 1.08, from before the world to the first day after it."""
    rng = stream(parameters.seed, "exchange")
    days = np.arange(parameters.start_day - MARGIN_DAYS, parameters.end_day + MARGIN_DAYS + 1)
    published = days[is_published(days)]
    # a clock that runs behind takes days after the last rate for days that have not come
    last_day = published[np.searchsorted(published, parameters.end_day, side="right")]
    published = published[published <= last_day]
    # up to 0.38 cents a day, near what EUR/USD moves
    steps = rng.integers(-38, 39, size=len(published))
    rates = np.empty(len(published), dtype=np.int64)
    level = 10_800
    for index, step in enumerate(steps):
        # pulled back to the mean so that no seed drifts away
        level = level + int(step) + (10_800 - level) // 40
        rates[index] = level
    return Exchange(published, rates)
