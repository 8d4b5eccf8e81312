"""Values as SendGrid writes them: epoch seconds, and texts with an address in them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

# also as it stands in the query of a URL
ADDRESS = re.compile(r"[\w.+'-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)


def time_of(value: Any) -> Any:
    """Return epoch seconds as a time; anything else as it is, to be noted with its reason."""
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return str(value)


def without_addresses(value: Any) -> Any:
    """Return a text without the e-mail addresses in it: mail servers name whom they refuse."""
    return ADDRESS.sub("(address)", value) if isinstance(value, str) else value
