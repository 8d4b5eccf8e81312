"""The one door to the time, so that tests and the demo can set it.

`MARKETING_NOW` (ISO 8601, UTC) freezes the business clock; durations and leases never use it.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime

from marketing_analytics.core.errors import UserError

SETTING = "MARKETING_NOW"
# calendars end: days and durations can be added to these, in every zone
FIRST_YEAR, LAST_YEAR = 1970, 2999


def now() -> datetime:
    """Return the business time, in UTC. Raise UserError if MARKETING_NOW is not a time."""
    frozen = os.environ.get(SETTING)
    return parse_time(frozen, SETTING) if frozen else datetime.now(UTC)


def today() -> date:
    """Return the business date, in UTC."""
    return now().date()


def parse_time(text: str, name: str = "time") -> datetime:
    """Return an ISO 8601 text as a UTC time; a text without a zone is UTC. Raise UserError."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"{name} is not a time: {text!r}", hint="write it like 2026-11-01T06:00:00Z"
        ) from None
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise UserError(
            f"{name} is of the year {value.year}: {text!r}",
            hint=f"write a time of the years {FIRST_YEAR} to {LAST_YEAR}",
        )
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
