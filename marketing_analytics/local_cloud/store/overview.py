"""What the pages of all jobs show at once: what fails, what comes next, how it went of late.

Each question is one statement that reads what it shows, not all runs there are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from marketing_analytics.cloud_api.states import Status
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Value,
    find_all,
    load_sql,
    time_text,
)

NEWEST_RUNS = 5_000


@dataclass(frozen=True, kw_only=True)
class FailingJob:
    """A job whose newest judged run failed; `total_count` is how many such jobs there are."""

    id: int
    name: str
    description: str
    run_id: int
    status_message: str | None
    finished_at: str | None
    is_crashed: bool
    is_timed_out: bool
    failures_in_a_row: int
    total_count: int


@dataclass(frozen=True, kw_only=True)
class FailedNode:
    """A dbt node that failed in a run."""

    run_id: int
    name: str
    resource_type: str
    message: str | None


@dataclass(frozen=True, kw_only=True)
class NodeCount:
    """How many nodes a run has begun and done."""

    run_id: int
    begun: int
    done: int


@dataclass(frozen=True, kw_only=True)
class UsualRun:
    """How long good runs of a job take, and how many nodes the last one had."""

    seconds: float | None
    nodes: int | None


@dataclass(frozen=True, kw_only=True)
class NextTick:
    """A job that starts by itself next."""

    id: int
    name: str
    description: str
    cron: str | None
    next_run_at: str


@dataclass(frozen=True, kw_only=True)
class HourOfRuns:
    """Runs of an hour (`2026-01-02 03`) that ended in one way, and how many ticks began in time."""

    hour: str
    status: Status
    runs: int
    ticks: int
    ticks_on_time: int


@dataclass(frozen=True, kw_only=True)
class DayOfJob:
    """Runs of a job on a day (`2026-01-02`) that ended in one way."""

    day: str
    status: Status
    runs: int
    last_id: int


@dataclass(frozen=True, kw_only=True)
class RunWithArtifacts:
    """A run that has left artifacts."""

    id: int
    job_id: int
    environment_id: int
    environment_name: str
    finished_at: str | None


def failing_jobs(connection: Connection, account_id: int, limit: int) -> list[FailingJob]:
    """Return the jobs that fail now, the newest failure first."""
    values: dict[str, Value] = {"account_id": account_id, "limit": limit}
    return find_all(connection, FailingJob, load_sql("overview")["failing_jobs"], values)


def failed_nodes(connection: Connection, run_ids: Sequence[int]) -> list[FailedNode]:
    """Return what failed in these runs, models before tests."""
    values: dict[str, Value] = {"run_ids": json.dumps(list(run_ids))}
    return find_all(connection, FailedNode, load_sql("overview")["failed_nodes"], values)


def node_counts(connection: Connection, run_ids: Sequence[int]) -> dict[int, NodeCount]:
    """Return how far runs have come, by id."""
    values: dict[str, Value] = {"run_ids": json.dumps(list(run_ids))}
    found = find_all(connection, NodeCount, load_sql("overview")["node_counts"], values)
    return {count.run_id: count for count in found}


def usual_run(connection: Connection, job_id: int) -> UsualRun:
    """Return what a run of a job is like; None where it never was good."""
    values: dict[str, Value] = {"job_id": job_id}
    return find_all(connection, UsualRun, load_sql("overview")["usual_run"], values)[0]


def list_next_ticks(connection: Connection, account_id: int, limit: int) -> list[NextTick]:
    """Return the jobs that start next, the soonest first."""
    values: dict[str, Value] = {"account_id": account_id, "limit": limit}
    return find_all(connection, NextTick, load_sql("overview")["next_ticks"], values)


def first_run_since(connection: Connection, moment: datetime) -> int:
    """Return the lowest id of the runs made since a moment, found in some twenty looks.

    Runs get their ids in the order in which they are made.
    """
    sql, wanted = load_sql("overview"), time_text(moment)
    low = 1
    high = (connection.execute(sql["newest_run_id"]).fetchone()[0] or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(sql["created_near"], {"run_id": middle}).fetchone()
        if row is not None and row[0] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


def ended_since(
    connection: Connection, account_id: int, moment: datetime, late_seconds: float
) -> list[HourOfRuns]:
    """Return how the runs since a moment ended, by hour; a tick is late after `late_seconds`."""
    values: dict[str, Value] = {
        "account_id": account_id,
        "first_id": first_run_since(connection, moment),
        "late_seconds": late_seconds,
    }
    return find_all(connection, HourOfRuns, load_sql("overview")["ended_since"], values)


def days_of_job(connection: Connection, job_id: int, since: datetime) -> list[DayOfJob]:
    """Return how the runs of a job ended, by day."""
    values: dict[str, Value] = {"job_id": job_id, "since": time_text(since)}
    return find_all(connection, DayOfJob, load_sql("overview")["days_of_job"], values)


def runs_with_artifacts(
    connection: Connection, account_id: int, limit: int
) -> list[RunWithArtifacts]:
    """Return the newest runs that have left artifacts, of the last thousands."""
    values: dict[str, Value] = {"account_id": account_id, "limit": limit, "newest": NEWEST_RUNS}
    statement = load_sql("overview")["runs_with_artifacts"]
    return find_all(connection, RunWithArtifacts, statement, values)
