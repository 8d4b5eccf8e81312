"""Words and numbers as people read them: durations, times, sizes, schedules.

Times are aware datetimes in UTC; durations are seconds.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime


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
    words = _coarse_words(abs(seconds))
    return f"in {words}" if seconds > 0 else f"{words} ago"


def _coarse_words(seconds: float) -> str:
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d"


def utc_words(at: datetime | None, now: datetime) -> str:
    """Return `14:05 UTC`, with the day in front unless it is today."""
    if at is None:
        return "–"
    at = at.astimezone(UTC)
    clock = f"{at:%H:%M} UTC"
    days = (at.date() - now.date()).days
    if days == 0:
        return clock
    if days == 1:
        return f"tomorrow {clock}"
    if days == -1:
        return f"yesterday {clock}"
    return f"{at:%a} {at.day} {at:%b} {clock}" if at.year == now.year else f"{at:%Y-%m-%d} {clock}"


def exact_words(at: datetime | None) -> str:
    """Return `2026-01-02 03:04:05 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else ""


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


WEEKDAYS = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")
_DAY_NAMES = {"SUN": 0, "MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6}
MAX_TIMES_SHOWN = 4


def schedule_words(cron: str | None) -> str:
    """Return a five-field cron expression in words; the expression itself when it is unusual."""
    if not cron:
        return "On demand"
    fields = cron.split()
    if len(fields) != 5:
        return f"cron {cron}"
    minute, hour, day, month, weekday = fields
    if month != "*" or (day != "*" and weekday != "*"):
        return f"cron {cron}"
    when = _day_words(day, weekday)
    if when is None:
        return f"cron {cron}"
    often = _interval_words(minute, hour)
    if often:
        return often if when == "Every day" else f"{when}, {often[0].lower()}{often[1:]}"
    times = _time_words(minute, hour)
    return f"{when} at {times} UTC" if times else f"cron {cron}"


def _interval_words(minute: str, hour: str) -> str | None:
    if minute == "*" and hour == "*":
        return "Every minute"
    step = re.fullmatch(r"\*/(\d+)", minute)
    if step and hour == "*":
        return f"Every {step[1]} minutes"
    if not minute.isdigit():
        return None
    if hour == "*":
        return f"Every hour at minute {int(minute)}"
    step = re.fullmatch(r"\*/(\d+)", hour)
    if step:
        return f"Every {step[1]} hours at minute {int(minute)}"
    return None


def _time_words(minute: str, hour: str) -> str | None:
    if not minute.isdigit() or not re.fullmatch(r"\d+(,\d+)*", hour):
        return None
    times = [f"{int(part):02d}:{int(minute):02d}" for part in hour.split(",")]
    if len(times) > MAX_TIMES_SHOWN:
        return None
    return times[0] if len(times) == 1 else f"{', '.join(times[:-1])} and {times[-1]}"


def _day_words(day: str, weekday: str) -> str | None:
    if day == "*" and weekday == "*":
        return "Every day"
    if weekday == "*":
        return f"Day {day} of every month" if re.fullmatch(r"\d+(,\d+)*", day) else None
    numbers = _weekday_numbers(weekday)
    if numbers is None:
        return None
    if numbers == [1, 2, 3, 4, 5]:
        return "Monday to Friday"
    if len(numbers) == 7:
        return "Every day"
    names = [WEEKDAYS[number] for number in numbers]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _weekday_numbers(text: str) -> list[int] | None:
    numbers: set[int] = set()
    for part in text.upper().split(","):
        ends = [_DAY_NAMES.get(end, int(end) if end.isdigit() else -1) for end in part.split("-")]
        if len(ends) > 2 or not all(0 <= end <= 7 for end in ends) or ends[0] > ends[-1]:
            return None
        numbers.update(value % 7 for value in range(ends[0], ends[-1] + 1))
    return sorted(numbers)


def next_ticks(cron: str | None, after: datetime, count: int) -> list[datetime]:
    """Return the next ticks of a cron expression in UTC; none when it is absent or invalid."""
    if not cron:
        return []
    from cronsim import CronSim, CronSimError

    try:
        ticks = CronSim(cron, after.astimezone(UTC))
        return [next(ticks) for _ in range(count)]
    except (CronSimError, StopIteration):
        return []
