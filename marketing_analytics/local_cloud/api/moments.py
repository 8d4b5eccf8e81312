"""Times and durations as dbt Cloud writes them."""

from __future__ import annotations


def iso(text: str | None) -> str | None:
    """Return a stored time with `T`, the form of jobs, projects and environments."""
    return text.replace(" ", "T", 1) if text else None


def clock(seconds: float) -> str:
    """Return a duration as `HH:MM:SS`."""
    whole = max(0, int(seconds))
    return f"{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def in_words(seconds: float) -> str:
    """Return a duration in its two largest units: `1 minute, 50 seconds`."""
    left = max(0, int(seconds))
    parts = []
    for name, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}" + ("s" if count > 1 else ""))
    return ", ".join(parts[:2]) or "0 seconds"
