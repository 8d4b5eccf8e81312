"""What the runs list, the queue and a run's page show, built from rows of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from marketing_analytics.cloud_api.states import ACTIVE, Status
from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.job_views import json_object, state_of
from marketing_analytics.local_cloud.pages.naming import JobName, job_name
from marketing_analytics.local_cloud.pages.reads import Reads, Row
from marketing_analytics.local_cloud.pages.runs.timing import (
    Node,
    Timing,
    critical_seconds,
    nodes_of,
    timing_of,
)
from marketing_analytics.local_cloud.pages.states import State, run_state, trigger_words
from marketing_analytics.web.words import duration_words, parse_time, seconds_between

MAX_MESSAGE_CHARACTERS = 2_000
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


def run_line(row: Row, now: datetime) -> RunLine:
    """Return a run as shown in lists and in the title of its page."""
    waited = seconds_between(row["created_at"], row["started_at"] or row["finished_at"], now)
    ran = seconds_between(row["started_at"], row["finished_at"], now)
    return RunLine(
        run_id=row["id"],
        job_id=row["job_id"],
        job=job_name(row["job_name"], row["job_description"]),
        state=state_of(row),
        is_active=row["status"] in ACTIVE,
        trigger=trigger_words(row["cause_category"]),
        cause=redact(row["cause"]),
        environment=row["environment_name"],
        schema=row["schema_name"],
        created_at=parse_time(row["created_at"]),
        finished_at=parse_time(row["finished_at"]),
        waited=duration_words(waited),
        ran=duration_words(ran),
        message=redact(row["status_message"] or ""),
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
    rows = reads.rows("list_active_runs")
    account = reads.row("get_account")
    running = [row for row in rows if row["status"] != Status.QUEUED]
    lines = [_queue_line(row, now) for row in rows]
    slots = int(account["run_slots"]) if account else 0
    return Queue(sorted(lines, key=lambda line: line.is_waiting), len(running), slots)


def _queue_line(row: Row, now: datetime) -> QueueLine:
    is_waiting = row["status"] == Status.QUEUED
    waiting = row["wait_reason"] or "about to start"
    return QueueLine(run_line(row, now), is_waiting, waiting if is_waiting else "holds a run slot")


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
    tests: list[Node]
    tests_words: str
    waits: QueueLine | None
    is_cancelling: bool
    can_run_again: bool


def run_page(
    reads: Reads, folder: Path, run_id: int, step_index: int | None, now: datetime
) -> RunPage | None:
    """Return a run's page, or None when there is no such run."""
    row = reads.row("get_run", run_id=run_id)
    if row is None:
        return None
    usual = {
        usual_row["unique_id"]: usual_row["mean_seconds"]
        for usual_row in reads.rows("usual_node_seconds", job_id=row["job_id"], run_id=run_id)
        if usual_row["runs"] >= 3
    }
    nodes = nodes_of(reads.rows("list_nodes", run_id=run_id), usual, now)
    steps = _steps(reads.rows("list_steps", run_id=run_id), row, folder, now)
    tests = [node for node in nodes if node.is_test]
    return RunPage(
        run=run_line(row, now),
        facts=_facts(row, now),
        steps=steps,
        shown_step=_shown_step(steps, step_index),
        first_error=_first_error(row, nodes, steps, reads.secrets()),
        timing=timing_of(nodes, now, _critical(folder, nodes, row)),
        tests=sorted(tests, key=_worst_first),
        tests_words=tests_words(tests),
        waits=_own_queue_line(reads, run_id, now) if row["status"] == Status.QUEUED else None,
        is_cancelling=bool(row["cancel_requested_at"]) and row["status"] in ACTIVE,
        can_run_again=row["job_state"] == 1,
    )


def _own_queue_line(reads: Reads, run_id: int, now: datetime) -> QueueLine | None:
    lines = queue_of(reads, now).lines
    return next((line for line in lines if line.run.run_id == run_id), None)


def _facts(row: Row, now: datetime) -> list[tuple[str, str]]:
    waited = seconds_between(row["created_at"], row["started_at"] or row["finished_at"], now)
    overrides = json_object(row["overrides"])
    facts = [
        ("Trigger", trigger_words(row["cause_category"])),
        ("Cause", redact(row["cause"])),
        ("Environment", row["environment_name"]),
        ("Schema", row["schema_name"]),
        ("Target", f"{row['target_name']}, {row['threads']} threads"),
        ("Waited", duration_words(waited)),
        ("dbt", row["dbt_version"] or ""),
        ("Branch", row["git_branch"] or ""),
        ("Commit", (row["git_sha"] or "")[:10]),
        ("Overrides", ", ".join(sorted(overrides))),
    ]
    return [(name, value) for name, value in facts if value]


def _steps(rows: Sequence[Row], run: Row, folder: Path, now: datetime) -> list[StepLine]:
    begin = parse_time(run["started_at"]) or parse_time(run["created_at"]) or now
    end = parse_time(run["finished_at"]) or now
    wall = max((end - begin).total_seconds(), 0.001)
    return [_step(row, run, begin, wall, folder, now) for row in rows]


def _step(
    row: Row, run: Row, begin: datetime, wall: float, folder: Path, now: datetime
) -> StepLine:
    seconds = seconds_between(row["started_at"], row["finished_at"], now)
    start = parse_time(row["started_at"])
    is_over = run["status"] not in ACTIVE
    state = run_state(row["status"])
    if start is None and is_over:
        state, seconds = STEP_SKIPPED, None
    left = 100 * (start - begin).total_seconds() / wall if start else 0.0
    width = 100 * (seconds or 0.0) / wall
    left = min(99.5, max(0.0, left))
    return StepLine(
        index=row["step_index"],
        name=redact(row["name"]),
        command=redact(row["command"] or ""),
        state=state,
        is_finished=is_over or row["status"] not in ACTIVE,
        words=duration_words(seconds),
        left=round(left, 2),
        width=round(min(100 - left, max(0.4, width)), 2) if start else 0.0,
        has_log=log_path(folder, row["step_index"]).is_file(),
    )


def log_path(folder: Path, step_index: int) -> Path:
    """Return the place of a step's log below the run's folder."""
    return folder / "steps" / f"{step_index}.log"


def _shown_step(steps: Sequence[StepLine], wanted: int | None) -> int | None:
    if wanted is not None and any(step.index == wanted for step in steps):
        return wanted
    for tone in ("error", "running"):
        for step in steps:
            if step.state.tone == tone:
                return step.index
    with_log = [step.index for step in steps if step.has_log]
    return with_log[-1] if with_log else None


def _first_error(
    row: Row, nodes: Sequence[Node], steps: Sequence[StepLine], secrets: Sequence[str]
) -> FirstError | None:
    failed = [node for node in nodes if node.state.tone == "error"]
    if failed:
        first = min(failed, key=_end_order)
        kind = first.resource_type.replace("_", " ")
        return FirstError(
            f"{kind} {first.name}: {first.state.word.lower()}",
            redact(first.message, secrets)[:MAX_MESSAGE_CHARACTERS],
            first.step_index,
        )
    step = next((step for step in steps if step.state.tone == "error"), None)
    has_failed = state_of(row).tone == "error"
    if not has_failed and step is None:
        return None
    title = f"Step {step.index}: {step.name}" if step else state_of(row).word
    message = redact(row["status_message"] or "", secrets)[:MAX_MESSAGE_CHARACTERS]
    return FirstError(title, message, step.index if step else None)


def _end_order(node: Node) -> tuple[int, str]:
    at = node.end_at or node.start_at
    return (node.step_index, at.isoformat() if at else "~")


def _critical(folder: Path, nodes: Sequence[Node], row: Row) -> float | None:
    if row["status"] in ACTIVE or not nodes:
        return None
    step = max(node.step_index for node in nodes)
    return critical_seconds(folder / "artifacts" / f"step_{step}" / "manifest.json", nodes)


def _worst_first(node: Node) -> tuple[int, str]:
    order = {"error": 0, "warn": 1, "running": 2, "cancelled": 3}
    return (order.get(node.state.tone, 4), node.name)


def tests_words(tests: Sequence[Node]) -> str:
    """Return `12 tests: 11 pass, 1 fail`."""
    counts: dict[str, int] = {}
    for node in tests:
        counts[node.state.word.lower()] = counts.get(node.state.word.lower(), 0) + 1
    parts = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    return f"{len(tests)} test{'s' * (len(tests) != 1)}: {parts}" if tests else ""


def list_artifacts(folder: Path, limit: int) -> tuple[list[Artifact], int]:
    """Return up to `limit` files of a run and how many there are; links are left out."""
    root = folder / "artifacts"
    found: list[Artifact] = []
    total = 0
    for step in sorted(root.glob("step_*"), key=_step_number):
        index = _step_number(step)
        for path in sorted(step.rglob("*"), key=lambda path: (len(path.parts), path.as_posix())):
            if path.is_symlink() or not path.is_file():
                continue
            total += 1
            if len(found) < limit:
                relative = path.relative_to(step).as_posix()
                found.append(Artifact(index, relative, path.stat().st_size))
    return found, total


def _step_number(path: Path) -> int:
    text = path.name.removeprefix("step_")
    return int(text) if text.isdecimal() else -1


def artifact_path(folder: Path, step_index: int, name: str) -> Path | None:
    """Return the file behind an artifact's address, None when it lies outside or is missing."""
    root = (folder / "artifacts" / f"step_{step_index}").resolve()
    try:
        path = (root / name).resolve()
        is_there = path.is_relative_to(root) and path.is_file()
    except (OSError, ValueError):
        return None
    return path if is_there else None
