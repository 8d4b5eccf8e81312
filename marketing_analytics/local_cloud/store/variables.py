"""Environment variables: one value per name and scope (project, environment or job)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from marketing_analytics.core.redaction import is_secret_name
from marketing_analytics.local_cloud.store.access.sealing import opened, seal_of, sealed
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Value,
    find_all,
    load_sql,
    now_text,
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a value stands: in a project, in one environment of it or in one job."""

    account_id: int
    project_id: int
    name: str
    environment_id: int | None = None
    job_id: int | None = None

    @property
    def scope(self) -> str:
        """Return job, environment or project."""
        if self.job_id:
            return "job"
        return "environment" if self.environment_id else "project"


@dataclass(frozen=True, kw_only=True)
class Variable(Place):
    """One value in one place; times are store texts."""

    id: int
    value: str
    created_at: str
    updated_at: str


def list_project_variables(connection: Connection, project_id: int) -> list[Variable]:
    """Return every value of a project, all scopes."""
    statement = load_sql("variables")["list_project_variables"]
    return read_values(connection, statement, {"project_id": project_id})


def values_of_variable(connection: Connection, project_id: int, name: str) -> list[Variable]:
    """Return every value of one variable, that of the project first, those of jobs last."""
    values: dict[str, Value] = {"project_id": project_id, "name": name}
    return read_values(connection, load_sql("variables")["values_of_variable"], values)


def list_account_variables(connection: Connection, account_id: int) -> list[Variable]:
    """Return every value of an account, all projects and scopes."""
    statement = load_sql("variables")["list_account_variables"]
    return read_values(connection, statement, {"account_id": account_id})


def list_job_variables(connection: Connection, job_ids: Iterable[int]) -> list[Variable]:
    """Return the overrides of the given jobs."""
    statement = load_sql("variables")["list_job_variables"]
    return read_values(connection, statement, {"job_ids": json.dumps(list(job_ids))})


def read_values(
    connection: Connection, statement: str, values: Mapping[str, Value]
) -> list[Variable]:
    """Return the values that a statement finds, secret ones opened."""
    found = find_all(connection, Variable, statement, values)
    return [replace(one, value=opened(connection, one.name, one.value)) for one in found]


def get_variable(connection: Connection, project_id: int, variable_id: int) -> Variable | None:
    """Return one value by id, or None."""
    values = {"project_id": project_id, "variable_id": variable_id}
    found = read_values(connection, load_sql("variables")["get_variable"], values)
    return found[0] if found else None


def set_variable(connection: Connection, place: Place, value: str) -> int:
    """Write a value and return its id."""
    values = {
        **asdict(place),
        "value": sealed(connection, place.name, value),
        "now": now_text(),
    }
    return int(connection.execute(load_sql("variables")["set_variable"], values).fetchone()[0])


def rename_variable(connection: Connection, project_id: int, name: str, new_name: str) -> None:
    """Give a variable of a project another name, in every scope, and seal it if that says so."""
    values = {"project_id": project_id, "name": name, "new_name": new_name, "now": now_text()}
    connection.execute(load_sql("variables")["rename_variable"], values)
    if is_secret_name(name) != is_secret_name(new_name):
        for variable in list_project_variables(connection, project_id):
            if variable.name == new_name:
                value = seal_of(connection).open(variable.value)
                set_variable(connection, variable, value)


def delete_variable(connection: Connection, project_id: int, variable_id: int) -> bool:
    """Delete one value; return whether it was there."""
    values = {"project_id": project_id, "variable_id": variable_id}
    return connection.execute(load_sql("variables")["delete_variable"], values).rowcount > 0


def delete_variables(connection: Connection, project_id: int) -> None:
    """Delete the variables of a project in every scope."""
    connection.execute(load_sql("variables")["delete_variables"], {"project_id": project_id})


def delete_variables_of_name(connection: Connection, project_id: int, name: str) -> int:
    """Delete a variable of a project in every scope; return how many values went."""
    values = {"project_id": project_id, "name": name}
    return connection.execute(load_sql("variables")["delete_variables_of_name"], values).rowcount


def delete_variables_of_job(connection: Connection, job_id: int) -> None:
    """Delete the overrides of a job."""
    connection.execute(load_sql("variables")["delete_variables_of_job"], {"job_id": job_id})


def move_variables_of_job(connection: Connection, job_id: int, project_id: int) -> None:
    """Let the overrides of a job go with it into another project."""
    values: dict[str, Value] = {"job_id": job_id, "project_id": project_id, "now": now_text()}
    connection.execute(load_sql("variables")["move_variables_of_job"], values)


def resolve_variables(
    connection: Connection, project_id: int, environment_id: int, job_id: int
) -> dict[str, str]:
    """Return the variables a run of a job sees: project < environment < job."""
    values = {"project_id": project_id, "environment_id": environment_id, "job_id": job_id}
    statement = load_sql("variables")["resolve_variables"]
    rows = connection.execute(statement, values).fetchall()
    return {row["name"]: opened(connection, row["name"], row["value"]) for row in rows}
