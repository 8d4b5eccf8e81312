"""Reports over the events of a world: filtered, grouped, counted, sorted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marketing_analytics.simulate.platforms.ga4_reports.query import MATCHES, Query

OTHER = "(other)"
# of so many rows of a day the rest is one row, where that is asked for
ROWS_BESIDE_OTHER = 3
# fewer users than these are withheld, where thresholds apply
LEAST_USERS = 2

# metric: the column of the facts, how it is gathered
SOURCES: Mapping[str, tuple[str, str]] = {
    "activeUsers": ("user_number", "count_distinct"),
    "conversions": ("purchase_count", "sum"),
    "ecommercePurchases": ("purchase_count", "sum"),
    "engagedSessions": ("engaged_session", "count_distinct"),
    "eventCount": ("event_count", "sum"),
    "keyEvents": ("purchase_count", "sum"),
    "newUsers": ("new_user", "count_distinct"),
    "purchaseRevenue": ("revenue_cents", "sum"),
    "screenPageViews": ("view_count", "sum"),
    "sessions": ("session_number", "count_distinct"),
    "totalRevenue": ("revenue_cents", "sum"),
    "totalUsers": ("user_number", "count_distinct"),
    "userEngagementDuration": ("engagement_ms", "sum"),
}
# metric: how many of the gathered units make one
UNITS = {"purchaseRevenue": 100, "totalRevenue": 100, "userEngagementDuration": 1000}

Row = tuple[tuple[str, ...], tuple[int, ...]]
STRING_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "EXACT": lambda text, value: text == value,
    "BEGINS_WITH": lambda text, value: text.startswith(value),
    "ENDS_WITH": lambda text, value: text.endswith(value),
    "CONTAINS": lambda text, value: value in text,
    "FULL_REGEXP": lambda text, value: re.fullmatch(value, text) is not None,
    "PARTIAL_REGEXP": lambda text, value: re.search(value, text) is not None,
}


class Facts:
    """The events of a world, loaded when first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def table(self) -> pa.Table:
        """Return one row per event."""
        import duckdb

        query = files(__package__).joinpath("facts.sql").read_text()
        paths = sorted(str(path) for path in self.folder.iterdir())
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(query, {"files": paths}).to_arrow_table()

    def rows(self, query: Query, now_us: int, *, is_thresholded: bool = False) -> list[Row]:
        """Return the rows of a report, unsorted: its dimensions and metrics in hundredths."""
        chosen = self.visible(query, now_us)
        dimensions = list(query.dimensions)
        metrics = [*query.metrics, "totalUsers"]
        found = gathered(chosen, dimensions, metrics)
        columns = [found[name].to_pylist() for name in dimensions]
        values = [found[column_of(name)].to_pylist() for name in metrics]
        keys = zip(*columns, strict=True) if columns else [()] * found.num_rows
        least = LEAST_USERS if is_thresholded else 0
        return [
            (key, tuple(row[:-1]))
            for key, row in zip(keys, zip(*values, strict=True), strict=True)
            if row[-1] >= least
        ]

    def totals(self, query: Query, now_us: int) -> tuple[int, ...]:
        """Return the metrics of all that a report is about."""
        found = gathered(self.visible(query, now_us), [], query.metrics)
        return tuple(found[column_of(name)][0].as_py() or 0 for name in query.metrics)

    def visible(self, query: Query, now_us: int) -> pa.Table:
        """Return the events of the days asked for that were processed by now."""
        table = self.table
        mask = pc.and_(
            pc.and_(
                pc.greater_equal(table["date"], query.first_day),
                pc.less_equal(table["date"], query.last_day),
            ),
            pc.and_(
                pc.less_equal(table["ready_us"], now_us), pc.less_equal(table["at_us"], now_us)
            ),
        )
        chosen = table.filter(mask)
        if query.filter is None:
            return chosen
        return chosen.filter(pa.array(holds(query.filter, chosen)))


def column_of(metric: str) -> str:
    """Return where the gathered values of a metric stand."""
    source, how = SOURCES[metric]
    return f"{source}_{how}"


def gathered(table: pa.Table, dimensions: Sequence[str], metrics: Sequence[str]) -> pa.Table:
    """Return a row for every combination of dimensions, with columns <source>_<how>."""
    wanted = list(dict.fromkeys(SOURCES[name] for name in metrics))
    if not dimensions:
        # no dimension is one group
        table = table.append_column("_all", pa.nulls(table.num_rows, pa.int8()))
    return table.group_by(list(dimensions) or ["_all"]).aggregate(wanted)


def holds(test: Mapping[str, Any], table: pa.Table) -> Any:
    """Return for each event whether a filter holds."""
    if "andGroup" in test:
        return np.logical_and.reduce([holds(one, table) for one in test["andGroup"]])
    if "orGroup" in test:
        return np.logical_or.reduce([holds(one, table) for one in test["orGroup"]])
    if "notExpression" in test:
        return np.logical_not(holds(test["notExpression"], table))
    column = table[test["fieldName"]].combine_chunks().dictionary_encode()
    passing = [fits(test, text) for text in column.dictionary.to_pylist()]
    return np.asarray(passing, dtype=bool)[column.indices.to_numpy()]


def fits(test: Mapping[str, Any], text: str) -> bool:
    """Return whether a text passes a string or list filter."""
    given = test.get("stringFilter") or test.get("inListFilter") or {}
    is_exact = given.get("caseSensitive", given.get("case_sensitive", False))
    fold: Callable[[str], str] = str if is_exact else str.lower
    if "inListFilter" in test:
        return fold(text) in {fold(value) for value in given.get("values", [])}
    kind = MATCHES[given.get("matchType", given.get("match_type", "EXACT"))]
    return STRING_TESTS[kind](fold(text), fold(str(given.get("value", ""))))


def ordered(query: Query, rows: list[Row]) -> list[Row]:
    """Return rows as asked for; without an order the first metric decides, the largest first."""
    place = {name: (0, i) for i, name in enumerate(query.dimensions)}
    place |= {name: (1, i) for i, name in enumerate(query.metrics)}
    rows = sorted(rows, key=lambda row: row[1], reverse=True)
    for order in reversed(query.orders):
        part, index = place[order.name]
        rows.sort(key=lambda row: row[part][index], reverse=order.is_descending)
    return rows


def with_other_row(query: Query, rows: list[Row]) -> list[Row]:
    """Return the largest rows of each day, and the rest of it as a row "(other)"."""
    kept: list[Row] = []
    rest: dict[tuple[str, ...], list[int]] = {}
    seen: dict[str, int] = {}
    for key, values in sorted(rows, key=lambda row: row[1], reverse=True):
        day = next((v for n, v in zip(query.dimensions, key, strict=True) if n == "date"), "")
        seen[day] = seen.get(day, 0) + 1
        if seen[day] <= ROWS_BESIDE_OTHER:
            kept.append((key, values))
            continue
        other = tuple(
            value if name == "date" else OTHER
            for name, value in zip(query.dimensions, key, strict=True)
        )
        sums = rest.setdefault(other, [0] * len(values))
        sums[:] = [a + b for a, b in zip(sums, values, strict=True)]
    return kept + [(key, tuple(sums)) for key, sums in rest.items()]


def written(metric: str, value: int) -> str:
    """Return a metric as the API writes it: text, fractions without trailing zeros."""
    unit = UNITS.get(metric, 1)
    if unit == 1000:
        return str(value // unit)
    return f"{(Decimal(value) / unit).normalize():f}"
