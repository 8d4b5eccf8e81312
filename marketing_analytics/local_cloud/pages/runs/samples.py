"""A few of the rows that fail a test, as the run has kept them: masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.artifacts.reading import (
    number_of,
    part_of,
    read_object,
    texts_of,
)
from marketing_analytics.local_cloud.runs.checks.samples import ARTIFACT


@dataclass(frozen=True)
class Sample:
    """Some rows, all as texts; `more_columns` are not shown."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    more_columns: int


def sample_of(folder: Path | None, unique_id: str, secrets: Sequence[str]) -> Sample | None:
    """Return the failing rows of a test in a step, None without any."""
    if folder is None:
        return None
    found = part_of(read_object(folder / ARTIFACT).get(unique_id))
    given = found.get("rows")
    rows = [texts_of(row) for row in given] if isinstance(given, list) else []
    if not rows:
        return None
    return Sample(
        columns=texts_of(found.get("columns")),
        rows=[[redact(value, secrets) for value in row] for row in rows],
        more_columns=int(number_of(found.get("more_columns")) or 0),
    )
