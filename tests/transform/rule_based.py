"""The five rule-based models once more, in plain Python, from touches and conversions alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

MODELS = ("first_touch", "last_touch", "linear", "time_decay", "position_based")
WINDOWS_DAYS = (7, 30, 90)
HALF_LIFE_SECONDS = 7 * 86400


@dataclass(frozen=True)
class Touch:
    """A touch of one person."""

    touchpoint_id: str
    person_key: str
    session_number: int
    touched_at: datetime


@dataclass(frozen=True)
class Conversion:
    """A conversion; no person when opted out."""

    conversion_id: str
    person_key: str | None
    converted_at: datetime
    revenue_usd: Decimal


def shares(model: str, ages_seconds: Sequence[float]) -> list[float]:
    """Return the share of each touch, oldest first."""
    count = len(ages_seconds)
    if model == "first_touch":
        return [1.0] + [0.0] * (count - 1)
    if model == "last_touch":
        return [0.0] * (count - 1) + [1.0]
    if model == "linear":
        return [1 / count] * count
    if model == "time_decay":
        weights = [2.0 ** (-age / HALF_LIFE_SECONDS) for age in ages_seconds]
        return [weight / sum(weights) for weight in weights]
    if count <= 2:
        return [1 / count] * count
    return [0.4] + [0.2 / (count - 2)] * (count - 2) + [0.4]


Key = tuple[str, str, int, str | None]


def attribute(touches: Sequence[Touch], conversions: Sequence[Conversion]) -> dict[Key, float]:
    """Return the credit by (conversion, model, window, touchpoint or None)."""
    found: dict[Key, float] = {}
    for conversion in conversions:
        for days in WINDOWS_DAYS:
            earliest = conversion.converted_at - timedelta(days=days)
            path = sorted(
                (
                    touch
                    for touch in touches
                    if touch.person_key == conversion.person_key
                    and earliest <= touch.touched_at <= conversion.converted_at
                ),
                key=lambda touch: (touch.touched_at, touch.session_number, touch.touchpoint_id),
            )
            ages = [(conversion.converted_at - t.touched_at).total_seconds() for t in path]
            for model in MODELS:
                if not path:
                    found[conversion.conversion_id, model, days, None] = 1.0
                    continue
                for touch, share in zip(path, shares(model, ages), strict=True):
                    if share:
                        key = (conversion.conversion_id, model, days, touch.touchpoint_id)
                        found[key] = share
    return found
