"""Read JSON files that dbt wrote: whatever is in them, a page comes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marketing_analytics.core.plain_files import read_plain

MAX_BYTES = 64 * 1024 * 1024
Part = Mapping[str, Any]
NOTHING: Part = {}


def stamp_of(path: Path) -> int | None:
    """Return when a file was written (ns), or None when there is none that can be read whole."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns if stat.st_size <= MAX_BYTES else None


def read_object(path: Path) -> Part:
    """Return the JSON object of a file, an empty one for anything else."""
    try:
        return part_of(json.loads(read_plain(path)))
    except (OSError, ValueError, RecursionError):
        return NOTHING


def part_of(value: object) -> Part:
    """Return an object, an empty one for anything else."""
    return value if isinstance(value, dict) else NOTHING


def parts_of(value: object) -> list[Part]:
    """Return the objects of a list or of an object's values."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, dict)]


def text_of(value: object) -> str:
    """Return a text, an empty one for nothing."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def texts_of(value: object) -> list[str]:
    """Return the texts of a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def number_of(value: object) -> float | None:
    """Return a number, or None."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else None  # type: ignore[return-value]
