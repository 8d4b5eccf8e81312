"""Which days a report covers: `date_preset`, `time_range`, `time_ranges`, `time_increment`."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import Any

from marketing_analytics.simulate.platforms.meta_ads.errors import (
    MetaError,
    bad_parameter,
    not_one_of,
)
from marketing_analytics.simulate.platforms.meta_ads.graph import ENUMERATIONS
from marketing_analytics.simulate.platforms.meta_ads.parameters import (
    Parameters,
    read_day,
    read_json,
)

RETENTION_DAYS = 37 * 31
LONGEST_INCREMENT = 90

Span = tuple[date, date]


def read_spans(parameters: Parameters, today: date) -> list[Span]:
    """Return the spans of the rows of a report. Raise MetaError.

    `time_ranges` comes before `time_range` and that before `date_preset`; with `time_ranges`
    there is no `time_increment`, each range is one row.
    """
    ranges = read_json(parameters, "time_ranges")
    if ranges is not None:
        if not isinstance(ranges, list) or not ranges:
            raise bad_parameter("Param time_ranges must be an array.")
        return [read_span(one, today) for one in ranges]
    return periods(*whole_span(parameters, today), parameters.get("time_increment", "all_days"))


def whole_span(parameters: Parameters, today: date) -> Span:
    """Return the first and the last day of a report. Raise MetaError."""
    ranges = read_json(parameters, "time_ranges")
    if isinstance(ranges, list) and ranges:
        spans = [read_span(one, today) for one in ranges]
        return min(start for start, _ in spans), max(end for _, end in spans)
    value = read_json(parameters, "time_range")
    if value is not None:
        return read_span(value, today)
    return preset_span(parameters.get("date_preset", "last_30d"), today)


def read_span(value: Any, today: date) -> Span:
    """Return a time range. Raise MetaError."""
    if not isinstance(value, dict) or set(value) != {"since", "until"}:
        raise bad_parameter("Must be a time range with since and until as YYYY-MM-DD")
    since, until = read_day(value["since"]), read_day(value["until"])
    if since > until:
        raise bad_parameter("since must not be after until")
    if (today - since).days > RETENTION_DAYS:
        message = (
            "(#3018) The start date of the time range cannot be beyond 37 months from the "
            "current date"
        )
        raise MetaError(message, code=3_018)
    return since, until


def preset_span(name: str, today: date) -> Span:
    """Return the span of a `date_preset`. Raise MetaError."""
    name = name.strip('"')
    if name not in ENUMERATIONS["DatePreset"]:
        raise not_one_of("date_preset", name, ENUMERATIONS["DatePreset"])
    yesterday = today - timedelta(days=1)
    if name in {"maximum", "data_maximum"}:
        return today - timedelta(days=RETENTION_DAYS), today
    if name in {"today", "yesterday"}:
        return (today, today) if name == "today" else (yesterday, yesterday)
    # the last whole days, without today
    if name.startswith("last_") and name.endswith("d"):
        return today - timedelta(days=int(name[5:-1])), yesterday
    first = first_of(name, today)
    if name.startswith("this"):
        return first, today
    last = first - timedelta(days=1)
    return first_of(name, last), last


def first_of(name: str, day: date) -> date:
    """Return the first day of the week, month, quarter or year of a day."""
    if "_week_" in name:
        days_in = day.weekday() if "_mon_" in name else (day.weekday() + 1) % 7
        return day - timedelta(days=days_in)
    if name.endswith("month"):
        return day.replace(day=1)
    if name.endswith("quarter"):
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day.replace(month=1, day=1)


def periods(since: date, until: date, text: str) -> list[Span]:
    """Return the spans of single rows; the last may be shorter. Raise MetaError."""
    text = text.strip('"')
    if text == "all_days":
        return [(since, until)]
    if text != "monthly" and not (text.isdigit() and 1 <= int(text) <= LONGEST_INCREMENT):
        raise bad_parameter("time_increment must be an integer from 1 to 90, monthly or all_days")
    found = []
    while since <= until:
        # periods count from the first day asked for, not from a Monday
        end = month_end(since) if text == "monthly" else since + timedelta(days=int(text) - 1)
        found.append((since, min(end, until)))
        since = end + timedelta(days=1)
    return found


def days_of(span: Span) -> list[date]:
    """Return every day of a span."""
    start, end = span
    return [start + timedelta(days=index) for index in range((end - start).days + 1)]


def month_end(day: date) -> date:
    """Return the last day of a month."""
    return day.replace(day=monthrange(day.year, day.month)[1])
