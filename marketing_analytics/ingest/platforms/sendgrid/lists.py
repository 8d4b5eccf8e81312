"""Lists that are paged by offset and may change while they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marketing_analytics.core.errors import TerminalError
from marketing_analytics.ingest.engine.answers import MOST_PAGES, EndlessListError, records
from marketing_analytics.ingest.engine.governor import Governor

READ_ATTEMPTS = 3


def read_list(
    governor: Governor, path: str, asked: Mapping[str, Any], page_size: int
) -> list[dict[str, Any]]:
    """Return a list to its end; raise TerminalError where it never holds still."""
    for _ in range(READ_ATTEMPTS):
        rows, is_steady = read_once(governor, path, asked, page_size)
        if is_steady:
            return rows
    raise TerminalError(
        f"SendGrid's list {path} changed each time it was read",
        hint="run again; what was loaded of it stays",
    )


def read_once(
    governor: Governor, path: str, asked: Mapping[str, Any], page_size: int
) -> tuple[list[dict[str, Any]], bool]:
    """Return the rows and whether the list held still.

    A page begins with the last row of the page before: another one there means that rows came
    or went, and that offsets point elsewhere.
    """
    rows: list[dict[str, Any]] = []
    for _ in range(MOST_PAGES):
        offset = max(len(rows) - 1, 0)
        page = records(
            governor.get(path, {**asked, "limit": page_size, "offset": offset}), "", path
        )
        if rows and page[:1] != rows[-1:]:
            return rows, False
        rows[offset:] = page
        if len(page) < page_size:
            return rows, True
    raise EndlessListError(f"SendGrid's list {path} has not ended after {MOST_PAGES:,} pages")
