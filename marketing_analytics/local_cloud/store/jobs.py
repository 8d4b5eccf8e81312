"""The door to jobs: their records and every statement that reads or writes them.

What a client may say of a job has columns as far as the server selects by it; the rest is one JSON
document in the shape of the API, the payload.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypedDict

from marketing_analytics.cloud_api.cron import next_tick
from marketing_analytics.cloud_api.states import Status
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Value,
    find,
    find_all,
    load_sql,
    now_text,
    time_text,
)
from marketing_analytics.local_cloud.store.pages import Filter, Page, page_of, read_page
from marketing_analytics.local_cloud.store.schedules import Schedule

ACTIVE = 1
DELETED = 2
FILTERS = (
    "account_id",
    "state",
    "pk",
    "project_id",
    "environment_id",
    "name__icontains",
    "dbt_version",
    "triggers_schedule",
    "job_type",
)
ORDERS = ("id", "name", "created_at", "updated_at", "project_id", "environment_id")


class Settings(TypedDict, total=False):
    """What every dbt command of a job is given."""

    threads: int
    target_name: str


class Execution(TypedDict, total=False):
    """How long a run may take, in seconds; 0 is without end."""

    timeout_seconds: int


class Condition(TypedDict):
    """The job that is waited for, and how it has to end."""

    job_id: int
    project_id: int
    statuses: list[int]


class CompletionTrigger(TypedDict):
    """The condition in its envelope."""

    condition: Condition


class Document(TypedDict, total=False):
    """The payload as far as this server acts on it; it holds every other attribute as well."""

    execute_steps: list[str]
    settings: Settings
    execution: Execution
    triggers: dict[str, bool]
    schedule: Schedule
    job_type: str
    job_completion_trigger_condition: CompletionTrigger | None
    deferring_job_definition_id: int | None
    deferring_environment_id: int | None
    dbt_version: str | None
    run_generate_sources: bool
    generate_sources: bool
    generate_docs: bool
    deactivated: bool


@dataclass(frozen=True, kw_only=True)
class JobFields:
    """What a client decides of a job; `payload` is JSON."""

    project_id: int
    environment_id: int
    name: str
    description: str
    payload: str
    state: int

    @property
    def document(self) -> Document:
        """Return the payload; callers share it, so they copy before they change."""
        return read_document(self.payload)

    @property
    def parent_id(self) -> int | None:
        """Return the id of the job that this one waits for."""
        trigger = self.document.get("job_completion_trigger_condition")
        return trigger["condition"]["job_id"] if trigger else None


@dataclass(frozen=True, kw_only=True)
class Job(JobFields):
    """A job as stored; times are store texts, failures are counted since the last success."""

    id: int
    account_id: int
    cron: str | None
    is_scheduled: bool
    next_run_at: str | None
    run_failure_count: int
    created_at: str
    updated_at: str


@dataclass(frozen=True, kw_only=True)
class PlacedJob(Job):
    """A job with the names of where it stands."""

    environment_name: str
    project_name: str


@dataclass(frozen=True, kw_only=True)
class ListedJob:
    """What the list of all jobs says of one."""

    id: int
    name: str
    description: str
    environment_id: int
    environment_name: str
    cron: str | None
    is_scheduled: bool
    next_run_at: str | None


@dataclass(frozen=True, kw_only=True)
class DueJob:
    """A job whose next tick has come, or which has none yet."""

    id: int
    cron: str
    next_run_at: str | None


@lru_cache(maxsize=2048)
def read_document(text: str) -> Document:
    """Return a payload as an object."""
    document: Document = json.loads(text)
    return document


def get_job(
    connection: Connection,
    job_id: int,
    account_id: int | None = None,
    *,
    is_any_state: bool = False,
) -> Job | None:
    """Return a job, or None when it does not exist, is deleted or is another account's."""
    values = {"job_id": job_id, "account_id": account_id, "any_state": is_any_state}
    return find(connection, Job, load_sql("jobs")["get_job"], values)


def get_jobs(connection: Connection, job_ids: Collection[int]) -> dict[int, Job]:
    """Return jobs by id, also deleted ones."""
    values = {"job_ids": json.dumps(list(job_ids))}
    return {job.id: job for job in find_all(connection, Job, load_sql("jobs")["get_jobs"], values)}


def get_placed_job(connection: Connection, job_id: int, account_id: int) -> PlacedJob | None:
    """Return a job with the names of its places, also a deleted one; None when there is none."""
    values = {"job_id": job_id, "account_id": account_id}
    return find(connection, PlacedJob, load_sql("jobs")["get_placed_job"], values)


def list_jobs(connection: Connection, filters: Mapping[str, Filter]) -> Page[Job]:
    """Return one page of jobs; FILTERS, limit, offset and order_by are understood."""
    return read_page(connection, Job, "jobs", filters, FILTERS)


def list_lines(
    connection: Connection,
    account_id: int,
    *,
    words: Sequence[str] = (),
    tone: str | None = None,
    environment_id: int | None = None,
    is_scheduled: bool | None = None,
    limit: int,
    offset: int = 0,
) -> Page[ListedJob]:
    """Return one page of the active jobs of an account, by name.

    Jobs hold every one of the `words` in name, description or id; `tone` is how the last run looks:
    success, error, running, queued, cancelled, or never for a job that has none.
    """
    values: dict[str, Value] = {
        "account_id": account_id,
        "words": json.dumps([word.lower() for word in words]) if words else None,
        "tone": tone,
        "environment_id": environment_id,
        "is_scheduled": is_scheduled,
        "limit": limit,
        "offset": offset,
    }
    return page_of(connection, ListedJob, load_sql("jobs")["list_lines"], values)


def count_active_jobs(connection: Connection, filters: Mapping[str, Filter]) -> int:
    """Return how many active jobs match, such as those of a project."""
    return list_jobs(connection, {**filters, "state": ACTIVE, "limit": 1}).total_count


def add_job(connection: Connection, account_id: int, job: JobFields) -> int:
    """Create a job and return its id."""
    values = {**values_of(job, None), "account_id": account_id}
    return int(connection.execute(load_sql("jobs")["add_job"], values).fetchone()[0])


def save_job(connection: Connection, old: Job, new: JobFields) -> None:
    """Write a changed job back; its cron and next tick are computed again."""
    values = {**values_of(new, old), "job_id": old.id}
    connection.execute(load_sql("jobs")["save_job"], values)


def values_of(job: JobFields, old: Job | None) -> dict[str, Value]:
    """Return the columns of a job, those computed from its schedule included."""
    cron = job.document["schedule"]["cron"]
    is_scheduled = is_on_schedule(job)
    return {
        "project_id": job.project_id,
        "environment_id": job.environment_id,
        "name": job.name,
        "description": job.description,
        "state": job.state,
        "payload": job.payload,
        "cron": cron,
        "is_scheduled": is_scheduled,
        "next_run_at": next_run_at(cron, old) if is_scheduled else None,
        "now": now_text(),
    }


def is_on_schedule(job: JobFields) -> bool:
    """Return whether the scheduler starts this job by itself."""
    document = job.document
    is_wanted = document["triggers"]["schedule"] and not document.get("deactivated")
    return bool(is_wanted) and job.state == ACTIVE


def next_run_at(cron: str, old: Job | None) -> str | None:
    """Return the next tick as stored text; a tick that is already planned is kept."""
    if old and old.next_run_at and old.is_scheduled and old.cron == cron:
        return old.next_run_at
    tick = next_tick(cron, datetime.now(UTC))
    return time_text(tick) if tick else None


def due_jobs(connection: Connection, now: datetime) -> list[DueJob]:
    """Return the jobs whose next tick has come."""
    return find_all(connection, DueJob, load_sql("jobs")["due_jobs"], {"now": time_text(now)})


def jobs_planned_after(connection: Connection, moment: datetime) -> list[DueJob]:
    """Return the jobs whose next tick lies behind a moment."""
    sql = load_sql("jobs")["jobs_planned_after"]
    return find_all(connection, DueJob, sql, {"moment": time_text(moment)})


def take_tick(connection: Connection, job: DueJob, following: datetime | None) -> bool:
    """Store the tick that follows; False when the job was edited or another took its tick."""
    values = {
        "job_id": job.id,
        "cron": job.cron,
        "old_next_run_at": job.next_run_at,
        "next_run_at": time_text(following) if following else None,
    }
    return connection.execute(load_sql("jobs")["set_next_run"], values).rowcount > 0


def jobs_after(connection: Connection, job_id: int, status: Status) -> list[int]:
    """Return the jobs that wait for a job to end like this."""
    values = {"job_id": job_id, "status": int(status)}
    return [row["id"] for row in connection.execute(load_sql("jobs")["jobs_after"], values)]
