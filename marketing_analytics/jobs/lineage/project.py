"""A dbt project as the check needs it: nodes, and what each step of a job works on. Plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# what makes a table or a view that others read
BUILT_KINDS = ("model", "seed", "snapshot")
MAX_NAMES_SAID = 3


@dataclass(frozen=True)
class Node:
    """A node of dbt's graph; `parents` are ids of what it reads.

    is_stored: it stands in the warehouse after a build; an ephemeral model does not.
    is_looked_through: who reads it reads its parents at that moment, as with a view.
    """

    name: str
    kind: str
    parents: tuple[str, ...] = ()
    is_stored: bool = True
    is_looked_through: bool = False


@dataclass(frozen=True)
class Fault:
    """Why a step fails or does nothing, and what to do."""

    message: str
    hint: str


@dataclass(frozen=True)
class Work:
    """What a step works on: ids of nodes.

    is_known: False where that depends on an earlier run, as with `state:modified`.
    """

    selected: frozenset[str] = frozenset()
    is_building: bool = False
    is_known: bool = True
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Project:
    """Nodes by id, and the work of each step by its text."""

    nodes: Mapping[str, Node] = field(repr=False)
    works: Mapping[str, Work]
    has_freshness: bool = True

    def built_by(self, steps: Iterable[str]) -> frozenset[str]:
        """Return the ids of tables and views that steps build."""
        found: set[str] = set()
        for step in steps:
            work = self.works[step]
            if work.is_building:
                found |= {each for each in work.selected if self.is_table(each)}
        return frozenset(found)

    def read_by(self, steps: Iterable[str]) -> frozenset[str]:
        """Return the ids of tables and views that steps read, through views too."""
        found: set[str] = set()
        waiting = [
            parent
            for step in steps
            for each in self.works[step].selected
            if each in self.nodes
            for parent in self.nodes[each].parents
        ]
        while waiting:
            each = waiting.pop()
            node = self.nodes.get(each)
            if each in found or node is None:
                continue
            found.add(each)
            if node.is_looked_through:
                waiting += node.parents
        return frozenset(each for each in found if self.is_table(each))

    def is_table(self, node_id: str) -> bool:
        """Return whether a node makes a table or a view."""
        node = self.nodes.get(node_id)
        return node is not None and node.kind in BUILT_KINDS and node.is_stored

    def names(self, ids: Iterable[str]) -> list[str]:
        """Return the names of nodes, sorted."""
        return sorted(self.nodes[each].name for each in ids)

    def said(self, ids: Iterable[str]) -> str:
        """Return the names of nodes for a sentence: the first ones, and how many more."""
        names = self.names(ids)
        more = len(names) - MAX_NAMES_SAID
        shown = ", ".join(names[:MAX_NAMES_SAID])
        return f"{shown} and {more} more" if more > 0 else shown


def project_json(project: Project) -> dict[str, Any]:
    """Return a project as JSON."""
    return {
        "nodes": {
            each: [n.name, n.kind, list(n.parents), n.is_stored, n.is_looked_through]
            for each, n in project.nodes.items()
        },
        "works": {
            step: [
                sorted(work.selected),
                work.is_building,
                work.is_known,
                [[fault.message, fault.hint] for fault in work.faults],
            ]
            for step, work in project.works.items()
        },
        "has_freshness": project.has_freshness,
    }


def project_of(data: Mapping[str, Any]) -> Project:
    """Return the project that was written as JSON."""
    nodes = {
        each: Node(name, kind, tuple(parents), is_stored, is_looked_through)
        for each, (name, kind, parents, is_stored, is_looked_through) in data["nodes"].items()
    }
    works = {
        step: Work(
            frozenset(selected), is_building, is_known, tuple(Fault(*fault) for fault in faults)
        )
        for step, (selected, is_building, is_known, faults) in data["works"].items()
    }
    return Project(nodes, works, data["has_freshness"])
