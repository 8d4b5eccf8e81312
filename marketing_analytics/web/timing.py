"""Bars on an axis of time: where each lies, which lane it takes, how many there are at once.

Positions are percent of the axis.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from marketing_analytics.web.words import duration_words

Item = TypeVar("Item")
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Axis:
    """The time between two moments."""

    start_at: datetime
    end_at: datetime

    @property
    def seconds(self) -> float:
        """Return the length, never zero."""
        return max((self.end_at - self.start_at).total_seconds(), 0.001)

    def place(self, start: datetime, end: datetime, least: float) -> tuple[float, float]:
        """Return left and width of a bar that stays on the axis and is `least` wide to be seen."""
        left = 100 * (start - self.start_at).total_seconds() / self.seconds
        width = 100 * (end - start).total_seconds() / self.seconds
        left = min(100 - least, max(0.0, left))
        return round(left, 3), round(min(100 - left, max(least, width)), 3)

    def ticks(self, parts: int) -> list[str]:
        """Return the words at the ends of equal parts, the start included."""
        return [duration_words(self.seconds * part / parts) for part in range(parts + 1)]


def axis_of(spans: Sequence[Span]) -> Axis:
    """Return the axis from the first start to the last end."""
    return Axis(min(start for start, _ in spans), max(end for _, end in spans))


@dataclass(frozen=True)
class Bar(Generic[Item]):
    """An item on the axis, in percent."""

    item: Item
    left: float
    width: float


@dataclass(frozen=True)
class Lane(Generic[Item]):
    """The bars that one worker did, one after the other."""

    label: str
    bars: list[Bar[Item]]

    @property
    def busy_percent(self) -> int:
        """Return the share of the axis that has a bar."""
        return min(100, round(sum(bar.width for bar in self.bars)))


def free_lanes(bars: Iterable[Bar[Item]]) -> list[Lane[Item]]:
    """Return lanes for bars of which nobody knows the worker: each takes the first that is free."""
    lanes: list[Lane[Item]] = []
    free_from: list[tuple[float, int]] = []
    for bar in sorted(bars, key=lambda bar: bar.left):
        if free_from and free_from[0][0] <= bar.left:
            _, number = heapq.heappop(free_from)
        else:
            number = len(lanes)
            lanes.append(Lane(f"lane {number + 1}", []))
        heapq.heappush(free_from, (bar.left + bar.width, number))
        lanes[number].bars.append(bar)
    return lanes


def peak_of(spans: Iterable[Span]) -> int:
    """Return how many spans go on at once at most; one that ends makes room for one that starts."""
    edges = sorted(edge for start, end in spans for edge in ((start, 1), (end, -1)))
    peak = running = 0
    for _, change in edges:
        running += change
        peak = max(peak, running)
    return max(peak, 1)
