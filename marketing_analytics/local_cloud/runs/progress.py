"""How far runs have come: their steps, the dbt nodes of a step, where a step's log is.

Functions that write need an open transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from marketing_analytics.cloud_api.states import Status
from marketing_analytics.local_cloud.runs.artifacts import run_folder
from marketing_analytics.local_cloud.runs.records import Node, PastNode, RunNode, RunStep
from marketing_analytics.local_cloud.runs.steps import Step
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Value,
    find,
    find_all,
    load_sql,
    now_text,
)


def add_steps(
    connection: Connection, data_folder: Path, run_id: int, steps: Iterable[Step]
) -> None:
    """Add steps that wait; where their logs are is noted relative to the data folder."""
    for step in steps:
        path = step_log_path(data_folder, run_id, step.index).relative_to(data_folder)
        values = {"run_id": run_id, "step_index": step.index, "name": step.name}
        values |= {"command": step.command, "log_path": str(path), "now": now_text()}
        connection.execute(load_sql("runs_progress")["add_step"], values)


def start_step(connection: Connection, run_id: int, step_index: int) -> None:
    """Note that a step begins."""
    values = {"run_id": run_id, "step_index": step_index, "now": now_text()}
    connection.execute(load_sql("runs_progress")["start_step"], values)


def end_step(connection: Connection, run_id: int, step_index: int, status: Status) -> None:
    """Note how a step ended."""
    values = {"run_id": run_id, "step_index": step_index, "now": now_text(), "status": int(status)}
    connection.execute(load_sql("runs_progress")["end_step"], values)


def save_nodes(connection: Connection, run_id: int, step_index: int, nodes: Iterable[Node]) -> None:
    """Write nodes inside an open transaction; unset values keep what is there."""
    sql = load_sql("runs_progress")["save_node"]
    for node in nodes:
        connection.execute(sql, {"run_id": run_id, "step_index": step_index, **vars(node)})


def close_steps(connection: Connection, run_id: int) -> None:
    """Cancel what a run that ended has not finished: steps and nodes."""
    sql, values = load_sql("runs_progress"), {"run_id": run_id, "now": now_text()}
    connection.execute(sql["cancel_open_steps"], values)
    connection.execute(sql["end_open_nodes"], values)


def drop_steps(connection: Connection, run_id: int) -> None:
    """Forget the steps and nodes of a try that is repeated."""
    sql, values = load_sql("runs_progress"), {"run_id": run_id}
    connection.execute(sql["drop_nodes"], values)
    connection.execute(sql["drop_steps"], values)


def get_step(connection: Connection, step_id: int, account_id: int) -> RunStep | None:
    """Return a step by its own id, or None when there is none in this account."""
    values = {"step_id": step_id, "account_id": account_id}
    return find(connection, RunStep, load_sql("runs_progress")["get_step"], values)


def list_steps(connection: Connection, run_id: int) -> list[RunStep]:
    """Return the steps of a run in order; a queued run has none yet."""
    return find_all(
        connection, RunStep, load_sql("runs_progress")["list_steps"], {"run_id": run_id}
    )


def prepared_at(connection: Connection, run_ids: Iterable[int]) -> dict[int, str]:
    """Return when runs had their code, profile and packages; those that have not are left out."""
    values: dict[str, Value] = {"run_ids": json.dumps(list(run_ids))}
    rows = connection.execute(load_sql("runs_progress")["prepared_at"], values)
    return {row["run_id"]: row["prepared_at"] for row in rows if row["prepared_at"]}


def list_nodes(connection: Connection, run_id: int) -> list[RunNode]:
    """Return the dbt nodes of a run in the order in which they started."""
    return find_all(
        connection, RunNode, load_sql("runs_progress")["list_nodes"], {"run_id": run_id}
    )


def usual_seconds(connection: Connection, job_id: int, run_id: int) -> dict[str, float]:
    """Return how long nodes took in the last good runs of a job before a run, by unique id."""
    values = {"job_id": job_id, "run_id": run_id}
    rows = connection.execute(load_sql("runs_progress")["usual_seconds"], values)
    return {row["unique_id"]: row["mean_seconds"] for row in rows}


def node_history(
    connection: Connection, job_id: int, run_id: int, unique_id: str, *, limit: int
) -> list[PastNode]:
    """Return how a node went in the last runs of a job up to a run, oldest first."""
    values: dict[str, Value] = {"job_id": job_id, "run_id": run_id, "unique_id": unique_id}
    values |= {"limit": limit}
    return find_all(connection, PastNode, load_sql("runs_progress")["node_history"], values)


def step_log_path(data_folder: Path, run_id: int, step_index: int) -> Path:
    """Return where the text log of a step is."""
    return run_folder(data_folder, run_id) / "steps" / f"{int(step_index)}.log"
