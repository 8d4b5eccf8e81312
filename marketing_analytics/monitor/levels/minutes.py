"""Good, bad and unknown minutes: what probes say about a stretch of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

UNKNOWN, GOOD, BAD = 0, 1, 2
MINUTE = timedelta(minutes=1)
# minutes are numbered from here; times are UTC without a zone
START = datetime(1970, 1, 1)  # noqa: DTZ001


@dataclass(frozen=True)
class Count:
    """How many minutes were what."""

    good: int
    bad: int
    unknown: int

    @property
    def known(self) -> int:
        """Return the minutes of which something is known."""
        return self.good + self.bad

    @property
    def total(self) -> int:
        """Return all minutes."""
        return self.known + self.unknown


@dataclass(frozen=True)
class Minutes:
    """The minutes until now, one state each, the newest last; none before the first probe."""

    states: bytes

    def last(self, minutes: int) -> Count:
        """Return what the last minutes were."""
        window = self.states[-minutes:]
        return Count(window.count(GOOD), window.count(BAD), window.count(UNKNOWN))

    @property
    def unknown_now(self) -> int:
        """Return for how many minutes nothing is known, until now."""
        return len(self.states) - len(self.states.rstrip(bytes([UNKNOWN])))


def minutes_of(
    seen: Iterable[tuple[datetime, bool | None]], now: datetime, *, most: int, reach: int
) -> Minutes:
    """Return the minutes up to that of `now`, `most` of them at most.

    A minute with a bad probe is bad. A probe speaks for the minutes after it too, until the next
    one and for `reach` of them at most; what nobody speaks for is unknown, never good.
    """
    end = minute(now)
    first = end - most + 1
    found: dict[int, int] = {}
    for at, is_good in seen:
        number = minute(at)
        # what was seen before the stretch may reach into it
        if is_good is None or not first - reach <= number <= end:
            continue
        found[number] = max(found.get(number, UNKNOWN), GOOD if is_good else BAD)
    if not found:
        return Minutes(b"")
    states = filled(found, end, reach)
    return Minutes(bytes(states[-most:]))


def filled(found: dict[int, int], end: int, reach: int) -> Sequence[int]:
    """Return a state a minute, from the first that is known to the end."""
    states: list[int] = []
    last = first = min(found)
    for number in range(first, end + 1):
        if number in found:
            last = number
        states.append(found[last] if number - last <= reach else UNKNOWN)
    return states


def minute(at: datetime) -> int:
    """Return the number of a minute."""
    return (at - START) // MINUTE
