"""How Mailchimp answers: problem documents, pages of lists, chosen fields."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from marketing_analytics.core.clock import parse_time
from marketing_analytics.core.errors import UserError

DEFAULT_COUNT, MAX_COUNT = 10, 1_000
GLOSSARY = "https://mailchimp.com/developer/marketing/docs/errors/"
CHOICE = ("fields", "exclude_fields")
PAGING = ("count", "offset", *CHOICE)
SORTING = ("sort_field", "sort_dir")


class ProblemError(Exception):
    """An answer as application/problem+json."""

    def __init__(
        self, status: int, title: str, detail: str, errors: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.body: dict[str, Any] = {
            "type": GLOSSARY,
            "title": title,
            "status": status,
            "detail": detail,
            "instance": "00000000-0000-4000-8000-000000000000",
        }
        if errors:
            self.body["errors"] = errors

    def answer(self) -> Response:
        """Return the HTTP answer."""
        text = json.dumps(self.body)
        return Response(text, self.status, media_type="application/problem+json")


def invalid(field: str, message: str) -> ProblemError:
    """Return the problem of a bad parameter."""
    detail = "The resource submitted could not be validated. See the 'errors' array."
    return ProblemError(400, "Invalid Resource", detail, [{"field": field, "message": message}])


def api_key_invalid() -> ProblemError:
    """Return the problem of a wrong key."""
    detail = "Your API key may be invalid, or you've attempted to access the wrong datacenter."
    return ProblemError(401, "API Key Invalid", detail)


def too_many() -> ProblemError:
    """Return the problem of too many simultaneous connections."""
    detail = "You have exceeded the limit of 10 simultaneous connections."
    return ProblemError(429, "Too Many Requests", detail)


def resource_missing() -> ProblemError:
    """Return the problem of a path without a resource."""
    return ProblemError(404, "Resource Not Found", "The requested resource could not be found.")


def method_not_allowed() -> ProblemError:
    """Return the problem of a method that a path does not have."""
    detail = "The requested method and resource are not compatible."
    return ProblemError(405, "Method Not Allowed", detail)


def check_parameters(request: Request, accepted: Sequence[str]) -> None:
    """Raise ProblemError for a parameter that is not known."""
    unknown = sorted(set(request.query_params) - set(accepted))
    if unknown:
        raise invalid(unknown[0], "This parameter is not known here.")


def page(
    request: Request,
    name: str,
    rows: Sequence[Any],
    *,
    extra: Mapping[str, Any] | None = None,
) -> str:
    """Return one page of rows, which are dictionaries or finished JSON texts."""
    count = read_number(request, "count", DEFAULT_COUNT, MAX_COUNT)
    offset = read_number(request, "offset", 0, 10**9)
    part = rows[offset : offset + count]
    rest = {**(extra or {}), "total_items": len(rows), "_links": []}
    if any(request.query_params.get(parameter) for parameter in CHOICE):
        found = [json.loads(row) if isinstance(row, str) else row for row in part]
        return json.dumps(chosen(request, {name: found, **rest}))
    texts = [row if isinstance(row, str) else json.dumps(row) for row in part]
    return f'{{"{name}": [{", ".join(texts)}], {json.dumps(rest)[1:]}'


def chosen(request: Request, body: Any) -> Any:
    """Return what `fields` and `exclude_fields` leave of an answer; unknown paths match nothing."""
    wanted, unwanted = (
        tree_of(request.query_params.get(parameter, "").split(",")) for parameter in CHOICE
    )
    if wanted:
        body = only(body, wanted)
    return without(body, unwanted) if unwanted else body


def tree_of(paths: Sequence[str]) -> dict[str, Any]:
    """Return dotted paths as nested names; a name without any below it means all of it."""
    tree: dict[str, Any] = {}
    # long paths first: `a` after `a.b` asks for all of `a`
    for path in sorted(filter(None, map(str.strip, paths)), key=len, reverse=True):
        *above, last = path.split(".")
        below = tree
        for name in above:
            below = below.setdefault(name, {})
        below[last] = {}
    return tree


def only(body: Any, tree: Mapping[str, Any]) -> Any:
    """Return the named parts, also inside of lists."""
    if isinstance(body, list):
        return [only(item, tree) for item in body]
    if not isinstance(body, dict):
        return body
    return {
        name: only(value, tree[name]) if tree[name] else value
        for name, value in body.items()
        if name in tree
    }


def without(body: Any, tree: Mapping[str, Any]) -> Any:
    """Return all but the named parts, also inside of lists."""
    if isinstance(body, list):
        return [without(item, tree) for item in body]
    if not isinstance(body, dict):
        return body
    return {
        name: without(value, tree[name]) if name in tree else value
        for name, value in body.items()
        if name not in tree or tree[name]
    }


def selected(
    request: Request, rows: list[dict[str, Any]], times: Sequence[str], texts: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return the rows that pass `since_` and `before_` of times, and equal texts; in order."""
    for name in times:
        for side in ("since", "before"):
            if text := request.query_params.get(f"{side}_{name}"):
                limit = read_time(f"{side}_{name}", text)
                is_since = side == "since"
                rows = [r for r in rows if r[name] and (moment(r[name]) > limit) == is_since]
    for name in texts:
        if wanted := request.query_params.get(name):
            rows = [row for row in rows if row.get(name) == wanted]
    return in_order(request, rows, times)


def in_order(
    request: Request, rows: list[dict[str, Any]], times: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the rows in the order that is asked for."""
    direction = request.query_params.get("sort_dir", "ASC").upper()
    if direction not in {"ASC", "DESC"}:
        raise invalid("sort_dir", "Value must be ASC or DESC.")
    name = request.query_params.get("sort_field")
    if not name:
        return rows
    if name not in times:
        raise invalid("sort_field", f"The value is not one of {', '.join(times)}.")
    return sorted(rows, key=lambda row: row[name] or "", reverse=direction == "DESC")


def sides_of(times: Sequence[str]) -> tuple[str, ...]:
    """Return the parameters that bound times."""
    return tuple(f"{side}_{name}" for name in times for side in ("since", "before"))


def read_number(request: Request, name: str, default: int, highest: int) -> int:
    """Return a paging parameter. Raise ProblemError."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or int(text) > highest:
        raise invalid(name, f"Value must be an integer from 0 to {highest}.")
    return int(text)


def read_time(name: str, text: str) -> float:
    """Return an ISO time as seconds since 1970. Raise ProblemError."""
    try:
        # a plus that was not encoded arrives as a space
        return parse_time(text.replace(" ", "+"), name).timestamp()
    except UserError:
        raise invalid(name, "Value must be an ISO 8601 time.") from None


def moment(text: str) -> float:
    """Return a time of our own as seconds since 1970."""
    return parse_time(text).timestamp()
