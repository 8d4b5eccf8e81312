"""Leave out of a statement what a caller does not ask for, so that SQLite can use its indexes.

Lists are written whole: `(:name is null or condition)` for every filter, one
`case when :order_by = 'name' then column end` for every order. SQLite plans a statement before it
knows its values, so as written it would read and sort every row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from marketing_analytics.local_cloud.store.connection import Value

OPTION = re.compile(r"\(:(\w+) is null\s+or ")
ORDER = re.compile(r"case when :order_by = '(-?\w+)' then ([\w.]+) end( desc)?( nulls \w+)?,\s*")


def narrowed(statement: str, values: Mapping[str, Value]) -> str:
    """Return a statement with the conditions of the values given and the one order asked for."""
    absent = frozenset(name for name, value in values.items() if value is None)
    return narrow(statement, absent, str(values.get("order_by", "")))


@lru_cache(maxsize=1024)
def narrow(statement: str, absent: frozenset[str], order_by: str) -> str:
    """Return a statement without the conditions of absent values and without other orders."""
    text = ORDER.sub(lambda found: kept_order(found, order_by), statement)
    while found := OPTION.search(text):
        end = closing(text, found.start())
        condition = "true" if found[1] in absent else f"({text[found.end() : end]})"
        text = text[: found.start()] + condition + text[end + 1 :]
    return text


def kept_order(found: re.Match[str], order_by: str) -> str:
    """Return the column of the order asked for, "" for another one."""
    return f"{found[2]}{found[3] or ''}{found[4] or ''}, " if found[1] == order_by else ""


def closing(text: str, start: int) -> int:
    """Return where the bracket that opens at `start` is closed."""
    depth = 0
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return place
    raise ValueError("a bracket of a statement is not closed")
