"""Where the time of a run went: bars on its axis, the longest nodes, and the figures that matter.

Positions are percent of the span between the first start and the last end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from marketing_analytics.local_cloud.pages.artifacts.manifest import TEST_TYPES, Project
from marketing_analytics.local_cloud.pages.states import State, node_state
from marketing_analytics.local_cloud.runs.records import RunNode
from marketing_analytics.web.timing import Bar, Span, axis_of, peak_of
from marketing_analytics.web.words import duration_words, parse_time

MAX_BARS = 300
# percent of the axis that can still be seen
LEAST_BAR = 0.15
# slower than this many times the usual is worth a look
REGRESSION = 1.5


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
    def kind(self) -> str:
        """Return what the node is, in words."""
        return self.resource_type.replace("_", " ") or "node"

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
        if 1 / REGRESSION < ratio < REGRESSION:
            return ""
        return f"{ratio:.1f}× usual"

    @property
    def is_slower(self) -> bool:
        """Return whether the node took much longer than usual."""
        return bool(self.change_words) and self.seconds > (self.usual_seconds or 0)


@dataclass(frozen=True)
class Figure:
    """A figure with its name and one line of explanation."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Critical:
    """The longest chains of nodes that waited for each other, step after step."""

    seconds: float
    unique_ids: frozenset[str]
    names: Sequence[str]


NO_CRITICAL = Critical(0.0, frozenset(), ())


@dataclass(frozen=True)
class Timing:
    """Everything the timing section shows: what builds, and apart from it what tests.

    `bars` are the longest nodes of both on the axis, the longest first.
    """

    bars: list[Bar[NodeLine]]
    models: list[Bar[NodeLine]]
    tests: list[Bar[NodeLine]]
    model_count: int
    test_count: int
    figures: list[Figure]
    critical: Critical
    ticks: list[str]


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


def timing_of(nodes: Sequence[NodeLine], project: Project, now: datetime) -> Timing | None:
    """Return the timing of the nodes that have started, or None when there is none."""
    spans = [(node, (node.start_at, end_of(node, now))) for node in nodes if node.start_at]
    if not spans:
        return None
    axis = axis_of([span for _, span in spans])
    by_length = sorted(spans, key=lambda item: (-item[0].seconds, item[0].name))
    bars = [Bar(node, *axis.place(*span, LEAST_BAR)) for node, span in by_length[:MAX_BARS]]
    started = [node for node, _ in by_length]
    models = [node for node in started if not node.is_test]
    tests = [node for node in started if node.is_test]
    critical = critical_of(started, project, axis.seconds)
    return Timing(
        bars=bars,
        models=shares_of(models),
        tests=shares_of(tests),
        model_count=len(models),
        test_count=len(tests),
        figures=figures_of(by_length, axis.seconds, critical),
        critical=critical,
        ticks=axis.ticks(4),
    )


def shares_of(nodes: Sequence[NodeLine]) -> list[Bar[NodeLine]]:
    """Return bars in percent of the longest node, which comes first."""
    longest = max((node.seconds for node in nodes), default=0.0) or 0.001
    return [Bar(node, 0, round(max(0.5, 100 * node.seconds / longest), 2)) for node in nodes]


def end_of(node: NodeLine, now: datetime) -> datetime:
    """Return when a node ended, as far as it has."""
    if node.end_at is not None:
        return node.end_at
    return now if node.state.tone == "running" else (node.start_at or now)


def thread_label(name: str) -> str:
    """Return `thread 1` for dbt's `Thread-1 (worker)`."""
    match = re.search(r"\d+", name)
    return f"thread {match[0]}" if match else name[:16]


def natural_order(name: str) -> tuple[int, str]:
    """Return a key that sorts names by their number."""
    match = re.search(r"\d+", name)
    return (int(match[0]) if match else 0, name)


def figures_of(
    by_length: Sequence[tuple[NodeLine, Span]], wall: float, critical: Critical
) -> list[Figure]:
    """Return the figures above the bars."""
    busy = sum(node.seconds for node, _ in by_length)
    count = len(by_length)
    longest = by_length[0][0]
    at_once = peak_of(span for _, span in by_length)
    first_at = min(start for _, (start, _) in by_length)
    last, (last_at, _) = max(by_length, key=lambda item: item[1][0])
    chain = f"{len(critical.names)} nodes, one after another"
    critical_words = duration_words(critical.seconds)
    return [
        Figure("Wall clock", duration_words(wall), "first start to last end"),
        *([Figure("Critical path", critical_words, chain)] if critical.seconds else []),
        Figure("Peak concurrency", str(at_once), "most nodes at once"),
        Figure("Average active", f"{busy / wall:.1f}", "nodes at a time"),
        Figure("Longest", longest.words, longest.name),
        Figure("Latest start", duration_words((last_at - first_at).total_seconds()), last.name),
        Figure("Work", duration_words(busy), f"sum of {count} node{'s' * (count != 1)}"),
    ]


def critical_of(nodes: Sequence[NodeLine], project: Project, wall: float) -> Critical:
    """Return the critical path of a run: of each step its longest chain, one after the other.

    A node may run in several steps, so each step counts by itself. What dbt reports as a node's
    time may be more than the clock says; the path is never longer than the wall clock.
    """
    if not project.nodes:
        return NO_CRITICAL
    steps: dict[int, dict[str, NodeLine]] = {}
    for node in nodes:
        steps.setdefault(node.step_index, {})[node.unique_id] = node
    chains = [longest_chain(project, steps[step]) for step in sorted(steps)]
    found = [node for chain in chains for node in chain]
    seconds = min(wall, sum(clock_seconds(node) for node in found))
    return Critical(
        seconds, frozenset(node.unique_id for node in found), [node.name for node in found]
    )


def clock_seconds(node: NodeLine) -> float:
    """Return how long a node took by the clock: dbt's own figure may hold more."""
    if node.start_at is None or node.end_at is None:
        return node.seconds
    return min(node.seconds, max(0.0, (node.end_at - node.start_at).total_seconds()))


def longest_chain(project: Project, nodes: Mapping[str, NodeLine]) -> list[NodeLine]:
    """Return the chain of dependent nodes of one step that took longest, in order."""
    done: dict[str, tuple[float, str]] = {}
    for start in nodes:
        stack, waiting = [start], {start}
        # what is done stays as it is: a second look would close a circle
        while stack and start not in done:
            name = stack[-1]
            # a project that is wrong may have a circle: what is on the way already is left out
            open_parents = [
                parent
                for parent in project.parents_of(name)
                if parent not in done and parent not in waiting
            ]
            if open_parents:
                stack.append(open_parents[0])
                waiting.add(open_parents[0])
                continue
            stack.pop()
            waiting.discard(name)
            above = [(done[p][0], p) for p in project.parents_of(name) if p in done]
            longest, parent = max(above, default=(0.0, ""))
            own = clock_seconds(nodes[name]) if name in nodes else 0.0
            done[name] = (longest + own, parent)
    name = max(nodes, key=lambda unique_id: done[unique_id][0], default="")
    chain: list[NodeLine] = []
    while name:
        if name in nodes:
            chain.append(nodes[name])
        name = done[name][1]
    return chain[::-1]
