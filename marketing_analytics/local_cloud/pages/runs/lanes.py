"""The bars of a run's nodes in groups: by thread, kind, folder or schema, or one after the other.

A search marks the bars whose name has the text; the others are dimmed, none is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from marketing_analytics.local_cloud.pages.artifacts.manifest import Project, ProjectNode
from marketing_analytics.local_cloud.pages.runs.timing import (
    NodeLine,
    Timing,
    natural_order,
    thread_label,
)
from marketing_analytics.web.timing import Bar, Lane, free_lanes
from marketing_analytics.web.words import duration_words

VIEWS = {
    "thread": "Thread",
    "kind": "Kind",
    "folder": "Folder",
    "schema": "Schema",
    "start": "Start",
    "longest": "Longest",
}
USUAL_VIEW = "thread"
# a line for each node: more than these nobody reads
MAX_LINES = 60
# of a lane and of the room below it, in pixels
LANE_HEIGHT, LANE_GAP = 22, 2
UNKNOWN = "not known"
NO_THREAD = "no thread"


@dataclass(frozen=True)
class AskedLanes:
    """The view and the searched text as words of the address."""

    view: str = USUAL_VIEW
    search: str = ""

    @property
    def kept(self) -> dict[str, str]:
        """Return the words that an address has to have to show the same."""
        return {"view": self.view if self.view != USUAL_VIEW else "", "node": self.search}

    def has(self, node: NodeLine) -> bool:
        """Return whether a search is for this node; without a search none is."""
        return bool(self.search) and self.search.casefold() in node.name.casefold()


@dataclass(frozen=True)
class Group:
    """Bars that belong together, in lanes in which no two lie on each other."""

    label: str
    note: str
    lanes: list[Lane[NodeLine]]

    @property
    def size(self) -> int:
        """Return the number of bars."""
        return sum(len(lane.bars) for lane in self.lanes)

    @property
    def height(self) -> int:
        """Return the height of all lanes in pixels."""
        return len(self.lanes) * (LANE_HEIGHT + LANE_GAP) - LANE_GAP


@dataclass(frozen=True)
class Lanes:
    """What is drawn: `shown` of `total` nodes, `found` of those shown are searched for."""

    asked: AskedLanes
    groups: list[Group] = field(default_factory=list)
    shown: int = 0
    total: int = 0
    found: int = 0

    @property
    def is_part(self) -> bool:
        """Return whether short nodes were left out."""
        return self.shown < self.total


def lanes_of(timing: Timing | None, asked: AskedLanes, project: Project) -> Lanes:
    """Return the groups of a view, none where it shows no lanes."""
    if timing is None or asked.view == "longest":
        return Lanes(asked)
    bars = timing.bars[:MAX_LINES] if asked.view == "start" else timing.bars
    return Lanes(
        asked,
        groups=groups_of(bars, asked.view, project),
        shown=len(bars),
        total=timing.model_count + timing.test_count,
        found=sum(asked.has(bar.item) for bar in bars),
    )


def groups_of(bars: Sequence[Bar[NodeLine]], view: str, project: Project) -> list[Group]:
    """Return the groups of a view: threads by number, all others by their first start."""
    in_order = sorted(bars, key=lambda bar: (bar.left, bar.item.name))
    if view == "start":
        return [Group(bar.item.name, bar.item.words, [Lane("", [bar])]) for bar in in_order]
    if view == "thread":
        return by_thread(in_order)
    label_of = LABELS[view]
    groups: dict[str, list[Bar[NodeLine]]] = {}
    for bar in in_order:
        groups.setdefault(label_of(bar.item, project), []).append(bar)
    return [Group(label, work_words(own), free_lanes(own)) for label, own in groups.items()]


def by_thread(bars: Sequence[Bar[NodeLine]]) -> list[Group]:
    """Return a lane for each thread; bars without a thread are a group."""
    threads: dict[str, list[Bar[NodeLine]]] = {}
    for bar in bars:
        threads.setdefault(bar.item.thread, []).append(bar)
    loose = threads.pop("", [])
    groups = []
    for name in sorted(threads, key=natural_order):
        lane = Lane(thread_label(name), threads[name])
        groups.append(Group(lane.label, f"{lane.busy_percent} % busy", [lane]))
    return [*groups, *([Group(NO_THREAD, work_words(loose), free_lanes(loose))] if loose else [])]


def work_words(bars: Sequence[Bar[NodeLine]]) -> str:
    """Return `12 nodes, 3.1 s`."""
    work = duration_words(sum(bar.item.seconds for bar in bars))
    return f"{len(bars)} node{'s' * (len(bars) != 1)}, {work}"


def kind_label(node: NodeLine, _project: Project) -> str:
    """Return what a node is."""
    return node.kind


def folder_label(node: NodeLine, project: Project) -> str:
    """Return the folder of the file in which a node is written, from the project on."""
    known = project.nodes.get(node.unique_id)
    return (known.path.rpartition("/")[0] if known else "") or UNKNOWN


def schema_label(node: NodeLine, project: Project) -> str:
    """Return the schema that a node builds into; a test's is that of what it tests."""
    known = project.nodes.get(node.unique_id)
    if known and known.is_test:
        known = tested_node(known, project)
    parts = known.relation.split(".") if known else []
    return parts[-2] if len(parts) > 1 else UNKNOWN


def tested_node(test: ProjectNode, project: Project) -> ProjectNode | None:
    """Return the node that a test is about: as it says, else the first that it reads."""
    names = (test.tested, *test.parents)
    return next((project.nodes[name] for name in names if name in project.nodes), None)


LABELS: dict[str, Callable[[NodeLine, Project], str]] = {
    "kind": kind_label,
    "folder": folder_label,
    "schema": schema_label,
}
