"""The list of the nodes of a run, and the page of one node."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.artifacts.manifest import Column, ProjectNode
from marketing_analytics.local_cloud.pages.nodes.reading import ReadRun
from marketing_analytics.local_cloud.pages.runs.failures import rows_words
from marketing_analytics.local_cloud.pages.runs.samples import Sample, sample_of
from marketing_analytics.local_cloud.pages.runs.sql import ShownSql, whole_sql
from marketing_analytics.local_cloud.pages.runs.timing import REGRESSION, NodeLine
from marketing_analytics.local_cloud.pages.states import State, node_state
from marketing_analytics.local_cloud.runs.artifacts import step_folder
from marketing_analytics.local_cloud.runs.progress import node_history
from marketing_analytics.local_cloud.runs.records import PastNode
from marketing_analytics.web.words import duration_words, parse_time

RUNS_IN_CHART = 30
CHART_HEIGHT = 60
LEAST_BAR = 3
# a regression is judged by this many runs before it, and is no matter of milliseconds
LEAST_BEFORE = 3
LEAST_SECONDS = 0.5
KINDS = {"models": False, "tests": True}


@dataclass(frozen=True)
class NodeFilter:
    """The filter of the list, as it stands in the address."""

    search: str = ""
    state: str = ""
    kind: str = ""
    order: str = ""

    def has(self, node: NodeLine) -> bool:
        """Return whether the list shows a node."""
        if self.kind in KINDS and node.is_test != KINDS[self.kind]:
            return False
        if self.state and node.state.tone != self.state:
            return False
        return all(word in node.name.lower() for word in self.search.lower().split())


def list_of_nodes(nodes: Sequence[NodeLine], wanted: NodeFilter) -> list[NodeLine]:
    """Return the nodes that a filter selects: the worst first, or the longest."""
    found = [node for node in nodes if wanted.has(node)]
    if wanted.order == "time":
        return sorted(found, key=lambda node: (-node.seconds, node.name))
    order = {"error": 0, "warn": 1, "running": 2, "cancelled": 3}
    return sorted(found, key=lambda node: (order.get(node.state.tone, 4), node.is_test, node.name))


@dataclass(frozen=True)
class PastBar:
    """One run of the chart; the height is the share of the longest."""

    run_id: int
    place: int
    height: int
    state: State
    words: str
    is_regression: bool


@dataclass(frozen=True)
class Neighbour:
    """A node that this one reads or that reads it, or a test of it."""

    unique_id: str
    name: str
    kind: str
    state: State
    words: str = ""
    column: str = ""


@dataclass(frozen=True)
class NodePage:
    """Everything the page of a node shows."""

    unique_id: str
    name: str
    kind: str
    state: State
    facts: list[tuple[str, str]]
    description: str
    message: str
    compiled: ShownSql | None
    raw: ShownSql | None
    columns: Sequence[Column]
    tests: list[Neighbour]
    parents: list[Neighbour]
    children: list[Neighbour]
    bars: list[PastBar]
    usual: str
    is_in_project: bool
    sample: Sample | None


def node_page(read: ReadRun, unique_id: str) -> NodePage | None:
    """Return the page of a node in a run, None when neither run nor project knows it."""
    ran, known = read.by_id.get(unique_id), read.project.nodes.get(unique_id)
    if ran is None and known is None:
        return None
    secrets = read.reads.secrets()
    result = read.result_of(ran) if ran else None
    compiled = (result.compiled if result else "") or (known.compiled if known else "")
    past = node_history(
        read.reads.connection, read.run.job_id, read.run.id, unique_id, limit=RUNS_IN_CHART
    )
    bars = past_bars(past)
    facts = [
        *(ran_facts(ran) if ran else []),
        ("Rows", f"{result.rows:,}" if result and result.rows is not None else ""),
        ("Failing", rows_words(result) if ran and ran.is_test else ""),
        *(project_facts(known) if known else []),
    ]
    folder = step_folder(read.data_dir, read.run.id, ran.step_index) if ran else None
    message = ran.message or (result.message if result else "") if ran else ""
    return NodePage(
        unique_id=unique_id,
        name=known.name if known else ran.name if ran else unique_id,
        kind=(known.resource_type.replace("_", " ") if known else "") or (ran.kind if ran else ""),
        state=read.state_of(unique_id),
        facts=[(name, value) for name, value in facts if value],
        description=known.description if known else "",
        message=redact(message, secrets)[:4_000],
        compiled=whole_sql(redact(compiled, secrets), message) if compiled else None,
        raw=whole_sql(redact(known.sql, secrets)) if known and known.sql else None,
        columns=known.columns if known else (),
        tests=[neighbour(read, test) for test in read.project.tests_of(unique_id)],
        parents=neighbours(read, read.project.parents_of(unique_id)),
        children=neighbours(read, read.project.children.get(unique_id, ())),
        bars=bars,
        usual=usual_words(past),
        is_in_project=known is not None,
        sample=sample_of(folder, unique_id, secrets),
    )


def ran_facts(node: NodeLine) -> list[tuple[str, str]]:
    """Return what the run says of a node."""
    change = f" ({node.change_words})" if node.change_words else ""
    return [("Took", f"{node.words}{change}"), ("Step", str(node.step_index))]


def project_facts(node: ProjectNode) -> list[tuple[str, str]]:
    """Return what the project says of a node."""
    return [
        ("Materialized", node.materialized),
        ("Relation", node.relation),
        ("File", node.path),
        ("Column", node.column),
        ("Tags", ", ".join(node.tags)),
    ]


def neighbours(read: ReadRun, unique_ids: Sequence[str]) -> list[Neighbour]:
    """Return nodes that are no tests, by name."""
    found = (read.project.nodes.get(unique_id) for unique_id in unique_ids)
    kept = [node for node in found if node is not None and not node.is_test]
    return sorted((neighbour(read, node) for node in kept), key=lambda node: node.name)


def neighbour(read: ReadRun, node: ProjectNode) -> Neighbour:
    """Return a node as others name it."""
    ran = read.by_id.get(node.unique_id)
    return Neighbour(
        unique_id=node.unique_id,
        name=node.name,
        kind=node.resource_type.replace("_", " "),
        state=read.state_of(node.unique_id),
        words=ran.words if ran else "",
        column=node.column,
    )


def past_bars(past: Sequence[PastNode]) -> list[PastBar]:
    """Return how long a node took in past runs, oldest first, regressions marked."""
    seconds = [node.execution_seconds or 0.0 for node in past]
    longest = max(seconds, default=0.0) or 1.0
    first = RUNS_IN_CHART - len(past)
    bars = []
    for place, node in enumerate(past):
        state = node_state(node.status)
        is_regression = has_regressed(seconds[:place], seconds[place])
        height = LEAST_BAR + round((CHART_HEIGHT - LEAST_BAR) * seconds[place] / longest)
        at = parse_time(node.created_at)
        words = (
            f"run {node.run_id}, {at:%Y-%m-%d %H:%M} UTC: " if at else f"run {node.run_id}: "
        ) + f"{state.word}, {duration_words(seconds[place])}"
        words += ", slower than before" if is_regression else ""
        bars.append(PastBar(node.run_id, first + place, height, state, words, is_regression))
    return bars


def has_regressed(before: Sequence[float], seconds: float) -> bool:
    """Return whether a run took much longer than the middle of those before it."""
    known = [value for value in before[-10:] if value > 0]
    if len(known) < LEAST_BEFORE or seconds < LEAST_SECONDS:
        return False
    return seconds > REGRESSION * statistics.median(known)


def usual_words(past: Sequence[PastNode]) -> str:
    """Return the middle of the times, empty where there are few."""
    known = [node.execution_seconds for node in past if node.execution_seconds]
    return duration_words(statistics.median(known)) if len(known) >= LEAST_BEFORE else ""
