"""Whether the values of settings can be used, told before any platform is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.engine.source import ValueCheck

ADDRESSES = ("_BASE_URL", "_TOKEN_URL")
HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+", re.ASCII | re.IGNORECASE)
# what is not sent in headers and addresses may be in any script
LOCAL = ("_PATH", "_FILE", "_DATABASE_URL", "_CUSTOM_ARGS")
# comma lists, in which blanks do no harm
LISTS = ("_IDS", "_SUBUSERS", "_OBJECTS", "_BREAKDOWNS")


def check_values(
    names: Iterable[str], checks: Mapping[str, ValueCheck], settings: Mapping[str, str]
) -> None:
    """Raise UserError for the first setting that is given and of no use."""
    for name in names:
        if value := settings.get(name, ""):
            check_text(name, value)
            if name.endswith(ADDRESSES):
                check_address(name, value)
            if name in checks:
                checks[name](name, value)


def check_text(name: str, value: str) -> None:
    """Raise UserError for characters that cannot be sent; the value may be a secret."""
    if not name.endswith(LOCAL):
        for position, character in enumerate(value, start=1):
            if not character.isascii():
                raise UserError(
                    f"{name} has a character that is not ASCII, the {position}. of {len(value)}",
                    hint="copy it anew from the platform",
                )
    is_list = name.endswith(LISTS)
    if (value != value.strip() and not is_list) or not value.isprintable():
        raise UserError(f"{name} has blanks around it or a line end in it", hint="write it anew")


def check_address(name: str, value: str) -> None:
    """Raise UserError where a value is not the address of a web server."""
    try:
        parts = urlsplit(value)
        is_good = parts.scheme in {"http", "https"} and parts.port != 0
        is_good = is_good and bool(HOST.fullmatch(parts.hostname or ""))
    except ValueError:
        is_good = False
    if not is_good:
        # a password has no place in a message
        shown = re.sub(r"[^/@]*@", "", value)
        raise UserError(
            f"{name} is not an address: {shown!r}",
            hint="write it like https://host:8443/path, with a port from 1 to 65535",
        )


def names_in(text: str) -> list[str]:
    """Return the parts of a comma list, without blanks; empty ones are none."""
    return [part.strip() for part in text.split(",") if part.strip()]


def shaped(pattern: str, example: str) -> ValueCheck:
    """Return a check that takes what looks like the pattern."""

    def check(name: str, value: str) -> None:
        if not re.fullmatch(pattern, value):
            raise UserError(f"{name} is not valid: {value!r}", hint=f"write it like {example}")

    return check
