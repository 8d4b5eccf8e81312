"""Carry-over, lag and diminishing returns do what their words say."""

from __future__ import annotations

import numpy as np
import pytest

from marketing_analytics.simulate.world.demand.response import (
    MEMORY_DAYS,
    adstock,
    carry_over,
    marginal,
    saturation,
    slope,
)
from marketing_analytics.simulate.world.demand.tactics import TACTICS

PROSPECTING = TACTICS["prospecting"]
ALL = pytest.mark.parametrize("tactic", TACTICS.values(), ids=list(TACTICS))


@ALL
def test_all_of_a_days_spend_works_once(tactic):
    spend = np.zeros(60)
    spend[5] = 300.0
    assert adstock(tactic, spend).sum() == pytest.approx(300.0)


@ALL
def test_nothing_works_before_its_lag_and_half_is_left_after_a_half_life(tactic):
    weights = carry_over(tactic)
    assert (weights[: tactic.lag_days] == 0).all()
    assert weights.argmax() == tactic.lag_days
    left = weights[tactic.lag_days + 1] / weights[tactic.lag_days]
    assert left**tactic.half_life_days == pytest.approx(0.5)


def test_pressure_ebbs_away_after_the_last_day_of_spend():
    spend = np.concatenate([np.full(40, 100.0), np.zeros(40)])
    pressure = adstock(PROSPECTING, spend)
    assert pressure[39] == pytest.approx(100.0, rel=0.01)
    assert 0 < pressure[48] < pressure[44] < pressure[40]
    assert pressure[40 + MEMORY_DAYS] == 0


@ALL
def test_returns_diminish_from_nothing_to_a_ceiling(tactic):
    pressure = np.linspace(0.0, 50.0, 200)
    effect = saturation(tactic, pressure)
    assert (effect[0], saturation(tactic, np.array([1.0]))[0]) == (0.0, pytest.approx(1.0))
    gains = np.diff(effect)
    assert (gains > 0).all()
    assert (np.diff(gains) < 0).all()
    assert effect[-1] < 1.0 + tactic.half_saturation


@ALL
def test_the_slope_is_the_derivative(tactic):
    pressure, step = np.array([0.1, 0.5, 1.0, 3.0]), 1e-6
    measured = (saturation(tactic, pressure + step) - saturation(tactic, pressure)) / step
    assert slope(tactic, pressure) == pytest.approx(measured, rel=1e-4)


@ALL
def test_the_marginal_return_is_what_one_more_unit_brings_in_all(tactic):
    spend = 1.0 + 0.5 * np.sin(np.arange(50))
    gain = slope(tactic, adstock(tactic, spend))
    step = 1e-6
    for day in (0, 20, 45):
        more = spend.copy()
        more[day] += step
        effect = saturation(tactic, adstock(tactic, more)) - saturation(
            tactic, adstock(tactic, spend)
        )
        assert marginal(tactic, gain)[day] == pytest.approx(effect.sum() / step, rel=1e-4)
