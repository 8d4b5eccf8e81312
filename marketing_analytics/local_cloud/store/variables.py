"""Environment variables: one value per name and scope (project, environment or job)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from marketing_analytics.local_cloud.store.connection import load_sql, now_text


def list_project_variables(connection: sqlite3.Connection, project_id: int) -> list[dict[str, Any]]:
    """Return every value of a project, all scopes."""
    statement = load_sql("variables")["list_project_variables"]
    return [dict(row) for row in connection.execute(statement, {"project_id": project_id})]


def list_job_variables(
    connection: sqlite3.Connection, job_ids: Iterable[int]
) -> list[dict[str, Any]]:
    """Return the overrides of the given jobs."""
    statement = load_sql("variables")["list_job_variables"]
    values = {"job_ids": json.dumps(list(job_ids))}
    return [dict(row) for row in connection.execute(statement, values)]


def get_variable(
    connection: sqlite3.Connection, project_id: int, variable_id: int
) -> dict[str, Any] | None:
    """Return one value by id, or None."""
    values = {"project_id": project_id, "variable_id": variable_id}
    row = connection.execute(load_sql("variables")["get_variable"], values).fetchone()
    return dict(row) if row else None


def set_variable(connection: sqlite3.Connection, scope: Mapping[str, Any], value: str) -> int:
    """Write a value and return its id. Scope: account, project, environment, job, name."""
    values = {
        "environment_id": None,
        "job_id": None,
        **scope,
        "value": value,
        "now": now_text(),
    }
    return int(connection.execute(load_sql("variables")["set_variable"], values).fetchone()[0])


def rename_variable(
    connection: sqlite3.Connection, project_id: int, name: str, new_name: str
) -> None:
    """Give a variable of a project another name, in every scope."""
    values = {"project_id": project_id, "name": name, "new_name": new_name, "now": now_text()}
    connection.execute(load_sql("variables")["rename_variable"], values)


def delete_variable(connection: sqlite3.Connection, project_id: int, variable_id: int) -> bool:
    """Delete one value; return whether it was there."""
    values = {"project_id": project_id, "variable_id": variable_id}
    return connection.execute(load_sql("variables")["delete_variable"], values).rowcount > 0


def delete_variables_of_name(connection: sqlite3.Connection, project_id: int, name: str) -> int:
    """Delete a variable of a project in every scope; return how many values went."""
    values = {"project_id": project_id, "name": name}
    return connection.execute(load_sql("variables")["delete_variables_of_name"], values).rowcount


def delete_variables_of_job(connection: sqlite3.Connection, job_id: int) -> None:
    """Delete the overrides of a job."""
    connection.execute(load_sql("variables")["delete_variables_of_job"], {"job_id": job_id})


def resolve_variables(
    connection: sqlite3.Connection, project_id: int, environment_id: int, job_id: int
) -> dict[str, str]:
    """Return the variables a run of a job sees: project < environment < job."""
    values = {"project_id": project_id, "environment_id": environment_id, "job_id": job_id}
    statement = load_sql("variables")["resolve_variables"]
    return {row["name"]: row["value"] for row in connection.execute(statement, values)}
