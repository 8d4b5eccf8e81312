"""The schedule of a job ahead: its next ticks, where clocks change, whether runs would overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import pairwise

from marketing_analytics.cloud_api.cron import CronError, next_ticks
from marketing_analytics.web.words import duration_words

TICKS = 10


@dataclass(frozen=True)
class Tick:
    """One start to come; `note` says when clocks change before it."""

    at: datetime
    note: str = ""


@dataclass(frozen=True)
class Ahead:
    """The next ticks, and a warning when a run takes longer than the time between two."""

    ticks: list[Tick]
    overlap: str = ""


def ahead_of(cron: str, now: datetime, zone: tzinfo, usual_seconds: float | None) -> Ahead:
    """Return the schedule ahead, with notes for people who live in a time zone."""
    try:
        times = next_ticks(cron, now.astimezone(UTC), TICKS)
    except CronError:
        return Ahead([])
    before = [now, *times]
    ticks = [Tick(at, clock_note(last, at, zone)) for last, at in zip(before, times, strict=False)]
    return Ahead(ticks, overlap_words(times, usual_seconds))


def clock_note(before: datetime, at: datetime, zone: tzinfo) -> str:
    """Return that clocks change between two moments; schedules are UTC, so the local hour moves."""
    was, is_ = before.astimezone(zone).utcoffset(), at.astimezone(zone).utcoffset()
    if was is None or is_ is None or was == is_:
        return ""
    hours = (is_ - was).total_seconds() / 3600
    way = "later" if hours > 0 else "earlier"
    return f"clocks change before it: {abs(hours):g} h {way} by the local clock"


def overlap_words(times: Sequence[datetime], usual_seconds: float | None) -> str:
    """Return that a run takes longer than the shortest time between ticks, or nothing."""
    gap = min(((later - at).total_seconds() for at, later in pairwise(times)), default=None)
    if gap is None or usual_seconds is None or usual_seconds <= gap:
        return ""
    return (
        f"A run usually takes {duration_words(usual_seconds)}, the next tick may come after "
        f"{duration_words(gap)}: it waits, and a newer one takes its place."
    )
