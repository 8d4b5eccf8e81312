"""Rows of Google Ads as its JSON: nested, in camelCase, in chunks or pages, with their sum."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from marketing_analytics.simulate.platforms.google_ads.errors import request_id
from marketing_analytics.simulate.platforms.google_ads.fields import known_fields
from marketing_analytics.simulate.platforms.google_ads.gaql import Query
from marketing_analytics.simulate.platforms.google_ads.reports import metrics

CHUNK_ROWS, PAGE_ROWS = 1_000, 10_000
Row = Mapping[str, Any]


def camel(name: str) -> str:
    """Return snake_case as camelCase."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


class Shaper:
    """Turns flat rows into nested ones with the asked fields and every resource's name."""

    def __init__(self, query: Query) -> None:
        fields = query.fields
        paths = {field: field for field in fields}
        if query.parameters.get("omit_unselected_resource_names") != "true":
            paths |= {name: name for name in names_of([*fields, f"{query.resource}.id"])}
        self.paths = [(field, [camel(part) for part in field.split(".")]) for field in paths]
        self.texts = {f for f in paths if known_fields().get(f) and is_text(f)}
        self.mask = ",".join(".".join(camel(p) for p in field.split(".")) for field in fields)

    def shape(self, row: Row) -> dict[str, Any]:
        """Return one nested row; the JSON mapping writes int64 as text."""
        result: dict[str, Any] = {}
        for field, path in self.paths:
            value = row.get(field)
            if value is not None:
                target = result
                for part in path[:-1]:
                    target = target.setdefault(part, {})
                target[path[-1]] = str(value) if field in self.texts else value
        return result


def is_text(field: str) -> bool:
    """Return whether JSON holds the number of a field as text."""
    return known_fields()[field].kind == "INT64"


def names_of(fields: Sequence[str]) -> list[str]:
    """Return the resource names that come with fields, whether asked for or not."""
    found = []
    for field in fields:
        *parents, _ = field.split(".")
        if parents[0] not in {"metrics", "segments"}:
            steps = range(1, len(parents) + 1)
            found += [".".join([*parents[:step], "resource_name"]) for step in steps]
    return [name for name in found if name in known_fields()]


def summary_of(rows: Sequence[Row], shaper: Shaper) -> dict[str, Any]:
    """Return the sum of all rows; shares are made from the sums."""
    scales = {
        "impressions": ("impressions", 1),
        "clicks": ("clicks", 1),
        "spend_cents": ("cost_micros", 1e-4),
        "conversions": ("conversions", 1e6),
        "value": ("conversions_value", 1e6),
        "views": ("view_through_conversions", 1e6),
    }
    sums = {
        name: round(sum(row.get(f"metrics.{metric}", 0) for row in rows) * scale)
        for name, (metric, scale) in scales.items()
    }
    return {"metrics": shaper.shape(metrics(sums)).get("metrics", {})}


def stream_chunks(query: Query, rows: Sequence[Row], setting: str) -> Iterator[str]:
    """Yield a JSON array of chunks; only the last one tells the consumption and the sum."""
    shaper, number = Shaper(query), request_id()
    shown = [] if setting == "SUMMARY_ROW_ONLY" else rows
    starts = range(0, max(len(shown), 1), CHUNK_ROWS)
    for start in starts:
        chunk: dict[str, Any] = {}
        if part := shown[start : start + CHUNK_ROWS]:
            chunk["results"] = [shaper.shape(row) for row in part]
        chunk["fieldMask"] = shaper.mask
        chunk["requestId"] = number
        if start == starts[-1]:
            if setting.startswith("SUMMARY"):
                chunk["summaryRow"] = summary_of(rows, shaper)
            chunk["queryResourceConsumption"] = str(100 + len(rows))
        lead = "[" if start == 0 else ",\n"
        yield lead + json.dumps(chunk) + ("]" if start == starts[-1] else "")


def page(query: Query, rows: Sequence[Row], start: int, settings: Row) -> dict[str, Any]:
    """Return a page of search, without the token of the next one."""
    shaper = Shaper(query)
    answer: dict[str, Any] = {"fieldMask": shaper.mask, "queryResourceConsumption": "100"}
    part = rows[start : start + PAGE_ROWS]
    if part and not settings.get("omitResults"):
        answer["results"] = [shaper.shape(row) for row in part]
    if settings.get("returnTotalResultsCount"):
        answer["totalResultsCount"] = str(len(rows))
    if settings.get("returnSummaryRow") and start + PAGE_ROWS >= len(rows):
        answer["summaryRow"] = summary_of(rows, shaper)
    return answer
