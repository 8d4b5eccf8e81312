"""How long: 90s, 30m, 26h, 2d."""

from __future__ import annotations

import re
from datetime import timedelta

from marketing_analytics.core.errors import UserError

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
PATTERN = "^[1-9][0-9]{0,5}[smhd]$"


def duration(text: str) -> timedelta:
    """Return a text as a duration. Raise UserError."""
    if not re.fullmatch(PATTERN, text.strip()):
        raise UserError(f"{text!r} is not a duration", hint="write it like 90s, 30m, 26h or 2d")
    number, unit = text.strip()[:-1], text.strip()[-1]
    return timedelta(**{UNITS[unit]: int(number)})


def words(length: timedelta) -> str:
    """Return a duration as it is written: 90s, 30m, 26h, 2d."""
    seconds = int(length.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size or seconds == size:
            return f"{seconds / size:.3g}{unit}"
    return f"{seconds}s"
