"""Lists of the Admin API: filters, order, fields, and pages by cursor."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from marketing_analytics.core.clock import parse_time
from marketing_analytics.core.errors import UserError
from marketing_analytics.simulate.platforms.shopify.refusals import RefusedError, invalid

Row = dict[str, Any]
Rows = list[Row]

DEFAULT_LIMIT, MAX_LIMIT = 50, 250
# the only ones that a cursor may come with
WITH_CURSOR = ("limit", "fields", "page_info")
TIMES = ("created_at", "updated_at")
STATUSES = ("open", "closed", "cancelled", "any")
FINANCIAL = ("paid", "partially_refunded", "refunded", "any")
COMMON = ("limit", "fields", "page_info", "since_id", "ids", "order")
LISTS = {
    "orders": (*COMMON, "status", "financial_status", "processed_at_min", "processed_at_max"),
    "customers": COMMON,
}


@dataclass(frozen=True)
class Page:
    """A body, and the Link header to its neighbours."""

    body: dict[str, Any]
    link: str = ""


def page_of(request: Request, name: str, rows: Rows) -> Page:
    """Return a page of a list, or the one record of a name that is no list."""
    given = dict(request.query_params)
    fields = [field for field in given.get("fields", "").split(",") if field]
    if name not in LISTS:
        if other := set(given) - {"fields"}:
            raise invalid(min(other))
        return Page({name: chosen(rows[0], fields)})
    limit = whole(given, "limit", DEFAULT_LIMIT)
    if not 1 <= limit <= MAX_LIMIT:
        raise invalid("limit")
    asked, start = given, 0
    if "page_info" in given:
        if other := set(given) - set(WITH_CURSOR):
            name_of = min(other)
            raise invalid(name_of, f"{name_of} cannot be passed when page_info is present.")
        asked, start = opened(given["page_info"])
    found = matching(asked, name, rows)
    body = {name: [chosen(row, fields) for row in found[start : start + limit]]}
    links = []
    if start:
        links.append(link(request, asked, max(0, start - limit), limit, given, "previous"))
    if start + limit < len(found):
        links.append(link(request, asked, start + limit, limit, given, "next"))
    return Page(body, ", ".join(links))


def matching(asked: Mapping[str, str], name: str, rows: Rows) -> Rows:
    """Return the rows that pass the filters, in the order asked for."""
    ranges = {f"{field}_{end}" for field in TIMES for end in ("min", "max")}
    if other := set(asked) - set(LISTS[name]) - ranges:
        raise invalid(min(other))
    for parameter, value in asked.items():
        if passes := FILTERS.get(parameter):
            rows = [row for row in rows if passes(row, value)]
        elif parameter.endswith(("_min", "_max")):
            rows = in_range(rows, parameter, value)
    if name == "orders" and "status" not in asked:
        rows = [row for row in rows if has_status(row, "open")]
    return in_order(rows, asked)


def in_range(rows: Rows, parameter: str, value: str) -> Rows:
    """Return the rows whose time is not before, or not after, a moment."""
    field, _, end = parameter.rpartition("_")
    limit = moment(parameter, value)
    if end == "min":
        return [row for row in rows if moment(field, row[field]) >= limit]
    return [row for row in rows if moment(field, row[field]) <= limit]


def in_order(rows: Rows, asked: Mapping[str, str]) -> Rows:
    """Return rows sorted: by id after `since_id`, else the newest first."""
    field, _, direction = asked.get("order", "").partition(" ")
    if not field:
        field, direction = ("id", "asc") if "since_id" in asked else ("created_at", "desc")
    if field not in {"id", "created_at", "updated_at"} or direction.lower() not in {
        "",
        "asc",
        "desc",
    }:
        raise invalid("order")
    return sorted(
        rows, key=lambda row: (row[field], row["id"]), reverse=direction.lower() == "desc"
    )


def has_status(row: Row, status: str) -> bool:
    """Return whether an order is open, closed or cancelled."""
    if status not in STATUSES:
        raise invalid("status")
    own = "cancelled" if row["cancelled_at"] else ("closed" if row["closed_at"] else "open")
    return status in {own, "any"}


def has_financial_status(row: Row, status: str) -> bool:
    """Return whether an order is paid, refunded or in between."""
    if status not in FINANCIAL:
        raise invalid("financial_status")
    return status in {row["financial_status"], "any"}


FILTERS: dict[str, Callable[[Row, str], bool]] = {
    "status": has_status,
    "financial_status": has_financial_status,
    "since_id": lambda row, value: row["id"] > whole({"since_id": value}, "since_id", 0),
    "ids": lambda row, value: str(row["id"]) in value.split(","),
}


def chosen(row: Row, fields: list[str]) -> Row:
    """Return the fields of a row that were asked for; what it lacks is left out."""
    return {field: row[field] for field in fields if field in row} if fields else row


def whole(given: Mapping[str, str], name: str, default: int) -> int:
    """Return a parameter as a number."""
    text = given.get(name, str(default))
    if not text.isdigit():
        raise invalid(name)
    return int(text)


def moment(parameter: str, text: str) -> float:
    """Return an ISO time as seconds since 1970."""
    try:
        # a plus that was not encoded arrives as a space
        return parse_time(text.replace(" ", "+"), parameter).timestamp()
    except UserError:
        raise invalid(parameter) from None


def link(
    request: Request, asked: Mapping[str, str], start: int, limit: int, given: Row, relation: str
) -> str:
    """Return one entry of a Link header."""
    kept = {name: value for name, value in asked.items() if name not in WITH_CURSOR}
    text = json.dumps([kept, start], separators=(",", ":"))
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    url = request.url.replace(query="").include_query_params(page_info=cursor, limit=limit)
    if "fields" in given:
        url = url.include_query_params(fields=given["fields"])
    return f'<{url}>; rel="{relation}"'


def opened(cursor: str) -> tuple[dict[str, str], int]:
    """Return what a cursor stands for; raise RefusedError for one that was made up."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        asked, start = json.loads(text)
        return dict(asked), int(start)
    except (binascii.Error, ValueError, TypeError):
        raise RefusedError(400, {"page_info": "Invalid value."}) from None
