"""SQL as pages show it: numbered lines, the one that an error names marked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_LINE_CHARACTERS = 400
LINES_AROUND = 6
LINES_AT_FIRST = 12
MAX_LINES = 2_000
# how DuckDB and PostgreSQL name the place, as in `LINE 12: select no_such_column`
QUOTED = re.compile(r"^\s*LINE \d+: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class SqlLine:
    """One line with its number from 1; `is_at` when an error names it."""

    number: int
    text: str
    is_at: bool = False


@dataclass(frozen=True)
class ShownSql:
    """Lines of a statement; `total` counts all that it has."""

    lines: Sequence[SqlLine]
    total: int

    @property
    def is_part(self) -> bool:
        """Return whether there are more lines than shown."""
        return len(self.lines) < self.total


def whole_sql(code: str, message: str = "") -> ShownSql:
    """Return all lines of a statement, but those of an endless one."""
    lines = lines_of(code, place_of(code, message))
    return ShownSql(lines[:MAX_LINES], len(lines))


def sql_around(code: str, message: str) -> ShownSql:
    """Return the lines around the one that an error names, the first ones when it names none."""
    place = place_of(code, message)
    lines = lines_of(code, place)
    if place is None:
        return ShownSql(lines[:LINES_AT_FIRST], len(lines))
    first = max(0, place - LINES_AROUND)
    return ShownSql(lines[first : place + LINES_AROUND + 1], len(lines))


def lines_of(code: str, place: int | None) -> list[SqlLine]:
    """Return the lines of a statement without the empty ones around it."""
    return [
        SqlLine(number, text[:MAX_LINE_CHARACTERS], is_at=number - 1 == place)
        for number, text in enumerate(code.strip("\n").rstrip().split("\n"), start=1)
    ]


def place_of(code: str, message: str) -> int | None:
    """Return which line (from 0) the error quotes.

    Its number counts from the start of what the adapter sent, so the text decides. A database
    may quote a part of a long line, with dots where it was cut.
    """
    quoted = QUOTED.search(message)
    if quoted is None:
        return None
    wanted = quoted[1].strip().strip(".").strip()
    if not wanted:
        return None
    lines = code.strip("\n").rstrip().split("\n")
    whole = [place for place, text in enumerate(lines) if text.strip() == wanted]
    within = [place for place, text in enumerate(lines) if wanted in text]
    found = whole or within
    return found[0] if found else None
