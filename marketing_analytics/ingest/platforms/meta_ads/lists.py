"""The lists of Meta's Graph API: pages with a cursor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from marketing_analytics.ingest.engine.answers import Cursors, part, records
from marketing_analytics.ingest.engine.governor import Governor, TooMuchDataError

LEAST_PAGE = 25


def pages(
    governor: Governor, path: str, params: Mapping[str, str], page_size: int = 500
) -> Iterator[dict[str, Any]]:
    """Yield all rows of a list. The page is halved when Meta calls it too much data.

    The cursor is followed, not the `next` address: that one holds the token.
    """
    after = ""
    cursors = Cursors(f"Meta's list {path}")
    while True:
        asked = {**params, "limit": str(page_size)} | ({"after": after} if after else {})
        try:
            page = governor.send("GET", path, is_large=page_size > LEAST_PAGE, params=asked)
        except TooMuchDataError:
            if page_size <= LEAST_PAGE:
                raise
            page_size //= 2
            continue
        yield from records(page, "data", path)
        after = next_cursor(part(page, "paging", path))
        if not after:
            return
        cursors.check(after)


def next_cursor(paging: Mapping[str, Any]) -> str:
    """Return the cursor of the next page, "" on the last one."""
    following = paging.get("next")
    if not following:
        return ""
    after = part(paging, "cursors", "paging").get("after")
    return str(after or parse_qs(urlsplit(str(following)).query).get("after", [""])[0])
