"""The body of runReport: what is asked, or the refusal that Google gives.

A key that the API does not have is refused, and so is one that is not served here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from marketing_analytics.simulate.platforms.ga4_reports.errors import (
    SCHEMA_PAGE,
    invalid,
    not_served,
    unknown_field,
)

DIMENSIONS = (
    "browser",
    "country",
    "date",
    "deviceCategory",
    "eventName",
    "hostName",
    "pagePath",
    "sessionCampaignName",
    "sessionDefaultChannelGroup",
    "sessionMedium",
    "sessionSource",
)
# metric: its type
METRICS = {
    "activeUsers": "TYPE_INTEGER",
    "conversions": "TYPE_FLOAT",
    "ecommercePurchases": "TYPE_INTEGER",
    "engagedSessions": "TYPE_INTEGER",
    "eventCount": "TYPE_INTEGER",
    "keyEvents": "TYPE_FLOAT",
    "newUsers": "TYPE_INTEGER",
    "purchaseRevenue": "TYPE_CURRENCY",
    "screenPageViews": "TYPE_INTEGER",
    "sessions": "TYPE_INTEGER",
    "totalRevenue": "TYPE_CURRENCY",
    "totalUsers": "TYPE_INTEGER",
    "userEngagementDuration": "TYPE_SECONDS",
}
MOST_DIMENSIONS, MOST_METRICS = 9, 10
DEFAULT_LIMIT, MOST_ROWS = 10_000, 250_000
SERVED = {
    "dateRanges",
    "dimensionFilter",
    "dimensions",
    "keepEmptyRows",
    "limit",
    "metricAggregations",
    "metrics",
    "offset",
    "orderBys",
    "returnPropertyQuota",
}
UNSERVED = {"cohortSpec", "comparisons", "conversionSpec", "currencyCode", "metricFilter"}
# proto JSON takes the number of a value too
TOTAL = ("TOTAL", 1)
MATCHES: Mapping[Any, str] = {
    name: kind
    for number, kind in enumerate(
        ("EXACT", "BEGINS_WITH", "ENDS_WITH", "CONTAINS", "FULL_REGEXP", "PARTIAL_REGEXP"), start=1
    )
    for name in (number, kind)
}


@dataclass(frozen=True)
class Order:
    """A column to sort by."""

    name: str
    is_descending: bool


@dataclass(frozen=True)
class Query:
    """What one report is asked for; days are numbers of digits, both included."""

    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    first_day: str
    last_day: str
    limit: int
    offset: int
    orders: tuple[Order, ...]
    filter: dict[str, Any] | None
    has_totals: bool
    has_quota: bool
    keeps_empty: bool


def parse_query(body: Any, today: date) -> Query:
    """Return what is asked. Raise ReportError."""
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received. Root element must be a message.")
    given = {camel(name): value for name, value in body.items()}
    for name in sorted(given):
        if name in UNSERVED:
            raise not_served(name)
        if name not in SERVED:
            raise unknown_field(name)
    dimensions = names_of(given, "dimensions", DIMENSIONS, MOST_DIMENSIONS)
    metrics = names_of(given, "metrics", tuple(METRICS), MOST_METRICS)
    if not dimensions and not metrics:
        raise invalid("Requests must have at least one dimension or metric.")
    first, last = days_of(given.get("dateRanges"), today)
    return Query(
        dimensions,
        metrics,
        first,
        last,
        limit=number_of(given, "limit", DEFAULT_LIMIT, MOST_ROWS),
        offset=number_of(given, "offset", 0, 2**62),
        orders=tuple(order_of(one, dimensions, metrics) for one in listed(given, "orderBys")),
        filter=checked_filter(given.get("dimensionFilter")),
        has_totals=has_totals(given),
        has_quota=flag_of(given, "returnPropertyQuota"),
        keeps_empty=flag_of(given, "keepEmptyRows"),
    )


def camel(name: str) -> str:
    """Return the JSON name of a field: proto JSON takes both."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def listed(given: Mapping[str, Any], name: str) -> Sequence[dict[str, Any]]:
    """Return a list of objects. Raise ReportError."""
    found = given.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise invalid(f'Invalid value at "{name}": a list of messages was expected.')
    return found


def flag_of(given: Mapping[str, Any], name: str) -> bool:
    """Return a flag. Raise ReportError."""
    found = given.get(name, False)
    if not isinstance(found, bool):
        raise invalid(f'Invalid value at "{name}" (TYPE_BOOL), {found!r}')
    return found


def number_of(given: Mapping[str, Any], name: str, default: int, most: int) -> int:
    """Return an int64, which JSON may write as text. Raise ReportError."""
    found = given.get(name, default)
    if isinstance(found, bool) or not re.fullmatch(r"-?\d+", str(found)):
        raise invalid(f'Invalid value at "{name}" (TYPE_INT64), {found!r}')
    number = int(found)
    if not 0 <= number <= most:
        raise invalid(f"The {name} must be between 0 and {most}, but {number} was given.")
    # 0 is what an absent number is
    return number or default


def names_of(
    given: Mapping[str, Any], name: str, known: Sequence[str], most: int
) -> tuple[str, ...]:
    """Return dimensions or metrics. Raise ReportError for unknown ones."""
    kind = name.removesuffix("s")
    rows = listed(given, name)
    for row in rows:
        for key in row.keys() - {"name"}:
            raise not_served(f"{name}.{key}") if key == "expression" else unknown_field(key, name)
    names = tuple(str(row.get("name", "")) for row in rows)
    for one in names:
        if one not in known:
            near = next((k for k in known if k.lower().startswith(one.lower()[:5]) and one), "")
            lead = f"Did you mean {near}? " if near else ""
            raise invalid(
                f"{lead}Field {one} is not a valid {kind}. For a list of valid dimensions and "
                f"metrics, see {SCHEMA_PAGE} "
            )
    if len(names) > most:
        raise invalid(f"Requests are limited to {most} {name}, but {len(names)} were given.")
    if len(set(names)) < len(names):
        raise invalid(f"Requests must have unique {name}.")
    return names


def days_of(given: Any, today: date) -> tuple[str, str]:
    """Return first and last day of the one range that is served. Raise ReportError."""
    ranges = listed({"dateRanges": given}, "dateRanges")
    if not ranges:
        raise invalid("dateRanges is required.")
    if len(ranges) > 1:
        raise not_served("More than one of dateRanges")
    found = {camel(name): value for name, value in ranges[0].items()}
    for name in found.keys() - {"startDate", "endDate"}:
        raise not_served("dateRanges.name") if name == "name" else unknown_field(name, "dateRanges")
    first, last = (day_of(found.get(name), name, today) for name in ("startDate", "endDate"))
    if first > last:
        raise invalid(f"endDate {last} must be after or the same as startDate {first}.")
    return f"{first:%Y%m%d}", f"{last:%Y%m%d}"


def day_of(text: Any, name: str, today: date) -> date:
    """Return a day of the property. Raise ReportError."""
    back = re.fullmatch(r"(\d+)daysAgo", str(text))
    if back:
        return today - timedelta(days=int(back[1]))
    if text in {"today", "yesterday"}:
        return today - timedelta(days=int(text == "yesterday"))
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", str(text)):
            return date.fromisoformat(str(text))
    except ValueError:
        pass
    raise invalid(
        f"Invalid {name}: {text}. A date has to match the format YYYY-MM-DD, NdaysAgo, "
        "yesterday, or today."
    )


def order_of(given: dict[str, Any], dimensions: Sequence[str], metrics: Sequence[str]) -> Order:
    """Return a column to sort by. Raise ReportError."""
    found = {camel(name): value for name, value in given.items()}
    for name in found.keys() - {"desc", "dimension", "metric"}:
        raise not_served("orderBys.pivot") if name == "pivot" else unknown_field(name, "orderBys")
    for kind, known in (("dimension", dimensions), ("metric", metrics)):
        if kind not in found:
            continue
        inner = {camel(name): value for name, value in found[kind].items()}
        if inner.get("orderType") not in {None, 0, 1, "ALPHANUMERIC", "ORDER_TYPE_UNSPECIFIED"}:
            raise not_served(f"orderType {inner['orderType']}")
        name = str(inner.get(f"{kind}Name"))
        if name not in known:
            raise invalid(f"orderBys {kind} {name} is not among the {kind}s of the request.")
        return Order(name, flag_of(found, "desc"))
    raise invalid("orderBys has neither a dimension nor a metric.")


def has_totals(given: Mapping[str, Any]) -> bool:
    """Return whether totals are asked for. Raise ReportError for other aggregations."""
    found = given.get("metricAggregations") or []
    for one in found:
        if one not in TOTAL:
            raise not_served(f"metricAggregations {one}")
    return bool(found)


def checked_filter(given: Any) -> dict[str, Any] | None:
    """Return a filter in camel case, all of whose parts are served. Raise ReportError."""
    if given is None:
        return None
    found = {camel(name): value for name, value in given.items()}
    if found.keys() <= {"andGroup", "orGroup"} and found:
        name, group = next(iter(found.items()))
        return {name: [checked_filter(one) for one in group.get("expressions", [])]}
    if found.keys() == {"notExpression"}:
        return {"notExpression": checked_filter(found["notExpression"])}
    if found.keys() != {"filter"}:
        raise unknown_field(", ".join(sorted(found)), "dimensionFilter")
    inner = {camel(name): value for name, value in found["filter"].items()}
    if inner.get("fieldName") not in DIMENSIONS:
        raise invalid(f"Field {inner.get('fieldName')} is not a valid dimension.")
    for name in inner.keys() - {"fieldName", "stringFilter", "inListFilter"}:
        raise not_served(f"dimensionFilter.filter.{name}")
    return inner
