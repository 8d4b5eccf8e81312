"""One run with its nodes and its project, as the pages of nodes need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from marketing_analytics.local_cloud.pages.artifacts.manifest import Project, read_project
from marketing_analytics.local_cloud.pages.artifacts.results import Result, read_results
from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.pages.runs.lists import RunLine, run_line
from marketing_analytics.local_cloud.pages.runs.timing import NodeLine, nodes_of
from marketing_analytics.local_cloud.pages.states import State
from marketing_analytics.local_cloud.runs.artifacts import step_folder
from marketing_analytics.local_cloud.runs.progress import list_nodes, usual_seconds
from marketing_analytics.local_cloud.runs.records import PlacedRun
from marketing_analytics.local_cloud.runs.store import get_placed_run

NOT_RUN = State("Not run", "dot", "idle")
WORST = ("error", "warn", "running", "cancelled", "success")


@dataclass(frozen=True)
class ReadRun:
    """A run, and what it left, read when it is asked for."""

    reads: Reads
    data_dir: Path
    run: PlacedRun
    now: datetime

    @cached_property
    def line(self) -> RunLine:
        """Return the run as in lists."""
        return run_line(self.run, self.now)

    @cached_property
    def nodes(self) -> list[NodeLine]:
        """Return the nodes in the order in which they began."""
        usual = usual_seconds(self.reads.connection, self.run.job_id, self.run.id)
        return nodes_of(list_nodes(self.reads.connection, self.run.id), usual, self.now)

    @cached_property
    def by_id(self) -> dict[str, NodeLine]:
        """Return the nodes by unique id; one that ran in several steps as it went the last time."""
        return {node.unique_id: node for node in self.nodes}

    @cached_property
    def project(self) -> Project:
        """Return the project as the last step with artifacts saw it."""
        return read_project(step_folder(self.data_dir, self.run.id))

    def result_of(self, node: NodeLine) -> Result | None:
        """Return what dbt kept of a node in its step."""
        folder = step_folder(self.data_dir, self.run.id, node.step_index)
        return read_results(folder).get(node.unique_id)

    def state_of(self, unique_id: str) -> State:
        """Return how a node went, or that it did not run."""
        node = self.by_id.get(unique_id)
        return node.state if node else NOT_RUN


def read_run(reads: Reads, data_dir: Path, run_id: int, now: datetime) -> ReadRun | None:
    """Return a run of the account, or None."""
    run = get_placed_run(reads.connection, run_id, reads.account_id)
    return ReadRun(reads, data_dir, run, now) if run else None


def worst_of(states: Sequence[State]) -> State | None:
    """Return the worst of some states, None of none."""
    known = [state for state in states if state.tone in WORST]
    return min(known, key=lambda state: WORST.index(state.tone), default=None)
