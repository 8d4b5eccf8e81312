"""Words and numbers as people read them: durations, times, sizes.

Times are aware datetimes in UTC; durations are seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime

from marketing_analytics.web.zones import local, zone_name


def plural(count: float, one: str, many: str = "") -> str:
    """Return `1 visit` or `1,200 visits`; `many` where it is not `one` with an s at its end.

    Verbs may stand in both: `order is`, `orders are`.
    """
    number = f"{count:,.0f}"
    return f"{number} {one if number == '1' else many or f'{one}s'}"


def parse_time(text: str | None) -> datetime | None:
    """Return a stored time, or None when absent or unreadable."""
    if not text:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def seconds_between(start: str | None, end: str | None, now: datetime) -> float | None:
    """Return the seconds from start to end, or to now while there is no end."""
    begin = parse_time(start)
    if begin is None:
        return None
    return max(0.0, ((parse_time(end) or now) - begin).total_seconds())


def duration_words(seconds: float | None) -> str:
    """Return `155 ms`, `4.2 s`, `51 s`, `1 min 50 s` or `2 h 05 min`; a dash when unknown."""
    if seconds is None:
        return "–"
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 172_800:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def relative_words(at: datetime | None, now: datetime) -> str:
    """Return `in 3 h 12 min`, `5 min ago` or `now`."""
    if at is None:
        return "–"
    seconds = (at - now).total_seconds()
    if abs(seconds) < 1:
        return "now"
    words = coarse_words(abs(seconds))
    return f"in {words}" if seconds > 0 else f"{words} ago"


def coarse_words(seconds: float) -> str:
    """Return a duration with its largest unit or two."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d"


def clock_words(at: datetime | None, now: datetime) -> str:
    """Return `14:05 UTC` in the shown zone, with the day in front unless it is today."""
    if at is None:
        return "–"
    at, now = local(at), local(now)
    clock = f"{at:%H:%M %Z}"
    days = (at.date() - now.date()).days
    if days == 0:
        return clock
    if days == 1:
        return f"tomorrow {clock}"
    if days == -1:
        return f"yesterday {clock}"
    return f"{at:%a} {at.day} {at:%b} {clock}" if at.year == now.year else f"{at:%Y-%m-%d} {clock}"


def utc_clock(at: datetime | None) -> str:
    """Return `14:05 UTC`, whatever the shown zone."""
    return f"{at.astimezone(UTC):%H:%M} UTC" if at else "–"


def exact_words(at: datetime | None) -> str:
    """Return `2026-01-02 03:04:05 UTC`, after the same in the shown zone when that is another."""
    if at is None:
        return ""
    exact = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return exact if zone_name() == "UTC" else f"{local(at):%Y-%m-%d %H:%M:%S %Z}, {exact}"


def size_words(size_bytes: int) -> str:
    """Return `812 B`, `4.1 kB` or `2.3 MB`."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    size = size_bytes / 1000
    for unit in ("kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable")
