"""Is a day like its own history? Level, weekday and spread by medians: outliers move nothing.

Counts and shares are looked at in the scale in which chance varies them by the same everywhere:
roots of counts, arc sines of shares. What varies beside chance is measured on the history itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

WEEK = 7
LEAST_DAYS = 4 * WEEK
# days whose median is the level: demand wanders, shares less so
COUNT_LEVEL_DAYS, SHARE_LEVEL_DAYS = 3, 7
# of a normal distribution: spread from the median of deviations, and from their tail
MAD_TO_SIGMA, TAIL_TO_SIGMA = 1.4826, 1 / 1.75


@dataclass(frozen=True)
class Verdict:
    """How far a value lies from what was expected, in spreads; and the bounds of what is usual."""

    distance: float
    expected: float
    lower: float
    upper: float


def judge_count(
    history: Sequence[float], value: float, limit: float, *, ahead: int = 0
) -> Verdict | None:
    """Judge a count by those of the days before, oldest first; None where they are too few.

    `ahead` days lie between the history and the day.
    """
    if len(history) < LEAST_DAYS:
        return None
    scaled = forecast(
        [root(each) for each in history], [1.0] * len(history), COUNT_LEVEL_DAYS, ahead
    )
    distance = scaled.distance(root(value))
    fewest = min(history)
    if value < fewest / 4:
        # series that burst have a floor: days without a burst
        distance = min(distance, root(value) - root(fewest))
    return Verdict(
        distance,
        from_root(scaled.centre),
        from_root(scaled.centre - limit * scaled.below),
        from_root(scaled.centre + limit * scaled.above),
    )


def judge_share(
    history: Sequence[tuple[float, float]],
    part: float,
    whole: float,
    limit: float,
    *,
    ahead: int = 0,
) -> Verdict | None:
    """Judge a part of a whole by (part, whole) of the days before; None where they are too few."""
    if sum(of > 0 for _, of in history) < LEAST_DAYS or whole <= 0:
        return None
    scaled = forecast(
        [angle(each, of) for each, of in history],
        [sigma_of(of) for _, of in history],
        SHARE_LEVEL_DAYS,
        ahead,
    )
    sigma = sigma_of(whole)
    return Verdict(
        scaled.distance(angle(part, whole), sigma),
        from_angle(scaled.centre),
        from_angle(scaled.centre - limit * scaled.below * sigma),
        from_angle(scaled.centre + limit * scaled.above * sigma),
    )


@dataclass(frozen=True)
class Forecast:
    """What is expected of the day, and how far days lie below and above, in units of chance."""

    centre: float
    below: float
    above: float

    def distance(self, value: float, sigma: float = 1.0) -> float:
        """Return how far a value lies from what is expected, in spreads."""
        away = (value - self.centre) / sigma
        return away / (self.below if away < 0 else self.above)


def forecast(
    values: Sequence[float], sigmas: Sequence[float], level_days: int, ahead: int = 0
) -> Forecast:
    """Return what follows a series: the level of the last days, and how the weekday differs."""
    count = len(values)
    differences: dict[int, list[float]] = {}
    for day in range(count):
        around = median(values[max(0, day - 3) : day + 4])
        differences.setdefault((count + ahead - day) % WEEK, []).append(values[day] - around)
    weekday = {place: median(found) for place, found in differences.items()}
    level = [values[day] - weekday[(count + ahead - day) % WEEK] for day in range(count)]
    surprises = [
        (level[day] - median(level[day - level_days : day])) / sigmas[day]
        for day in range(level_days, count)
    ]
    usual = max(1.0, MAD_TO_SIGMA * median(map(abs, surprises)))
    return Forecast(
        median(level[-level_days:]) + weekday[0],
        max(usual, tail(-each for each in surprises)),
        max(usual, tail(surprises)),
    )


def tail(surprises: Iterable[float]) -> float:
    """Return the spread that the larger ones speak of: some series are calm and burst."""
    found = sorted(each for each in surprises if each > 0)
    return TAIL_TO_SIGMA * found[math.floor(0.95 * (len(found) - 1))] if found else 0.0


def root(count: float) -> float:
    """Return a count in the scale in which chance has the spread 1."""
    return 2 * math.sqrt(max(count, 0.0) + 0.375)


def from_root(scaled: float) -> float:
    """Return the count of a root."""
    return max(0.0, (max(scaled, 0.0) / 2) ** 2 - 0.375)


def angle(part: float, whole: float) -> float:
    """Return a share in the scale in which the spread of chance is `sigma_of` the whole."""
    return math.asin(math.sqrt(min(1.0, max(0.0, (part + 0.375) / (whole + 0.75)))))


def from_angle(scaled: float) -> float:
    """Return the share of an angle."""
    return math.sin(min(max(scaled, 0.0), math.pi / 2)) ** 2


def sigma_of(whole: float) -> float:
    """Return the spread of an angle by chance alone."""
    return 1 / (2 * math.sqrt(whole + 0.5))
