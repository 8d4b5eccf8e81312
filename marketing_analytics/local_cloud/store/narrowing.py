"""Leave out of a statement what a caller does not ask for, so that SQLite can use its indexes.

Lists are written whole: `(:name is null or condition)` for every filter, one
`case when :order_by = 'name' then column end` for every order. SQLite plans a statement before it
knows its values, so as written it would read and sort every row.

How many rows a list has in all is asked with the list itself: its limited select, counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from marketing_analytics.local_cloud.store.connection import Value

OPTION = re.compile(r"\(:(\w+) is null\s+or ")
LIMIT = "limit :limit offset :offset"
COMMENT = re.compile(r"--[^\n]*\n")
FROM, ORDER_BY = re.compile(r"\bfrom\b"), re.compile(r"\border by\b")
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


@cache
def counting(listing: str) -> str:
    """Return how many rows a list has in all: its select with the limit, without order and columns.

    What a page adds to the rows of that select is not read. The select must be a plain one:
    of groups and of distinct rows something else would be counted.
    """
    text = COMMENT.sub("", listing)
    limited = text[: text.rindex(LIMIT)]
    start = opened(limited) + 1
    rows = limited[outside(FROM, limited, start) : outside(ORDER_BY, limited, start)]
    return f"select count(*)\n{rows.strip()}"


def opened(text: str) -> int:
    """Return where the last bracket opens that is not closed, -1 without one."""
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth > 0:
            return place
    return -1


def outside(word: re.Pattern[str], text: str, start: int) -> int:
    """Return where a word stands that is in no bracket which opens after `start`."""
    for found in word.finditer(text, start):
        before = text[start : found.start()]
        if before.count("(") == before.count(")"):
            return found.start()
    raise ValueError(f"a list has no {word.pattern}")


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
