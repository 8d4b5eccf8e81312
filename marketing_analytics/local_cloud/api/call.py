"""One request as a handler sees it: who asks, which ids, which query, which body."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from marketing_analytics.local_cloud.api.answers import ApiError, invalid_at, not_found

MAX_PAGE = 100
MAX_ID = 2**63 - 1
MAX_QUERY_FIELDS = 200
STATES = {"1": 1, "active": 1, "2": 2, "deleted": 2, "all": None}
TRUE = {"true": True, "1": True, "false": False, "0": False}


@dataclass
class Call:
    """A request after authentication. `ids` are numbers from the path, `rest` its tail."""

    connection: sqlite3.Connection
    data_dir: Path
    account_id: int
    ids: dict[str, int]
    rest: str
    query_text: str
    body_bytes: bytes
    base_url: str
    wake: Callable[[], None]
    _query: dict[str, list[str]] | None = field(default=None)

    @property
    def query(self) -> dict[str, list[str]]:
        """Return the query; brackets and quotes may come unescaped."""
        if self._query is None:
            self._query = read_query(self.query_text)
        return self._query

    def text(self, name: str) -> str | None:
        """Return one query value; the last one wins, an empty one counts as not given."""
        values = self.query.get(name)
        return (values[-1] or None) if values else None

    def number(self, name: str) -> int | None:
        """Return one query value as a number."""
        text = self.text(name)
        return None if text is None else read_number(text, name)

    def boolean(self, name: str) -> bool | None:
        """Return one query value as a boolean."""
        text = self.text(name)
        if text is None:
            return None
        if text.lower() not in TRUE:
            raise invalid_at("expected true or false", name)
        return TRUE[text.lower()]

    def numbers(self, name: str) -> list[int] | None:
        """Return the numbers of `name` and of `name__in`, None when neither is given."""
        single = self.number(name)
        listed = self.items(f"{name}__in")
        if listed is None:
            return None if single is None else [single]
        found = [as_number(item, f"{name}__in") for item in listed]
        return found if single is None else [number for number in found if number == single]

    def texts(self, name: str) -> list[str] | None:
        """Return the texts of `name` and of `name__in`, None when neither is given."""
        single = self.text(name)
        listed = self.items(f"{name}__in")
        if listed is None:
            return None if single is None else [single]
        return [str(item) for item in listed if single is None or str(item) == single]

    def items(self, name: str) -> list[Any] | None:
        """Return a JSON array given as one parameter; a bare or comma list is one too."""
        values = self.query.get(name)
        if not values or not any(values):
            return None
        items: list[Any] = []
        for value in values:
            items += read_items(value)
        return items

    def included(self) -> frozenset[str]:
        """Return the names of include_related in any of the forms clients use."""
        values = self.query.get("include_related")
        if not values:
            return frozenset()
        joined = ",".join(values).translate(_QUOTES_AND_BRACKETS)
        return frozenset(name.strip() for name in joined.split(",") if name.strip())

    def state(self, default: int | None = 1) -> int | None:
        """Return the state filter: 1 active, 2 deleted, None for all."""
        text = self.text("state")
        if text is None:
            return default
        if text.lower() not in STATES:
            raise invalid_at("expected one of active, deleted, all, 1, 2", "state")
        return STATES[text.lower()]

    def limit(self) -> int:
        """Return how many items a page may hold, at most 100."""
        given = self.number("limit")
        if given is None:
            return MAX_PAGE
        if given < 1:
            raise invalid_at("expected a number of at least 1", "limit")
        return min(given, MAX_PAGE)

    def offset(self) -> int:
        """Return how many items to skip."""
        given = self.number("offset") or 0
        if given < 0:
            raise invalid_at("expected a number of at least 0", "offset")
        return given

    def order_by(self, known: tuple[str, ...], default: str = "id") -> str:
        """Return the order, `-` reverses it."""
        given = self.text("order_by") or default
        if given.removeprefix("-") not in known:
            raise invalid_at(f"expected one of {', '.join(known)}, with - to reverse", "order_by")
        return given

    def body(self) -> dict[str, Any]:
        """Return the body as an object; nothing and `null` are an empty one."""
        if not self.body_bytes.strip():
            return {}
        value = read_json(self.body_bytes)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise ApiError(400, "The body must be a JSON object.")
        return value

    def id_of(self, name: str) -> int:
        """Return an id of the path; one that no store can hold does not exist."""
        value = self.ids[name]
        if value > MAX_ID:
            raise not_found()
        return value


_NUMBER = re.compile(r"-?[0-9]{1,30}")
_QUOTES_AND_BRACKETS = str.maketrans("", "", "[]\"'")


def read_query(text: str) -> dict[str, list[str]]:
    """Return a query string as lists of values by name."""
    query: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        raise ApiError(400, "The query has too many fields.") from None
    for name, value in pairs:
        query.setdefault(name, []).append(value)
    return query


def read_number(text: str, name: str) -> int:
    """Return a whole number of 64 bits."""
    if not _NUMBER.fullmatch(text.strip()):
        raise invalid_at("expected a number", name)
    return check_size(int(text), name)


def as_number(item: Any, name: str) -> int:
    """Return an item of a JSON array as a number."""
    if isinstance(item, bool) or not isinstance(item, int | str):
        raise invalid_at("expected a list of numbers", name)
    return read_number(str(item), name) if isinstance(item, str) else check_size(item, name)


def check_size(value: int, name: str) -> int:
    """Return a number that fits into 64 bits."""
    if abs(value) > MAX_ID:
        raise invalid_at("this number is too large", name)
    return value


def read_items(text: str) -> list[Any]:
    """Return `[1,2]`, `["a", "b"]`, `1,2` or `a` as a list."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return [part.strip() for part in text.translate(_QUOTES_AND_BRACKETS).split(",")]
    return value if isinstance(value, list) else [value]


def read_json(body: bytes) -> Any:
    """Return a JSON document. Raise a 400 for what is none, or holds text that is none."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, parse_constant=refuse_constant)
        if "\\u" in text:
            # lone surrogates pass the parser but are no text
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is not valid JSON.") from None
    return value


def refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which JSON does not have."""
    raise ValueError(name)
