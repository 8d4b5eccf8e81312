"""Jobs: read, list, create, save. A job is one flat dict in the shape of the API.

Columns: id, account_id, project_id, environment_id, name, description, state, created_at,
updated_at, cron, is_scheduled, next_run_at, run_failure_count. Everything else (execute_steps,
settings, execution, triggers, schedule, generate_docs, job_type, ...) is payload.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from marketing_analytics.cloud_api.cron import next_tick
from marketing_analytics.local_cloud.store.connection import load_sql, now_text, time_text
from marketing_analytics.local_cloud.store.pages import Page, read_page

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
COLUMNS = (
    "id",
    "account_id",
    "project_id",
    "environment_id",
    "name",
    "description",
    "cron",
    "is_scheduled",
    "next_run_at",
    "run_failure_count",
    "state",
    "created_at",
    "updated_at",
)


def get_job(
    connection: sqlite3.Connection,
    job_id: int,
    account_id: int | None = None,
    *,
    is_any_state: bool = False,
) -> dict[str, Any] | None:
    """Return a job, or None when it does not exist, is deleted or is another account's."""
    values = {"job_id": job_id, "account_id": account_id, "any_state": is_any_state}
    row = connection.execute(load_sql("jobs")["get_job"], values).fetchone()
    return job_of(row) if row else None


def job_of(row: sqlite3.Row | Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as one flat dict."""
    job = dict(read_payload(row["payload"]))
    for column in COLUMNS:
        job[column] = row[column]
    return job


@lru_cache(maxsize=2048)
def read_payload(text: str) -> dict[str, Any]:
    """Return a payload; callers share it, so they copy before they change."""
    payload: dict[str, Any] = json.loads(text)
    return payload


def list_jobs(connection: sqlite3.Connection, filters: Mapping[str, Any]) -> Page[sqlite3.Row]:
    """Return one page of jobs; FILTERS, limit, offset and order_by are understood."""
    return read_page(connection, "jobs", filters, FILTERS)


def add_job(connection: sqlite3.Connection, job: Mapping[str, Any]) -> int:
    """Create a job and return its id."""
    return int(connection.execute(load_sql("jobs")["add_job"], job_values(job)).fetchone()[0])


def save_job(connection: sqlite3.Connection, job: Mapping[str, Any]) -> None:
    """Write a changed job back; its cron and next tick are computed again."""
    values = {**job_values(job), "job_id": job["id"]}
    connection.execute(load_sql("jobs")["save_job"], values)


def job_values(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a job, and the rest as payload."""
    cron = job["schedule"]["cron"]
    is_scheduled = is_on_schedule(job)
    payload = {key: value for key, value in job.items() if key not in COLUMNS}
    return {
        "account_id": job["account_id"],
        "project_id": job["project_id"],
        "environment_id": job["environment_id"],
        "name": job["name"],
        "description": job["description"],
        "state": job["state"],
        "payload": json.dumps(payload),
        "cron": cron,
        "is_scheduled": int(is_scheduled),
        "next_run_at": next_run_at(job, cron) if is_scheduled else None,
        "now": now_text(),
    }


def is_on_schedule(job: Mapping[str, Any]) -> bool:
    """Return whether the scheduler starts this job by itself."""
    return bool(
        job["triggers"]["schedule"] and job["state"] == ACTIVE and not job.get("deactivated")
    )


def next_run_at(job: Mapping[str, Any], cron: str) -> str | None:
    """Return the next tick as stored text; a tick that is already planned is kept."""
    if job.get("next_run_at") and job.get("is_scheduled") and job.get("cron") == cron:
        return str(job["next_run_at"])
    tick = next_tick(cron, datetime.now(UTC))
    return time_text(tick) if tick else None
