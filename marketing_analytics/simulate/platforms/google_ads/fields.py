"""Which fields there are, what they hold, and which of them fit together, as Google decides it.

`fields.txt` lists the fields of the protocol, and the versions that know them. One that the world
knows nothing of is empty in every row, as for a customer who does not use it. A segment that cannot
be served is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from marketing_analytics.simulate.platforms.google_ads.gaql import (
    SIGNS,
    TEXTS,
    Condition,
    GaqlError,
    Query,
    Token,
)

DATES = (
    "segments.date", "segments.week", "segments.month", "segments.quarter", "segments.year",
)  # fmt: skip
CALENDAR = (*DATES, "segments.day_of_week", "segments.month_of_year")
DELIVERY = ("segments.device", "segments.ad_network_type")
CONVERSION = (
    "segments.conversion_action", "segments.conversion_action_name",
    "segments.conversion_action_category",
)  # fmt: skip
KEYWORD = (
    "segments.keyword.ad_group_criterion", "segments.keyword.info.text",
    "segments.keyword.info.match_type",
)  # fmt: skip
BUDGET = (
    "segments.budget_campaign_association_status.campaign",
    "segments.budget_campaign_association_status.status",
)
HOUR = "segments.hour"
# the smallest place that the world knows is the country; parts of it are empty
PLACE = tuple(
    f"segments.geo_target_{place}"
    for place in (
        "airport", "canton", "city", "county", "district", "metro", "most_specific_location",
        "postal_code", "province", "region", "state",
    )
)  # fmt: skip
# the world has no products: these are empty
PRODUCT = (
    *(
        f"segments.product_{name}"
        for name in (
            "aggregator_id", "brand", "channel", "channel_exclusivity", "condition", "country",
            "feed_label", "item_id", "language", "merchant_id", "store_id", "title",
        )
    ),
    *(f"segments.product_category_level{level}" for level in range(1, 6)),
    *(f"segments.product_custom_attribute{number}" for number in range(5)),
    *(f"segments.product_type_l{level}" for level in range(1, 6)),
)  # fmt: skip
# when something changed: a time that the protocol calls a text
CHANGED_AT = "change_status.last_change_date_time"
# all that can be split by what was converted
CONVERSION_METRICS = frozenset(
    f"metrics.{name}"
    for name in (
        "conversions", "conversions_value", "all_conversions", "all_conversions_value",
        "view_through_conversions", "value_per_conversion", "value_per_all_conversions",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Resource:
    """What may be selected from a resource: other resources' fields, segments, metrics."""

    attributes: tuple[str, ...]
    segments: tuple[str, ...] = ()

    @property
    def has_metrics(self) -> bool:
        """Return whether there is delivery to be counted."""
        return bool(self.segments)


USUAL = (*CALENDAR, *DELIVERY, *CONVERSION)
RESOURCES = {
    "customer": Resource(("customer",), (*USUAL, HOUR)),
    "customer_client": Resource(("customer", "customer_client")),
    "conversion_action": Resource(("customer", "conversion_action")),
    "campaign_budget": Resource(("customer", "campaign", "campaign_budget"), (*USUAL, *BUDGET)),
    "campaign": Resource(
        ("customer", "campaign", "campaign_budget", "bidding_strategy"), (*USUAL, HOUR)
    ),
    "campaign_criterion": Resource(("customer", "campaign", "campaign_criterion")),
    "ad_group": Resource(("customer", "campaign", "ad_group", "bidding_strategy"), (*USUAL, HOUR)),
    "ad_group_ad": Resource(("customer", "campaign", "ad_group", "ad_group_ad"), USUAL),
    "ad_group_criterion": Resource(("customer", "campaign", "ad_group", "ad_group_criterion")),
    "keyword_view": Resource(
        ("customer", "campaign", "ad_group", "ad_group_criterion", "keyword_view"), USUAL
    ),
    "search_term_view": Resource(
        ("customer", "campaign", "ad_group", "search_term_view"),
        (*USUAL, *KEYWORD, "segments.search_term_match_type"),
    ),
    "click_view": Resource(
        ("customer", "campaign", "ad_group", "click_view"),
        (*DELIVERY, "segments.date", "segments.month_of_year", "segments.click_type"),
    ),
    "geographic_view": Resource(
        ("customer", "campaign", "ad_group", "geographic_view"), (*USUAL, *PLACE)
    ),
    "user_location_view": Resource(
        ("customer", "campaign", "ad_group", "user_location_view"), (*USUAL, *PLACE)
    ),
    "shopping_performance_view": Resource(
        ("customer", "campaign", "ad_group", "shopping_performance_view"),
        (*USUAL, *PRODUCT, "segments.click_type"),
    ),
    "change_status": Resource(("customer", "campaign", "ad_group", "change_status")),
    # the world has none of these: every answer is empty
    "display_keyword_view": Resource(
        ("customer", "campaign", "ad_group", "ad_group_criterion", "display_keyword_view"), USUAL
    ),
    "topic_view": Resource(
        ("customer", "campaign", "ad_group", "ad_group_criterion", "topic_view"), USUAL
    ),
    "user_interest": Resource(("customer", "user_interest")),
    "audience": Resource(("customer", "audience")),
    "bidding_strategy": Resource(("customer", "bidding_strategy")),
    "label": Resource(("customer", "label")),
    "customer_label": Resource(("customer", "label", "customer_label")),
    "campaign_label": Resource(("customer", "campaign", "label", "campaign_label")),
    "ad_group_label": Resource(("customer", "campaign", "ad_group", "label", "ad_group_label")),
    "ad_group_ad_label": Resource(
        ("customer", "campaign", "ad_group", "ad_group_ad", "label", "ad_group_ad_label")
    ),
    "ad_group_criterion_label": Resource(
        (
            "customer",
            "campaign",
            "ad_group",
            "ad_group_criterion",
            "label",
            "ad_group_criterion_label",
        )
    ),
}
EQUALITY = {"=", "!=", "IN", "NOT IN", "IS NULL", "IS NOT NULL"}
OPERATORS: Mapping[str, set[str]] = {
    "STRING": {*EQUALITY, *TEXTS},
    "ENUM": EQUALITY,
    "BOOLEAN": {"=", "!=", "IS NULL", "IS NOT NULL"},
    "INT64": {*SIGNS, *EQUALITY, "BETWEEN"},
    "INT32": {*SIGNS, *EQUALITY, "BETWEEN"},
    "DOUBLE": {*SIGNS, *EQUALITY, "BETWEEN"},
    "MESSAGE": {"IS NULL", "IS NOT NULL"},
    "DATE": {"=", ">", ">=", "<", "<=", "BETWEEN"},
    "TIME": {"=", ">", ">=", "<", "<=", "BETWEEN"},
}
NUMBERS = {"INT64", "INT32", "DOUBLE"}


@dataclass(frozen=True)
class Field:
    """The type of a field, the versions that know it, and of an enum its constants."""

    kind: str
    versions: range
    constants: tuple[str, ...] = ()


@cache
def known_fields() -> dict[str, Field]:
    """Return every field of the protocol, of all versions."""
    found = {}
    special = {CHANGED_AT: "TIME", **dict.fromkeys(DATES[:4], "DATE")}
    for line in files(__package__).joinpath("fields.txt").read_text("utf-8").splitlines():
        name, versions, kind, *constants = line.split()
        first, last = map(int, versions.split("-"))
        kind = special.get(name, kind)
        found[name] = Field(kind, range(first, last + 1), tuple(constants))
    return found


def check_query(query: Query, version: int) -> None:
    """Raise GaqlError for a resource, field, operator or value that does not exist or fit."""
    resource = RESOURCES.get(query.resource)
    if resource is None:
        message = f"Unrecognized resource in the FROM clause: '{query.resource}'."
        raise GaqlError("BAD_RESOURCE_TYPE_IN_FROM_CLAUSE", message)
    for field in sorted(query.all_fields):
        if field not in known_fields() or version not in known_fields()[field].versions:
            raise GaqlError("UNRECOGNIZED_FIELD", f"Unrecognized field in the query: '{field}'.")
        check_fits(field, query, resource)
    check_metrics(query)
    check_references(query)
    for condition in query.conditions:
        check_condition(condition)


def check_fits(field: str, query: Query, resource: Resource) -> None:
    """Raise GaqlError where a field cannot be had from a resource."""
    owner = field.split(".")[0]
    clause = "SELECT" if field in query.fields else "WHERE"
    if owner == "metrics" and not resource.has_metrics:
        name = "PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE"
    elif owner == "segments" and field not in resource.segments:
        name = "PROHIBITED_SEGMENT_IN_SELECT_OR_WHERE_CLAUSE"
    elif owner not in {"metrics", "segments", *resource.attributes}:
        name = f"PROHIBITED_RESOURCE_TYPE_IN_{clause}_CLAUSE"
    elif query.resource == "click_view" and owner == "metrics" and field != "metrics.clicks":
        name = "PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE"
    else:
        return
    raise GaqlError(name, f"Cannot select or filter '{field}' with resource '{query.resource}'.")


def check_metrics(query: Query) -> None:
    """Raise GaqlError for clicks and costs split by what was converted."""
    metrics = {field for field in query.all_fields if field.startswith("metrics.")}
    wrong = sorted(metrics - CONVERSION_METRICS)
    if wrong and query.all_fields & set(CONVERSION):
        raise GaqlError(
            "PROHIBITED_SEGMENT_WITH_METRIC_IN_SELECT_OR_WHERE_CLAUSE",
            f"Cannot select or filter '{wrong[0]}' with segments of conversion actions.",
        )


def check_references(query: Query) -> None:
    """Raise GaqlError for a segment that is filtered or sorted by and not selected."""
    filtered = {c.field for c in query.conditions if c.field not in DATES}
    # every click has a day, asked for or not
    for field in sorted(filtered | {field for field, _ in query.order_by}):
        if field.startswith("segments.") and field not in query.fields:
            message = f"The following field must be present in SELECT clause: '{field}'."
            raise GaqlError("EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE", message)
        if field.startswith("metrics.") and field not in {*query.fields, *filtered}:
            message = f"'{field}' in ORDER BY must also be in SELECT."
            raise GaqlError("EXPECTED_REFERENCED_FIELD_IN_SELECT_CLAUSE", message)


def check_condition(condition: Condition) -> None:
    """Raise GaqlError for an operator or a value that its field cannot have."""
    field = known_fields()[condition.field]
    # a year is a number that bounds days
    kind = "DATE" if condition.field in DATES else field.kind
    if condition.operator not in OPERATORS[kind]:
        message = f"Operator {condition.operator} is not supported for '{condition.field}'."
        raise GaqlError("OPERATOR_FIELD_MISMATCH", message)
    for token in condition.values:
        literal(condition, field, token)


def literal(condition: Condition, field: Field, token: Token) -> Any:
    """Return a value in the type of its field. Raise GaqlError."""
    name, what = condition.field, token.value
    if condition.operator in TEXTS and not token.is_text:
        raise GaqlError("INVALID_VALUE_WITH_LIKE_OPERATOR", f"{what} is no text.")
    if field.kind in NUMBERS:
        try:
            return float(what) if field.kind == "DOUBLE" else int(what)
        except ValueError:
            raise GaqlError("BAD_NUMBER", f"'{what}' is no number for '{name}'.") from None
    if field.kind == "BOOLEAN":
        if what.upper() not in {"TRUE", "FALSE"}:
            raise GaqlError("BAD_VALUE", f"'{what}' is neither true nor false.")
        return what.upper() == "TRUE"
    if field.kind == "ENUM" and what not in field.constants:
        raise GaqlError("BAD_ENUM_CONSTANT", f"'{name}' has no value '{what}'.")
    if field.kind == "STRING" and not token.is_text:
        raise GaqlError("BAD_VALUE", f"'{name}' takes a text in quotes, not {what}.")
    if field.kind == "TIME":
        return time_of(what)
    return day_of(what) if field.kind == "DATE" else what


def day_of(text: str) -> date:
    """Return a date. Raise GaqlError unless it is YYYY-MM-DD or YYYYMMDD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise GaqlError("INVALID_DATE_FORMAT", f"Invalid date: '{text}'.") from None


def time_of(text: str) -> str:
    """Return a time as rows hold it. Raise GaqlError where it is none."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S.%f}"
    except ValueError:
        raise GaqlError("INVALID_DATE_FORMAT", f"Invalid date: '{text}'.") from None


def test_of(condition: Condition) -> Callable[[Mapping[str, Any]], bool]:
    """Return whether a row passes a condition; an empty field passes only IS NULL."""
    name, operator = condition.field, condition.operator
    field = known_fields()[name]
    if operator in {"IS NULL", "IS NOT NULL"}:
        return lambda row: (row.get(name) is None) == (operator == "IS NULL")
    values = [literal(condition, field, token) for token in condition.values]
    holds = comparison(operator, values)
    if operator in {"!=", "NOT IN", "NOT LIKE", "NOT REGEXP_MATCH"}:
        return lambda row: row.get(name) is None or holds(row[name])
    return lambda row: row.get(name) is not None and holds(row[name])


def comparison(operator: str, values: list[Any]) -> Callable[[Any], bool]:
    """Return the test of a value."""
    first = values[0]
    if operator in TEXTS:
        pattern = first if "REGEXP" in operator else like_pattern(first)
        try:
            matcher = re.compile(pattern, re.DOTALL | re.IGNORECASE)
        except re.error:
            raise GaqlError("INVALID_STRING_VALUE", f"Bad expression: {pattern}.") from None
        return lambda value: bool(matcher.fullmatch(value)) != operator.startswith("NOT")
    tests: dict[str, Callable[[Any], bool]] = {
        "=": lambda value: bool(value == first),
        "!=": lambda value: bool(value != first),
        ">": lambda value: bool(value > first),
        ">=": lambda value: bool(value >= first),
        "<": lambda value: bool(value < first),
        "<=": lambda value: bool(value <= first),
        "IN": lambda value: value in values,
        "NOT IN": lambda value: value not in values,
        "BETWEEN": lambda value: bool(first <= value <= values[1]),
    }
    return tests[operator]


def like_pattern(text: str) -> str:
    """Return LIKE as a regular expression: % is any text, _ one sign, [%] the sign itself."""
    parts = re.findall(r"\[(.)\]|(%)|(_)|(.)", text, re.DOTALL)
    return "".join(
        ".*" if many else "." if one else re.escape(escaped or plain)
        for escaped, many, one, plain in parts
    )
