"""Which findings are told on which channel: each failure once, each recovery once.

What was told before is read from the notices alone, so that nothing else has to be kept. A
notice counts as told when it is written: the outbox sees to it that it is delivered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from marketing_analytics.monitor.alerts.mutes import Mutes
from marketing_analytics.monitor.results import SEVERITIES, Result, kept

ALERT, RECOVERY = "alert", "recovery"
# worst first; that nobody knows is told too, but wakes nobody up
PROBLEMS = ("failing", "warning", "unknown")


@dataclass(frozen=True)
class Channel:
    """Where alerts go; its address is in the environment, under the name `address_from`."""

    name: str
    address_from: str
    severities: tuple[str, ...] = SEVERITIES
    monitors: tuple[str, ...] = ()
    remind_after: timedelta | None = None
    allows_private_addresses: bool = False

    def takes(self, result: Result) -> bool:
        """Return whether it is told of such a finding."""
        return result.severity in self.severities and (
            not self.monitors or result.monitor in self.monitors
        )


@dataclass(frozen=True)
class Notice:
    """One finding on its way to one channel; `cause` is new, worse, reminder or over.

    `sequence` counts what a channel was told about a subject; `open_attempts` are those to deliver
    it of which nobody knows how they ended.
    """

    notice_id: str
    sequence: int
    run_id: str
    channel_name: str
    monitor: str
    subject: str
    kind: str
    cause: str
    status: str
    severity: str
    owner: str
    runbook: str
    since_at: datetime
    created_at: datetime
    sentence: str
    action: str
    attempts: int = 0
    open_attempts: int = 0
    attempted_at: datetime | None = None
    delivered_at: datetime | None = None
    last_error: str | None = None

    @property
    def about(self) -> tuple[str, str, str]:
        """Return what it tells about, and where."""
        return self.channel_name, self.monitor, self.subject

    @property
    def rank(self) -> int:
        """Return how bad it is: 0 is the worst."""
        return rank_of(self.severity, self.status)


def notice_of(row: Mapping[str, Any]) -> Notice:
    """Return a row of the outbox."""
    return Notice(**{name: kept(row, name) for name in Notice.__dataclass_fields__})


@dataclass(frozen=True)
class Told:
    """What a channel has heard about one subject: how many notices, and of an open problem."""

    count: int = 0
    is_open: bool = False
    worst: int = 0
    last_at: datetime | None = None
    last: Notice | None = None

    def and_then(self, notice: Notice) -> Told:
        """Return what is told after another notice."""
        is_open = notice.kind == ALERT
        worst = min(self.worst, notice.rank) if self.is_open else notice.rank
        return Told(self.count + 1, is_open, worst, notice.created_at, notice)


def rank_of(severity: str, status: str) -> int:
    """Return how bad a problem is, 0 is the worst: by severity, then by status."""
    level = PROBLEMS.index(status) if status in PROBLEMS else len(PROBLEMS)
    return SEVERITIES.index(severity) * (len(PROBLEMS) + 1) + level


def told_by(notices: Iterable[Notice]) -> dict[tuple[str, str, str], Told]:
    """Return what the channels have heard, from all notices; their numbers order them."""
    told: dict[tuple[str, str, str], Told] = {}
    for notice in sorted(notices, key=lambda each: each.sequence):
        told[notice.about] = told.get(notice.about, Told()).and_then(notice)
    return told


def decide(
    results: Sequence[Result],
    told: Mapping[tuple[str, str, str], Told],
    channels: Iterable[Channel],
    mutes: Mutes,
    now: datetime,
) -> list[Notice]:
    """Return the notices that one run of the monitors asks for."""
    found = {(result.monitor, result.subject): as_told(result) for result in results}
    return [
        notice
        for channel in channels
        for notice in (*alerts(channel, found, told, mutes, now),
                       *recoveries(channel, found, told, mutes, now))
    ]  # fmt: skip


def as_told(result: Result) -> Result:
    """Return a result with the severity that it is told with."""
    is_urgent = result.status == "unknown" and result.severity == "page"
    return replace(result, severity="ticket") if is_urgent else result


def alerts(
    channel: Channel,
    found: Mapping[tuple[str, str], Result],
    told: Mapping[tuple[str, str, str], Told],
    mutes: Mutes,
    now: datetime,
) -> Iterator[Notice]:
    """Yield what a channel hears of problems: new ones, worse ones, reminders."""
    for result in found.values():
        if result.status not in PROBLEMS or not channel.takes(result):
            continue
        heard = told.get((channel.name, result.monitor, result.subject), Told())
        cause = cause_of(result, heard, channel, now)
        if cause and not mutes.mute(result, now):
            yield notice(channel, result, ALERT, cause, heard, now)


def cause_of(result: Result, heard: Told, channel: Channel, now: datetime) -> str:
    """Return why a problem is told now; an empty text when it is not."""
    if not heard.is_open:
        return "new"
    if rank_of(result.severity, result.status) < heard.worst:
        return "worse"
    is_due = (
        channel.remind_after is not None
        and heard.last_at is not None
        # a clock that was ahead holds up no reminder
        and abs(now - heard.last_at) >= channel.remind_after
    )
    return "reminder" if is_due else ""


def recoveries(
    channel: Channel,
    found: Mapping[tuple[str, str], Result],
    told: Mapping[tuple[str, str, str], Told],
    mutes: Mutes,
    now: datetime,
) -> Iterator[Notice]:
    """Yield the ends of the problems that a channel was told of."""
    for (name, monitor, subject), heard in told.items():
        if name != channel.name or not heard.is_open or heard.last is None:
            continue
        if is_over(found, monitor, subject) and not mutes.silenced(monitor, subject, now):
            last = over(heard.last, found.get((monitor, subject)))
            # that of the alert would put the end before what was told in between
            last = replace(last, run_id=run_of(found))
            yield notice(channel, last, RECOVERY, "over", heard, now)


def run_of(found: Mapping[tuple[str, str], Result]) -> str:
    """Return the run that found something."""
    return next(iter(found.values())).run_id


def is_over(found: Mapping[tuple[str, str], Result], monitor: str, subject: str) -> bool:
    """Return whether a problem has ended; False too while nobody knows.

    A monitor sums up all that is fine in a result without a subject, so that a subject without a
    result is fine, unless the whole monitor is not. One that did not run ends nothing.
    """
    own = found.get((monitor, subject))
    if own is None and all(name != monitor for name, _ in found):
        return False
    judged = own or found.get((monitor, ""))
    return judged is None or judged.status not in PROBLEMS


def over(last: Notice, own: Result | None) -> Notice:
    """Return what is told of the end: severity and owner are those of the alert."""
    named = f"{last.monitor} of {last.subject}" if last.subject else last.monitor
    sentence = own.sentence if own and own.sentence else f"{named} is well again"
    return replace(last, status="ok", sentence=sentence, action="")


def notice(
    channel: Channel, told_of: Result | Notice, kind: str, cause: str, heard: Told, now: datetime
) -> Notice:
    """Return a new notice; its id is that of the number of it that a channel hears of a subject."""
    identity = "\n".join((channel.name, told_of.monitor, told_of.subject, str(heard.count)))
    return Notice(
        notice_id=hashlib.sha256(identity.encode()).hexdigest()[:20],
        sequence=heard.count,
        channel_name=channel.name,
        kind=kind,
        cause=cause,
        created_at=now,
        **{
            name: getattr(told_of, name)
            for name in (
                "run_id", "monitor", "subject", "status", "severity", "owner", "runbook",
                "since_at", "sentence", "action",
            )
        },
    )  # fmt: skip
