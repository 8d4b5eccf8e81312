"""Is a day like its own history?"""

from __future__ import annotations

import random

import pytest

from marketing_analytics.monitor.series import judge_count, judge_share

WEEKS = 8


def counts(level: float = 400, seed: int = 1) -> list[float]:
    """Return eight weeks whose weekends are half, with some noise."""
    chance = random.Random(seed)
    return [
        level * (0.5 if day % 7 in (5, 6) else 1.0) * chance.uniform(0.95, 1.05)
        for day in range(7 * WEEKS)
    ]


def test_a_usual_weekday_and_a_usual_weekend_are_near() -> None:
    history = counts()
    monday = judge_count(history, 400, 4)
    assert monday is not None
    assert abs(monday.distance) < 2
    assert monday.lower < 400 < monday.upper
    saturday = judge_count([*history, *[400] * 5], 200, 4)
    assert saturday is not None
    assert abs(saturday.distance) < 2


@pytest.mark.parametrize("rows", [0, 100, 200, 900])
def test_a_weekday_with_other_rows_is_far(rows: float) -> None:
    verdict = judge_count(counts(), rows, 4)
    assert verdict is not None
    assert abs(verdict.distance) > 4


def test_one_bad_day_does_not_spoil_the_next() -> None:
    spoiled = [*counts()[:-1], 0.0]
    verdict = judge_count(spoiled, 400, 4)
    assert verdict is not None
    assert abs(verdict.distance) < 2


def test_a_series_that_bursts_alarms_when_its_floor_falls_away() -> None:
    chance = random.Random(3)
    bursts = [900.0 if chance.random() < 0.2 else 60.0 for _ in range(56)]
    ordinary, nothing = judge_count(bursts, 60, 4), judge_count(bursts, 0, 4)
    assert ordinary is not None
    assert nothing is not None
    assert abs(ordinary.distance) < 4
    assert nothing.distance < -4


def test_few_days_say_nothing() -> None:
    assert judge_count([400] * 20, 0, 4) is None
    assert judge_share([(1, 2)] * 20, 0, 2, 4) is None


def test_a_share_of_few_is_not_far_where_one_of_many_is() -> None:
    few = judge_share([(7, 10)] * 56, 4, 10, 4)
    many = judge_share([(700, 1000)] * 56, 400, 1000, 4)
    assert few is not None
    assert many is not None
    assert abs(few.distance) < 4 < abs(many.distance)
    assert many.lower < 0.7 < many.upper
