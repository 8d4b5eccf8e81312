"""How old the sources of a project were when dbt looked, out of its `sources.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from marketing_analytics.local_cloud.pages.artifacts.reading import (
    Part,
    number_of,
    part_of,
    parts_of,
    read_object,
    text_of,
)
from marketing_analytics.web.words import parse_time

UNIT_WORDS = {"minute": "min", "hour": "h", "day": "d"}


@dataclass(frozen=True)
class SourceAge:
    """One table: its newest row, how old that was at the look, and what dbt made of it."""

    unique_id: str
    source: str
    table: str
    status: str
    loaded_at: datetime | None
    looked_at: datetime | None
    seconds: float | None
    warn_after: str
    error_after: str
    message: str


def read_sources(folder: Path | None) -> list[SourceAge]:
    """Return the sources of a step's folder, [] when freshness was not looked at."""
    if folder is None:
        return []
    parts = parts_of(read_object(folder / "sources.json").get("results"))
    return [age_of(part) for part in parts]


def age_of(part: Part) -> SourceAge:
    """Return one source."""
    unique_id = text_of(part.get("unique_id"))
    names = unique_id.split(".")
    criteria = part_of(part.get("criteria"))
    return SourceAge(
        unique_id=unique_id,
        source=names[-2] if len(names) > 2 else "",
        table=names[-1],
        status=text_of(part.get("status")),
        loaded_at=parse_time(text_of(part.get("max_loaded_at"))),
        looked_at=parse_time(text_of(part.get("snapshotted_at"))),
        seconds=number_of(part.get("max_loaded_at_time_ago_in_s")),
        warn_after=limit_words(part_of(criteria.get("warn_after"))),
        error_after=limit_words(part_of(criteria.get("error_after"))),
        message=text_of(part.get("error")),
    )


def limit_words(limit: Mapping[str, object]) -> str:
    """Return `12 h` of dbt's count and period, empty when there is no limit."""
    count, period = limit.get("count"), text_of(limit.get("period"))
    return f"{count} {UNIT_WORDS.get(period, period)}" if count else ""
