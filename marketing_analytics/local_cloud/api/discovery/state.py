"""What the artifacts of an environment's runs say: its project, and how each node went last.

The project is that of the newest run that left a manifest. How a node went, its tables and the age
of sources are of the newest run that tells. Runs of pull and merge requests tell nothing: they
build elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from marketing_analytics.core.plain_files import read_plain
from marketing_analytics.local_cloud.api.discovery.shapes import (
    Part,
    part_of,
    parts_of,
    table_of,
)
from marketing_analytics.local_cloud.runs.artifacts import artifacts_of_steps
from marketing_analytics.local_cloud.runs.requests.deferral import COMPILERS

KEPT_STATES = 3
MANIFEST, RESULTS, CATALOG, SOURCES = (
    "manifest.json", "run_results.json", "catalog.json", "sources.json",
)  # fmt: skip
GROUPS = ("nodes", "sources", "exposures", "macros", "metrics", "semantic_models", "unit_tests")


@dataclass(frozen=True)
class RunMark:
    """A run that left artifacts."""

    run_id: int
    job_id: int
    ended_at: str
    git_sha: str | None


@dataclass(frozen=True)
class Told:
    """One line of an artifact, with the run it is of and the artifact's own metadata."""

    mark: RunMark
    metadata: Part
    line: Part


@dataclass(frozen=True)
class State:
    """A project and how it went; `marks` are its runs, newest first."""

    data_folder: Path
    marks: Sequence[RunMark]

    @cached_property
    def newest_manifest(self) -> tuple[RunMark | None, Part]:
        """Return the newest manifest and its run; None and {} when no run left one."""
        return next(self.read_all(MANIFEST), (None, {}))

    @property
    def manifest(self) -> Part:
        """Return the newest manifest, {} when no run left one."""
        return self.newest_manifest[1]

    @property
    def metadata(self) -> Part:
        """Return what the newest manifest says of itself."""
        return part_of(self.manifest.get("metadata"))

    @property
    def manifest_mark(self) -> RunMark | None:
        """Return the run of the newest manifest."""
        return self.newest_manifest[0]

    @cached_property
    def resources(self) -> dict[str, Part]:
        """Return everything that the project has, by unique id."""
        return {
            unique_id: found
            for group in GROUPS
            for unique_id, found in table_of(self.manifest.get(group)).items()
        }

    @cached_property
    def results(self) -> dict[str, list[Told]]:
        """Return how every node went, by unique id, newest first."""
        found: dict[str, list[Told]] = {}
        for told in self.lines(RESULTS, "results"):
            found.setdefault(str(told.line.get("unique_id")), []).append(told)
        return found

    @cached_property
    def freshness(self) -> dict[str, Told]:
        """Return how old every source was when it was looked at last, by unique id."""
        found: dict[str, Told] = {}
        for told in self.lines(SOURCES, "results"):
            found.setdefault(str(told.line.get("unique_id")), told)
        return found

    @cached_property
    def catalog(self) -> dict[str, Told]:
        """Return the newest catalog's tables, by unique id."""
        mark_and_catalog = next(iter(self.read_all(CATALOG)), None)
        if mark_and_catalog is None:
            return {}
        mark, found = mark_and_catalog
        metadata = part_of(found.get("metadata"))
        tables = {**table_of(found.get("sources")), **table_of(found.get("nodes"))}
        return {key: Told(mark, metadata, table) for key, table in tables.items()}

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """Return what reads a node, by unique id."""
        found: dict[str, list[str]] = {}
        for unique_id in self.resources:
            for parent in self.parents_of(unique_id):
                found.setdefault(parent, []).append(unique_id)
        return found

    def parents_of(self, unique_id: str) -> list[str]:
        """Return what a node reads, without macros."""
        depends = self.resources.get(unique_id, {}).get("depends_on") or {}
        named = depends.get("nodes") or []
        return [parent for parent in named if parent in self.resources]

    def last(self, unique_id: str) -> Told | None:
        """Return how a node went last."""
        return next(iter(self.results.get(unique_id, [])), None)

    def last_good(self, unique_id: str) -> Told | None:
        """Return how a node went the last time it went well."""
        good = ("success", "pass")
        tries = self.results.get(unique_id, [])
        return next((told for told in tries if told.line.get("status") in good), None)

    def lines(self, name: str, group: str) -> Iterator[Told]:
        """Return the lines of an artifact over all runs, newest first.

        What was only compiled, for docs too, tells nothing of how it went. A step that writes no
        results has those of the step before it.
        """
        told: set[tuple[int, str]] = set()
        for mark, found in self.read_all(name):
            metadata = part_of(found.get("metadata"))
            invocation = str(metadata.get("invocation_id") or "")
            is_compiled = str(part_of(found.get("args")).get("which")) in COMPILERS
            if is_compiled or (mark.run_id, invocation) in told:
                continue
            if invocation:
                told.add((mark.run_id, invocation))
            for line in parts_of(found.get(group)):
                yield Told(mark, metadata, line)

    def read_all(self, name: str) -> Iterator[tuple[RunMark, Part]]:
        """Return an artifact of every step that left one, the newest first."""
        for mark in self.marks:
            for path in reversed(artifacts_of_steps(self.data_folder, mark.run_id, name)):
                found = read_object(path)
                if found:
                    yield mark, found


def read_object(path: Path) -> Part:
    """Return a JSON object, {} for a file that went or holds something else."""
    try:
        found = json.loads(read_plain(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@lru_cache(maxsize=KEPT_STATES)
def state_of(data_folder: Path, marks: tuple[RunMark, ...]) -> State:
    """Return the state after some runs; files of runs that ended do not change."""
    return State(data_folder, marks)
