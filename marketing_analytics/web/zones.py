"""The time zone in which a page shows its times: UTC unless its reader chose another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

COOKIE = "zone"
# offered besides the one of the browser
USUAL = (
    "UTC",
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Athens",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
)
MAX_NAME_LENGTH = 64
shown_zone: ContextVar[tzinfo] = ContextVar("shown_zone", default=UTC)


def zone_of(name: str | None) -> tzinfo:
    """Return the zone of a name, UTC for one that nobody knows."""
    if not name or name == "UTC" or len(name) > MAX_NAME_LENGTH:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def name_of(zone: tzinfo) -> str:
    """Return the name of a zone."""
    return zone.key if isinstance(zone, ZoneInfo) else "UTC"


def zone_name() -> str:
    """Return the name of the zone in which times are shown now."""
    return name_of(shown_zone.get())


@contextmanager
def in_zone(zone: tzinfo) -> Iterator[None]:
    """Show times in a zone."""
    token = shown_zone.set(zone)
    try:
        yield
    finally:
        shown_zone.reset(token)


def local(at: datetime) -> datetime:
    """Return a moment by the clock of the shown zone."""
    return at.astimezone(shown_zone.get())
