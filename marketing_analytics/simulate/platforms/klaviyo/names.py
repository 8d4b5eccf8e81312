"""Ids and times as Klaviyo writes them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from marketing_analytics.simulate.emulation.world_files import NEVER_US
from marketing_analytics.simulate.platforms.klaviyo.query import Resource

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def short_id(kind: str, key: str, length: int = 6) -> str:
    """Return an id that is the same in every run."""
    number = int.from_bytes(hashlib.sha256(f"{kind} {key}".encode()).digest())
    signs = []
    for _ in range(length):
        number, place = divmod(number, len(ALPHABET))
        signs.append(ALPHABET[place])
    return "".join(signs)


def long_id(kind: str, key: str) -> str:
    """Return an id of 26 signs, as profiles, campaigns and messages have."""
    return "01" + short_id(kind, key, 24)


def iso(moment_us: int) -> str | None:
    """Return a time as Klaviyo writes it, None for never."""
    if moment_us <= 0 or moment_us >= NEVER_US:
        return None
    return datetime.fromtimestamp(moment_us // 1_000_000, UTC).isoformat()


def reference(kind: str, name: str) -> dict[str, str]:
    """Return the reference to a resource."""
    return {"type": kind, "id": name}


def resource(
    kind: str, name: str, attributes: dict[str, Any], related: dict[str, Any] | None = None
) -> Resource:
    """Return a resource; `related` holds references by relationship."""
    address = f"https://a.klaviyo.com/api/{kind}s/{name}"
    relationships = {
        relation: {
            "data": data,
            "links": {
                "self": f"{address}/relationships/{relation}/",
                "related": f"{address}/{relation}/",
            },
        }
        for relation, data in (related or {}).items()
    }
    return {
        "type": kind,
        "id": name,
        "attributes": attributes,
        "relationships": relationships,
        "links": {"self": f"{address}/"},
    }
