"""Answer an edge: which objects of it, in pages, with a summary when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from marketing_analytics.simulate.platforms.meta_ads.entities import TYPES, Entities, Row
from marketing_analytics.simulate.platforms.meta_ads.errors import bad_parameter, not_one_of
from marketing_analytics.simulate.platforms.meta_ads.filters import (
    Filter,
    not_supported,
    read_filters,
)
from marketing_analytics.simulate.platforms.meta_ads.graph import ENUMERATIONS, FIELDS
from marketing_analytics.simulate.platforms.meta_ads.parameters import (
    PAGING,
    Parameters,
    check_known,
    read_cursor,
    read_fields,
    read_flag,
    read_limit,
    read_names,
    read_texts,
    write_cursor,
)

DEFAULT_LIMIT, ENTITY_LIMIT = 25, 500
HIDDEN_STATUSES = ("ARCHIVED", "DELETED")
# prefix of a field in `filtering`: kind
PREFIXES = {"campaign": "campaigns", "adset": "adsets", "ad": "ads"}
MORE_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "campaigns": ("filtering", "effective_status"),
    "adsets": ("filtering", "effective_status", "updated_since"),
    "ads": ("filtering", "effective_status", "updated_since"),
    "activities": ("since", "until", "oid"),
    "customaudiences": ("filtering",),
}
# how the statuses of the world are called by `delivery_info`
DELIVERY = {
    "ACTIVE": "active",
    "PAUSED": "inactive",
    "ARCHIVED": "archived",
    "DELETED": "deleted",
}
STATUS_FIELDS = ("effective_status", "delivery_info", "status", "configured_status")


class Listings:
    """The lists below objects."""

    def __init__(self, entities: Entities, token: str) -> None:
        self.entities = entities
        self.token = token

    def edge(
        self, request: Request, parameters: Parameters, kind: str, own_id: str, edge: str
    ) -> dict[str, Any]:
        """Return a page of the objects below an object. Raise MetaError."""
        check_known(parameters, ("fields", *PAGING, *MORE_PARAMETERS.get(edge, ())))
        default = () if edge == "activities" else ("id",)
        fields = read_fields(parameters, FIELDS[edge], default=default)
        chosen = self.chosen(self.entities.below(kind, own_id, edge), edge, parameters)
        if edge != "activities":
            fields = {"id": {}, **fields}
        elif not fields:
            # they have no id
            fields = {name: {} for name in FIELDS[edge]}
        rows = [self.entities.shown(row, fields) for row in chosen]
        body = self.page(request, parameters, rows)
        if read_total_count(parameters):
            body["summary"] = {"total_count": len(rows)}
        return body

    def chosen(self, rows: list[Row], edge: str, parameters: Parameters) -> list[Row]:
        """Return the objects that fulfil all conditions. Raise MetaError."""
        filters = read_filters(parameters)
        statuses = read_texts(parameters, "effective_status")
        for status in statuses:
            if status not in ENUMERATIONS[edge]:
                raise not_one_of("effective_status[0]", status, ENUMERATIONS[edge])
        is_hiding = edge in PREFIXES.values() and not (
            statuses or any(f.field.rpartition(".")[2] in STATUS_FIELDS for f in filters)
        )
        first, last = read_span(parameters)
        return [
            row
            for row in rows
            if not (is_hiding and row["effective_status"] in HIDDEN_STATUSES)
            and (not statuses or row["effective_status"] in statuses)
            and first <= moment_of(row, edge) <= last
            and parameters.get("oid", row.get("object_id")) == row.get("object_id")
            and all(one.holds(self.value(row, edge, one)) for one in filters)
        ]

    def value(self, row: Row, edge: str, condition: Filter) -> Any:
        """Return what a condition looks at: a field of the object or of one above it."""
        prefix, _, name = condition.field.rpartition(".")
        kind = PREFIXES.get(prefix, edge if not prefix else "")
        if kind not in FIELDS or (name not in FIELDS[kind] and name != "delivery_info"):
            raise not_supported(condition)
        if kind != edge:
            above = row.get(TYPES[kind][1])
            if above is None:
                raise not_supported(condition)
            row = self.entities.by_id[above][1]
        if name == "delivery_info":
            return DELIVERY[row["effective_status"]]
        # conditions on times compare seconds since 1970
        if name in {"updated_time", "created_time"}:
            return row[name.replace("_time", "_us")] // 1_000_000
        return row.get(name)

    def page(
        self,
        request: Request,
        parameters: Parameters,
        rows: list[dict[str, Any]],
        highest: int = ENTITY_LIMIT,
        default: int = DEFAULT_LIMIT,
    ) -> dict[str, Any]:
        """Return one page with its cursors; the last page has no `next`."""
        limit = min(read_limit(parameters, default), highest)
        start = read_cursor(parameters["after"], "after") if parameters.get("after") else 0
        if parameters.get("before"):
            if parameters.get("after"):
                raise bad_parameter("Only one of before and after can be given.")
            start = max(0, read_cursor(parameters["before"], "before") - limit)
        part = rows[start : start + limit]
        body: dict[str, Any] = {"data": part}
        if part:
            body["paging"] = self.paging(request, parameters, start, len(part), len(rows), limit)
        return body

    def paging(
        self,
        request: Request,
        parameters: Parameters,
        start: int,
        count: int,
        total: int,
        limit: int,
    ) -> dict[str, Any]:
        """Return the cursors of a page and the addresses of its neighbours."""
        end = start + count
        cursors = {"before": write_cursor(start), "after": write_cursor(end)}
        paging: dict[str, Any] = {"cursors": cursors}
        kept = {k: v for k, v in parameters.items() if k not in {"after", "before"}}
        # Meta puts the token into `next`: clients must not log or follow it
        query = {**kept, "access_token": self.token, "limit": limit}
        address = str(request.url.replace(query="", scheme="http")).rstrip("?")
        if end < total:
            paging["next"] = f"{address}?{urlencode({**query, 'after': cursors['after']})}"
        if start:
            paging["previous"] = f"{address}?{urlencode({**query, 'before': cursors['before']})}"
        return paging


def read_total_count(parameters: Parameters) -> bool:
    """Return whether the number of objects is asked for. Raise MetaError."""
    text = parameters.get("summary", "")
    if not text.startswith("[") and text != "total_count":
        return read_flag(parameters, "summary")
    names = read_names(parameters, "summary")
    if set(names) - {"total_count"}:
        raise not_one_of("summary[0]", names[0], ("total_count",))
    return bool(names)


def read_span(parameters: Parameters) -> tuple[int, int]:
    """Return the first and last second of the moments asked for. Raise MetaError."""
    first, last = -(2**62), 2**62
    for name in ("since", "updated_since", "until"):
        text = parameters.get(name)
        if text is None:
            continue
        if not text.isdigit():
            raise bad_parameter(f"Param {name} must be a UNIX timestamp, got {text[:80]}")
        first, last = (first, int(text)) if name == "until" else (int(text), last)
    return first, last


def moment_of(row: Row, edge: str) -> int:
    """Return the second by which spans choose an object."""
    name = "event_us" if edge == "activities" else "updated_us"
    return int(row.get(name, 0)) // 1_000_000
