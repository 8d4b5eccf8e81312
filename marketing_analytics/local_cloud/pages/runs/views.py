"""What a run's page shows, built from rows of the store and from what dbt left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from marketing_analytics.cloud_api.states import ACTIVE, Status
from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.artifacts.docs import has_docs
from marketing_analytics.local_cloud.pages.artifacts.manifest import NO_PROJECT, read_project
from marketing_analytics.local_cloud.pages.logs.reader import LogReader
from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.pages.runs.changes import Changes, changes_of
from marketing_analytics.local_cloud.pages.runs.failures import FailureReader, Failures
from marketing_analytics.local_cloud.pages.runs.lanes import AskedLanes, Lanes, lanes_of
from marketing_analytics.local_cloud.pages.runs.lists import QueueLine, RunLine, queue_of, run_line
from marketing_analytics.local_cloud.pages.runs.steps import StepLine, shown_step, steps_of
from marketing_analytics.local_cloud.pages.runs.story import Story, StoryReader
from marketing_analytics.local_cloud.pages.runs.timing import (
    NodeLine,
    Timing,
    nodes_of,
    timing_of,
)
from marketing_analytics.local_cloud.runs.artifacts import (
    artifacts_folder,
    can_be_shown,
    step_folder,
)
from marketing_analytics.local_cloud.runs.progress import (
    list_nodes,
    list_steps,
    usual_seconds,
)
from marketing_analytics.local_cloud.runs.records import PlacedRun, Run
from marketing_analytics.local_cloud.runs.requests.again import retry_refusal
from marketing_analytics.local_cloud.runs.steps import DEPS
from marketing_analytics.local_cloud.runs.store import get_placed_run
from marketing_analytics.web.words import duration_words, parse_time, seconds_between


@dataclass(frozen=True)
class Artifact:
    """A file a run left, addressed by step and path below it."""

    step_index: int
    path: str
    size_bytes: int


@dataclass(frozen=True)
class RunPage:
    """Everything a run's page shows but its log."""

    run: RunLine
    facts: list[tuple[str, str]]
    steps: list[StepLine]
    shown_step: int | None
    story: Story | None
    failures: Failures
    changes: Changes | None
    warnings: list[NodeLine]
    timing: Timing | None
    lanes: Lanes
    tests: list[NodeLine]
    tests_words: str
    waits: QueueLine | None
    is_cancelling: bool
    can_run_again: bool
    can_retry: bool
    has_project: bool
    has_docs: bool


@dataclass(frozen=True)
class RunReader:
    """Reads what the page of one run shows."""

    reads: Reads
    data_dir: Path
    logs: LogReader
    now: datetime

    def page(self, run_id: int, step_index: int | None, asked: AskedLanes) -> RunPage | None:
        """Return a run's page, or None when there is no such run."""
        connection = self.reads.connection
        run = get_placed_run(connection, run_id, self.reads.account_id)
        if run is None:
            return None
        nodes = self.nodes(run)
        steps = steps_of(list_steps(connection, run_id), run, self.data_dir, self.now)
        folder = step_folder(self.data_dir, run_id)
        project = read_project(folder)
        secrets = self.reads.secrets()
        failures = FailureReader(self.data_dir, run_id, project, self.logs, secrets)
        story = StoryReader(self.data_dir, self.logs, secrets, self.now)
        tests = [node for node in nodes if node.is_test]
        is_over = run.status not in ACTIVE
        timing = timing_of(nodes, project if is_over else NO_PROJECT, self.now)
        return RunPage(
            run=run_line(run, self.now),
            facts=facts_of(run, steps, self.now),
            steps=steps,
            shown_step=shown_step(steps, step_index),
            story=story.of_run(run, nodes, steps),
            failures=failures.of_nodes(nodes),
            changes=changes_of(self.data_dir, run_id, secrets),
            warnings=[node for node in nodes if node.state.tone == "warn"],
            timing=timing,
            lanes=lanes_of(timing, asked, project),
            tests=sorted(tests, key=worst_first),
            tests_words=tests_words(tests),
            waits=self.own_queue_line(run) if run.status == Status.QUEUED else None,
            is_cancelling=run.cancel_requested_at is not None and not is_over,
            can_run_again=run.job_state == 1,
            can_retry=retry_refusal(connection, run) is None,
            has_project=bool(project.nodes),
            has_docs=has_docs(folder),
        )

    def nodes(self, run: Run) -> list[NodeLine]:
        """Return the nodes of a run, each with its usual time."""
        connection = self.reads.connection
        usual = usual_seconds(connection, run.job_id, run.id)
        return nodes_of(list_nodes(connection, run.id), usual, self.now)

    def own_queue_line(self, run: Run) -> QueueLine | None:
        """Return the line of one run, or None when it has left the queue."""
        lines = queue_of(self.reads, self.now).lines
        return next((line for line in lines if line.run.run_id == run.id), None)


def facts_of(run: PlacedRun, steps: Sequence[StepLine], now: datetime) -> list[tuple[str, str]]:
    """Return what is known of a run, as names and words."""
    waited = seconds_between(run.created_at, run.started_at or run.finished_at, now)
    started = parse_time(run.started_at)
    overrides = [name.removesuffix("_override").replace("_", " ") for name in run.trigger_body]
    ready_at = next((step.started_at for step in steps if step.index > DEPS), None)
    prepared = (ready_at - started).total_seconds() if ready_at and started else None
    facts = [
        ("Cause", redact(run.cause)),
        ("Environment", run.environment_name),
        ("Schema", run.schema_name),
        ("Target", f"{run.target_name}, {run.threads} threads"),
        ("Waited", duration_words(waited)),
        ("Prepared", duration_words(prepared) if prepared is not None else ""),
        ("dbt", run.dbt_version or ""),
        ("Request", run.request),
        ("Deferred to", f"run {run.deferring_run_id}" if run.deferring_run_id else ""),
        ("Changed", ", ".join(sorted(overrides))),
    ]
    return [(name, value) for name, value in facts if value]


def worst_first(node: NodeLine) -> tuple[int, str]:
    """Return a key that sorts failed nodes to the front."""
    order = {"error": 0, "warn": 1, "running": 2, "cancelled": 3}
    return (order.get(node.state.tone, 4), node.name)


def tests_words(tests: Sequence[NodeLine]) -> str:
    """Return `12 tests: 11 pass, 1 fail`."""
    counts: dict[str, int] = {}
    for node in tests:
        counts[node.state.word.lower()] = counts.get(node.state.word.lower(), 0) + 1
    parts = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    return f"{len(tests)} test{'s' * (len(tests) != 1)}: {parts}" if tests else ""


def list_artifacts(data_dir: Path, run_id: int, limit: int) -> tuple[list[Artifact], int]:
    """Return up to `limit` files of a run and how many there are.

    Links are left out, and what no address can hold.
    """
    root = artifacts_folder(data_dir, run_id)
    found: list[Artifact] = []
    total = 0
    for step in sorted(root.glob("step_*"), key=step_number):
        index = step_number(step)
        for path in sorted(step.rglob("*"), key=lambda path: (len(path.parts), path.as_posix())):
            relative = path.relative_to(step).as_posix()
            if path.is_symlink() or not path.is_file() or not can_be_shown(relative):
                continue
            total += 1
            if len(found) < limit:
                found.append(Artifact(index, relative, path.stat().st_size))
    return found, total


def step_number(path: Path) -> int:
    """Return the number in the name of a folder of artifacts, -1 without one."""
    text = path.name.removeprefix("step_")
    return int(text) if text.isdecimal() else -1
