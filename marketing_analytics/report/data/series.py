"""Figures by day as dense lists, the form in which pages add them up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from marketing_analytics.report.snapshots.snapshot import Snapshot

# of figures that are no money
DECIMALS = 6


def cents(amount: Decimal | float | None) -> int:
    """Return an amount as whole cents; nothing is none."""
    return round((amount or 0) * 100)


def hundredths(values: Any) -> list[int]:
    """Return fractions in whole hundredths, so that any days add up to the nearest one.

    Each is the difference of two rounded running totals: rounded days would drift apart from them.
    """
    import numpy

    totals = numpy.rint(numpy.cumsum(values) * 100)
    found: list[int] = numpy.diff(totals, prepend=0).astype(int).tolist()
    return found


def filled(places: Sequence[int], values: Sequence[int], days: int) -> list[int]:
    """Return a value a day; days without are 0."""
    found = [0] * days
    for place, value in zip(places, values, strict=True):
        found[place] = value
    return found


def columns_of(snapshot: Snapshot, sql: str, **values: Any) -> dict[str, Any]:
    """Return the result of a statement as one array a column: rows would cost seconds."""
    found: dict[str, Any] = snapshot.connection.execute(sql, values).fetchnumpy()
    return found


def nested(
    columns: dict[str, Any],
    keys: tuple[str, str],
    value: str,
    days: int,
    convert: Callable[[Any], list[int]] | None = None,
) -> dict[str, Any]:
    """Return dicts of two levels by `keys` that end in a list with a value a day.

    `place` counts the day; a day without a row is 0, and no pair of keys has two rows of a day.
    Rows of a pair stand together: to look for those of each in all of them would cost seconds.
    """
    import numpy

    values, places = numpy.asarray(columns[value]), columns["place"]
    outer, inner = (numpy.asarray(columns[key]) for key in keys)
    begins = (outer[1:] != outer[:-1]) | (inner[1:] != inner[:-1])
    bounds = [0, *(numpy.flatnonzero(begins) + 1).tolist(), len(values)]
    found: dict[str, Any] = {}
    for start, end in pairwise(bounds) if len(values) else ():
        line = numpy.zeros(days, dtype=values.dtype)
        line[places[start:end]] = values[start:end]
        inside = found.setdefault(str(outer[start]), {})
        inside[str(inner[start])] = convert(line) if convert else line.tolist()
    return found


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


def plain(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows as JSON has them: amounts (`..._usd`) as cents, numbers short, dates as text."""
    return [{name: plain_value(name, value) for name, value in row.items()} for row in rows]


def plain_value(name: str, value: Any) -> Any:
    """Return one value of such a row; nothing stays nothing."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, date):
        return str(value)
    if name.endswith("_usd"):
        return cents(value)
    rounded = round(float(value), DECIMALS)
    return int(rounded) if rounded.is_integer() else rounded


def packed(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the same with the names of the columns said once, for tables of many rows."""
    made = plain(rows)
    columns = list(made[0]) if made else []
    return {"columns": columns, "rows": [[row[name] for name in columns] for row in made]}


def with_numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as JSON holds it: numbers of a database are numbers."""
    return {
        name: value if value is None or isinstance(value, (str, bool, int)) else float(value)
        for name, value in row.items()
    }
