"""A part of the project as a graph from left to right, coloured by how each node went."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from marketing_analytics.local_cloud.pages.artifacts.manifest import LINEAGE_TYPES, Project
from marketing_analytics.local_cloud.pages.nodes.reading import ReadRun, worst_of
from marketing_analytics.local_cloud.pages.states import State

MAX_NODES = 120
MAX_DEPTH = 5
WIDTH, HEIGHT = 216, 40
GAP_X, GAP_Y = 56, 14
MARGIN = 8
NAME_CHARACTERS = 23


@dataclass(frozen=True)
class Box:
    """A node at its place; `tests` is the worst state of its tests, None without one."""

    unique_id: str
    name: str
    short: str
    kind: str
    state: State
    tests: State | None
    x: int
    y: int
    is_focus: bool
    reads: Sequence[str]


@dataclass(frozen=True)
class Edge:
    """A line from what is read to what reads it, as the path of an SVG."""

    path: str
    tone: str


@dataclass(frozen=True)
class Lineage:
    """The boxes and lines, and what was left out."""

    boxes: list[Box] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    width: int = 0
    height: int = 0
    total: int = 0
    focus: str = ""
    focus_name: str = ""


def lineage_of(read: ReadRun, focus: str, depth: int) -> Lineage:
    """Return the neighbours of a node up to `depth` steps away; without one all, if they fit."""
    project = read.project
    every = [node.unique_id for node in project.nodes.values() if is_shown(project, node.unique_id)]
    if focus not in project.nodes:
        focus = "" if len(every) <= MAX_NODES else first_focus(read, every)
    chosen = around(project, focus, depth) if focus else set(every)
    layers = layers_of(project, chosen)
    places = {
        name: (MARGIN + column * (WIDTH + GAP_X), MARGIN + row * (HEIGHT + GAP_Y))
        for column, layer in enumerate(layers)
        for row, name in enumerate(layer)
    }
    boxes = [box_of(read, name, places[name], focus) for layer in layers for name in layer]
    rows = max((len(layer) for layer in layers), default=0)
    known = project.nodes.get(focus)
    return Lineage(
        boxes=boxes,
        edges=edges_of(boxes, places),
        width=2 * MARGIN + len(layers) * (WIDTH + GAP_X) - GAP_X,
        height=2 * MARGIN + rows * (HEIGHT + GAP_Y) - GAP_Y,
        total=len(every),
        focus=focus,
        focus_name=known.name if known else "",
    )


def is_shown(project: Project, unique_id: str) -> bool:
    """Return whether a node has a place in a lineage."""
    node = project.nodes.get(unique_id)
    return node is not None and node.resource_type in LINEAGE_TYPES


def first_focus(read: ReadRun, every: Sequence[str]) -> str:
    """Return where to begin in a large project: what failed, else what took longest."""
    own = set(every)
    ran = [node for node in read.nodes if node.unique_id in own]
    failed = [node for node in ran if node.state.tone == "error"]
    chosen = failed[:1] or sorted(ran, key=lambda node: -node.seconds)[:1]
    return chosen[0].unique_id if chosen else every[0]


def around(project: Project, focus: str, depth: int) -> set[str]:
    """Return a node and its neighbours both ways, the near ones first, as many as fit."""
    chosen = {focus}
    for next_of in (project.parents_of, lambda name: project.children.get(name, ())):
        edge = [focus]
        for _ in range(depth):
            found = {near for name in edge for near in next_of(name) if is_shown(project, near)}
            edge = sorted(found - chosen)[: max(0, MAX_NODES - len(chosen))]
            chosen |= set(edge)
    return chosen


def layers_of(project: Project, chosen: Collection[str]) -> list[list[str]]:
    """Return the nodes in columns, each right of all that it reads, lines as short as may be."""
    depth: dict[str, int] = {}
    for start in sorted(chosen):
        stack, waiting = [start], {start}
        while stack and start not in depth:
            name = stack[-1]
            parents = [p for p in project.parents_of(name) if p in chosen]
            open_parents = [p for p in parents if p not in depth and p not in waiting]
            if open_parents:
                stack.append(open_parents[0])
                waiting.add(open_parents[0])
                continue
            stack.pop()
            waiting.discard(name)
            depth[name] = 1 + max((depth[p] for p in parents if p in depth), default=-1)
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in sorted(depth):
        layers[depth[name]].append(name)
    return ordered(project, layers)


def ordered(project: Project, layers: list[list[str]]) -> list[list[str]]:
    """Return the columns sorted by the middle of their neighbours' places, there and back."""
    columns = list(range(len(layers)))
    for sweep in (columns[1:], columns[-2::-1], columns[1:]):
        place = {name: row for layer in layers for row, name in enumerate(layer)}
        for column in sweep:
            layers[column].sort(key=lambda name: middle_of(project, name, place))
            place |= {name: row for row, name in enumerate(layers[column])}
    return layers


def middle_of(project: Project, name: str, place: Mapping[str, int]) -> float:
    """Return the mean place of a node's neighbours, its own where it has none."""
    near = [*project.parents_of(name), *project.children.get(name, ())]
    rows = [place[other] for other in near if other in place]
    return sum(rows) / len(rows) if rows else float(place[name])


def box_of(read: ReadRun, name: str, place: tuple[int, int], focus: str) -> Box:
    """Return a node at its place."""
    node = read.project.nodes[name]
    tests = [read.state_of(test.unique_id) for test in read.project.tests_of(name)]
    cut = len(node.name) > NAME_CHARACTERS
    return Box(
        unique_id=name,
        name=node.name,
        short=f"{node.name[: NAME_CHARACTERS - 1]}…" if cut else node.name,
        kind=node.resource_type,
        state=read.state_of(name),
        tests=worst_of(tests),
        x=place[0],
        y=place[1],
        is_focus=name == focus,
        reads=node.parents,
    )


def edges_of(boxes: Sequence[Box], places: Mapping[str, tuple[int, int]]) -> list[Edge]:
    """Return the lines between the boxes; one from a node that failed has its colour."""
    tones = {box.unique_id: box.state.tone for box in boxes}
    edges = []
    for box in boxes:
        for parent in box.reads:
            if parent in places:
                x1, y1 = places[parent][0] + WIDTH, places[parent][1] + HEIGHT // 2
                x2, y2 = box.x, box.y + HEIGHT // 2
                bend = max(20, (x2 - x1) // 2)
                path = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
                edges.append(Edge(path, "error" if tones[parent] == "error" else ""))
    return edges
