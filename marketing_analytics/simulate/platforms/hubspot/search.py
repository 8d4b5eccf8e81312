"""Search of CRM objects: filters, one sort, and the ceiling on what can be paged through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marketing_analytics.core.clock import parse_time
from marketing_analytics.core.errors import UserError
from marketing_analytics.simulate.platforms.hubspot.definitions import PROPERTIES
from marketing_analytics.simulate.platforms.hubspot.objects import CrmObject
from marketing_analytics.simulate.platforms.hubspot.refusals import invalid

BODY_KEYS = {"filterGroups", "sorts", "query", "properties", "limit", "after"}
FILTER_KEYS = {"propertyName", "operator", "value", "highValue", "values"}
MOST_GROUPS, MOST_FILTERS, MOST_FILTERS_IN_ALL = 5, 6, 18
DEFAULT_LIMIT, MAX_LIMIT = 10, 200

Test = Callable[[CrmObject], bool]
Key = float | str


def search_limit(body: dict[str, Any], ceiling: int) -> tuple[int, int]:
    """Return offset and limit of a search. Raise RefusalError beyond the ceiling."""
    limit, after = body.get("limit", DEFAULT_LIMIT), body.get("after", "0")
    if not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise invalid(f"limit must be from 1 to {MAX_LIMIT}", where="limit")
    if not isinstance(after, str | int) or not str(after or "0").isdigit():
        raise invalid("after must be the value of a previous answer", where="after")
    offset = int(after or 0)
    if offset + limit > ceiling:
        raise invalid(f"The maximum number of results that can be paged through is {ceiling}")
    return offset, limit


def found_by(kind: str, body: dict[str, Any], objects: list[CrmObject]) -> list[CrmObject]:
    """Return the objects that a search body asks for, in its order. Raise RefusalError."""
    for name in body:
        if name not in BODY_KEYS:
            raise invalid(f'Invalid input JSON: Unrecognized field "{name}"')
    groups = [tests_of(kind, group) for group in groups_of(body)]
    query = str(body.get("query") or "").lower()
    found = [
        one
        for one in objects
        if (not groups or any(all(test(one) for test in tests) for tests in groups))
        and (not query or any(query in (v or "").lower() for v in one.properties.values()))
    ]
    return in_order(kind, body.get("sorts") or [], found)


def groups_of(body: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Return the filters by group. Raise RefusalError for what HubSpot would not take."""
    groups = body.get("filterGroups") or []
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        raise invalid("Invalid input JSON: filterGroups is a list of objects")
    filters = [group.get("filters") or [] for group in groups]
    total = sum(map(len, filters))
    if len(groups) > MOST_GROUPS or total > MOST_FILTERS_IN_ALL:
        raise invalid("There are too many filters in the request")
    if any(len(group) > MOST_FILTERS for group in filters):
        raise invalid(f"A filter group has at most {MOST_FILTERS} filters")
    return filters


def tests_of(kind: str, filters: list[dict[str, Any]]) -> list[Test]:
    """Return the tests that an object of a group passes. Raise RefusalError."""
    return [test_of(kind, given) for given in filters]


def test_of(kind: str, given: dict[str, Any]) -> Test:
    """Return the test of one filter. Raise RefusalError."""
    if unknown := sorted(set(given) - FILTER_KEYS):
        raise invalid(f'Invalid input JSON: Unrecognized field "{unknown[0]}"')
    name, operator = str(given.get("propertyName")), given.get("operator")
    data_type = type_of(kind, name)
    if operator in {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}:
        is_wanted = operator == "HAS_PROPERTY"
        return lambda one: bool(one.properties[name]) == is_wanted
    if operator in {"IN", "NOT_IN"}:
        wanted = {comparable(data_type, value) for value in listed(given)}
        return lambda one: (
            bool(one.properties[name])
            and (comparable(data_type, one.properties[name]) in wanted) == (operator == "IN")
        )
    low = comparable(data_type, needed(given, "value"))
    if operator == "BETWEEN":
        high = comparable(data_type, needed(given, "highValue"))
        return lambda one: (
            bool(one.properties[name])
            and low <= comparable(data_type, one.properties[name]) <= high  # type: ignore[operator]
        )
    if operator not in COMPARISONS:
        raise invalid(f"Invalid input JSON: {operator!r} is not an operator", where="operator")
    compare = COMPARISONS[operator]
    return lambda one: (
        bool(one.properties[name]) and compare(comparable(data_type, one.properties[name]), low)
    )


COMPARISONS: dict[Any, Callable[[Any, Any], bool]] = {
    "EQ": lambda a, b: a == b,
    "NEQ": lambda a, b: a != b,
    "LT": lambda a, b: a < b,
    "LTE": lambda a, b: a <= b,
    "GT": lambda a, b: a > b,
    "GTE": lambda a, b: a >= b,
    "CONTAINS_TOKEN": lambda a, b: str(b).strip("*") in str(a),
    "NOT_CONTAINS_TOKEN": lambda a, b: str(b).strip("*") not in str(a),
}


def type_of(kind: str, name: str) -> str:
    """Return the type of a property. Raise RefusalError for one that does not exist."""
    for known, _, data_type, _ in PROPERTIES[kind]:
        if known == name:
            return data_type
    raise invalid(f"Property '{name}' does not exist", where=name)


def needed(given: dict[str, Any], key: str) -> str:
    """Return a value of a filter. Raise RefusalError without one."""
    value = given.get(key)
    if value is None or isinstance(value, dict | list):
        raise invalid(f"{given.get('operator')} needs {key}", where=key)
    return str(value)


def listed(given: dict[str, Any]) -> list[str]:
    """Return the values of a filter. Raise RefusalError without any."""
    values = given.get("values")
    if not isinstance(values, list) or not values:
        raise invalid(f"{given.get('operator')} needs values", where="values")
    return [str(value) for value in values]


def comparable(data_type: str, value: str | None) -> Key:
    """Return a value to compare by; times are milliseconds or ISO. Raise RefusalError."""
    text = value or ""
    try:
        if data_type == "datetime":
            is_number = text.lstrip("-").isdigit()
            return float(text) if is_number else parse_time(text).timestamp() * 1000
        if data_type == "number":
            return float(text or "nan")
    except (ValueError, UserError):
        raise invalid(f"{text!r} was not a valid {data_type}") from None
    return text.lower()


def in_order(kind: str, sorts: Any, found: list[CrmObject]) -> list[CrmObject]:
    """Return objects in the order of the one sort; without one as they were made."""
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise invalid("Only one sort is supported", where="sorts")
    for sort in sorts:
        name, is_descending = sort_of(sort)
        data_type = type_of(kind, name)
        with_value = [one for one in found if one.properties[name]]
        without = [one for one in found if not one.properties[name]]
        with_value.sort(key=lambda one: comparable(data_type, one.properties[name]))
        found = [*(reversed(with_value) if is_descending else with_value), *without]
    return found


def sort_of(sort: Any) -> tuple[str, bool]:
    """Return property and direction of a sort: an object, or text like -createdate."""
    if isinstance(sort, str):
        return sort.lstrip("-"), sort.startswith("-")
    if not isinstance(sort, dict) or set(sort) - {"propertyName", "direction"}:
        raise invalid("Invalid input JSON: a sort has propertyName and direction", where="sorts")
    direction = sort.get("direction", "ASCENDING")
    if direction not in {"ASCENDING", "DESCENDING"}:
        raise invalid(f"{direction!r} is not a direction", where="sorts")
    return str(sort.get("propertyName")), direction == "DESCENDING"
