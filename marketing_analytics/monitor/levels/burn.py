"""How fast an error budget burns, and when that is told.

The alarms come in pairs of windows, as in the workbook of site reliability engineering: the long
one says that it matters, the short one that it goes on. A rate of 1 uses up the budget exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

from marketing_analytics.monitor.levels.minutes import Count, Minutes

HOUR = 60
DAY = 24 * HOUR


@dataclass(frozen=True)
class Pair:
    """Two windows in minutes, the rate from which on both tell, and how urgent that is."""

    long: int
    short: int
    rate: float
    severity: str

    def __str__(self) -> str:
        """Return its windows: 1 h and 5 min."""
        return f"{length(self.long)} and {length(self.short)}"


PAIRS = (
    Pair(HOUR, 5, 14.4, "page"),
    Pair(6 * HOUR, 30, 6.0, "page"),
    Pair(3 * DAY, 6 * HOUR, 1.0, "ticket"),
)
# less is known of a window than this share: it tells nothing
LEAST_KNOWN = 0.5


def length(minutes: int) -> str:
    """Return a number of minutes in words."""
    for unit, size in (("d", DAY), ("h", HOUR)):
        if minutes >= size and minutes % size == 0:
            return f"{minutes // size} {unit}"
    return f"{minutes} min"


def rate(count: Count, objective: float) -> float | None:
    """Return how many times too fast a budget burns; None where too little is known."""
    if not count.known or count.known < LEAST_KNOWN * count.total:
        return None
    return count.bad / count.known / (1 - objective)


def rate_over(minutes: Minutes, window: int, objective: float) -> float | None:
    """Return the rate of a window; before it is half over, as if half of it were known."""
    count = minutes.last(window)
    found = rate(count, objective)
    # else one bad minute would burn a budget of days in the first hour
    return None if found is None else found * min(1.0, count.known / (LEAST_KNOWN * window))


def burning(minutes: Minutes, objective: float) -> Pair | None:
    """Return the most urgent pair of windows that tells, or None."""
    return next((pair for pair in PAIRS if tells(pair, minutes, objective)), None)


def tells(pair: Pair, minutes: Minutes, objective: float) -> bool:
    """Return whether the budget burns too fast in both windows."""
    rates = (rate_over(minutes, window, objective) for window in (pair.long, pair.short))
    # a rate that is the limit itself may be a hair below it
    return all(found is not None and found >= pair.rate * (1 - 1e-9) for found in rates)


@dataclass(frozen=True)
class Budget:
    """The minutes that may be bad in a window, and those that were."""

    allowed_minutes: float
    count: Count

    @property
    def left_minutes(self) -> float:
        """Return what is left; less than nothing when it is overspent."""
        return self.allowed_minutes - self.count.bad

    @property
    def good_share(self) -> float | None:
        """Return the share of good minutes among those known."""
        return self.count.good / self.count.known if self.count.known else None


def budget(minutes: Minutes, objective: float, window: int) -> Budget:
    """Return the error budget of a window, which counts whole from its first day on."""
    return Budget(window * (1 - objective), minutes.last(window))
