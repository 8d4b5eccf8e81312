"""The board of freshness: how old each source was when a run last looked at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.artifacts.sources import SourceAge, read_sources
from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.pages.states import State
from marketing_analytics.local_cloud.runs.artifacts import step_folder
from marketing_analytics.local_cloud.store.overview import RunWithArtifacts, runs_with_artifacts
from marketing_analytics.web.words import duration_words, parse_time

RUNS_LOOKED_AT = 60
STATES = {
    "pass": State("Fresh", "check", "success"),
    "warn": State("Late", "warn", "warn"),
    "error": State("Stale", "cross", "error"),
    "runtime error": State("Not read", "cross", "error"),
}
WORST_FIRST = ("error", "warn", "success")


@dataclass(frozen=True)
class SourceLine:
    """One table of the board; `age` is that of its newest row at the look."""

    name: str
    state: State
    loaded_at: datetime | None
    age: str
    limit: str
    message: str


@dataclass(frozen=True)
class Board:
    """What the newest look in an environment found, the worst first."""

    environment: str
    run_id: int
    looked_at: datetime | None
    lines: list[SourceLine] = field(default_factory=list)

    def count(self, tone: str) -> int:
        """Return how many sources are in a state of this tone."""
        return sum(1 for line in self.lines if line.state.tone == tone)


def boards(reads: Reads, data_dir: Path) -> list[Board]:
    """Return the newest look of every environment that has one among the last runs."""
    found = [board_of(run, ages) for run, ages in newest_looks(reads, data_dir)]
    return sorted(found, key=lambda board: board.environment)


def newest_looks(
    reads: Reads, data_dir: Path
) -> Iterator[tuple[RunWithArtifacts, list[SourceAge]]]:
    """Yield the newest run of each environment whose files hold the age of sources."""
    seen: set[int] = set()
    for run in runs_with_artifacts(reads.connection, reads.account_id, RUNS_LOOKED_AT):
        if run.environment_id in seen:
            continue
        ages = read_sources(step_folder(data_dir, run.id))
        if ages:
            seen.add(run.environment_id)
            yield run, ages


def board_of(run: RunWithArtifacts, ages: list[SourceAge]) -> Board:
    """Return the board of an environment."""
    lines = sorted((line_of(age) for age in ages), key=worst_first)
    looks = [age.looked_at for age in ages if age.looked_at]
    looked_at = max(looks) if looks else parse_time(run.finished_at)
    return Board(run.environment_name, run.id, looked_at, lines)


def line_of(age: SourceAge) -> SourceLine:
    """Return one source as shown."""
    limits = [("late after", age.warn_after), ("stale after", age.error_after)]
    return SourceLine(
        name=f"{age.source}.{age.table}",
        state=STATES.get(age.status, State(age.status[:24] or "Unknown", "dot", "idle")),
        loaded_at=age.loaded_at,
        age=duration_words(age.seconds),
        limit=", ".join(f"{word} {limit}" for word, limit in limits if limit),
        message=redact(age.message)[:300],
    )


def worst_first(line: SourceLine) -> tuple[int, str]:
    """Return a key that sorts stale sources to the front."""
    tone = line.state.tone
    return (WORST_FIRST.index(tone) if tone in WORST_FIRST else len(WORST_FIRST), line.name)
