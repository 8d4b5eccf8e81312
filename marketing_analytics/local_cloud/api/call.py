"""One request as a handler sees it: who asks, which ids, which query, which body."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request

from marketing_analytics.local_cloud.api.answers import ApiError, invalid_at, not_found
from marketing_analytics.local_cloud.store.connection import Connection, time_text

MAX_PAGE = 100
MAX_ID = 2**63 - 1
STATES = {"1": 1, "active": 1, "2": 2, "deleted": 2, "all": None}
TRUE = {"true": True, "1": True, "false": False, "0": False}


@dataclass
class Call:
    """A request after authentication: its ids, query and body as clean values."""

    request: Request
    body_bytes: bytes
    account_id: int
    connection: Connection
    data_dir: Path
    wake: Callable[[], None]
    webhook_hosts: Collection[str] = ()

    @property
    def base_url(self) -> str:
        """Return the address the client used, such as `http://127.0.0.1:8580`."""
        return str(self.request.base_url).rstrip("/")

    @property
    def query(self) -> QueryParams:
        """Return the query; brackets and quotes may come unescaped."""
        return self.request.query_params

    @property
    def ids(self) -> dict[str, Any]:
        """Return the numbers and texts of the path by name."""
        return self.request.path_params

    @property
    def rest(self) -> str:
        """Return the tail of the path, for operations that take one."""
        return str(self.ids["rest"])

    def text(self, name: str) -> str | None:
        """Return one query value; the last one wins, an empty one counts as not given."""
        return self.query.get(name) or None

    def number(self, name: str) -> int | None:
        """Return one query value as a number."""
        text = self.text(name)
        return None if text is None else read_number(text, name)

    def moment(self, name: str) -> str | None:
        """Return one query value as a time of the store."""
        text = self.text(name)
        return None if text is None else as_moment(text, name)

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
        values = self.query.getlist(name)
        if not any(values):
            return None
        items: list[Any] = []
        for value in values:
            items += read_items(value)
        return items

    def included(self) -> frozenset[str]:
        """Return the names of include_related in any of the forms clients use."""
        joined = ",".join(self.query.getlist("include_related")).translate(QUOTES_AND_BRACKETS)
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

    def json(self) -> Any:
        """Return the body, whatever it is; nothing is null."""
        return read_json(self.body_bytes) if self.body_bytes.strip() else None

    def id_of(self, name: str) -> int:
        """Return an id of the path; one that no store can hold does not exist."""
        value: int = self.ids[name]
        if value > MAX_ID:
            raise not_found()
        return value


NUMBER = re.compile(r"-?[0-9]{1,30}")
QUOTES_AND_BRACKETS = str.maketrans("", "", "[]\"'")


def read_number(text: str, name: str) -> int:
    """Return a whole number of 64 bits."""
    if not NUMBER.fullmatch(text.strip()):
        raise invalid_at("expected a number", name)
    return check_size(int(text), name)


def as_number(item: Any, name: str) -> int:
    """Return an item of a JSON array as a number."""
    if isinstance(item, bool) or not isinstance(item, int | str):
        raise invalid_at("expected a list of numbers", name)
    return read_number(str(item), name) if isinstance(item, str) else check_size(item, name)


def as_moment(value: Any, name: str) -> str:
    """Return a time as the store writes it; without a zone it is UTC."""
    try:
        # a plus sign in a query that nobody escaped arrives as a blank
        moment = datetime.fromisoformat(str(value).strip().replace(" 00:00", "+00:00"))
        return time_text(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)
    except (ValueError, OverflowError):
        raise invalid_at("expected a time such as 2026-01-02T03:04:05Z", name) from None


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
        return [part.strip() for part in text.translate(QUOTES_AND_BRACKETS).split(",")]
    return value if isinstance(value, list) else [value]


def read_json(body: bytes) -> Any:
    """Return a JSON document. Raise a 400 for what is none, or holds text that is none."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, parse_constant=refuse_constant, parse_float=finite)
        if "\\u" in text:
            # lone surrogates pass the parser but are no text
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is not valid JSON.") from None
    return value


def refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which JSON does not have."""
    raise ValueError(name)


def finite(digits: str) -> float:
    """Return a number; refuse one such as 1e400, which would be answered as Infinity."""
    number = float(digits)
    if math.isinf(number):
        raise ValueError(digits)
    return number
