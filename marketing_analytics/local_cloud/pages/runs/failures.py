"""Everything that went wrong in a run, each with what it takes to see why.

Models and what else builds come before tests. Details are read for the first ones only: a page
with a thousand failures stays small, and names the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.artifacts.manifest import Project
from marketing_analytics.local_cloud.pages.artifacts.results import Result, read_results
from marketing_analytics.local_cloud.pages.logs.reader import LogReader
from marketing_analytics.local_cloud.pages.runs.samples import Sample, sample_of
from marketing_analytics.local_cloud.pages.runs.sql import ShownSql, sql_around
from marketing_analytics.local_cloud.pages.runs.timing import NodeLine
from marketing_analytics.local_cloud.pages.states import State
from marketing_analytics.local_cloud.runs.artifacts import step_folder
from marketing_analytics.local_cloud.runs.progress import step_log_path

MAX_DETAILED = 8
MAX_NAMED = 100
MAX_MESSAGE_CHARACTERS = 2_000


@dataclass(frozen=True)
class Failure:
    """One thing that went wrong.

    `line` is where the log tells it, `unique_id` leads to the page of a node and is empty for a
    step. `rows` says what is known of the rows that fail a test, `rows_note` how to see them.
    """

    kind: str
    name: str
    unique_id: str
    state: State
    message: str
    path: str
    step_index: int | None
    words: str
    line: int | None = None
    sql: ShownSql | None = None
    sql_note: str = ""
    rows: str = ""
    rows_note: str = ""
    sample: Sample | None = None


@dataclass(frozen=True)
class Failures:
    """The failures in the order of the page: with details, then the others by name."""

    detailed: list[Failure] = field(default_factory=list)
    others: list[NodeLine] = field(default_factory=list)
    more: int = 0
    words: str = ""

    def __bool__(self) -> bool:
        return bool(self.detailed)


class FailureReader:
    """Reads the details of the failures of one run."""

    def __init__(
        self,
        data_dir: Path,
        run_id: int,
        project: Project,
        reader: LogReader,
        secrets: Sequence[str],
    ) -> None:
        self.data_dir = data_dir
        self.run_id = run_id
        self.project = project
        self.reader = reader
        self.secrets = secrets

    def of_nodes(self, nodes: Sequence[NodeLine]) -> Failures:
        """Return the failures among the nodes of a run."""
        failed = sorted((node for node in nodes if node.state.tone == "error"), key=as_shown)
        first, others = failed[:MAX_DETAILED], failed[MAX_DETAILED:]
        places = self.places(first)
        skipped = sum(1 for node in nodes if node.state.word == "Skipped")
        return Failures(
            detailed=[self.of_node(node, places.get(key_of(node))) for node in first],
            others=others[:MAX_NAMED],
            more=max(0, len(others) - MAX_NAMED),
            words=failure_words(failed, skipped),
        )

    def places(self, nodes: Sequence[NodeLine]) -> Mapping[tuple[int, str], int]:
        """Return the line of the log that tells of each failure, by step and node."""
        found: dict[tuple[int, str], int] = {}
        for step in {node.step_index for node in nodes}:
            names = {node.name for node in nodes if node.step_index == step}
            path = step_log_path(self.data_dir, self.run_id, step)
            lines = self.reader.error_places(path, names)
            found |= {
                key_of(node): lines[node.name]
                for node in nodes
                if node.step_index == step and node.name in lines
            }
        return found

    def of_node(self, node: NodeLine, line: int | None) -> Failure:
        """Return a node that failed, with its SQL and what is known of its rows."""
        folder = step_folder(self.data_dir, self.run_id, node.step_index)
        result = read_results(folder).get(node.unique_id)
        known = self.project.nodes.get(node.unique_id)
        message = self.clean(node.message or (result.message if result else ""))
        code = (result.compiled if result else "") or (known.compiled if known else "")
        is_test = node.is_test
        return Failure(
            kind=node.kind,
            name=node.name,
            unique_id=node.unique_id,
            state=node.state,
            message=message[:MAX_MESSAGE_CHARACTERS].rstrip(),
            path=known.path if known else "",
            step_index=node.step_index,
            words=node.words,
            line=line,
            sql=sql_around(redact(code, self.secrets), message) if code else None,
            sql_note="" if code else why_no_sql(folder, known is not None),
            rows=rows_words(result) if is_test else "",
            rows_note=rows_note(result) if is_test and node.state.word == "Fail" else "",
            sample=sample_of(folder, node.unique_id, self.secrets) if is_test else None,
        )

    def clean(self, text: str) -> str:
        """Return a text of others without the secrets of the account."""
        return redact(text, self.secrets)


def key_of(node: NodeLine) -> tuple[int, str]:
    """Return what tells a node of a step from the same node of another."""
    return node.step_index, node.unique_id


def as_shown(node: NodeLine) -> tuple[bool, int, str]:
    """Return a key that sorts what builds before tests, each by step and end."""
    at = node.end_at or node.start_at
    return (node.is_test, node.step_index, at.isoformat() if at else "~")


def failure_words(failed: Sequence[NodeLine], skipped: int) -> str:
    """Return `2 models and 1 test failed, 14 skipped`."""
    counts: dict[str, int] = {}
    for node in failed:
        counts[node.kind] = counts.get(node.kind, 0) + 1
    parts = [f"{count} {kind}{'s' * (count != 1)}" for kind, count in counts.items()]
    said = " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
    return f"{said} failed" + (f", {skipped} skipped because of it" if skipped else "")


def why_no_sql(folder: Path | None, is_known: bool) -> str:
    """Return why there is no compiled SQL to show."""
    if folder is None:
        return "The step left no artifacts, so its compiled SQL is not known."
    if not is_known:
        return "dbt's files of this step do not hold the node, so its compiled SQL is not known."
    return "dbt did not get as far as compiling it."


def rows_words(result: Result | None) -> str:
    """Return how many rows fail a test."""
    if result is None or result.failures is None:
        return ""
    return f"{result.failures:,} failing row{'s' * (result.failures != 1)}"


def rows_note(result: Result | None) -> str:
    """Return where the failing rows are, as far as dbt kept them."""
    if result and result.relation:
        return f"dbt kept them in {result.relation}."
    return "The SQL below returns them; --store-failures makes dbt keep them in a table."
