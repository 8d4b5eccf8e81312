"""Create, cancel, end and read runs, their steps, nodes and logs.

Functions that write open their own transaction; the ones named `add_` or `end_` need an open one.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketing_analytics.cloud_api.limits import MAX_THREADS, TARGET_PATTERN
from marketing_analytics.cloud_api.states import ENDED, Status
from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.moves import Move, move_run
from marketing_analytics.local_cloud.store.connection import load_sql, now_text, transaction
from marketing_analytics.local_cloud.store.variables import resolve_variables

CANCELLED_BY_USER = "Cancelled by user."
MAX_CAUSE_LENGTH = 255
_NAME = re.compile(r"[A-Za-z0-9_]{1,63}")
ORDERS = ("id", "-id", "created_at", "-created_at", "finished_at", "-finished_at")


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """What `list_runs` and `count_runs` select; None means any. Times are store texts."""

    account_id: int | None = None
    job_id: int | None = None
    project_ids: tuple[int, ...] | None = None
    environment_id: int | None = None
    statuses: tuple[int, ...] | None = None
    run_ids: tuple[int, ...] | None = None
    cause_category: str | None = None
    created_from: str | None = None
    created_to: str | None = None
    finished_from: str | None = None
    finished_to: str | None = None
    id_above: int | None = None
    generate_docs: bool | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the values bound by the statements; lists become JSON arrays."""
        return {
            name: json.dumps(value) if isinstance(value, tuple) else value
            for name, value in self.__dict__.items()
        }


def create_run(
    connection: sqlite3.Connection,
    job_id: int,
    *,
    cause: str = "",
    cause_category: str = "api",
    overrides: Mapping[str, Any] | None = None,
    attempts_left: int = 0,
) -> sqlite3.Row:
    """Queue a run of a job and return its row. Raise UserError for a job or override that is wrong.

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
    connection: sqlite3.Connection,
    job_id: int,
    *,
    cause: str,
    cause_category: str,
    overrides: Mapping[str, Any] | None = None,
    scheduled_for: str | None = None,
    attempts_left: int = 0,
) -> int:
    """Queue a run inside an open transaction and return its id (move a of the state table)."""
    sql = load_sql("runs")
    job = connection.execute(sql["job"], {"job_id": job_id}).fetchone()
    if job is None or job["state"] != 1:
        raise UserError(f"there is no job {job_id}")
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    values = {
        "account_id": job["account_id"],
        "project_id": job["project_id"],
        "environment_id": job["environment_id"],
        "job_id": job_id,
        "cause": cause[:MAX_CAUSE_LENGTH],
        "cause_category": cause_category,
        "overrides": json.dumps(given),
        "scheduled_for": scheduled_for,
        "attempts_left": attempts_left,
        "now": now_text(),
        **effective_settings(json.loads(job["payload"]), given),
        "schema_name": schema_name_of(connection, job, given),
    }
    return int(connection.execute(sql["add_run"], values).fetchone()[0])


def effective_settings(payload: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the run will use: the job's settings with the overrides of this run."""
    settings = payload.get("settings") or {}
    execution = payload.get("execution") or {}
    steps = overrides.get("steps_override") or payload.get("execute_steps") or []
    timeout = overrides.get("timeout_seconds_override", execution.get("timeout_seconds") or 0)
    docs = overrides.get("generate_docs_override", payload.get("generate_docs"))
    freshness = payload.get("run_generate_sources") or payload.get("generate_sources")
    target = overrides.get("target_name_override") or settings.get("target_name") or "default"
    if not isinstance(target, str) or not re.fullmatch(TARGET_PATTERN, target):
        raise UserError(f"the target name {target!r} may only hold letters, digits and . _ -")
    return {
        "steps": json.dumps([str(step) for step in steps]),
        "threads": threads_of(overrides.get("threads_override", settings.get("threads") or 4)),
        "target_name": target,
        "timeout_seconds": max(0, int(timeout)),
        "generate_docs": int(bool(docs)),
        "run_source_freshness": int(bool(freshness)),
        "dbt_version": overrides.get("dbt_version_override") or payload.get("dbt_version"),
        "git_branch": overrides.get("git_branch"),
        "git_sha": overrides.get("git_sha"),
    }


def threads_of(value: Any) -> int:
    """Return a number of threads; stored jobs and overrides were checked by the API."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_THREADS:
        raise UserError(f"threads must be a whole number from 1 to {MAX_THREADS}, not {value!r}")
    return value


def schema_name_of(
    connection: sqlite3.Connection, job: sqlite3.Row, overrides: Mapping[str, Any]
) -> str:
    """Return the schema: schema_override, else the variable DBT_SCHEMA, else the environment's."""
    name = overrides.get("schema_override") or resolve_variables(
        connection, job["project_id"], job["environment_id"], job["id"]
    ).get("DBT_SCHEMA")
    name = name or job["schema_name"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UserError(f"the schema {name!r} may only hold letters, digits and _, at most 63")
    return name


def request_cancel(
    connection: sqlite3.Connection, run_id: int, *, message: str = CANCELLED_BY_USER
) -> sqlite3.Row:
    """Cancel a queued run at once, ask the worker of an active one to; an ended run stays as it is.

    Raise UserError when there is no such run.
    """
    with transaction(connection):
        status = Status(require_run(connection, run_id)["status"])
        if status is Status.QUEUED:
            withdraw_run(connection, run_id, message)
        elif status not in ENDED:
            values = {"run_id": run_id, "now": now_text()}
            connection.execute(load_sql("runs")["request_cancel"], values)
    return require_run(connection, run_id)


def withdraw_run(connection: sqlite3.Connection, run_id: int, message: str) -> None:
    """Cancel a queued run inside an open transaction (move g)."""
    end_run(connection, run_id, Move.WITHDRAW, message=message)


def end_run(
    connection: sqlite3.Connection,
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
    sql = load_sql("runs")
    connection.execute(sql["cancel_open_steps"], {"run_id": run_id, "now": now_text()})
    connection.execute(sql["end_open_nodes"], {"run_id": run_id, "now": now_text()})
    add_runs_after(connection, run_id, new)


def add_runs_after(connection: sqlite3.Connection, run_id: int, status: Status) -> None:
    """Queue a run of every job whose completion trigger names this job and this status."""
    job_id = require_run(connection, run_id)["job_id"]
    after = {"job_id": job_id, "status": int(status)}
    for row in connection.execute(load_sql("runs")["jobs_after"], after).fetchall():
        cause = f"Triggered by the completion of run {run_id} of job {job_id}"
        add_run(connection, row["id"], cause=cause, cause_category="job completion")


def retry_crashed_run(connection: sqlite3.Connection, run_id: int) -> None:
    """Put a crashed run back into the queue inside an open transaction (move f)."""
    move_run(connection, run_id, Move.RETRY)
    connection.execute(load_sql("runs")["drop_nodes"], {"run_id": run_id})
    connection.execute(load_sql("runs")["drop_steps"], {"run_id": run_id})


def get_run(
    connection: sqlite3.Connection, run_id: int, *, account_id: int | None = None
) -> sqlite3.Row | None:
    """Return a run, or None when there is none (in this account)."""
    values = {"run_id": run_id, "account_id": account_id}
    row: sqlite3.Row | None = connection.execute(load_sql("runs")["get_run"], values).fetchone()
    return row


def require_run(connection: sqlite3.Connection, run_id: int) -> sqlite3.Row:
    """Return a run. Raise UserError when there is none."""
    row = get_run(connection, run_id)
    if row is None:
        raise UserError(f"there is no run {run_id}")
    return row


def list_runs(
    connection: sqlite3.Connection,
    chosen: RunFilter,
    *,
    order_by: str = "id",
    limit: int = 100,
    offset: int = 0,
) -> tuple[list[sqlite3.Row], int]:
    """Return one page of runs and the number of all that match."""
    if order_by not in ORDERS:
        raise UserError(
            f"runs cannot be ordered by {order_by!r}", hint=f"one of {', '.join(ORDERS)}"
        )
    sql, values = load_sql("runs"), chosen.parameters()
    page = {**values, "order_by": order_by, "limit": limit, "offset": offset}
    rows = connection.execute(sql["list_runs"], page).fetchall()
    if rows or not offset:
        return rows, rows[0]["total_count"] if rows else 0
    return [], int(connection.execute(sql["count_runs"], values).fetchone()[0])


def most_recent_run(
    connection: sqlite3.Connection, job_id: int, *, is_ended: bool = False
) -> sqlite3.Row | None:
    """Return the newest run of a job, or the newest one that ended; None when there is none."""
    values = {"job_id": job_id, "is_ended": is_ended}
    found = connection.execute(load_sql("runs")["most_recent_run"], values)
    row: sqlite3.Row | None = found.fetchone()
    return row


def last_run_with_artifacts(connection: sqlite3.Connection, job_id: int) -> sqlite3.Row | None:
    """Return the newest run of a job that ended and left artifacts, or None."""
    found = connection.execute(load_sql("runs")["last_run_with_artifacts"], {"job_id": job_id})
    row: sqlite3.Row | None = found.fetchone()
    return row


def queued_runs_of_job(connection: sqlite3.Connection, job_id: int) -> list[int]:
    """Return the ids of the runs of a job that have not begun."""
    rows = connection.execute(load_sql("runs")["queued_runs_of_job"], {"job_id": job_id})
    return [row["id"] for row in rows]


def runs_ahead(connection: sqlite3.Connection, job_id: int, run_id: int) -> list[int]:
    """Return the runs of the same job that a queued run waits for."""
    values = {"job_id": job_id, "run_id": run_id}
    return [row["id"] for row in connection.execute(load_sql("runs")["runs_ahead"], values)]


def get_step(connection: sqlite3.Connection, step_id: int, account_id: int) -> sqlite3.Row | None:
    """Return a step by its own id, or None when there is none in this account."""
    values = {"step_id": step_id, "account_id": account_id}
    found = connection.execute(load_sql("runs")["get_step_by_id"], values)
    row: sqlite3.Row | None = found.fetchone()
    return row


def list_steps(connection: sqlite3.Connection, run_id: int) -> list[sqlite3.Row]:
    """Return the steps of a run in order; a queued run has none yet."""
    return connection.execute(load_sql("runs")["list_steps"], {"run_id": run_id}).fetchall()


def list_nodes(
    connection: sqlite3.Connection, run_id: int, step_index: int | None = None
) -> list[sqlite3.Row]:
    """Return the dbt nodes of a run or of one step, in the order in which they started."""
    values = {"run_id": run_id, "step_index": step_index}
    return connection.execute(load_sql("runs")["list_nodes"], values).fetchall()


def step_log_path(data_folder: Path, run_id: int, step_index: int) -> Path:
    """Return where the text log of a step is."""
    return data_folder / "runs" / str(int(run_id)) / "steps" / f"{int(step_index)}.log"


def read_step_log(
    data_folder: Path, run_id: int, step_index: int, *, offset: int = 0, limit: int = 1 << 20
) -> tuple[str, int]:
    """Return the text of a step's log from a byte offset, and the offset to go on from."""
    try:
        with step_log_path(data_folder, run_id, step_index).open("rb") as file:
            file.seek(offset)
            data = file.read(limit)
    except FileNotFoundError:
        return "", offset
    # a page may end inside a character: leave its bytes for the next page
    whole = data if len(data) < limit else data[: data.rfind(b"\n") + 1] or data
    return whole.decode("utf-8", "replace"), offset + len(whole)


def read_last_lines(data_folder: Path, run_id: int, step_index: int, *, lines: int = 1000) -> str:
    """Return the last lines of a step's log."""
    path = step_log_path(data_folder, run_id, step_index)
    size = path.stat().st_size if path.exists() else 0
    text, _ = read_step_log(
        data_folder, run_id, step_index, offset=max(0, size - (1 << 20)), limit=(1 << 20) + 1
    )
    return "".join(text.splitlines(keepends=True)[-lines:])


def save_nodes(
    connection: sqlite3.Connection, run_id: int, step_index: int, nodes: Iterable[Mapping[str, Any]]
) -> None:
    """Write node rows inside an open transaction; unset values keep what is there."""
    sql = load_sql("runs")["save_node"]
    for node in nodes:
        connection.execute(sql, {"run_id": run_id, "step_index": step_index, **node})
