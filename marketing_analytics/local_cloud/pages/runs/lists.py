"""Runs in lists, and the queue: who runs, who waits for what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from marketing_analytics.cloud_api.states import ACTIVE, Status
from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.naming import JobName, job_name
from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.pages.states import State, state_of, trigger_words
from marketing_analytics.local_cloud.runs.progress import prepared_at
from marketing_analytics.local_cloud.runs.records import PlacedRun
from marketing_analytics.local_cloud.runs.store import active_runs
from marketing_analytics.local_cloud.store.accounts import get_account
from marketing_analytics.web.words import duration_words, parse_time, seconds_between


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
    started_at: datetime | None
    finished_at: datetime | None
    waited: str
    prepared: str
    ran: str
    message: str
    branch: str
    commit: str
    has_changes: bool


def run_lines(reads: Reads, runs: Sequence[PlacedRun], now: datetime) -> list[RunLine]:
    """Return runs as shown in a list, each with how long its code, profile and packages took."""
    ready = prepared_at(reads.connection, [run.id for run in runs])
    return [run_line(run, now, ready.get(run.id)) for run in runs]


def run_line(run: PlacedRun, now: datetime, ready_at: str | None = None) -> RunLine:
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
        started_at=parse_time(run.started_at),
        finished_at=parse_time(run.finished_at),
        waited=duration_words(waited),
        prepared=duration_words(
            seconds_between(run.started_at, ready_at, now) if ready_at else None
        ),
        ran=duration_words(ran),
        message=redact(run.status_message or ""),
        branch=run.git_branch or "",
        commit=(run.git_sha or "")[:10],
        has_changes=run.has_changes,
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
