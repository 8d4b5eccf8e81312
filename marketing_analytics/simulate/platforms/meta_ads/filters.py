"""`filtering` and `sort`: conditions on the fields of rows, and their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from marketing_analytics.simulate.platforms.meta_ads.errors import bad_parameter, not_one_of
from marketing_analytics.simulate.platforms.meta_ads.parameters import (
    Parameters,
    read_json,
    read_names,
)

Row = Mapping[str, Any]

COMPARISONS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "GREATER_THAN": lambda a, b: a > b,
    "GREATER_THAN_OR_EQUAL": lambda a, b: a >= b,
    "LESS_THAN": lambda a, b: a < b,
    "LESS_THAN_OR_EQUAL": lambda a, b: a <= b,
    "AFTER": lambda a, b: a > b,
    "BEFORE": lambda a, b: a < b,
}
TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    "EQUAL": lambda a, b: a == b,
    "NOT_EQUAL": lambda a, b: a != b,
    "CONTAIN": lambda a, b: b.lower() in a.lower(),
    "NOT_CONTAIN": lambda a, b: b.lower() not in a.lower(),
    "STARTS_WITH": lambda a, b: a.lower().startswith(b.lower()),
}
LISTS = ("IN", "NOT_IN", "IN_RANGE", "NOT_IN_RANGE")
OPERATORS = (*TEXTS, *COMPARISONS, *LISTS)


@dataclass(frozen=True)
class Filter:
    """One condition on a field."""

    field: str
    operator: str
    value: Any

    def holds(self, found: Any) -> bool:
        """Return whether a value fulfils it; nothing fulfils a comparison with nothing."""
        if self.operator in TEXTS:
            return TEXTS[self.operator](str(found or ""), str(self.value))
        if self.operator in COMPARISONS:
            return found is not None and COMPARISONS[self.operator](number(found), self.value)
        if self.operator in {"IN", "NOT_IN"}:
            return (str(found) in self.value) is (self.operator == "IN")
        low, high = self.value
        is_within = found is not None and low <= number(found) <= high
        return is_within is (self.operator == "IN_RANGE")


def read_filters(parameters: Parameters) -> list[Filter]:
    """Return the conditions of `filtering`. Raise MetaError."""
    found = read_json(parameters, "filtering")
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise bad_parameter("Param filtering must be an array of objects.")
    return [read_filter(one) for one in found]


def read_filter(one: Mapping[str, Any]) -> Filter:
    """Return one condition. Raise MetaError."""
    if set(one) != {"field", "operator", "value"} or not isinstance(one["field"], str):
        raise bad_parameter("Param filtering must have field, operator and value.")
    operator, value = str(one["operator"]).upper(), one["value"]
    if operator not in OPERATORS:
        raise not_one_of("filtering[0][operator]", operator, OPERATORS)
    if operator in LISTS and not isinstance(value, list):
        raise bad_parameter(f"Param filtering: {operator} needs an array.")
    if operator in {"IN", "NOT_IN"}:
        value = [str(item) for item in value]
    elif operator in LISTS:
        if len(value) != 2:
            raise bad_parameter(f"Param filtering: {operator} needs two numbers.")
        value = [number(item) for item in value]
    elif operator in COMPARISONS:
        value = number(value)
    return Filter(one["field"], operator, value)


def number(value: Any) -> Decimal:
    """Return a number, also from text. Raise MetaError."""
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise bad_parameter(f"Param filtering: {str(value)[:80]!r} is no number.") from None


def not_supported(condition: Filter) -> Exception:
    """Return the error of a field that cannot be asked about."""
    return bad_parameter(
        f"Filtering field '{condition.field}' with operation "
        f"'{condition.operator.lower()}' is not supported"
    )


def read_sort(parameters: Parameters, known: tuple[str, ...]) -> list[tuple[str, bool]]:
    """Return (field, whether descending) of `sort`. Raise MetaError."""
    found = []
    for text in read_names(parameters, "sort"):
        name, _, direction = text.rpartition("_")
        if direction not in {"ascending", "descending"} or name not in known:
            raise bad_parameter(f"Sorting by {text[:80]} is not supported")
        found.append((name, direction == "descending"))
    return found
