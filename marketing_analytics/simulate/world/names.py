"""How things are called outside: ids and texts made from indexes, the same everywhere."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import numpy as np

from marketing_analytics.simulate.world.chance import IntArray, TextArray, texts

PREFIXES = {"customer": "C", "order": "O", "refund": "R", "consent": "N", "session": "S"}


def ids(kind: str, count: int) -> TextArray:
    """Return the ids of 0 .. count-1, e.g. C0000001."""
    prefix = PREFIXES[kind]
    return texts([f"{prefix}{i + 1:07d}" for i in range(count)])


def device_names(seed: int, device_count: int) -> TextArray:
    """Return the GA4 client id of each device: two numbers joined by a dot."""
    numbers = np.arange(device_count, dtype=np.int64)
    # a multiplier prime to the modulus spreads neighbours and repeats none
    left = 1_000_000_000 + (numbers * 2_654_435_761 + seed * 97) % 1_000_000_000
    return texts([f"{a}.{1_700_000_000 + int(b)}" for a, b in zip(left, numbers, strict=True)])


def email_hash(address: str) -> str:
    """Return Mailchimp's id of an address: MD5 of its lower-case text."""
    # documented by Mailchimp, no secret of ours
    return hashlib.md5(address.lower().encode(), usedforsecurity=False).hexdigest()


def time_texts(moments_us: IntArray) -> list[str]:
    """Return each moment as YYYY-MM-DDTHH:MM:SS+00:00, as all times in the shop are."""
    values = (moments_us // 1_000_000).tolist()
    return [datetime.fromtimestamp(value, UTC).isoformat() for value in values]


def date_texts(days: IntArray) -> list[str]:
    """Return days since 1970 as YYYY-MM-DD."""
    return [str(day) for day in days.astype("datetime64[D]")]


def money(cents: int) -> str:
    """Return cents as a decimal text with two places."""
    sign = "-" if cents < 0 else ""
    # the sign apart: // and % of a negative number round the wrong way
    return f"{sign}{abs(int(cents)) // 100}.{abs(int(cents)) % 100:02d}"
