"""The rule-based models once more, in plain Python, from touches and conversions alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

MODELS = (
    "first_touch", "last_touch", "last_non_direct", "last_paid", "linear", "time_decay",
    "position_based", "j_shaped", "inverse_j_shaped",
)  # fmt: skip
WINDOWS_DAYS = (1, 7, 14, 30, 60, 90)
HALF_LIFE_SECONDS = 7 * 86400
ENDS = {"position_based": (0.4, 0.4), "j_shaped": (0.2, 0.6), "inverse_j_shaped": (0.6, 0.2)}
PAID = {
    "paid_search", "paid_shopping", "paid_social", "paid_video", "display", "cross_network",
    "paid_other",
}  # fmt: skip


@dataclass(frozen=True)
class Touch:
    """A touch of one person."""

    touchpoint_id: str
    person_key: str
    session_number: int
    touched_at: datetime
    channel: str = "email"


@dataclass(frozen=True)
class Conversion:
    """A conversion; no person when opted out, no credit when refunded."""

    conversion_id: str
    person_key: str | None
    converted_at: datetime
    revenue_usd: Decimal
    is_refunded: bool = False


def last_of(channels: Sequence[str], *kinds: Callable[[str], bool]) -> list[float]:
    """Return all credit to the last touch of the first kind that is there, else to the last."""
    chosen = len(channels) - 1
    for is_kind in kinds:
        found = [position for position, channel in enumerate(channels) if is_kind(channel)]
        if found:
            chosen = found[-1]
            break
    return [float(position == chosen) for position in range(len(channels))]


def is_direct(channel: str) -> bool:
    """Return whether a visit came from nowhere."""
    return channel == "direct"


def shares(model: str, ages_seconds: Sequence[float], channels: Sequence[str]) -> list[float]:
    """Return the share of each touch, oldest first."""
    count = len(ages_seconds)
    if model == "first_touch":
        return [1.0] + [0.0] * (count - 1)
    if model == "last_touch":
        return last_of(channels)
    if model == "last_non_direct":
        return last_of(channels, lambda channel: not is_direct(channel))
    if model == "last_paid":
        return last_of(channels, PAID.__contains__, lambda channel: not is_direct(channel))
    if model == "linear":
        return [1 / count] * count
    if model == "time_decay":
        weights = [2.0 ** (-age / HALF_LIFE_SECONDS) for age in ages_seconds]
        return [weight / sum(weights) for weight in weights]
    first, last = ENDS[model]
    if count == 1:
        return [1.0]
    if count == 2:
        return [first / (first + last), last / (first + last)]
    return [first] + [(1 - first - last) / (count - 2)] * (count - 2) + [last]


Key = tuple[str, str, int, str | None]


def path_of(touches: Sequence[Touch], conversion: Conversion, days: int) -> list[Touch]:
    """Return the touches of a conversion in a window, in their order."""
    earliest = conversion.converted_at - timedelta(days=days)
    found = (
        touch
        for touch in touches
        if touch.person_key == conversion.person_key
        and earliest <= touch.touched_at <= conversion.converted_at
        and not conversion.is_refunded
    )
    return sorted(found, key=lambda t: (t.touched_at, t.session_number, t.touchpoint_id))


def attribute(touches: Sequence[Touch], conversions: Sequence[Conversion]) -> dict[Key, float]:
    """Return the credit by (conversion, model, window, touchpoint or None)."""
    found: dict[Key, float] = {}
    for conversion in conversions:
        for days in WINDOWS_DAYS:
            path = path_of(touches, conversion, days)
            ages = [(conversion.converted_at - t.touched_at).total_seconds() for t in path]
            channels = [touch.channel for touch in path]
            for model in MODELS:
                key = (conversion.conversion_id, model, days)
                if not path:
                    found[*key, None] = float(not conversion.is_refunded)
                    continue
                for touch, share in zip(path, shares(model, ages, channels), strict=True):
                    if share:
                        found[*key, touch.touchpoint_id] = share
    return found


def assert_same(
    expected: dict[Any, float], conversions: list[Conversion], rows: list[tuple[Any, ...]]
) -> None:
    """Compare credits to 1e-9, and hold credit and revenue conserved exactly."""
    found = {row[:4]: row[4] for row in rows}
    assert len(found) == len(rows)
    assert found.keys() == expected.keys()
    assert all(abs(float(found[key]) - expected[key]) <= 1e-9 for key in expected)
    credit: dict[Any, Decimal] = defaultdict(Decimal)
    revenue: dict[Any, Decimal] = defaultdict(Decimal)
    for conversion_id, model, days, _, share, money in rows:
        credit[conversion_id, model, days] += share
        revenue[conversion_id, model, days] += money
    for conversion in conversions:
        for model in MODELS:
            for days in WINDOWS_DAYS:
                wanted = 0 if conversion.is_refunded else 1
                assert credit[conversion.conversion_id, model, days] == wanted
                total = revenue[conversion.conversion_id, model, days]
                assert total == conversion.revenue_usd
    by_id = {c.conversion_id: c.revenue_usd for c in conversions if not c.is_refunded}
    for row in (row for row in rows if row[0] in by_id):
        assert abs(row[5] - by_id[row[0]] * row[4]) <= Decimal("0.01")
