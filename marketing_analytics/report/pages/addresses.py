"""Addresses that stand as links on pages: of the web, or beside the pages."""

from __future__ import annotations

import re

from marketing_analytics.core.errors import UserError

SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
# browsers leave them out before they look for a scheme
UNSEEN = re.compile(r"[\x00-\x20\x7f]")


def check_link(option: str, address: str) -> None:
    """Raise UserError for an address that is no page, such as one that is a script."""
    scheme = SCHEME.match(address)
    if UNSEEN.search(address) or (scheme and scheme[1].lower() not in ("http", "https")):
        raise UserError(
            f"{option} is no address of a page: {address!r}",
            hint="write it like https://example.com/docs/ or ../docs/",
        )
