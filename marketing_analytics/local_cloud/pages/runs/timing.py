"""Where the time of a run went: bars by thread, the longest nodes, and the figures that matter.

Positions are percent of the span between the first start and the last end.
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from marketing_analytics.local_cloud.pages.states import State, node_state
from marketing_analytics.local_cloud.runs.records import RunNode
from marketing_analytics.web.words import duration_words, parse_time

MAX_BARS = 300
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
class Bar:
    """A bar on the time axis, in percent."""

    node: NodeLine
    left: float
    width: float


@dataclass(frozen=True)
class Lane:
    """The bars of one thread."""

    label: str
    bars: list[Bar]
    busy_percent: int


@dataclass(frozen=True)
class Figure:
    """A figure with its name and one line of explanation."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Timing:
    """Everything the timing section shows."""

    lanes: list[Lane]
    longest: list[Bar]
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
    spans = [(node, node.start_at, end_of(node, now)) for node in nodes if node.start_at]
    timed = [(node, start, end) for node, start, end in spans if start is not None]
    if not timed:
        return None
    begin = min(start for _, start, _ in timed)
    end = max(end for _, _, end in timed)
    wall = max((end - begin).total_seconds(), 0.001)
    by_length = sorted(timed, key=lambda item: (-item[0].seconds, item[0].name))
    kept = by_length[:MAX_BARS]
    bars = [
        Bar(
            node,
            left=round(100 * (start - begin).total_seconds() / wall, 3),
            width=round(max(0.15, 100 * (finish - start).total_seconds() / wall), 3),
        )
        for node, start, finish in kept
    ]
    longest_seconds = max(by_length[0][0].seconds, 0.001)
    longest = [
        Bar(node, 0, round(max(0.5, 100 * node.seconds / longest_seconds), 2))
        for node, _, _ in kept
    ]
    return Timing(
        lanes=lanes_of(bars),
        longest=longest,
        figures=figures_of([item[0] for item in by_length], timed, wall, critical_seconds),
        ticks=[duration_words(wall * part / 4) for part in range(5)],
        shown=len(kept),
        total=len(timed),
    )


def end_of(node: NodeLine, now: datetime) -> datetime:
    """Return when a node ended, as far as it has."""
    if node.end_at is not None:
        return node.end_at
    return now if node.state.tone == "running" else (node.start_at or now)


def lanes_of(bars: Sequence[Bar]) -> list[Lane]:
    """Group bars by thread; bars without a thread fill the first lane that is free."""
    groups: dict[str, list[Bar]] = {}
    ordered = sorted(bars, key=lambda bar: bar.left)
    for bar in (bar for bar in ordered if bar.node.thread):
        groups.setdefault(bar.node.thread, []).append(bar)
    free_from: list[tuple[float, int]] = []
    for bar in (bar for bar in ordered if not bar.node.thread):
        if free_from and free_from[0][0] <= bar.left:
            _, number = heapq.heappop(free_from)
        else:
            number = len(free_from) + 1
        heapq.heappush(free_from, (bar.left + bar.width, number))
        groups.setdefault(f"lane {number}", []).append(bar)
    return [
        Lane(thread_label(name), groups[name], min(100, round(sum(b.width for b in groups[name]))))
        for name in sorted(groups, key=natural_order)
    ]


def thread_label(name: str) -> str:
    """Return `thread 1` for dbt's `Thread-1 (worker)`."""
    match = re.search(r"\d+", name)
    if name.startswith("lane "):
        return name
    return f"thread {match[0]}" if match else name[:16]


def natural_order(name: str) -> tuple[int, str]:
    """Return a key that sorts names by their number."""
    match = re.search(r"\d+", name)
    return (int(match[0]) if match else 0, name)


def figures_of(
    by_length: Sequence[NodeLine],
    timed: Sequence[tuple[NodeLine, datetime, datetime]],
    wall: float,
    critical_seconds: float | None,
) -> list[Figure]:
    """Return the figures above the bars."""
    busy = sum(node.seconds for node in by_length)
    count = len(by_length)
    figures = [
        Figure("Wall clock", duration_words(wall), "first start to last end"),
        Figure("Work", duration_words(busy), f"sum of {count} node{'s' * (count != 1)}"),
        Figure("At once", f"{busy / wall:.1f} of {peak_of(timed)}", "average of peak"),
        Figure("Longest", by_length[0].words, by_length[0].name),
    ]
    if critical_seconds:
        figures.append(
            Figure("Critical path", duration_words(critical_seconds), "no thread count beats it")
        )
    return figures


def peak_of(timed: Sequence[tuple[NodeLine, datetime, datetime]]) -> int:
    """Return how many nodes went on at once at most."""
    edges = sorted(
        [(start, 1) for _, start, _ in timed] + [(end, -1) for _, _, end in timed],
        key=lambda edge: (edge[0], edge[1]),
    )
    peak = running = 0
    for _, change in edges:
        running += change
        peak = max(peak, running)
    return max(peak, 1)


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
