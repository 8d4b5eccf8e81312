"""From spend to effect: carry-over with a lag, then diminishing returns."""

from __future__ import annotations

import numpy as np

from marketing_analytics.simulate.world.chance import FloatArray
from marketing_analytics.simulate.world.demand.tactics import Tactic

MEMORY_DAYS = 28


def carry_over(tactic: Tactic) -> FloatArray:
    """Return the share of a day's spend that works 0, 1, 2, ... days later; together one."""
    age = np.arange(MEMORY_DAYS + 1) - tactic.lag_days
    weight = np.where(age >= 0, 0.5 ** (age / tactic.half_life_days), 0.0)
    return np.asarray(weight / weight.sum(), dtype=np.float64)


def adstock(tactic: Tactic, spend: FloatArray) -> FloatArray:
    """Return the pressure on each day (last axis) that spend up to that day makes."""
    days = spend.shape[-1]
    result = np.zeros(spend.shape)
    for age, weight in enumerate(carry_over(tactic)[:days]):
        result[..., age:] += weight * spend[..., : days - age]
    return result


def saturation(tactic: Tactic, pressure: FloatArray) -> FloatArray:
    """Return the effect of a pressure in usual spends: 1 at 1, bounded by 1 + half_saturation."""
    half = tactic.half_saturation
    return np.asarray((1.0 + half) * pressure / (pressure + half))


def slope(tactic: Tactic, pressure: FloatArray) -> FloatArray:
    """Return the derivative of `saturation`."""
    half = tactic.half_saturation
    return np.asarray((1.0 + half) * half / (pressure + half) ** 2)


def marginal(tactic: Tactic, gain: FloatArray) -> FloatArray:
    """Return what one more unit of spend on each day brings on that day and all later ones.

    `gain` is the derivative of the effect by the pressure on each day (last axis).
    """
    days = gain.shape[-1]
    result = np.zeros(gain.shape)
    for age, weight in enumerate(carry_over(tactic)[:days]):
        result[..., : days - age] += weight * gain[..., age:]
    return result
