"""Cron: what is a schedule, when it comes due, and how it is said. Times are UTC, 0 is Sunday."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from marketing_analytics.cloud_api.limits import MAX_CRON_LENGTH

if TYPE_CHECKING:
    from cronsim import CronSim

DAYS = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")
MAX_TIMES_SAID = 4
DAY_NAMES = {"SUN": 0, "MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6}
# where the check of a cron expression looks for its first tick
CHECKED_FROM = datetime(2024, 1, 1, tzinfo=UTC)


class CronError(ValueError):
    """The text is no cron expression, or one that never comes due; the message says why."""


def check_cron(text: str) -> None:
    """Raise CronError unless the text is a cron expression of five fields that comes due."""
    if len(text) > MAX_CRON_LENGTH:
        raise CronError(f"it has {len(text)} characters, more than {MAX_CRON_LENGTH}")
    if len(text.split()) != 5:
        raise CronError(f"it has {len(text.split())} fields, not 5")
    if next_tick(text, CHECKED_FROM) is None:
        raise CronError("it never comes due")


def next_tick(cron: str, after: datetime) -> datetime | None:
    """Return the first tick later than `after`, or None. Raise CronError for no expression."""
    found = next_ticks(cron, after, 1)
    return found[0] if found else None


def next_ticks(
    cron: str, after: datetime, count: int, until: datetime | None = None
) -> list[datetime]:
    """Return the first ticks later than `after`, none from `until` on.

    Raise CronError for no expression.
    """
    try:
        ticks = itertools.islice(simulation(cron, after), count)
        return list(itertools.takewhile(lambda tick: until is None or tick < until, ticks))
    except (AssertionError, TypeError, ValueError, OverflowError) as error:
        raise CronError(str(error).lower() or "it cannot be read") from None


def weekdays_of(cron: str) -> list[int]:
    """Return the days of the week that an expression names, 0 to 6."""
    found = simulation(cron, CHECKED_FROM).weekdays
    # `5L` and `1#2` come as pairs: (day, which one of the month)
    return sorted({(day[0] if isinstance(day, tuple) else day) % 7 for day in found})


def simulation(cron: str, after: datetime) -> CronSim:
    """Return the ticks after a time. Raise CronError for no expression."""
    from cronsim import CronSim, CronSimError

    try:
        return CronSim(cron, after.astimezone(UTC))
    except CronSimError as error:
        raise CronError(str(error).lower()) from None


@lru_cache(maxsize=1024)
def cron_in_words(cron: str) -> str:
    """Return when an expression comes due, such as `Every day at 06:00 and 18:00 UTC`."""
    return usual_words(cron) or unusual_words(cron)


def cron_in_sentence(cron: str) -> str:
    """Return the words for the middle of a sentence; days keep their capital letter."""
    words = cron_in_words(cron)
    is_day = words.startswith(tuple(day.rstrip("s") for day in DAYS))
    return words if is_day else f"{words[0].lower()}{words[1:]}"


def usual_words(cron: str) -> str | None:
    """Return the common forms in words, None for the others."""
    fields = cron.split()
    if len(fields) != 5:
        return None
    minute, hour, day, month, weekday = fields
    if month != "*" or (day != "*" and weekday != "*"):
        return None
    when = day_words(day, weekday)
    if when is None:
        return None
    often = interval_words(minute, hour)
    if often:
        return often if when == "Every day" else f"{when}, {often[0].lower()}{often[1:]}"
    times = time_words(minute, hour)
    return f"{when} at {times} UTC" if times else None


def unusual_words(cron: str) -> str:
    """Return what the cron library says of an expression, itself where it says nothing."""
    try:
        return f"{simulation(cron, CHECKED_FROM).explain()}, UTC"
    except Exception:
        # the words are a courtesy; the expression itself was checked on writing
        return f"cron {cron}"


def interval_words(minute: str, hour: str) -> str | None:
    """Return what repeats within a day, such as `every 15 minutes`, or None."""
    if minute == "*" and hour == "*":
        return "Every minute"
    step = even_step(minute, 60)
    if step and hour == "*":
        return f"Every {step} minutes"
    if not minute.isdigit():
        return None
    if hour == "*":
        return f"Every hour at minute {int(minute)}"
    step = even_step(hour, 24)
    return f"Every {step} hours at minute {int(minute)}" if step else None


def even_step(field: str, whole: int) -> int:
    """Return the step of a field such as `*/15`, 0 without any or where it begins anew unevenly.

    `*/45` is at minute 0 and 45, not every 45 minutes.
    """
    found = re.fullmatch(r"\*/([1-9]\d?)", field)
    step = int(found[1]) if found else 0
    return step if step > 1 and whole % step == 0 else 0


def time_words(minute: str, hour: str) -> str | None:
    """Return times of the day, such as `06:00 and 18:00`, or None."""
    if not minute.isdigit() or not re.fullmatch(r"\d+(,\d+)*", hour):
        return None
    times = [f"{int(part):02d}:{int(minute):02d}" for part in hour.split(",")]
    return enumeration(times) if len(times) <= MAX_TIMES_SAID else None


def day_words(day: str, weekday: str) -> str | None:
    """Return the days of the month or the week, or None."""
    if day == "*" and weekday == "*":
        return "Every day"
    if weekday == "*":
        return f"Day {day} of every month" if re.fullmatch(r"\d+(,\d+)*", day) else None
    numbers = weekday_numbers(weekday)
    if numbers is None:
        return None
    if numbers == [1, 2, 3, 4, 5]:
        return "Monday to Friday"
    return "Every day" if len(numbers) == 7 else enumeration([DAYS[n] for n in numbers])


def weekday_numbers(text: str) -> list[int] | None:
    """Return the days of the week, 0 is Sunday; None for what is no plain list."""
    numbers: set[int] = set()
    for part in text.upper().split(","):
        ends = [DAY_NAMES.get(end, int(end) if end.isdigit() else -1) for end in part.split("-")]
        if len(ends) > 2 or not all(0 <= end <= 7 for end in ends) or ends[0] > ends[-1]:
            return None
        numbers.update(value % 7 for value in range(ends[0], ends[-1] + 1))
    return sorted(numbers)


def enumeration(items: list[str]) -> str:
    """Return items as `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
