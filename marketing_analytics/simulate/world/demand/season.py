"""Base demand by region and day: trend, season, weekdays, promotions, and moods nobody records."""

from __future__ import annotations

import numpy as np

from marketing_analytics.simulate.world.chance import FloatArray, stream
from marketing_analytics.simulate.world.demand.regions import REGIONS
from marketing_analytics.simulate.world.parameters import WorldParameters

WEEKDAY_WEIGHTS = (1.05, 1.0, 0.95, 1.0, 1.1, 1.15, 1.1)
GROWTH = 0.35
SEASON = 0.15
PROMOTION = 0.30
PROMOTION_DAYS = 3


def is_promotion(day: int) -> bool:
    """Return whether a promotion begins: every second Thursday, on which it is mailed as well."""
    # day 0 of 1970 was a Thursday
    return day % 7 == 0 and (day // 7) % 2 == 0


def moods(rng: np.random.Generator, rows: int, days: int, spread: float, keep: float) -> FloatArray:
    """Return factors near 1 (rows x days) that drift: each day keeps a part of the day before."""
    shocks = rng.normal(0.0, spread, (rows, days))
    level = np.empty((rows, days))
    level[:, 0] = shocks[:, 0]
    for day in range(1, days):
        level[:, day] = keep * level[:, day - 1] + np.sqrt(1 - keep**2) * shocks[:, day]
    return np.exp(level)


def calendar_factor(parameters: WorldParameters) -> FloatArray:
    """Return what everybody can see coming, per day."""
    days = np.arange(parameters.start_day, parameters.end_day + 1)
    trend = 1.0 + GROWTH * np.arange(parameters.days) / parameters.days
    # highest in early December
    season = 1.0 + SEASON * np.cos(2 * np.pi * (days % 365.25 - 340) / 365.25)
    # day 0 of 1970 was a Thursday: three days on make Monday the first
    weekday = np.array(WEEKDAY_WEIGHTS)[(days + 3) % 7]
    runs = [any(is_promotion(day - age) for age in range(PROMOTION_DAYS)) for day in days.tolist()]
    return np.asarray(trend * season * weekday * (1.0 + PROMOTION * np.array(runs)))


def base_demand(parameters: WorldParameters) -> FloatArray:
    """Return demand relative to the region's usual day (regions x days), 1 on average."""
    rng = stream(parameters.seed, "base demand")
    everywhere = moods(rng, 1, parameters.days, 0.10, 0.9)
    local = moods(rng, len(REGIONS), parameters.days, 0.08, 0.6)
    demand = calendar_factor(parameters)[None, :] * everywhere * local
    return np.asarray(demand / demand.mean())
