"""What is not told: silences, which end by time, and problems that somebody has taken on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from marketing_analytics.monitor.results import Result

ALL = "*"


@dataclass(frozen=True)
class Silence:
    """Nothing is told of a subject, or of those that begin alike, until a time.

    One that is planned begins later than it was written.
    """

    monitor: str
    subject: str
    until_at: datetime
    reason: str
    created_by: str
    created_at: datetime
    from_at: datetime | None = None

    def sentence(self) -> str:
        """Return what is silent, and when."""
        begin = f" from {self.from_at:%Y-%m-%d %H:%M}" if self.from_at else ""
        what = f"{self.monitor} of {self.subject}" if self.subject else f"{self.monitor} as a whole"
        return f"{what} is silent{begin} until {self.until_at:%Y-%m-%d %H:%M} UTC"

    def covers(self, monitor: str, subject: str, now: datetime) -> bool:
        """Return whether it is in force for a subject."""
        return (
            (self.from_at is None or self.from_at <= now)
            and now < self.until_at
            and self.monitor in (monitor, ALL)
            and (
                subject == self.subject
                or (self.subject.endswith(ALL) and subject.startswith(self.subject[:-1]))
            )
        )


@dataclass(frozen=True)
class Acknowledgement:
    """Somebody has taken on a problem: it is told no more until it is over."""

    monitor: str
    subject: str
    since_at: datetime
    acknowledged_by: str
    acknowledged_at: datetime
    # the run that found it, and the one that found it over: days of later problems may lie before
    run_id: str | None = None
    ended_run_id: str | None = None

    def covers(self, result: Result) -> bool:
        """Return whether it is of this problem, not of one that began later."""
        is_same = (result.monitor, result.subject) == (self.monitor, self.subject)
        is_open = self.ended_run_id is None
        return is_same and is_open and result.since_at <= max(self.since_at, self.acknowledged_at)


@dataclass(frozen=True)
class Mutes:
    """All that is in force."""

    silences: tuple[Silence, ...] = ()
    acknowledgements: tuple[Acknowledgement, ...] = field(default=())

    def silenced(self, monitor: str, subject: str, now: datetime) -> bool:
        """Return whether neither problems nor their ends are told."""
        return any(silence.covers(monitor, subject, now) for silence in self.silences)

    @cached_property
    def taken(self) -> dict[tuple[str, str], list[Acknowledgement]]:
        """Return the acknowledgements by monitor and subject: there may be thousands."""
        found: dict[tuple[str, str], list[Acknowledgement]] = {}
        for each in self.acknowledgements:
            found.setdefault((each.monitor, each.subject), []).append(each)
        return found

    def mute(self, result: Result, now: datetime) -> bool:
        """Return whether a problem is not told."""
        own = self.taken.get((result.monitor, result.subject), ())
        return any(each.covers(result) for each in own) or self.silenced(
            result.monitor, result.subject, now
        )


def silence_of(row: Mapping[str, Any]) -> Silence:
    """Return a row of the history."""
    return Silence(**{name: row[name] for name in Silence.__dataclass_fields__})


def acknowledgement_of(row: Mapping[str, Any]) -> Acknowledgement:
    """Return a row of the history."""
    names = Acknowledgement.__dataclass_fields__
    return Acknowledgement(**{name: row[name] for name in names})
