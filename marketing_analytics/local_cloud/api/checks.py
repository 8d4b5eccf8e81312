"""Read untrusted fields: each reader returns a clean value or says what was expected.

`Fields` collects the messages of all fields, so that one answer names every mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marketing_analytics.cloud_api.limits import MAX_STEPS
from marketing_analytics.local_cloud.api.answers import invalid
from marketing_analytics.local_cloud.api.call import MAX_ID

Reader = Callable[[Any], Any]
REQUIRED = "required key not provided"


class CheckError(ValueError):
    """A value is not what was expected; the text says what was."""


class Fields:
    """The fields of a body, read one by one."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = body
        self.errors: dict[str, Any] = {}

    def read(self, name: str, reader: Reader, default: Any = None) -> Any:
        """Return a field; missing and null give the default."""
        value = self.body.get(name)
        if value is None:
            return default
        try:
            return reader(value)
        except CheckError as error:
            self.fail(str(error), name)
            return default

    def read_or_clear(self, name: str, reader: Reader, default: Any = None) -> Any:
        """Return a field that null clears; missing gives the default."""
        if name in self.body and self.body[name] is None:
            return None
        return self.read(name, reader, default)

    def fail(self, message: str, *path: str) -> None:
        """Note a mistake at a path of field names."""
        place = self.errors
        for key in path[:-1]:
            inner = place.get(key)
            if not isinstance(inner, dict):
                inner = place[key] = {}
            place = inner
        place.setdefault(path[-1], message)

    def check(self) -> None:
        """Raise a 400 with every mistake."""
        if self.errors:
            raise invalid(self.errors)


def text(value: Any) -> str:
    """Return a text without NUL characters."""
    if not isinstance(value, str):
        raise CheckError("expected a string")
    if "\0" in value:
        raise CheckError("expected a string without NUL characters")
    return value


def text_up_to(length: int) -> Reader:
    """Return a reader of texts of at most `length` characters."""

    def read(value: Any) -> str:
        if len(text(value)) > length:
            raise CheckError(f"expected at most {length} characters")
        return str(value)

    return read


def text_or_none(value: Any) -> str | None:
    """Return a text; an empty one is none."""
    return text(value) or None


def name_text(value: Any) -> str:
    """Return a name: at least one visible character, byte-exact."""
    if not text(value).strip():
        raise CheckError("expected a name that is not empty")
    return text_up_to(255)(value)  # type: ignore[no-any-return]


def boolean(value: Any) -> bool:
    """Return a boolean."""
    if not isinstance(value, bool):
        raise CheckError("expected a boolean")
    return value


def number_between(low: int, high: int = MAX_ID) -> Reader:
    """Return a reader of whole numbers within bounds."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise CheckError("expected an integer")
        if not low <= value <= high:
            bound = f"at least {low}" if value < low else f"at most {high}"
            raise CheckError(f"expected a number of {bound}")
        return value

    return read


identifier = number_between(1)


def identifier_or_none(value: Any) -> int | None:
    """Return an id; 0 is none, as some clients write it."""
    return number_between(0)(value) or None


def one_of(*known: Any) -> Reader:
    """Return a reader of one of the known values."""

    def read(value: Any) -> Any:
        # a boolean or 1.0 would be equal to a known number
        if isinstance(value, bool | float) or value not in known:
            raise CheckError(f"expected one of {', '.join(str(item) for item in known)}")
        return value

    return read


def state_of_new(value: Any) -> int:
    """Return the state of what is created: active."""
    if one_of(1, 2)(value) != 1:
        raise CheckError("expected 1: nothing is created deleted")
    return 1


def texts(value: Any) -> list[str]:
    """Return a list of texts."""
    if not isinstance(value, list):
        raise CheckError("expected a list of strings")
    return [text(item) for item in value]


def steps(value: Any) -> list[str]:
    """Return commands of a job or a run: not too many, none of them empty."""
    found = texts(value)
    if len(found) > MAX_STEPS:
        raise CheckError(f"expected at most {MAX_STEPS} steps")
    if any(not step.strip() for step in found):
        raise CheckError("expected steps that are not empty")
    return found


def mapping(value: Any) -> dict[str, Any]:
    """Return an object."""
    if not isinstance(value, dict):
        raise CheckError("expected a dictionary")
    return value
