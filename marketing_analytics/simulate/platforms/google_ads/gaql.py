"""A parser for the part of GAQL that reports need.

SELECT fields FROM resource [WHERE condition AND ...] [ORDER BY field [ASC|DESC], ...] [LIMIT n]
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

SHAPE = re.compile(
    r"^\s*SELECT\s+(?P<fields>.+?)\s+FROM\s+(?P<resource>\w+)"
    r"(?:\s+WHERE\s+(?P<where>.+?))?"
    r"(?:\s+ORDER\s+BY\s+(?P<order>.+?))?"
    r"(?:\s+LIMIT\s+(?P<limit>\S+))?"
    r"(?:\s+PARAMETERS\s+(?P<parameters>.+?))?\s*;?\s*$",
    re.IGNORECASE | re.DOTALL,
)
CONDITION = re.compile(
    r"^(?P<field>[\w.]+)\s*(?P<operator>!=|>=|<=|=|>|<|NOT\s+IN|IN|BETWEEN|DURING)\s*(?P<value>.+)$",
    re.IGNORECASE | re.DOTALL,
)
# an AND that does not belong to BETWEEN a AND b
BETWEEN_AND = re.compile(r"(BETWEEN\s+(?:'[^']*'|\"[^\"]*\"|\S+))\s+AND\s+", re.IGNORECASE)
LITERAL = re.compile(r"'([^']*)'|\"([^\"]*)\"|([^\s,()]+)")
PERIOD_DAYS = {
    "TODAY": (0, 0),
    "YESTERDAY": (1, 1),
    "LAST_7_DAYS": (7, 1),
    "LAST_14_DAYS": (14, 1),
    "LAST_30_DAYS": (30, 1),
}


class GaqlError(Exception):
    """A query that is refused; `name` is the queryError of the API."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


@dataclass(frozen=True)
class Condition:
    """One condition; BETWEEN and IN have several values."""

    field: str
    operator: str
    values: tuple[str, ...]

    def holds(self, value: Any) -> bool:
        """Return whether a field's value passes; numbers compare as numbers."""
        first = like(value, self.values[0])
        tests: dict[str, Callable[[], bool]] = {
            "=": lambda: bool(value == first),
            "!=": lambda: bool(value != first),
            ">": lambda: bool(value > first),
            ">=": lambda: bool(value >= first),
            "<": lambda: bool(value < first),
            "<=": lambda: bool(value <= first),
            "IN": lambda: value in [like(value, v) for v in self.values],
            "NOT IN": lambda: value not in [like(value, v) for v in self.values],
            "BETWEEN": lambda: bool(first <= value <= like(value, self.values[1])),
        }
        return tests[self.operator]()


@dataclass(frozen=True)
class Query:
    """A parsed query."""

    fields: tuple[str, ...]
    resource: str
    conditions: tuple[Condition, ...]
    order_by: tuple[tuple[str, bool], ...]
    limit: int | None

    @property
    def all_fields(self) -> set[str]:
        """Return every field the query names."""
        named = {c.field for c in self.conditions} | {field for field, _ in self.order_by}
        return named | set(self.fields)


def like(value: Any, text: str) -> Any:
    """Return a literal in the type of the value it is compared with."""
    if isinstance(value, bool):
        return text.upper() == "TRUE"
    if isinstance(value, int | float):
        try:
            return float(text)
        except ValueError:
            raise GaqlError("BAD_VALUE", f"Invalid value: {text} is not a number") from None
    return text


def split_list(text: str) -> list[str]:
    """Return the parts between commas."""
    return [part.strip() for part in text.split(",")]


def parse_condition(text: str, today: date) -> Condition:
    """Return one condition. Raise GaqlError."""
    match = CONDITION.match(text.strip())
    if match is None:
        raise GaqlError("BAD_OPERATOR", f"Invalid condition in WHERE clause: {text.strip()}")
    operator = " ".join(match["operator"].upper().split())
    values = tuple(a or b or c for a, b, c in LITERAL.findall(match["value"]))
    if operator == "DURING":
        if values[0].upper() not in PERIOD_DAYS:
            raise GaqlError("INVALID_DATE_RANGE", f"Unknown date range: {values[0]}")
        first, last = PERIOD_DAYS[values[0].upper()]
        span = (today - timedelta(days=first), today - timedelta(days=last))
        return Condition(match["field"], "BETWEEN", (str(span[0]), str(span[1])))
    wanted = {"BETWEEN": 2, "IN": len(values), "NOT IN": len(values)}.get(operator, 1)
    if len(values) != wanted or wanted == 0:
        raise GaqlError("BAD_VALUE", f"Invalid value in WHERE clause: {match['value']}")
    if match["field"] == "segments.date":
        for value in values:
            check_date(value)
    return Condition(match["field"], operator, values)


def check_date(text: str) -> None:
    """Raise GaqlError unless the text is YYYY-MM-DD."""
    try:
        date.fromisoformat(text)
    except ValueError:
        raise GaqlError("INVALID_DATE_FORMAT", f"Invalid date: {text}") from None


def parse_conditions(text: str | None, today: date) -> tuple[Condition, ...]:
    """Return the conditions of a WHERE clause. Raise GaqlError."""
    if not text:
        return ()
    guarded = BETWEEN_AND.sub(r"\1 , ", text)
    parts = re.split(r"\s+AND\s+", guarded, flags=re.IGNORECASE)
    return tuple(parse_condition(part, today) for part in parts)


def parse_order(text: str | None) -> tuple[tuple[str, bool], ...]:
    """Return (field, is descending) of an ORDER BY clause. Raise GaqlError."""
    result = []
    for part in split_list(text) if text else ():
        words = part.split()
        direction = words[1].upper() if len(words) > 1 else "ASC"
        if not words or len(words) > 2 or direction not in {"ASC", "DESC"}:
            raise GaqlError("BAD_SYMBOL", f"Invalid ORDER BY clause: {part}")
        result.append((words[0], direction == "DESC"))
    return tuple(result)


def parse_query(text: str, today: date) -> Query:
    """Return the query of a text. Raise GaqlError."""
    match = SHAPE.match(text)
    if match is None:
        raise GaqlError("QUERY_ERROR", "Error in query: expected SELECT ... FROM ...")
    fields = tuple(split_list(match["fields"]))
    for field in fields:
        if not re.fullmatch(r"[a-z_0-9]+(\.[a-z_0-9]+)+", field):
            raise GaqlError("BAD_FIELD_NAME", f"Error in query: unexpected input {field}.")
    limit = match["limit"]
    if limit is not None and (not limit.isdigit() or int(limit) == 0):
        raise GaqlError("BAD_LIMIT_VALUE", f"Invalid LIMIT: {limit}")
    return Query(
        fields=fields,
        resource=match["resource"],
        conditions=parse_conditions(match["where"], today),
        order_by=parse_order(match["order"]),
        limit=int(limit) if limit else None,
    )
