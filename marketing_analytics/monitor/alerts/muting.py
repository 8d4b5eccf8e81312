"""Silence a subject, or take on a problem."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime

from marketing_analytics.core import clock
from marketing_analytics.core.errors import UserError
from marketing_analytics.monitor import history
from marketing_analytics.monitor.alerts.mutes import ALL, Acknowledgement, Silence
from marketing_analytics.monitor.alerts.notices import PROBLEMS
from marketing_analytics.monitor.durations import duration
from marketing_analytics.monitor.place import Place, opened
from marketing_analytics.monitor.results import KINDS

# of an error
TIME = "%Y-%m-%dT%H:%M:%SZ"


def span_of(
    since: str | None, until: str | None, length: str | None
) -> tuple[datetime | None, datetime]:
    """Return when a silence begins, None for now, and ends. Raise UserError for one of no time."""
    if bool(until) == bool(length):
        raise UserError("a silence needs one end", hint="give --for 2d, or --until TIME")
    now = clock.now()
    start = clock.parse_time(since, "--from") if since else now
    end = clock.parse_time(until, "--until") if until else start + duration(length or "")
    if end <= now:
        raise UserError(f"the end {end:{TIME}} is over", hint=f"it is {now:{TIME}}")
    if end.year > clock.LAST_YEAR:
        raise UserError(
            f"a silence until the year {end.year} would never end",
            hint="give a shorter --for, like 2d",
        )
    if end <= start:
        raise UserError(f"--until {until} is before --from {since}", hint="give a later end")
    return plain(start) if since else None, plain(end)


def plain(at: datetime) -> datetime:
    """Return a time as the tables hold it."""
    return at.astimezone(UTC).replace(tzinfo=None)


def add_silence(
    place: Place,
    monitor: str,
    subject: str,
    span: tuple[datetime | None, datetime],
    reason: str,
    by: str | None,
) -> Silence:
    """Keep a silence. Raise UserError for a monitor that nobody knows, or without a reason."""
    if not reason.strip():
        raise UserError(
            "a silence needs a reason", hint="say why with --reason: whoever looks reads it"
        )
    if monitor not in (ALL, *KINDS):
        raise UserError(f"there is no monitor {monitor!r}", hint=f"known: *, {', '.join(KINDS)}")
    from_at, until_at = span
    now = plain(clock.now())
    added = Silence(monitor, subject, until_at, reason, by or login(), now, from_at)
    with opened(place, is_read_only=False) as connection:
        history.prepare(connection, place)
        history.add(connection, place, "monitor_silences", [vars(added)])
    return added


def acknowledge_problems(
    place: Place, monitor: str, subject: str | None, by: str | None
) -> list[Acknowledgement]:
    """Keep that somebody has taken on the problems of a monitor. Raise UserError without any."""
    with opened(place, is_read_only=False) as connection:
        history.prepare(connection, place)
        problems = [
            result
            for result in history.latest_results(connection, place)
            if result.monitor == monitor and result.status in PROBLEMS
        ]
        wanted = [result for result in problems if subject in (None, result.subject)]
        if not wanted:
            known = ", ".join(repr(result.subject) for result in problems[:10]) or "none"
            what = f"{monitor} of {subject}" if subject is not None else monitor
            raise UserError(f"there is no problem of {what}", hint=f"problems now: {known}")
        who, now = by or login(), plain(clock.now())
        taken = [
            Acknowledgement(monitor, r.subject, r.since_at, who, now, r.run_id) for r in wanted
        ]
        history.add(connection, place, "monitor_acknowledgements", [vars(each) for each in taken])
    return taken


def login() -> str:
    """Return who uses this program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
