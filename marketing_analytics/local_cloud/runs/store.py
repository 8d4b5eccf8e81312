"""The door to runs: create, cancel, end and read them.

Functions that write open their own transaction; the ones named `add_` or `end_` need an open one.
A run changes its state by `moves`, its steps are in `progress`, the queue looks on its own.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketing_analytics.cloud_api.limits import MAX_THREADS, TARGET_PATTERN
from marketing_analytics.cloud_api.states import ENDED, Status
from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.code.site import default_schema
from marketing_analytics.local_cloud.runs.moves import Move, move_run
from marketing_analytics.local_cloud.runs.progress import close_steps, drop_steps
from marketing_analytics.local_cloud.runs.records import (
    CLOSING,
    ActiveCounts,
    EngineSigns,
    Outcome,
    PlacedRun,
    Run,
)
from marketing_analytics.local_cloud.runs.requests.overriding import schema_of_request
from marketing_analytics.local_cloud.runs.requests.schemas import (
    note_request,
    request_of,
    request_words,
)
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Value,
    find,
    find_all,
    load_sql,
    now_text,
    record,
    transaction,
)
from marketing_analytics.local_cloud.store.environments import get_site
from marketing_analytics.local_cloud.store.jobs import Document, Job, get_job, jobs_after
from marketing_analytics.local_cloud.store.narrowing import narrowed
from marketing_analytics.local_cloud.store.pages import Page, count_of, page_of
from marketing_analytics.local_cloud.store.variables import Variable, values_of_variable
from marketing_analytics.local_cloud.webhooks import store as webhooks

log = logging.getLogger(__name__)
CANCELLED_BY_USER = "Cancelled by user."
MAX_CAUSE_LENGTH = 255
SCHEMA_NAME = re.compile(r"[A-Za-z0-9_]{1,63}")
ORDERS = ("id", "-id", "created_at", "-created_at", "finished_at", "-finished_at")


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """Which runs a list selects; None means any. Times are store texts.

    `search` is a part of the name of the job, `requests` holds texts such as `github 12`.
    """

    account_id: int | None = None
    job_id: int | None = None
    project_ids: tuple[int, ...] | None = None
    environment_id: int | None = None
    statuses: tuple[int, ...] | None = None
    run_ids: tuple[int, ...] | None = None
    cause_categories: tuple[str, ...] | None = None
    created_from: str | None = None
    created_to: str | None = None
    finished_from: str | None = None
    finished_to: str | None = None
    id_above: int | None = None
    has_docs: bool | None = None
    has_sources: bool | None = None
    dbt_versions: tuple[str, ...] | None = None
    search: str | None = None
    requests: tuple[str, ...] | None = None
    deferring_run_id: int | None = None

    def parameters(self) -> dict[str, Value]:
        """Return the values bound by the statements; lists become JSON arrays."""
        return {
            name: json.dumps(value) if isinstance(value, tuple) else value
            for name, value in self.__dict__.items()
        }


def create_run(
    connection: Connection,
    job_id: int,
    *,
    cause: str = "",
    cause_category: str = "api",
    overrides: Mapping[str, Any] | None = None,
    attempts_left: int = 0,
) -> Run:
    """Queue a run of a job and return it. Raise UserError for a job or override that is wrong.

    `overrides` are the fields of dbt Cloud's trigger body (`threads_override`, ...); None is unset.
    """
    with transaction(connection):
        run_id = add_run(
            connection,
            job_id,
            cause=cause,
            cause_category=cause_category,
            overrides=overrides,
            attempts_left=attempts_left,
        )
    return require_run(connection, run_id)


def add_run(
    connection: Connection,
    job_id: int,
    *,
    cause: str,
    cause_category: str,
    overrides: Mapping[str, Any] | None = None,
    scheduled_for: str | None = None,
    attempts_left: int = 0,
) -> int:
    """Queue a run inside an open transaction and return its id (move a of the state table)."""
    job = get_job(connection, job_id)
    if job is None:
        raise UserError(f"there is no job {job_id}")
    if len(cause) > MAX_CAUSE_LENGTH:
        raise UserError(f"a cause may have {MAX_CAUSE_LENGTH} characters, not {len(cause)}")
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    request = request_of(given)
    schema_name = schema_name_of(Homes(connection), job, given)
    values = {
        "account_id": job.account_id,
        "project_id": job.project_id,
        "environment_id": job.environment_id,
        "job_id": job_id,
        "cause": cause,
        "cause_category": cause_category,
        "overrides": json.dumps(given),
        "scheduled_for": scheduled_for,
        "attempts_left": attempts_left,
        "now": now_text(),
        **effective_settings(job.document, given),
        "schema_name": schema_name,
        "request": request,
        "deferring_environment_id": deferring_environment(connection, job),
    }
    run_id = int(connection.execute(load_sql("runs")["add_run"], values).fetchone()[0])
    if request and CLOSING not in given:
        note_request(connection, job_id, request, schema_name)
        replace_older(connection, job_id, request, run_id)
    return run_id


def replace_older(connection: Connection, job_id: int, request: str, run_id: int) -> None:
    """Cancel the runs of a request that a newer one replaces, inside an open transaction."""
    reason = f"Cancelled: run {run_id} has a newer commit of {request_words(request)}."
    cancel_runs_of_request(connection, job_id, request, run_id, reason)


def cancel_runs_of_request(
    connection: Connection, job_id: int, request: str, before_id: int, reason: str
) -> None:
    """Cancel the runs of a request with lower ids, inside an open transaction."""
    values = {"job_id": job_id, "request": request, "run_id": before_id}
    sql = load_sql("runs")
    for row in connection.execute(sql["runs_of_request"], values).fetchall():
        if row["status"] == Status.QUEUED:
            withdraw_run(connection, row["id"], reason)
        else:
            given = {"run_id": row["id"], "reason": reason, "now": now_text()}
            connection.execute(sql["cancel_for"], given)


def deferring_environment(connection: Connection, job: Job) -> int | None:
    """Return the environment whose tables a job reads where it does not build them, or None."""
    document = job.document
    deferring = document.get("deferring_environment_id")
    other_id = document.get("deferring_job_definition_id")
    if deferring or not other_id:
        return deferring
    other = get_job(connection, other_id)
    return other.environment_id if other else None


def effective_settings(document: Document, overrides: Mapping[str, Any]) -> dict[str, Value]:
    """Return what the run will use: the job's settings with the overrides of this run."""
    settings = document.get("settings") or {}
    execution = document.get("execution") or {}
    steps = overrides.get("steps_override") or document.get("execute_steps") or []
    timeout = overrides.get("timeout_seconds_override", execution.get("timeout_seconds") or 0)
    docs = overrides.get("generate_docs_override", document.get("generate_docs"))
    freshness = document.get("run_generate_sources") or document.get("generate_sources")
    target = overrides.get("target_name_override") or settings.get("target_name") or "default"
    if not isinstance(target, str) or not re.fullmatch(TARGET_PATTERN, target):
        raise UserError(f"the target name {target!r} may only hold letters, digits and . _ -")
    return {
        "steps": json.dumps([str(step) for step in steps]),
        "threads": threads_of(overrides.get("threads_override", settings.get("threads") or 4)),
        "target_name": target,
        "timeout_seconds": max(0, int(timeout)),
        "generate_docs": int(bool(docs) and CLOSING not in overrides),
        "run_source_freshness": int(bool(freshness) and CLOSING not in overrides),
        "dbt_version": overrides.get("dbt_version_override") or document.get("dbt_version"),
        "git_branch": overrides.get("git_branch"),
        "git_sha": overrides.get("git_sha"),
    }


def threads_of(value: Any) -> int:
    """Return a number of threads; stored jobs and overrides were checked by the API."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_THREADS:
        raise UserError(f"threads must be a whole number from 1 to {MAX_THREADS}, not {value!r}")
    return value


class Homes:
    """Where jobs build by variable and environment; what many share is looked up once."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._variables: dict[int, list[Variable]] = {}
        self._defaults: dict[int, str] = {}

    def schema_of(self, job: Job) -> str:
        """Return the variable DBT_SCHEMA as a job sees it, else the schema of its environment."""
        project_id, environment_id = job.project_id, job.environment_id
        if project_id not in self._variables:
            found = values_of_variable(self.connection, project_id, "DBT_SCHEMA")
            self._variables[project_id] = found
        seen = [
            variable.value
            for variable in self._variables[project_id]
            if variable.environment_id in (None, environment_id)
            and variable.job_id in (None, job.id)
        ]
        if seen and seen[-1]:
            return seen[-1]
        if environment_id not in self._defaults:
            site = get_site(self.connection, environment_id)
            self._defaults[environment_id] = default_schema(self.connection, site)
        return self._defaults[environment_id]


def schema_name_of(homes: Homes, job: Job, overrides: Mapping[str, Any]) -> str:
    """Return the schema: of the request, schema_override, the variable DBT_SCHEMA, else its own."""
    name = overrides.get("schema_override")
    request = request_of(overrides)
    if request:
        name = schema_of_request(homes.connection, job.id, job.project_id, request, name)
    name = name or homes.schema_of(job)
    if not isinstance(name, str) or not SCHEMA_NAME.fullmatch(name):
        raise UserError(f"the schema {name!r} may only hold letters, digits and _, at most 63")
    return name


def request_cancel(connection: Connection, run_id: int, *, message: str = CANCELLED_BY_USER) -> Run:
    """Cancel a queued run at once, ask the worker of an active one to; an ended run stays as it is.

    Raise UserError when there is no such run.
    """
    with transaction(connection):
        status = require_run(connection, run_id).status
        if status is Status.QUEUED:
            withdraw_run(connection, run_id, message)
        elif status not in ENDED:
            values = {"run_id": run_id, "now": now_text()}
            connection.execute(load_sql("runs")["request_cancel"], values)
    return require_run(connection, run_id)


def withdraw_run(connection: Connection, run_id: int, message: str) -> None:
    """Cancel a queued run inside an open transaction (move g)."""
    end_run(connection, run_id, Move.WITHDRAW, message=message)


def end_run(
    connection: Connection,
    run_id: int,
    move: Move,
    *,
    status: Status | None = None,
    message: str | None = None,
    token: str | None = None,
    is_timed_out: bool = False,
    is_process_gone: bool = False,
) -> None:
    """End a run inside an open transaction, close its steps and queue the jobs that wait for it."""
    values = {"status_message": message, "is_timed_out": int(is_timed_out)}
    new = move_run(
        connection,
        run_id,
        move,
        status=status,
        token=token,
        is_process_gone=is_process_gone,
        values=values,
    )
    close_steps(connection, run_id)
    ended = (webhooks.ERRORED, webhooks.COMPLETED) if new is Status.ERROR else (webhooks.COMPLETED,)
    webhooks.tell(connection, run_id, *ended)
    add_runs_after(connection, run_id, new)


def add_runs_after(connection: Connection, run_id: int, status: Status) -> None:
    """Queue a run of every job whose completion trigger names this job and this status.

    A run of a pull or merge request completes nothing. A job that cannot run lets this one end.
    """
    run = require_run(connection, run_id)
    job_id = run.job_id
    # what follows would build where everybody reads
    for following in [] if run.request else jobs_after(connection, job_id, status):
        cause = f"Triggered by the completion of run {run_id} of job {job_id}"
        try:
            add_run(connection, following, cause=cause, cause_category="job completion")
        except UserError as error:
            log.warning(
                "job %s could not be queued after run %s: %s",
                following,
                run_id,
                error.message,
                extra={"action": "completion_refused"},
            )


def retry_crashed_run(connection: Connection, run_id: int) -> None:
    """Put a crashed run back into the queue inside an open transaction (move f)."""
    move_run(connection, run_id, Move.RETRY)
    drop_steps(connection, run_id)


def save_commit(
    connection: Connection,
    run_id: int,
    sha: str | None,
    branch: str | None,
    *,
    has_changes: bool = False,
) -> None:
    """Note the commit that a run works on, and whether with files that are not committed."""
    commit = {"git_sha": sha, "git_branch": branch, "has_changes": int(has_changes)}
    values = {"run_id": run_id, **commit, "now": now_text()}
    connection.execute(load_sql("runs")["save_commit"], values)


def mark_artifacts(connection: Connection, run_id: int) -> None:
    """Note that a run has artifacts from now on."""
    values = {"run_id": run_id, "now": now_text()}
    connection.execute(load_sql("runs")["mark_artifacts"], values)


def get_run(connection: Connection, run_id: int, *, account_id: int | None = None) -> Run | None:
    """Return a run, or None when there is none (in this account)."""
    values = {"run_id": run_id, "account_id": account_id}
    return find(connection, Run, load_sql("runs")["get_run"], values)


def require_run(connection: Connection, run_id: int) -> Run:
    """Return a run. Raise UserError when there is none."""
    run = get_run(connection, run_id)
    if run is None:
        raise UserError(f"there is no run {run_id}")
    return run


def get_placed_run(connection: Connection, run_id: int, account_id: int) -> PlacedRun | None:
    """Return a run with its names, or None when there is none in this account."""
    values = {"run_id": run_id, "account_id": account_id}
    return find(connection, PlacedRun, load_sql("runs")["get_placed_run"], values)


def list_runs(
    connection: Connection,
    chosen: RunFilter,
    *,
    order_by: str = "id",
    limit: int = 100,
    offset: int = 0,
) -> Page[Run]:
    """Return one page of runs and the number of all that match."""
    if order_by not in ORDERS:
        raise UserError(
            f"runs cannot be ordered by {order_by!r}", hint=f"one of {', '.join(ORDERS)}"
        )
    page = {**chosen.parameters(), "order_by": order_by, "limit": limit, "offset": offset}
    return page_of(connection, Run, load_sql("runs")["list_runs"], page)


def count_runs(connection: Connection, chosen: RunFilter) -> int:
    """Return how many runs match."""
    return count_of(connection, load_sql("runs")["list_runs"], chosen.parameters())


def newest_runs(
    connection: Connection, chosen: RunFilter, *, limit: int, offset: int = 0
) -> list[PlacedRun]:
    """Return runs with their names, newest first; nothing is counted, so a long list costs none."""
    values = {**chosen.parameters(), "limit": limit, "offset": offset}
    statement = narrowed(load_sql("runs")["newest_runs"], values)
    return find_all(connection, PlacedRun, statement, values)


def active_runs(connection: Connection, account_id: int) -> list[PlacedRun]:
    """Return the runs that wait or go on, in the order of the queue."""
    values = {"account_id": account_id}
    return find_all(connection, PlacedRun, load_sql("runs")["active_runs"], values)


def count_active_runs(connection: Connection, account_id: int) -> ActiveCounts:
    """Return how many runs wait and go on."""
    values = {"account_id": account_id}
    row = connection.execute(load_sql("runs")["count_active_runs"], values).fetchone()
    return record(ActiveCounts, row)


def engine_signs(connection: Connection, account_id: int) -> EngineSigns:
    """Return what the engine leaves undone."""
    values = {"account_id": account_id}
    row = connection.execute(load_sql("runs")["engine_signs"], values).fetchone()
    return record(EngineSigns, row)


def last_outcomes(
    connection: Connection, job_ids: Sequence[int], *, per_job: int
) -> dict[int, list[Outcome]]:
    """Return the newest runs of each of the jobs by its id, oldest first."""
    values: dict[str, Value] = {"job_ids": json.dumps(list(job_ids)), "per_job": per_job}
    outcomes: dict[int, list[Outcome]] = {}
    for outcome in find_all(connection, Outcome, load_sql("runs")["last_outcomes"], values):
        outcomes.setdefault(outcome.job_id, []).append(outcome)
    return outcomes


def most_recent_runs(
    connection: Connection, job_ids: Collection[int], *, is_ended: bool = False
) -> dict[int, Run]:
    """Return the newest run of each job that has one, or the newest one that ended, by job."""
    values: dict[str, Value] = {"job_ids": json.dumps(list(job_ids)), "is_ended": is_ended}
    found = find_all(connection, Run, load_sql("runs")["most_recent_runs"], values)
    return {run.job_id: run for run in found}


def most_recent_run(connection: Connection, job_id: int) -> Run | None:
    """Return the newest run of a job; None when there is none."""
    return most_recent_runs(connection, [job_id]).get(job_id)


def newest_run_ids(connection: Connection, job_ids: Collection[int]) -> dict[int, int | None]:
    """Return the id of the newest run of each job, None without one."""
    values = {"job_ids": json.dumps(list(job_ids))}
    rows = connection.execute(load_sql("runs")["newest_run_ids"], values)
    return {row["job_id"]: row["run_id"] for row in rows}


def last_run_with_artifacts(connection: Connection, job_id: int) -> Run | None:
    """Return the newest run of a job that ended and left artifacts, or None."""
    return find(connection, Run, load_sql("runs")["last_run_with_artifacts"], {"job_id": job_id})


def queued_runs_of_job(connection: Connection, job_id: int) -> list[int]:
    """Return the ids of the runs of a job that have not begun."""
    rows = connection.execute(load_sql("runs")["queued_runs_of_job"], {"job_id": job_id})
    return [row["id"] for row in rows]


def active_runs_of(connection: Connection, job_ids: Collection[int]) -> dict[int, list[int]]:
    """Return the ids of the runs that wait or go on, oldest first, of each job that has some."""
    values = {"job_ids": json.dumps(list(job_ids))}
    found: dict[int, list[int]] = {}
    for row in connection.execute(load_sql("runs")["active_runs_of_jobs"], values):
        found.setdefault(row["job_id"], []).append(row["id"])
    return found


def has_tick(connection: Connection, job_id: int, scheduled_for: str) -> bool:
    """Return whether a tick was queued already."""
    values = {"job_id": job_id, "scheduled_for": scheduled_for}
    return connection.execute(load_sql("runs")["has_tick"], values).fetchone() is not None


def older_ticks(connection: Connection, job_id: int, run_id: int) -> list[int]:
    """Return the ticks of a job that still wait when a newer one comes."""
    values = {"job_id": job_id, "run_id": run_id}
    return [row["id"] for row in connection.execute(load_sql("runs")["older_ticks"], values)]
