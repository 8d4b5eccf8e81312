"""What the runs list, the queue and a run's page show, built from rows of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from marketing_analytics.cloud_api.states import ACTIVE, Status
from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.job_views import state_of
from marketing_analytics.local_cloud.pages.naming import JobName, job_name
from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.pages.runs.timing import (
    NodeLine,
    Timing,
    critical_seconds,
    nodes_of,
    timing_of,
)
from marketing_analytics.local_cloud.pages.states import State, run_state, trigger_words
from marketing_analytics.local_cloud.runs.artifacts import artifacts_folder, step_folder
from marketing_analytics.local_cloud.runs.progress import (
    list_nodes,
    list_steps,
    step_log_path,
    usual_seconds,
)
from marketing_analytics.local_cloud.runs.records import PlacedRun, Run, RunStep
from marketing_analytics.local_cloud.runs.store import active_runs, get_placed_run
from marketing_analytics.local_cloud.store.accounts import get_account
from marketing_analytics.web.timing import Axis
from marketing_analytics.web.words import duration_words, parse_time, seconds_between

MAX_MESSAGE_CHARACTERS = 2_000
# percent of the axis that can still be seen
LEAST_STEP = 0.5
STEP_SKIPPED = State("Not reached", "slash", "cancelled")


@dataclass(frozen=True)
class RunLine:
    """One run in a list."""

    run_id: int
    job_id: int
    job: JobName
    state: State
    is_active: bool
    trigger: str
    cause: str
    environment: str
    schema: str
    created_at: datetime | None
    finished_at: datetime | None
    waited: str
    ran: str
    message: str


def run_line(run: PlacedRun, now: datetime) -> RunLine:
    """Return a run as shown in lists and in the title of its page."""
    waited = seconds_between(run.created_at, run.started_at or run.finished_at, now)
    ran = seconds_between(run.started_at, run.finished_at, now)
    return RunLine(
        run_id=run.id,
        job_id=run.job_id,
        job=job_name(run.job_name, run.job_description),
        state=state_of(run),
        is_active=run.status in ACTIVE,
        trigger=trigger_words(run.cause_category),
        cause=redact(run.cause),
        environment=run.environment_name,
        schema=run.schema_name,
        created_at=parse_time(run.created_at),
        finished_at=parse_time(run.finished_at),
        waited=duration_words(waited),
        ran=duration_words(ran),
        message=redact(run.status_message or ""),
    )


@dataclass(frozen=True)
class QueueLine:
    """A run in the queue view, and why it waits, in the engine's words."""

    run: RunLine
    is_waiting: bool
    reason: str


@dataclass(frozen=True)
class Queue:
    """All active runs, the slots in use and the slots there are."""

    lines: list[QueueLine]
    used_slots: int
    slots: int


def queue_of(reads: Reads, now: datetime) -> Queue:
    """Return who runs and who waits for what."""
    runs = active_runs(reads.connection, reads.account_id)
    account = get_account(reads.connection, reads.account_id)
    running = [run for run in runs if run.status is not Status.QUEUED]
    lines = [queue_line(run, now) for run in runs]
    slots = account.run_slots if account else 0
    return Queue(sorted(lines, key=lambda line: line.is_waiting), len(running), slots)


def queue_line(run: PlacedRun, now: datetime) -> QueueLine:
    """Return a run of the queue."""
    is_waiting = run.status == Status.QUEUED
    waiting = run.wait_reason or "about to start"
    return QueueLine(run_line(run, now), is_waiting, waiting if is_waiting else "holds a run slot")


@dataclass(frozen=True)
class StepLine:
    """One step on the run's time line; left and width are percent of the run."""

    index: int
    name: str
    command: str
    state: State
    is_finished: bool
    words: str
    left: float
    width: float
    has_log: bool


@dataclass(frozen=True)
class FirstError:
    """The first thing that went wrong, with the step whose log tells more."""

    title: str
    message: str
    step_index: int | None


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
    first_error: FirstError | None
    timing: Timing | None
    tests: list[NodeLine]
    tests_words: str
    waits: QueueLine | None
    is_cancelling: bool
    can_run_again: bool


def run_page(
    reads: Reads, data_dir: Path, run_id: int, step_index: int | None, now: datetime
) -> RunPage | None:
    """Return a run's page, or None when there is no such run."""
    run = get_placed_run(reads.connection, run_id, reads.account_id)
    if run is None:
        return None
    usual = usual_seconds(reads.connection, run.job_id, run_id)
    nodes = nodes_of(list_nodes(reads.connection, run_id), usual, now)
    steps = steps_of(list_steps(reads.connection, run_id), run, data_dir, now)
    tests = [node for node in nodes if node.is_test]
    return RunPage(
        run=run_line(run, now),
        facts=facts_of(run, now),
        steps=steps,
        shown_step=shown_step(steps, step_index),
        first_error=first_error(run, nodes, steps, reads.secrets()),
        timing=timing_of(nodes, now, critical_of(data_dir, nodes, run)),
        tests=sorted(tests, key=worst_first),
        tests_words=tests_words(tests),
        waits=own_queue_line(reads, run_id, now) if run.status == Status.QUEUED else None,
        is_cancelling=run.cancel_requested_at is not None and run.status in ACTIVE,
        can_run_again=run.job_state == 1,
    )


def own_queue_line(reads: Reads, run_id: int, now: datetime) -> QueueLine | None:
    """Return the line of one run, or None when it has left the queue."""
    lines = queue_of(reads, now).lines
    return next((line for line in lines if line.run.run_id == run_id), None)


def facts_of(run: PlacedRun, now: datetime) -> list[tuple[str, str]]:
    """Return what is known of a run, as names and words."""
    waited = seconds_between(run.created_at, run.started_at or run.finished_at, now)
    overrides = run.trigger_body
    facts = [
        ("Trigger", trigger_words(run.cause_category)),
        ("Cause", redact(run.cause)),
        ("Environment", run.environment_name),
        ("Schema", run.schema_name),
        ("Target", f"{run.target_name}, {run.threads} threads"),
        ("Waited", duration_words(waited)),
        ("dbt", run.dbt_version or ""),
        ("Branch", run.git_branch or ""),
        ("Commit", commit_words(run)),
        ("Request", run.request),
        ("Deferred to", f"run {run.deferring_run_id}" if run.deferring_run_id else ""),
        ("Overrides", ", ".join(sorted(overrides))),
    ]
    return [(name, value) for name, value in facts if value]


def commit_words(run: PlacedRun) -> str:
    """Return the commit that a run worked on, and whether with more than that."""
    sha = (run.git_sha or "")[:10]
    return f"{sha} with changes that are not committed".lstrip() if run.has_changes else sha


def steps_of(steps: Sequence[RunStep], run: Run, data_dir: Path, now: datetime) -> list[StepLine]:
    """Return the steps of a run on its time line."""
    begin = parse_time(run.started_at) or parse_time(run.created_at) or now
    axis = Axis(begin, parse_time(run.finished_at) or now)
    return [step_line(step, run, axis, data_dir, now) for step in steps]


def step_line(step: RunStep, run: Run, axis: Axis, data_dir: Path, now: datetime) -> StepLine:
    """Return one step on the axis of its run."""
    seconds = seconds_between(step.started_at, step.finished_at, now)
    start = parse_time(step.started_at)
    is_over = run.status not in ACTIVE
    is_crashed = run.is_crashed and step.status is Status.CANCELLED
    state = run_state(step.status, is_crashed=is_crashed)
    if start is None and is_over:
        state, seconds = STEP_SKIPPED, None
    end = parse_time(step.finished_at) or now
    left, width = axis.place(start, end, LEAST_STEP) if start else (0.0, 0.0)
    return StepLine(
        index=step.step_index,
        name=redact(step.name),
        command=redact(step.command or ""),
        state=state,
        is_finished=is_over or step.status not in ACTIVE,
        words=duration_words(seconds),
        left=left,
        width=width,
        has_log=step_log_path(data_dir, run.id, step.step_index).is_file(),
    )


def shown_step(steps: Sequence[StepLine], wanted: int | None) -> int | None:
    """Return the step whose log is shown: the wanted, a failed, a running, the last one."""
    if wanted is not None and any(step.index == wanted for step in steps):
        return wanted
    for tone in ("error", "running"):
        for step in steps:
            if step.state.tone == tone:
                return step.index
    with_log = [step.index for step in steps if step.has_log]
    return with_log[-1] if with_log else None


def first_error(
    run: Run, nodes: Sequence[NodeLine], steps: Sequence[StepLine], secrets: Sequence[str]
) -> FirstError | None:
    """Return the first thing that went wrong, or None."""
    failed = [node for node in nodes if node.state.tone == "error"]
    if failed:
        first = min(failed, key=end_order)
        kind = first.resource_type.replace("_", " ")
        return FirstError(
            f"{kind} {first.name}: {first.state.word.lower()}",
            redact(first.message, secrets)[:MAX_MESSAGE_CHARACTERS],
            first.step_index,
        )
    step = next((step for step in steps if step.state.tone == "error"), None)
    has_failed = state_of(run).tone == "error"
    if not has_failed and step is None:
        return None
    title = f"Step {step.index}: {step.name}" if step else state_of(run).word
    message = redact(run.status_message or "", secrets)[:MAX_MESSAGE_CHARACTERS]
    return FirstError(title, message, step.index if step else None)


def end_order(node: NodeLine) -> tuple[int, str]:
    """Return a key that sorts nodes by step and end."""
    at = node.end_at or node.start_at
    return (node.step_index, at.isoformat() if at else "~")


def critical_of(data_dir: Path, nodes: Sequence[NodeLine], run: Run) -> float | None:
    """Return the critical path of a run that ended, in seconds."""
    if run.status in ACTIVE or not nodes:
        return None
    step = max(node.step_index for node in nodes)
    folder = step_folder(data_dir, run.id, step)
    return critical_seconds(folder / "manifest.json", nodes) if folder else None


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
    """Return up to `limit` files of a run and how many there are; links are left out."""
    root = artifacts_folder(data_dir, run_id)
    found: list[Artifact] = []
    total = 0
    for step in sorted(root.glob("step_*"), key=step_number):
        index = step_number(step)
        for path in sorted(step.rglob("*"), key=lambda path: (len(path.parts), path.as_posix())):
            if path.is_symlink() or not path.is_file():
                continue
            total += 1
            if len(found) < limit:
                relative = path.relative_to(step).as_posix()
                found.append(Artifact(index, relative, path.stat().st_size))
    return found, total


def step_number(path: Path) -> int:
    """Return the number in the name of a folder of artifacts, -1 without one."""
    text = path.name.removeprefix("step_")
    return int(text) if text.isdecimal() else -1
