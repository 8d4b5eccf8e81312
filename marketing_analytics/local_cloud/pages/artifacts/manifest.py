"""The project as a run saw it, out of dbt's manifest: nodes, their SQL, what they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from marketing_analytics.local_cloud.pages.artifacts.reading import (
    Part,
    part_of,
    parts_of,
    read_object,
    stamp_of,
    text_of,
    texts_of,
)

KEPT_PROJECTS = 6
TEST_TYPES = frozenset({"test", "unit_test"})
# what is built or read: the nodes of the lineage
LINEAGE_TYPES = frozenset({"model", "seed", "snapshot", "source", "exposure"})


@dataclass(frozen=True)
class Column:
    """A column as the project describes it."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class ProjectNode:
    """A node of the project; `parents` are unique ids, `sql` is as written, `compiled` as run."""

    unique_id: str
    name: str
    resource_type: str
    path: str
    relation: str
    materialized: str
    description: str
    tags: Sequence[str]
    checksum: str
    sql: str
    compiled: str
    columns: Sequence[Column]
    parents: Sequence[str]
    # of a test: the column and the node that it is about
    column: str = ""
    tested: str = ""

    @property
    def is_test(self) -> bool:
        """Return whether the node checks instead of builds."""
        return self.resource_type in TEST_TYPES


@dataclass(frozen=True)
class Project:
    """All nodes by unique id, and who reads whom."""

    nodes: Mapping[str, ProjectNode] = field(default_factory=dict)
    children: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def parents_of(self, unique_id: str) -> Sequence[str]:
        """Return what a node reads."""
        node = self.nodes.get(unique_id)
        return node.parents if node else ()

    def tests_of(self, unique_id: str) -> list[ProjectNode]:
        """Return the tests of a node by name."""
        children = (self.nodes[child] for child in self.children.get(unique_id, ()))
        tests = [node for node in children if node.is_test and node.tested in ("", unique_id)]
        return sorted(tests, key=lambda node: node.name)


NO_PROJECT = Project()


def read_project(folder: Path | None) -> Project:
    """Return the project of a folder of artifacts, an empty one when there is no manifest."""
    if folder is None:
        return NO_PROJECT
    path = folder / "manifest.json"
    stamp = stamp_of(path)
    return NO_PROJECT if stamp is None else cached_project(path, stamp)


@lru_cache(maxsize=KEPT_PROJECTS)
def cached_project(path: Path, _written_ns: int) -> Project:
    """Return the project of a manifest; `_written_ns` makes a new file another one."""
    manifest = read_object(path)
    found = [
        node_of(part)
        for key in ("nodes", "sources", "exposures", "unit_tests")
        for part in parts_of(manifest.get(key))
    ]
    nodes = {node.unique_id: node for node in found if node.unique_id}
    children: dict[str, list[str]] = {}
    for node in nodes.values():
        for parent in node.parents:
            children.setdefault(parent, []).append(node.unique_id)
    return Project(nodes, children)


def node_of(part: Part) -> ProjectNode:
    """Return a node of the manifest."""
    config = part_of(part.get("config"))
    return ProjectNode(
        unique_id=text_of(part.get("unique_id")),
        name=name_of(part),
        resource_type=text_of(part.get("resource_type")),
        path=text_of(part.get("original_file_path")),
        relation=text_of(part.get("relation_name")).replace('"', ""),
        materialized=text_of(config.get("materialized")),
        description=text_of(part.get("description")),
        tags=texts_of(part.get("tags")),
        checksum=checksum_of(part.get("checksum")),
        sql=text_of(part.get("raw_code")),
        compiled=text_of(part.get("compiled_code")),
        columns=[column_of(column) for column in parts_of(part.get("columns"))],
        parents=texts_of(part_of(part.get("depends_on")).get("nodes")),
        column=text_of(part.get("column_name")),
        tested=text_of(part.get("attached_node")),
    )


def checksum_of(value: object) -> str:
    """Return the checksum of a node's file; that of a unit test is a text."""
    return value if isinstance(value, str) else text_of(part_of(value).get("checksum"))


def name_of(part: Part) -> str:
    """Return the name of a node; a source's is that of source and table."""
    name = text_of(part.get("name"))
    source = text_of(part.get("source_name"))
    return f"{source}.{name}" if source and part.get("resource_type") == "source" else name


def column_of(part: Part) -> Column:
    """Return a column."""
    return Column(
        name=text_of(part.get("name")),
        type=text_of(part.get("data_type")),
        description=text_of(part.get("description")),
    )
