"""Where a month may end: the band holds about eight of ten months, of several kinds of spend."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from marketing_analytics.report.data.forecast import (
    Band,
    band,
    days,
    factor,
    forecast,
    weekday_shares,
    widened,
)

SUNDAY = date(2026, 10, 18)


def steady(chance):
    return [100 + chance.gauss(0, 20) for _ in range(200)]


def drifting(chance):
    level, found = 100.0, []
    for _ in range(200):
        level = max(20.0, level + chance.gauss(0, 3))
        found.append(level + chance.gauss(0, 10))
    return found


def jumping(chance):
    level, found = 100.0, []
    for _ in range(200):
        if chance.random() < 1 / 30:
            level = chance.choice((60, 90, 100, 110, 160))
        found.append(max(0.0, level + chance.gauss(0, 10)))
    return found


@pytest.mark.parametrize("days_left", [5, 10, 20])
@pytest.mark.parametrize("kind", [steady, drifting, jumping])
def test_eight_of_ten_past_months_end_inside(kind, days_left):
    chance, held = random.Random(7), 0
    for _ in range(50):
        spend = kind(chance)
        known = len(spend) - days_left
        found = forecast(spend[:known], SUNDAY, days_left)
        held += found.low <= sum(spend[known:]) <= found.high
    assert 0.65 <= held / 50 <= 0.97


def test_weekdays_have_their_share_of_a_week():
    # Mondays cost seven times as much as any other day
    spend = [7.0 if (SUNDAY - timedelta(days=back)).weekday() == 0 else 1.0 for back in range(56)]
    shares = weekday_shares(spend[::-1], SUNDAY)
    assert shares == pytest.approx([7 / 13] + [1 / 13] * 6)
    assert band(spend[::-1], SUNDAY, 1).middle == pytest.approx(7)
    assert band(spend[::-1], SUNDAY, 2).middle == pytest.approx(8)


def test_days_left_begin_with_the_next_day():
    assert days(SUNDAY, 9) == [0, 1, 2, 3, 4, 5, 6, 0, 1]


def test_spend_that_never_moves_has_no_width():
    found = band([8.0] * 56, SUNDAY, 14)
    assert (found.low, found.high) == pytest.approx((112, 112))


def test_under_four_weeks_and_after_the_last_day_there_is_no_band():
    assert band([10.0] * 27, SUNDAY, 10) is None
    assert band([10.0] * 60, SUNDAY, 0) is None
    assert forecast([], SUNDAY, 10) is None


def test_nothing_spent_is_no_error():
    assert band([0.0] * 60, SUNDAY, 10) == Band(0.0, 0.0, 0.0)
    assert factor([0.0] * 60, SUNDAY, 10) == 1.0


def test_a_band_does_not_fall_below_nothing():
    assert widened(Band(5.0, 10.0, 15.0), 3.0) == Band(0.0, 10.0, 25.0)
