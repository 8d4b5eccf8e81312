"""Parameters of a request: known ones, flags, pages, properties and types of objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from starlette.requests import Request

from marketing_analytics.simulate.platforms.hubspot.definitions import (
    DEFAULT_PROPERTIES,
    PROPERTIES,
    TYPE_NAMES,
)
from marketing_analytics.simulate.platforms.hubspot.refusals import invalid

T = TypeVar("T")


def refuse_unknown(request: Request, *known: str) -> None:
    """Raise RefusalError for a parameter that is not implemented."""
    for name in request.query_params:
        if name not in known:
            raise invalid(f"{name} is not a parameter of this call", where=name)


def read_flag(request: Request, name: str) -> bool:
    """Return a parameter that is true or false, false where it is absent."""
    text = request.query_params.get(name, "false").lower()
    if text not in {"true", "false"}:
        raise invalid(f"{name} must be true or false", where=name)
    return text == "true"


def read_list(request: Request, name: str) -> list[str]:
    """Return the values of a parameter that is repeated, separated by commas, or both."""
    return [value for part in request.query_params.getlist(name) for value in part.split(",")]


def type_named(name: str) -> str:
    """Return the type of objects of a path. Raise RefusalError."""
    if name not in TYPE_NAMES:
        raise invalid(f"Unable to infer object type from: {name}", where="objectType")
    return TYPE_NAMES[name]


def named_properties(kind: str, given: Sequence[str]) -> list[str]:
    """Return the properties to show: those asked for, and the ones that always come.

    Unknown ones are left out, as HubSpot's documentation promises.
    """
    known = {name for name, *_ in PROPERTIES[kind]}
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise invalid("properties is a list of names", where="properties")
    if not given:
        return list(DEFAULT_PROPERTIES[kind])
    modified = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
    always = ["createdate", "hs_object_id", modified]
    return list(dict.fromkeys([*(name for name in given if name in known), *always]))


def page_of(
    request: Request,
    rows: list[T],
    id_of: Callable[[T], int] | None,
    *,
    most: int,
    default: int = 10,
) -> tuple[list[T], dict[str, Any]]:
    """Return one page and the way to the next; `after` is the last id seen, or a position."""
    limit = read_number(request, "limit", default)
    if not 1 <= limit <= most:
        raise invalid(f"limit must be from 1 to {most}", where="limit")
    after = read_number(request, "after", 0)
    left = rows[after:] if id_of is None else [row for row in rows if id_of(row) > after]
    page = left[:limit]
    if len(left) <= limit:
        return page, {}
    following = str(after + limit if id_of is None else id_of(page[-1]))
    query = request.url.remove_query_params("after").include_query_params(after=following)
    link = str(query.replace(scheme="https", netloc="api.hubapi.com"))
    return page, {"paging": {"next": {"after": following, "link": link}}}


def read_number(request: Request, name: str, default: int) -> int:
    """Return a parameter that is a whole number. Raise RefusalError."""
    text = request.query_params.get(name) or str(default)
    if not text.isdigit():
        raise invalid(f"{name} must be a whole number", where=name)
    return int(text)
