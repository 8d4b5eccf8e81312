"""Two runs side by side: which nodes came and went, whose SQL changed, who took longer."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field

from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.artifacts.manifest import ProjectNode
from marketing_analytics.local_cloud.pages.nodes.reading import NOT_RUN, ReadRun
from marketing_analytics.local_cloud.pages.runs.timing import NodeLine
from marketing_analytics.local_cloud.pages.states import State
from marketing_analytics.web.words import duration_words

MAX_ROWS = 200
MAX_DIFFS = 10
MAX_DIFF_LINES = 120
# what stands first
ORDER = ("added", "removed", "SQL changed", "state changed", "rows changed", "")


@dataclass(frozen=True)
class DiffLine:
    """One line of a difference: `+`, `-`, `@` or a blank, and the text."""

    sign: str
    text: str


@dataclass(frozen=True)
class Pair:
    """A node in both runs, or in one of them; times in words, `change` in percent."""

    unique_id: str
    name: str
    kind: str
    what: str
    before: State
    after: State
    seconds_before: str
    seconds_after: str
    delta_seconds: float
    delta: str
    rows_before: str
    rows_after: str


@dataclass(frozen=True)
class Comparison:
    """What differs, the named differences first, then by change of time."""

    pairs: list[Pair] = field(default_factory=list)
    total: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    diffs: list[tuple[str, list[DiffLine]]] = field(default_factory=list)
    seconds_before: str = ""
    seconds_after: str = ""


def compare(before: ReadRun, after: ReadRun) -> Comparison:
    """Return how a run differs from an earlier one."""
    ids = sorted({*before.by_id, *after.by_id})
    pairs = [pair_of(before, after, unique_id) for unique_id in ids]
    pairs.sort(key=lambda pair: (ORDER.index(pair.what), -abs(pair.delta_seconds), pair.name))
    counts = {word: sum(1 for pair in pairs if pair.what == word) for word in ORDER if word}
    changed = [pair.unique_id for pair in pairs if pair.what == "SQL changed"]
    return Comparison(
        pairs=pairs[:MAX_ROWS],
        total=len(pairs),
        counts={word: count for word, count in counts.items() if count},
        diffs=[diff_of(before, after, name) for name in changed[:MAX_DIFFS]],
        seconds_before=before.line.ran,
        seconds_after=after.line.ran,
    )


def pair_of(before: ReadRun, after: ReadRun, unique_id: str) -> Pair:
    """Return one node of both runs."""
    old, new = before.by_id.get(unique_id), after.by_id.get(unique_id)
    shown = new or old
    delta = new.seconds - old.seconds if old and new else 0.0
    rows_before, rows_after = rows_of(before, old), rows_of(after, new)
    return Pair(
        unique_id=unique_id,
        name=shown.name if shown else unique_id,
        kind=shown.kind if shown else "",
        what=what_changed(before, after, unique_id, (rows_before, rows_after)),
        before=old.state if old else NOT_RUN,
        after=new.state if new else NOT_RUN,
        seconds_before=old.words if old else "–",
        seconds_after=new.words if new else "–",
        delta_seconds=delta,
        delta=delta_words(old, new),
        rows_before=rows_before,
        rows_after=rows_after,
    )


def what_changed(before: ReadRun, after: ReadRun, unique_id: str, rows: tuple[str, str]) -> str:
    """Return the first thing that differs, in words; empty when only the time does."""
    old, new = before.by_id.get(unique_id), after.by_id.get(unique_id)
    if old is None or new is None:
        return "added" if old is None else "removed"
    was, now = before.project.nodes.get(unique_id), after.project.nodes.get(unique_id)
    if was and now and (was.checksum, was.sql) != (now.checksum, now.sql):
        return "SQL changed"
    if old.state.word != new.state.word:
        return "state changed"
    return "rows changed" if all(rows) and rows[0] != rows[1] else ""


def rows_of(read: ReadRun, node: NodeLine | None) -> str:
    """Return how many rows a node wrote, empty when the adapter does not say."""
    result = read.result_of(node) if node else None
    return f"{result.rows:,}" if result and result.rows is not None else ""


def delta_words(old: NodeLine | None, new: NodeLine | None) -> str:
    """Return the change of time with its sign, such as `+4.2 s`."""
    if old is None or new is None:
        return "–"
    seconds = new.seconds - old.seconds
    if abs(seconds) < 0.0005:
        return "0"
    return f"{'+' if seconds > 0 else '−'}{duration_words(abs(seconds))}"


def diff_of(before: ReadRun, after: ReadRun, unique_id: str) -> tuple[str, list[DiffLine]]:
    """Return the name of a node and how its SQL differs."""
    was, now = before.project.nodes[unique_id], after.project.nodes[unique_id]
    secrets = after.reads.secrets()
    lines = difflib.unified_diff(sql_lines(was, secrets), sql_lines(now, secrets), lineterm="", n=3)
    kept = [line for line in lines if not line.startswith(("---", "+++"))][:MAX_DIFF_LINES]
    return now.name, [DiffLine(line[:1].strip() or " ", line[1:401]) for line in kept]


def sql_lines(node: ProjectNode, secrets: Sequence[str]) -> list[str]:
    """Return the lines of a node's SQL as written."""
    return redact(node.sql, secrets).splitlines()
