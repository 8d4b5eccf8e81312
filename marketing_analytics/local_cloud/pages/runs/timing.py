"""Where the time of a run went: bars by thread, the longest nodes, and the figures that matter.

Positions are percent of the span between the first start and the last end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from marketing_analytics.local_cloud.pages.states import State, node_state
from marketing_analytics.local_cloud.runs.records import RunNode
from marketing_analytics.web.timing import Bar, Lane, Span, axis_of, free_lanes, peak_of
from marketing_analytics.web.words import duration_words, parse_time

MAX_BARS = 300
# percent of the axis that can still be seen
LEAST_BAR = 0.15
MAX_MANIFEST_BYTES = 64 * 1024 * 1024
TEST_TYPES = frozenset({"test", "unit_test"})


@dataclass(frozen=True)
class NodeLine:
    """One dbt node of one step as it ran."""

    unique_id: str
    name: str
    resource_type: str
    step_index: int
    state: State
    thread: str
    start_at: datetime | None
    end_at: datetime | None
    seconds: float
    message: str
    usual_seconds: float | None = None

    @property
    def is_test(self) -> bool:
        """Return whether the node checks instead of builds."""
        return self.resource_type in TEST_TYPES

    @property
    def words(self) -> str:
        """Return the duration in words."""
        return duration_words(self.seconds)

    @property
    def change_words(self) -> str:
        """Return how much slower or faster than usual, empty when near or unknown."""
        usual = self.usual_seconds
        if not usual or self.state.tone == "running" or abs(self.seconds - usual) < 1:
            return ""
        ratio = self.seconds / usual
        if 0.67 < ratio < 1.5:
            return ""
        return f"{ratio:.1f}× usual"


@dataclass(frozen=True)
class Figure:
    """A figure with its name and one line of explanation."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Timing:
    """Everything the timing section shows."""

    lanes: list[Lane[NodeLine]]
    longest: list[Bar[NodeLine]]
    figures: list[Figure]
    ticks: list[str]
    shown: int
    total: int


def nodes_of(nodes: Iterable[RunNode], usual: Mapping[str, float], now: datetime) -> list[NodeLine]:
    """Return the nodes of a run, in order of start."""
    return [node_line(node, usual.get(node.unique_id), now) for node in nodes]


def node_line(node: RunNode, usual: float | None, now: datetime) -> NodeLine:
    """Return a node as shown; one that goes on has taken the time until now."""
    start, end = parse_time(node.started_at), parse_time(node.finished_at)
    state = node_state(node.status)
    seconds = node.execution_seconds
    if seconds is None:
        until = end or (now if state.tone == "running" else start)
        seconds = max(0.0, (until - start).total_seconds()) if start and until else 0.0
    return NodeLine(
        unique_id=node.unique_id,
        name=node.name,
        resource_type=node.resource_type,
        step_index=node.step_index,
        state=state,
        thread=node.thread or "",
        start_at=start,
        end_at=end,
        seconds=seconds,
        message=node.message or "",
        usual_seconds=usual,
    )


def timing_of(
    nodes: Sequence[NodeLine], now: datetime, critical_seconds: float | None
) -> Timing | None:
    """Return the timing of the nodes that have started, or None when there is none."""
    spans = [(node, (node.start_at, end_of(node, now))) for node in nodes if node.start_at]
    if not spans:
        return None
    axis = axis_of([span for _, span in spans])
    by_length = sorted(spans, key=lambda item: (-item[0].seconds, item[0].name))
    kept = by_length[:MAX_BARS]
    bars = [Bar(node, *axis.place(*span, LEAST_BAR)) for node, span in kept]
    longest_seconds = max(by_length[0][0].seconds, 0.001)
    longest = [
        Bar(node, 0, round(max(0.5, 100 * node.seconds / longest_seconds), 2)) for node, _ in kept
    ]
    return Timing(
        lanes=lanes_of(bars),
        longest=longest,
        figures=figures_of(by_length, axis.seconds, critical_seconds),
        ticks=axis.ticks(4),
        shown=len(kept),
        total=len(spans),
    )


def end_of(node: NodeLine, now: datetime) -> datetime:
    """Return when a node ended, as far as it has."""
    if node.end_at is not None:
        return node.end_at
    return now if node.state.tone == "running" else (node.start_at or now)


def lanes_of(bars: Sequence[Bar[NodeLine]]) -> list[Lane[NodeLine]]:
    """Group bars by thread; bars without a thread fill the first lane that is free."""
    threads: dict[str, list[Bar[NodeLine]]] = {}
    for bar in sorted(bars, key=lambda bar: bar.left):
        threads.setdefault(bar.item.thread, []).append(bar)
    loose = threads.pop("", [])
    named = [Lane(thread_label(name), threads[name]) for name in sorted(threads, key=natural_order)]
    return named + free_lanes(loose)


def thread_label(name: str) -> str:
    """Return `thread 1` for dbt's `Thread-1 (worker)`."""
    match = re.search(r"\d+", name)
    return f"thread {match[0]}" if match else name[:16]


def natural_order(name: str) -> tuple[int, str]:
    """Return a key that sorts names by their number."""
    match = re.search(r"\d+", name)
    return (int(match[0]) if match else 0, name)


def figures_of(
    by_length: Sequence[tuple[NodeLine, Span]], wall: float, critical_seconds: float | None
) -> list[Figure]:
    """Return the figures above the bars."""
    busy = sum(node.seconds for node, _ in by_length)
    count = len(by_length)
    longest = by_length[0][0]
    at_once = peak_of(span for _, span in by_length)
    figures = [
        Figure("Wall clock", duration_words(wall), "first start to last end"),
        Figure("Work", duration_words(busy), f"sum of {count} node{'s' * (count != 1)}"),
        Figure("At once", f"{busy / wall:.1f} of {at_once}", "average of peak"),
        Figure("Longest", longest.words, longest.name),
    ]
    if critical_seconds:
        figures.append(
            Figure("Critical path", duration_words(critical_seconds), "no thread count beats it")
        )
    return figures


def critical_seconds(manifest: Path, nodes: Sequence[NodeLine]) -> float | None:
    """Return the longest chain of dependent nodes in seconds, None without a manifest."""
    try:
        stat = manifest.stat()
    except OSError:
        return None
    if stat.st_size > MAX_MANIFEST_BYTES:
        return None
    parents = parents_of(manifest, stat.st_mtime_ns)
    seconds: dict[str, float] = {}
    for node in nodes:
        seconds[node.unique_id] = max(seconds.get(node.unique_id, 0.0), node.seconds)
    return longest_chain(parents, seconds) if parents else None


@lru_cache(maxsize=16)
def parents_of(manifest: Path, _modified_ns: int) -> Mapping[str, Sequence[str]]:
    """Return the parents of every node of a manifest by unique id."""
    try:
        parents = json.loads(manifest.read_bytes()).get("parent_map")
    except (OSError, ValueError, AttributeError):
        return {}
    return parents if isinstance(parents, dict) else {}


def longest_chain(
    parents: Mapping[str, Sequence[str]], seconds: Mapping[str, float]
) -> float | None:
    """Return the seconds of the longest chain of dependent nodes."""
    done: dict[str, float] = {}
    for start in seconds:
        stack = [start]
        while stack:
            name = stack[-1]
            waiting = [p for p in parents.get(name, ()) if p not in done and p not in stack]
            if waiting:
                stack.append(waiting[0])
                continue
            stack.pop()
            above = max((done.get(p, 0.0) for p in parents.get(name, ())), default=0.0)
            done[name] = above + seconds.get(name, 0.0)
    return max(done.values(), default=None)
