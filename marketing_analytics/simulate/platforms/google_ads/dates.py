"""Days, weeks and longer periods of reports, and how far back Google answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np

from marketing_analytics.simulate.emulation.delivery import EPOCH, local_today
from marketing_analytics.simulate.emulation.world_files import IntArray
from marketing_analytics.simulate.platforms.google_ads.fields import CALENDAR, DATES, day_of
from marketing_analytics.simulate.platforms.google_ads.gaql import GaqlError, Query

RETENTION_DAYS = 37 * 31
CLICK_RETENTION_DAYS = 90
# stands for no bound: no day is a million from 1970
NO_DAY = 10**6
Values = dict[str, Any]


def calendar(field: str) -> Callable[[IntArray], IntArray]:
    """Return what turns days into numbers that are equal where a segment is equal."""

    def numbers(days: IntArray) -> IntArray:
        if field == "segments.date":
            return days
        values = {day: calendar_values(day)[field] for day in set(days.tolist())}
        ranks = {value: rank for rank, value in enumerate(sorted(set(values.values())))}
        return np.array([ranks[values[day]] for day in days.tolist()], dtype=np.int64)

    return numbers


def calendar_values(day: int) -> Values:
    """Return the date segments of a day: periods are named by their first day."""
    on = EPOCH + timedelta(days=day)
    return {
        "segments.date": str(on),
        "segments.week": str(on - timedelta(days=on.weekday())),
        "segments.month": str(on.replace(day=1)),
        "segments.quarter": str(on.replace(month=on.month - (on.month - 1) % 3, day=1)),
        "segments.year": on.year,
        "segments.day_of_week": f"{on:%A}".upper(),
        "segments.month_of_year": f"{on:%B}".upper(),
    }


def date_span(query: Query, today: int) -> tuple[int, int]:
    """Return the first and last day of a query. Raise GaqlError without a finite range."""
    low, high = -NO_DAY, NO_DAY
    for condition in query.conditions:
        if condition.field in DATES:
            spans = [period_of(condition.field, token.value) for token in condition.values]
            starts, ends = zip(*spans, strict=True)
            if condition.operator in {"=", "BETWEEN", ">=", ">"}:
                low = max(low, ends[0] + 1 if condition.operator == ">" else starts[0])
            if condition.operator in {"=", "BETWEEN", "<=", "<"}:
                high = min(high, starts[-1] - 1 if condition.operator == "<" else ends[-1])
    if query.resource == "click_view":
        check_click_day(low, high, today)
    is_split = bool(set(query.fields) & set(CALENDAR))
    if is_split and (low == -NO_DAY or high == NO_DAY):
        raise GaqlError(
            "EXPECTED_FILTERS_ON_DATE_RANGE",
            "Expects filters on the following field to limit a finite date range: 'segments.date'",
        )
    if low > high:
        raise GaqlError("DATE_RANGE_TOO_NARROW", "The date range starts after it ends.")
    if is_split and low < today - RETENTION_DAYS:
        raise too_early(today - RETENTION_DAYS)
    return low, high


def period_of(field: str, text: str) -> tuple[int, int]:
    """Return the first and last day of a day, week, month, quarter or year. Raise GaqlError."""
    start = day_of(f"{int(text):04d}-01-01" if field == "segments.year" else text)
    if field == "segments.date":
        return (start - EPOCH).days, (start - EPOCH).days
    if field != "segments.year" and calendar_values((start - EPOCH).days)[field] != str(start):
        message = f"'{text}' is not the first day of its period for '{field}'."
        raise GaqlError("MISALIGNED_DATE_FOR_FILTER", message)
    # any day of the next period; the last one before it ends this period
    length = {"segments.week": 7, "segments.month": 31, "segments.quarter": 92}.get(field, 366)
    first = (start - EPOCH).days
    days = [
        day
        for day in range(first, first + length)
        if str(calendar_values(day)[field]) == str(calendar_values(first)[field])
    ]
    return days[0], days[-1]


def check_click_day(low: int, high: int, today: int) -> None:
    """Raise GaqlError unless a query of clicks is for one of the last days."""
    if low == -NO_DAY or high == NO_DAY or high > low:
        raise GaqlError(
            "EXPECTED_FILTERS_ON_DATE_RANGE",
            "Queries of click_view need a filter on segments.date that limits them to one day.",
        )
    if low < today - CLICK_RETENTION_DAYS:
        raise too_early(today - CLICK_RETENTION_DAYS)


def too_early(first: int) -> GaqlError:
    """Return the error of a day that Google does not keep any more."""
    earliest = EPOCH + timedelta(days=first)
    message = f"Data is not available before {earliest}."
    return GaqlError("EARLIER_THAN_MINIMUM_DATE", message, "dateError")


def today_of(now_us: int, zone: str) -> date:
    """Return the customer's own date."""
    return EPOCH + timedelta(days=local_today(now_us, zone))
