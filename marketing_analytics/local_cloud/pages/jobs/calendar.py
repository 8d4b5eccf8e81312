"""The results of a job by day, as a calendar of weeks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from marketing_analytics.cloud_api.states import Status
from marketing_analytics.local_cloud.store.overview import DayOfJob

WEEKS = 18
CELL = 15


@dataclass(frozen=True)
class Day:
    """One cell; x and y are its place, `run_id` is the last run of the day, 0 without one."""

    x: int
    y: int
    tone: str
    words: str
    run_id: int


@dataclass(frozen=True)
class Calendar:
    """The cells, and in words how many days were good."""

    days: list[Day]
    width: int
    height: int
    words: str


def first_day(now: datetime) -> datetime:
    """Return the Monday with which the calendar begins."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday() + 7 * (WEEKS - 1))


def calendar_of(found: Iterable[DayOfJob], now: datetime) -> Calendar:
    """Return the days up to today; a day with a failed run is a bad one."""
    by_day: dict[str, list[DayOfJob]] = {}
    for day in found:
        by_day.setdefault(day.day, []).append(day)
    first = first_day(now)
    dates = [first + timedelta(days=place) for place in range((now - first).days + 1)]
    days = [day_of(date, by_day.get(f"{date:%Y-%m-%d}", []), first) for date in dates]
    bad = sum(1 for day in days if day.tone == "error")
    ran = sum(1 for day in days if day.run_id)
    words = f"{ran - bad} of {ran} days without a failed run" if ran else "no results yet"
    return Calendar(days, WEEKS * CELL, 7 * CELL, words)


def day_of(date: datetime, found: list[DayOfJob], first: datetime) -> Day:
    """Return one cell."""
    counts = {day.status: day.runs for day in found}
    good, bad = counts.get(Status.SUCCESS, 0), counts.get(Status.ERROR, 0)
    other = counts.get(Status.CANCELLED, 0)
    tone = "error" if bad else "success" if good else "cancelled" if other else ""
    parts = [(good, "good"), (bad, "failed"), (other, "cancelled")]
    said = ", ".join(f"{count} {word}" for count, word in parts if count) or "no run"
    place = (date - first).days
    return Day(
        x=place // 7 * CELL,
        y=place % 7 * CELL,
        tone=tone,
        words=f"{date:%Y-%m-%d}: {said}",
        run_id=max((day.last_id for day in found), default=0),
    )
