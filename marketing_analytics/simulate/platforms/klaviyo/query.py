"""Parameters of Klaviyo's JSON:API: filters, sparse fields, includes, sorting, cursors.

What an endpoint does not offer is refused, never ignored.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import QueryParams

Resource = dict[str, Any]

RANGE = ("greater-or-equal", "greater-than", "less-or-equal", "less-than")
TEXTS = ("contains", "ends-with", "equals", "starts-with")
# one call: a name, and arguments that hold no call themselves
CALL = re.compile(r"([a-z-]+)\(")


class RefusedError(Exception):
    """A request that Klaviyo refuses, with one of its error bodies."""

    def __init__(
        self, status: int, code: str, title: str, detail: str, parameter: str = ""
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.parameter = parameter

    def body(self) -> dict[str, Any]:
        """Return the error body."""
        error: dict[str, Any] = {
            "id": "00000000-0000-4000-8000-000000000000",
            "status": self.status,
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
            "source": {"parameter": self.parameter} if self.parameter else {"pointer": "/data/"},
            "links": {},
            "meta": {},
        }
        return {"errors": [error]}


def invalid(parameter: str, detail: str) -> RefusedError:
    """Return the refusal of a bad parameter."""
    return RefusedError(400, "invalid", "Invalid input.", detail, parameter)


@dataclass(frozen=True)
class Condition:
    """One call of a filter: operator, field, and the value it compares with."""

    operator: str
    field: str
    value: Any


@dataclass(frozen=True)
class Offer:
    """What a list offers: fields by type, filters as field -> operators, and so on."""

    fields: Mapping[str, tuple[str, ...]]
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sorts: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    additional: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # default and largest; (n, 0) is a page of n that nobody can change
    page_sizes: tuple[int, int] = (0, 0)
    # a filter that must be there, and why
    needed_filter: str = ""
    needed_detail: str = ""


@dataclass(frozen=True)
class Query:
    """The parameters of one request, checked."""

    conditions: tuple[Condition, ...]
    fields: Mapping[str, frozenset[str]]
    includes: frozenset[str]
    additional: frozenset[str]
    sort: str
    page_size: int
    offset: int
    digest: str

    def value(self, name: str) -> Any:
        """Return the value that a field is compared with, None without such a condition."""
        return next((c.value for c in self.conditions if c.field == name), None)


def read_query(params: QueryParams, path: str, offer: Offer) -> Query:
    """Return the parameters of a request. Raise RefusedError for what is not on offer."""
    check_names(params, offer)
    conditions = tuple(read_filter(params.get("filter", ""), offer))
    if offer.needed_filter and not any(c.field == offer.needed_filter for c in conditions):
        raise invalid("filter", offer.needed_detail)
    kept = sorted((k, v) for k, v in params.items() if k not in {"page[cursor]", "page[size]"})
    digest = hashlib.sha256(repr((path, kept)).encode()).hexdigest()[:16]
    sort = params.get("sort", "")
    if "sort" in params and sort.removeprefix("-") not in offer.sorts:
        raise invalid("sort", f"'{sort}' is not a valid sort. Use: {', '.join(offer.sorts)}.")
    return Query(
        conditions=conditions,
        fields={
            kind: chosen(params[f"fields[{kind}]"], known, f"fields[{kind}]")
            for kind, known in offer.fields.items()
            if f"fields[{kind}]" in params
        },
        includes=chosen(params.get("include", ""), offer.includes, "include"),
        additional=frozenset().union(
            *(
                chosen(params.get(f"additional-fields[{kind}]", ""), known, "additional-fields")
                for kind, known in offer.additional.items()
            )
        ),
        sort=sort,
        page_size=read_size(params, offer),
        offset=read_cursor(params.get("page[cursor]", ""), digest),
        digest=digest,
    )


def check_names(params: QueryParams, offer: Offer) -> None:
    """Raise RefusedError for a parameter that an endpoint does not have, or has twice."""
    known = {f"fields[{kind}]" for kind in offer.fields}
    known |= {f"additional-fields[{kind}]" for kind in offer.additional}
    known |= {"filter"} if offer.filters else set()
    known |= {"sort"} if offer.sorts else set()
    known |= {"include"} if offer.includes else set()
    default, largest = offer.page_sizes
    known |= {"page[cursor]"} if default else set()
    known |= {"page[size]"} if largest else set()
    names = [name for name, _ in params.multi_items()]
    for name in names:
        if name not in known:
            raise invalid(name, f"'{name}' is not a valid query parameter for this endpoint.")
        if names.count(name) > 1:
            raise invalid(name, f"'{name}' is given more than once.")


def chosen(text: str, known: tuple[str, ...], parameter: str) -> frozenset[str]:
    """Return the names of a comma list. Raise RefusedError for one that is not known."""
    names = frozenset(text.split(",")) if text else frozenset()
    if unknown := sorted(names - set(known)):
        raise invalid(parameter, f"'{unknown[0]}' is not valid. Use: {', '.join(known)}.")
    return names


def read_size(params: QueryParams, offer: Offer) -> int:
    """Return the size of a page. Raise RefusedError."""
    default, largest = offer.page_sizes
    text = params.get("page[size]", str(default))
    if "page[size]" in params and not (text.isdigit() and 1 <= int(text) <= largest):
        raise invalid("page[size]", f"Page size must be an integer between 1 and {largest}.")
    return int(text)


def read_cursor(text: str, digest: str) -> int:
    """Return the position of a cursor. Raise RefusedError for one that was not handed out."""
    if not text:
        return 0
    try:
        offset, _, of = base64.urlsafe_b64decode(text).decode().partition(":")
        if of == digest:
            return int(offset)
    except (binascii.Error, ValueError):
        pass
    raise invalid("page[cursor]", "Invalid page cursor.")


def cursor_of(query: Query, offset: int) -> str:
    """Return the opaque cursor of a position in the answer to a query."""
    return base64.urlsafe_b64encode(f"{offset}:{query.digest}".encode()).decode()


def read_filter(text: str, offer: Offer) -> list[Condition]:
    """Return the conditions of a filter, which all must hold. Raise RefusedError."""
    text = text.strip()
    if text.startswith("and(") and text.endswith(")"):
        text = text[4:-1]
    return [read_call(call.strip(), offer) for call in split(text)] if text else []


def split(text: str) -> list[str]:
    """Return the parts between commas that stand outside of quotes and brackets."""
    parts, depth, quote, start = [], 0, "", 0
    for index, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif sign == "," and not depth:
            parts.append(text[start:index])
            start = index + 1
    if depth or quote:
        raise invalid("filter", "Invalid filter provided. Verify your parentheses match.")
    return [*parts, text[start:]]


def read_call(text: str, offer: Offer) -> Condition:
    """Return one call, such as equals(name,'x'). Raise RefusedError."""
    match = CALL.match(text)
    if not match or not text.endswith(")"):
        raise invalid("filter", f"Invalid filter provided: {text[:80]}")
    operator, arguments = match[1], split(text[match.end() : -1])
    name = arguments[0].strip()
    if name not in offer.filters:
        raise invalid("filter", f"'{name}' is not a filterable field for this endpoint.")
    if operator not in offer.filters[name]:
        allowed = ", ".join(offer.filters[name])
        raise invalid("filter", f"'{operator}' is not allowed for '{name}'. Use: {allowed}.")
    if len(arguments) != (1 if operator == "has" else 2):
        raise invalid("filter", f"Invalid number of arguments for '{operator}'.")
    value = None if operator == "has" else read_value(arguments[1].strip())
    if (operator == "any") != isinstance(value, list):
        raise invalid("filter", f"Invalid value for '{name}'.")
    return Condition(operator, name, bound(name, value) if operator in RANGE else value)


def bound(name: str, value: Any) -> float:
    """Return the end of a range as seconds since 1970. Raise RefusedError."""
    if name != "timestamp":
        return moment(value, "filter")
    if not str(value).isdigit():
        raise invalid("filter", f"Invalid value for 'timestamp': {value}")
    return float(value)


def read_value(text: str) -> Any:
    """Return a literal: quoted text, a list, a truth value, or what stands there bare."""
    if text.startswith("[") and text.endswith("]"):
        return [read_value(part.strip()) for part in split(text[1:-1]) if part.strip()]
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        return text[1:-1]
    return {"true": True, "false": False}.get(text, text)


def moment(text: Any, parameter: str) -> float:
    """Return an ISO time as seconds since 1970. Raise RefusedError."""
    try:
        # a plus that was not encoded arrives as a space
        found = datetime.fromisoformat(str(text).replace(" ", "+"))
    except ValueError:
        raise invalid(parameter, f"'{text}' is not a valid datetime.") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def look_up(resource: Resource, name: str) -> list[Any]:
    """Return the values of a field; of a list of objects those of all of them."""
    if name == "id":
        return [resource["id"]]
    found: list[Any] = [resource["attributes"]]
    for step in name.split("."):
        nested = [value.get(step) for value in found if isinstance(value, dict)]
        found = [v for value in nested for v in (value if isinstance(value, list) else [value])]
    return found


def holds(condition: Condition, value: Any) -> bool:
    """Return whether a value passes a condition."""
    wanted, operator = condition.value, condition.operator
    if operator == "any":
        return bool(value in wanted)
    if value is None:
        return False
    if operator in RANGE:
        had = value if isinstance(value, int) else moment(value, "filter")
        return bool(compare(operator, had, wanted))
    checks: dict[str, Callable[[], bool]] = {
        "equals": lambda: bool(value == wanted),
        "contains": lambda: str(wanted) in str(value),
        "starts-with": lambda: str(value).startswith(str(wanted)),
        "ends-with": lambda: str(value).endswith(str(wanted)),
    }
    return checks[operator]()


def compare(operator: str, had: Any, wanted: float) -> Any:
    """Return the outcome of a range operator; `had` may be an array."""
    if operator == "greater-or-equal":
        return had >= wanted
    if operator == "greater-than":
        return had > wanted
    return had <= wanted if operator == "less-or-equal" else had < wanted


def selected(rows: list[Resource], query: Query, known: Mapping[str, Any]) -> list[Resource]:
    """Return the rows that pass all conditions, sorted. `known` holds what is true of every row."""
    for c in query.conditions:
        if c.field in known:
            rows = rows if holds(c, known[c.field]) else []
        else:
            rows = [row for row in rows if any(holds(c, v) for v in look_up(row, c.field))]
    if query.sort:
        name = query.sort.removeprefix("-")
        rows = sorted(rows, key=lambda row: sort_key(row, name), reverse=query.sort[0] == "-")
    return rows


def sort_key(row: Resource, name: str) -> tuple[str, str]:
    """Return what a row is sorted by; the id settles ties."""
    values = [str(value) for value in look_up(row, name) if value is not None]
    return (min(values, default=""), row["id"])


def shaped(resource: Resource, query: Query, optional: frozenset[str] = frozenset()) -> Resource:
    """Return a resource with the attributes that were asked for.

    `optional` attributes are left out unless additional fields ask for them.
    """
    hidden = optional - query.additional
    attributes = {k: v for k, v in resource["attributes"].items() if k not in hidden}
    wanted = query.fields.get(resource["type"])
    if wanted is not None:
        attributes = {k: v for k, v in attributes.items() if k in wanted} | {
            head: {name.partition(".")[2]: (attributes.get(head) or {}).get(name.partition(".")[2])}
            for name in wanted
            if "." in name and (head := name.partition(".")[0]) in attributes
        }
    return {**resource, "attributes": attributes}
