"""Figures by day as dense lists, the form in which pages add them up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from marketing_analytics.report.snapshots.snapshot import Snapshot

# of figures that are no money
DECIMALS = 6
# kept in hundredths; the others by day are whole, money in cents
FRACTIONS = ("credit", "conversions")


def cents(amount: Decimal | float | None) -> int:
    """Return an amount as whole cents; nothing is none."""
    return round((amount or 0) * 100)


def listed(name: str, values: Any) -> list[int]:
    """Return the values of a column by day as a file holds them."""
    found: list[int] = hundredths(values) if name in FRACTIONS else values.tolist()
    return found


def hundredths(values: Any) -> list[int]:
    """Return fractions in whole hundredths, so that any days add up to the nearest one.

    Each is the difference of two rounded running totals: rounded days would drift apart from them.
    """
    import numpy

    totals = numpy.rint(numpy.cumsum(values) * 100).astype(int)
    totals[1:] -= totals[:-1].copy()
    found: list[int] = totals.tolist()
    return found


def columns_of(snapshot: Snapshot, sql: str, **values: Any) -> dict[str, Any]:
    """Return the result of a statement as one array a column: rows would cost seconds."""
    found: dict[str, Any] = snapshot.connection.execute(sql, values).fetchnumpy()
    return found


def rows_of(snapshot: Snapshot, sql: str, **values: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of a statement whose lists stay arrays: as numbers they would cost seconds."""
    columns = columns_of(snapshot, sql, **values)
    for row in zip(*columns.values(), strict=True):
        yield dict(zip(columns, row, strict=True))


def lines(
    columns: Mapping[str, Any], keys: Sequence[str], names: Mapping[str, Sequence[str]]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield what the rows of one combination of `keys` share, and their other columns.

    A key is a number: that of a text in `names`, or itself. Rows of a combination stand together:
    to look for those of each in all of them would cost seconds.
    """
    import numpy

    arrays = {name: numpy.asarray(values) for name, values in columns.items()}
    count = len(next(iter(arrays.values())))
    begins = numpy.zeros(max(count - 1, 0), dtype=bool)
    for key in keys:
        begins |= arrays[key][1:] != arrays[key][:-1]
    bounds = [0, *(numpy.flatnonzero(begins) + 1).tolist(), count]
    others = [name for name in arrays if name not in keys]
    for start, end in pairwise(bounds) if count else ():
        numbers = {key: arrays[key][start].item() for key in keys}
        shared = {
            key: names[key][number] if key in names else number for key, number in numbers.items()
        }
        yield shared, {name: arrays[name][start:end] for name in others}


def on_days(places: Any, values: Any, days: int) -> Any:
    """Return an array with a value a day; days without are 0, and no day has two."""
    import numpy

    found = numpy.zeros(days, dtype=values.dtype)
    found[places] = values
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
