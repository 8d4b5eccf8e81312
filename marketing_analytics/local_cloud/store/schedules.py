"""dbt Cloud's schedule objects: normalised on every write, as the real API does.

Rules: the table of schedule forms of the Administrative API. Times are UTC, 0 is Sunday.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict

from marketing_analytics.cloud_api.cron import CronError, check_cron, weekdays_of

EVERY_DAY = [0, 1, 2, 3, 4, 5, 6]
HOUR_STEP = re.compile(r"^\*/(\d+)$")


class Date(TypedDict, total=False):
    """The days of a schedule; 0 is Sunday."""

    type: Required[str]
    days: list[int]
    cron: str


class Time(TypedDict, total=False):
    """The hours of a schedule: every so many, or some of the day."""

    type: Required[str]
    interval: int
    hours: list[int]


class Schedule(TypedDict):
    """A schedule in its one form."""

    cron: str
    date: Date
    time: Time


HOURLY: Time = {"type": "every_hour", "interval": 1}


class ScheduleError(ValueError):
    """A part of a schedule is wrong; `path` names it, such as ("date", "cron")."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


def normalise_schedule(given: Mapping[str, Any]) -> Schedule:
    """Return the schedule as dbt Cloud stores it: date and time in one form, cron derived."""
    date = object_at(given, "date")
    time = object_at(given, "time")
    kind = date.get("type") or kind_of(given, date)
    if kind == "every_day":
        return derived_schedule({"type": "every_day"}, normalise_time(time), "*")
    if kind == "days_of_week":
        days = numbers(date.get("days"), 0, 6, "date", "days")
        return derived_schedule({"type": kind, "days": days}, normalise_time(time), join(days))
    if kind == "custom_cron":
        cron = cron_at(date.get("cron") or given.get("cron"), "date", "cron")
        return {"cron": cron, "date": {"type": kind, "cron": cron}, "time": HOURLY.copy()}
    if kind == "interval_cron":
        return interval_schedule(given, date, time)
    raise ScheduleError(
        "expected one of every_day, days_of_week, custom_cron, interval_cron", "date", "type"
    )


def kind_of(given: Mapping[str, Any], date: Mapping[str, Any]) -> str:
    """Return the type of a date that does not say it: what else it says may not be lost."""
    if date.get("days"):
        return "days_of_week"
    return "custom_cron" if date.get("cron") or given.get("cron") else "every_day"


def object_at(given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object under `key`; null and missing are an empty one."""
    value = given.get(key)
    if value is not None and not isinstance(value, dict):
        raise ScheduleError("expected a dictionary", key)
    return value or {}


def derived_schedule(date: Date, time: Time, days: str) -> Schedule:
    """Return a schedule whose cron is computed from its date and time."""
    return {"cron": f"0 {hours_field(time)} * * {days}", "date": date, "time": time}


def hours_field(time: Time) -> str:
    """Return the hours field of the cron of a normalised time."""
    if time["type"] == "at_exact_hours":
        return join(time["hours"])
    return "*" if time["interval"] == 1 else f"*/{time['interval']}"


def normalise_time(time: Mapping[str, Any]) -> Time:
    """Return every_hour with its interval, or at_exact_hours with its hours; never both."""
    kind = time.get("type") or ("at_exact_hours" if time.get("hours") else "every_hour")
    if kind == "every_hour":
        return {"type": kind, "interval": check_interval(time.get("interval"))}
    if kind == "at_exact_hours":
        return {"type": kind, "hours": numbers(time.get("hours"), 0, 23, "time", "hours")}
    raise ScheduleError("expected one of every_hour, at_exact_hours", "time", "type")


def check_interval(value: Any) -> int:
    """Return an interval in hours; missing, null and 0 mean 1."""
    if not value and not isinstance(value, str):
        return 1
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 23:
        raise ScheduleError("expected a number of hours from 1 to 23", "time", "interval")
    return value


def interval_schedule(
    given: Mapping[str, Any], date: Mapping[str, Any], time: Mapping[str, Any]
) -> Schedule:
    """Return an interval_cron schedule; its days are read out of the cron."""
    cron = date.get("cron") or given.get("cron")
    if not cron:
        days = numbers(date.get("days") or EVERY_DAY, 0, 6, "date", "days")
        cron = f"4 */{check_interval(time.get('interval'))} * * {join(days)}"
    cron = cron_at(cron, "date", "cron")
    hours = cron.split()[1]
    step = HOUR_STEP.match(hours)
    interval = check_interval(int(step[1]) if step else time.get("interval"))
    return {
        "cron": cron,
        "date": {"type": "interval_cron", "days": days_of(cron), "cron": cron},
        "time": {"type": "every_hour", "interval": interval},
    }


def days_of(cron: str) -> list[int]:
    """Return the days of the week a cron names, in its order when it is a plain list."""
    field = cron.split()[4]
    if re.fullmatch(r"[0-6](,[0-6])*", field):
        return list(dict.fromkeys(int(day) for day in field.split(",")))
    return weekdays_of(cron)


def numbers(value: Any, low: int, high: int, *path: str) -> list[int]:
    """Return a list of distinct whole numbers within bounds; it must not be empty."""
    if not isinstance(value, list) or not value or len(value) > high - low + 1:
        raise ScheduleError(f"expected a list of numbers from {low} to {high}", *path)
    for item in value:
        if isinstance(item, bool) or not isinstance(item, int) or not low <= item <= high:
            raise ScheduleError(f"expected numbers from {low} to {high}", *path)
    return list(dict.fromkeys(value))


def join(items: Sequence[int]) -> str:
    """Return a cron list such as `6,12,18`."""
    return ",".join(str(item) for item in items)


def cron_at(value: Any, *path: str) -> str:
    """Return a cron expression unchanged. Raise ScheduleError if it is not one."""
    if not isinstance(value, str) or not value.strip():
        raise ScheduleError("required key not provided", *path)
    try:
        check_cron(value)
    except CronError as error:
        raise ScheduleError(f"expected a cron expression of five fields: {error}", *path) from None
    return value
