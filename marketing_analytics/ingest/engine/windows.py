"""Which days to read: windows of days, and what is known about days read before.

A platform restates a day for some time after it (late conversions, corrections). A day is
final once it was read that many days after it; until then every run reads it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Window:
    """A span of days, both ends included."""

    start: date
    end: date

    @property
    def day_count(self) -> int:
        """Return the number of days."""
        return (self.end - self.start).days + 1

    def days(self) -> list[date]:
        """Return every day, in order."""
        return [self.start + ONE_DAY * index for index in range(self.day_count)]

    def halves(self) -> list[Window]:
        """Return two windows that make up this one; a single day cannot be halved."""
        if self.day_count == 1:
            return [self]
        middle = self.start + ONE_DAY * (self.day_count // 2 - 1)
        return [Window(self.start, middle), Window(middle + ONE_DAY, self.end)]

    def __str__(self) -> str:
        return f"{self.start}" if self.start == self.end else f"{self.start}..{self.end}"


class Coverage:
    """The days read so far and the date each was read on, for one account and report."""

    def __init__(self, read_on: dict[date, date] | None = None) -> None:
        self.read_on = dict(read_on or {})

    @classmethod
    def from_state(cls, spans: Iterable[Sequence[str]]) -> Coverage:
        """Read the stored form: [first day, last day, read on] in ISO dates."""
        read_on: dict[date, date] = {}
        for start, end, seen in spans:
            window = Window(date.fromisoformat(start), date.fromisoformat(end))
            read_on |= dict.fromkeys(window.days(), date.fromisoformat(seen))
        return cls(read_on)

    def to_state(self) -> list[list[str]]:
        """Return the stored form, as few spans as possible."""
        spans: list[list[str]] = []
        for seen in sorted(set(self.read_on.values())):
            days = [day for day, read in self.read_on.items() if read == seen]
            spans += [[str(w.start), str(w.end), str(seen)] for w in windows_of(days)]
        return sorted(spans)

    def mark(self, window: Window, read_on: date) -> None:
        """Note that every day of a window was read."""
        self.read_on |= dict.fromkeys(window.days(), read_on)

    def days_to_read(self, wanted: Window, lookback_days: int) -> list[date]:
        """Return the wanted days never read, or read while they could still change.

        Counting from the day of the read, not from today: a pause of weeks between two runs
        leaves no stale days behind.
        """
        return [day for day in wanted.days() if not self._is_final(day, lookback_days)]

    def _is_final(self, day: date, lookback_days: int) -> bool:
        seen = self.read_on.get(day)
        return seen is not None and (seen - day).days > lookback_days


def windows_of(days: Iterable[date], max_days: int = 10**6) -> list[Window]:
    """Return the days as windows without gaps, each of at most `max_days` days."""
    ordered = sorted(set(days))
    if not ordered:
        return []
    windows: list[Window] = []
    start = ordered[0]
    for day, following in pairwise([*ordered, date.max]):
        if following - day != ONE_DAY or (day - start).days + 1 >= max_days:
            windows.append(Window(start, day))
            start = following
    return windows
