"""What a month will have cost: where the days left may end, from the weeks before.

Weeks of seven days before a day are compared: how much their sums move from one to the next is how
wrong "as it was" has been. A part of that is noise, which evens out over the days left, and a part
is drift, which adds up; how far neighbouring moves undo each other tells them apart. Weekdays have
their usual share of a week.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from math import ceil

WEEK, WEEKS, LEAST_WEEKS = 7, 8, 4
# past forecasts that the band is widened by: every third day of half a year
PAST_DAYS, PAST_STEP, LEAST_PAST = 180, 3, 5
# of Student's t: eight of ten, by the number of moves between weeks
QUANTILES = {3: 1.638, 4: 1.533, 5: 1.476, 6: 1.440, 7: 1.415}
LEVEL = 0.8


@dataclass(frozen=True)
class Band:
    """What the days left may cost: eight of ten end between `low` and `high`."""

    low: float
    middle: float
    high: float


def forecast(spend: Sequence[float], last_day: date, days_left: int) -> Band | None:
    """Return a band that would have held eight of ten such forecasts of the past days."""
    found = band(spend, last_day, days_left)
    return found and widened(found, factor(spend[-PAST_DAYS:], last_day, days_left))


def widened(found: Band, by: float) -> Band:
    """Return a band that reaches further."""
    reach = (found.high - found.middle) * by
    return Band(max(0.0, found.middle - reach), found.middle, found.middle + reach)


def factor(spend: Sequence[float], last_day: date, days_left: int) -> float:
    """Return how far the band must reach to hold eight of ten past forecasts; at least 1."""
    misses = []
    for back in range(days_left, len(spend) - LEAST_WEEKS * WEEK + 1, PAST_STEP):
        known = len(spend) - back
        made = band(spend[:known], last_day - timedelta(days=back), days_left)
        if made and made.high > made.middle:
            came = sum(spend[known : known + days_left])
            misses.append(abs(came - made.middle) / (made.high - made.middle))
    if len(misses) < LEAST_PAST:
        return 1.0
    place = min(len(misses), ceil(LEVEL * (len(misses) + 1)))
    return max(1.0, sorted(misses)[place - 1])


def band(spend: Sequence[float], last_day: date, days_left: int) -> Band | None:
    """Return where the sum of the days left may end; None with less than four weeks of days.

    `spend` is of each day up to the last one that is known.
    """
    weeks = min(WEEKS, len(spend) // WEEK)
    if weeks < LEAST_WEEKS or days_left <= 0:
        return None
    recent = list(spend[-weeks * WEEK :])
    sums = [sum(recent[start : start + WEEK]) for start in range(0, len(recent), WEEK)]
    shares = weekday_shares(recent, last_day)
    middle = sums[-1] * sum(shares[day] for day in days(last_day, days_left))
    spread = QUANTILES[weeks - 1] * error(sums, days_left / WEEK)
    return Band(max(0.0, middle - spread), middle, middle + spread)


def days(last_day: date, days_left: int) -> list[int]:
    """Return the weekdays of the days left."""
    first = last_day.weekday() + 1
    return [number % WEEK for number in range(first, first + days_left)]


def weekday_shares(recent: Sequence[float], last_day: date) -> list[float]:
    """Return the share of a week that each weekday has, Monday first; a seventh where none is."""
    last = last_day.weekday()
    found = [sum(recent[len(recent) - 1 - (last - day) % WEEK :: -WEEK]) for day in range(WEEK)]
    total = sum(found)
    return [value / total if total > 0 else 1 / WEEK for value in found]


def error(sums: Sequence[float], weeks: float) -> float:
    """Return the standard error of "as in the last week" over a number of weeks.

    A week is level and noise. The level moves on by a step of variance `drift` a week; a move
    between two weeks has that and twice the noise, and two neighbouring moves share one noise.
    """
    moves = [after - before for before, after in pairwise(sums)]
    of_move = sum(move * move for move in moves) / len(moves)
    shared = -sum(one * two for one, two in pairwise(moves)) / (len(moves) - 1)
    noise = min(max(shared, 0.0), of_move / 2)
    drift = of_move - 2 * noise
    variance = drift * weeks * (weeks + 1) * (2 * weeks + 1) / 6 + noise * (weeks + weeks**2)
    return float(variance**0.5)
