"""Figures by day as dense lists, the form in which pages add them up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

CREDIT_DECIMALS = 6


def cents(amount: Decimal | float | None) -> int:
    """Return an amount as whole cents; nothing is none."""
    return round((amount or 0) * 100)


def credit(value: Decimal | float | None) -> float:
    """Return a credit as a page needs it: a thousandth of a cent would not be seen."""
    rounded = round(float(value or 0), CREDIT_DECIMALS)
    return int(rounded) if rounded.is_integer() else rounded


def dense(
    rows: Iterable[Mapping[str, Any]], keys: tuple[str, ...], column: str, days: int, first: date,
    convert: Any = cents,
) -> dict[str, Any]:  # fmt: skip
    """Return nested dicts by `keys` that end in a list with a value a day; days without are 0."""
    found: dict[str, Any] = {}
    for row in rows:
        at = found
        for key in keys[:-1]:
            at = at.setdefault(str(row[key]), {})
        values = at.setdefault(str(row[keys[-1]]), [0] * days)
        place = (row["day_date"] - first).days
        if 0 <= place < days:
            values[place] += convert(row[column])
    return found
