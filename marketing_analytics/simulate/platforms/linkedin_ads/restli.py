"""Queries of Rest.li: structure in plain parentheses, commas and colons, values encoded.

Protocol 2.0.0 writes `search=(status:(values:List(ACTIVE)))`; a client that names no protocol
speaks 1.0.0: `search.status.values[0]=ACTIVE`. Both come out the same.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, unquote_plus

from starlette.responses import JSONResponse

BAD_REQUEST = "com.linkedin.common.error.BadRequest"
STRUCTURE = re.compile(r"[(),:]")
STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


class LinkedInError(Exception):
    """An answer in LinkedIn's error shape."""

    def __init__(
        self, status: int, code: str, message: str, *, service_code: int = 0, path: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"status": status, "code": code, "message": message}
        if service_code:
            self.body["serviceErrorCode"] = service_code
        if path:
            self.body["message"] = "Invalid param. Please see errorDetails for more information."
            error = {"description": message, "input": {"inputPath": {"fieldPath": path}}}
            self.body["errorDetailType"] = BAD_REQUEST
            self.body["errorDetails"] = {"inputErrors": [{**error, "code": code}]}

    def answer(self) -> JSONResponse:
        """Return the HTTP answer."""
        return JSONResponse(self.body, status_code=self.status)


def invalid(name: str, message: str) -> LinkedInError:
    """Return the refusal of a parameter's value."""
    return LinkedInError(400, "PARAM_INVALID", message, path=name)


def parse_query(text: str, *, is_version_2: bool) -> dict[str, Any]:
    """Return the parameters by name: texts, lists and objects. Raise LinkedInError."""
    pairs = [pair.partition("=") for pair in text.split("&") if pair]
    if is_version_2:
        return {unquote(name): parse_value(unquote(name), value) for name, _, value in pairs}
    found: dict[str, Any] = {}
    for name, _, value in pairs:
        put(found, unquote_plus(name), unquote_plus(value))
    return {name: value if name == "fields" else listed(value) for name, value in found.items()}


def parse_value(name: str, text: str) -> Any:
    """Return one value of protocol 2.0.0. Raise LinkedInError."""
    if name == "fields":
        # alone of all written as in protocol 1.0.0
        return text
    value, end = Reader(name, text).value(0)
    if end != len(text):
        raise invalid(name, f"unexpected {text[end]!r} at {end}")
    return value


class Reader:
    """Reads one value from left to right; every method returns what it read and the next place."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    def value(self, at: int) -> tuple[Any, int]:
        """Read a list, an object or a text."""
        if self.text.startswith("List(", at):
            return self.items(at + len("List("))
        if self.text.startswith("(", at):
            return self.fields(at + 1)
        return self.plain(at)

    def items(self, at: int) -> tuple[list[Any], int]:
        """Read the values of a list up to its end."""
        found: list[Any] = []
        if self.text.startswith(")", at):
            return found, at + 1
        while True:
            value, at = self.value(at)
            found.append(value)
            if self.ends(at):
                return found, at + 1
            at += 1

    def fields(self, at: int) -> tuple[dict[str, Any], int]:
        """Read the fields of an object up to its end."""
        found: dict[str, Any] = {}
        while True:
            key, at = self.plain(at)
            if not self.text.startswith(":", at):
                raise invalid(self.name, f"expected ':' at {at}")
            found[key], at = self.value(at + 1)
            if self.ends(at):
                return found, at + 1
            at += 1

    def ends(self, at: int) -> bool:
        """Return whether a list or object ends here; else there is more of it."""
        if at >= len(self.text) or self.text[at] not in ",)":
            raise invalid(self.name, f"expected ',' or ')' at {at}")
        return self.text[at] == ")"

    def plain(self, at: int) -> tuple[str, int]:
        """Read a text, which holds no structure that is not encoded."""
        stop = STRUCTURE.search(self.text, at)
        end = stop.start() if stop else len(self.text)
        return unquote(self.text[at:end]), end


def put(target: dict[str, Any], name: str, value: str) -> None:
    """Put a value of protocol 1.0.0 at its place: `a.b[0]` is in an object, in a list."""
    head = re.match(r"[^.\[\]]+", name)
    steps = STEP.findall(name[head.end() :]) if head else []
    if not head or name[head.end() :] != "".join(f".{k}" if k else f"[{i}]" for k, i in steps):
        raise LinkedInError(400, "QUERY_PARAM_NOT_ALLOWED", "Invalid param key", path=name)
    keys: list[str | int] = [head.group(), *(key or int(index) for key, index in steps)]
    place: dict[Any, Any] = target
    for key in keys[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise invalid(name, "it is a value and has fields")
    place[keys[-1]] = value


def listed(value: Any) -> Any:
    """Return lists where an object's keys are numbers."""
    if not isinstance(value, dict):
        return value
    if all(isinstance(key, int) for key in value):
        return [listed(value[key]) for key in sorted(value)]
    return {key: listed(one) for key, one in value.items()}


def only(parameters: dict[str, Any], *allowed: str) -> None:
    """Raise LinkedInError for a parameter that is not allowed."""
    for name in sorted(set(parameters) - set(allowed)):
        raise LinkedInError(400, "QUERY_PARAM_NOT_ALLOWED", "Invalid param key", path=name)


def text_of(parameters: dict[str, Any], name: str, default: str = "") -> str:
    """Return a parameter that is a text. Raise LinkedInError."""
    value = parameters.get(name, default)
    if not isinstance(value, str):
        raise invalid(name, f"{name} is not a single value")
    return value


def texts_of(parameters: dict[str, Any], name: str) -> list[str]:
    """Return a parameter that is a list of texts, empty when absent. Raise LinkedInError."""
    value = parameters.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise invalid(name, f"{name} is not a List(...)")
    return value


def number_of(parameters: dict[str, Any], name: str, default: int, highest: int) -> int:
    """Return a parameter that is a whole number. Raise LinkedInError."""
    text = text_of(parameters, name, str(default))
    if not text.isdecimal() or int(text) > highest:
        raise invalid(name, f"{name} is not a number of at most {highest}")
    return int(text)


def name_of(parameters: dict[str, Any], name: str, known: tuple[str, ...]) -> str:
    """Return a parameter of few values, written NAME or (value:NAME). Raise LinkedInError."""
    given = parameters.get(name)
    found = given.get("value") if isinstance(given, dict) and set(given) == {"value"} else given
    if found not in known:
        raise invalid(name, f"{name} is one of {', '.join(known)}")
    return str(found)


def ids_of(parameters: dict[str, Any], name: str, kind: str) -> list[str]:
    """Return the ids in a list of URNs of one kind. Raise LinkedInError."""
    return [id_of(name, text, kind) for text in texts_of(parameters, name)]


def id_of(name: str, text: str, kind: str) -> str:
    """Return the id in a URN of one kind. Raise LinkedInError."""
    found = re.fullmatch(rf"urn:li:{kind}:(\d+)", text)
    if not found:
        raise invalid(name, f"{text!r} is not a URN of {kind}")
    return found.group(1)
