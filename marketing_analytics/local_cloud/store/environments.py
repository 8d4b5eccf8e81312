"""Environments: where the jobs of a project run, each with a warehouse file of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Value,
    find,
    load_sql,
    now_text,
)
from marketing_analytics.local_cloud.store.pages import Filter, Page, read_page

DEFAULT_SCHEMA = "analytics"
FILTERS = (
    "account_id",
    "state",
    "pk",
    "project_id",
    "name",
    "name__icontains",
    "type",
    "deployment_type",
    "dbt_version",
    "credentials_id",
    "id__gt",
)
ORDERS = ("id", "name", "created_at", "updated_at")


@dataclass(frozen=True, kw_only=True)
class EnvironmentFields:
    """What a client decides of an environment.

    `payload` is the JSON of the fields that the API keeps for its clients alone.
    """

    name: str
    type: str = "deployment"
    deployment_type: str | None = None
    dbt_version: str = "latest"
    payload: str = "{}"


@dataclass(frozen=True, kw_only=True)
class Environment(EnvironmentFields):
    """An environment; times are store texts."""

    id: int
    account_id: int
    project_id: int
    schema_name: str
    state: int
    created_at: str
    updated_at: str

    @property
    def others(self) -> dict[str, Any]:
        """Return the fields of the payload."""
        others: dict[str, Any] = json.loads(self.payload)
        return others


@dataclass(frozen=True)
class Site:
    """Where runs of an environment take place: its name and kind, its project's source.

    The payloads are JSON: what environment and project say of branch, connection and repository.
    """

    account_id: int
    project_id: int
    name: str
    deployment_type: str | None
    schema_name: str
    source_path: str
    dbt_project_subdirectory: str | None
    payload: str
    project_payload: str

    def id_of(self, name: str) -> int | None:
        """Return the id of another object: as the environment says, else as the project does."""
        found: int | None = self.of_environment(name) or json.loads(self.project_payload).get(name)
        return found

    def of_environment(self, name: str) -> Any:
        """Return a field of the environment, None when it is not set."""
        return json.loads(self.payload).get(name)

    @property
    def branch(self) -> str | None:
        """Return the branch that the environment runs when nobody asks for one."""
        branch: str | None = self.of_environment("custom_branch")
        return branch if self.of_environment("use_custom_branch") else None

    @property
    def subdirectory(self) -> str:
        """Return where the project is in its repository."""
        inner = self.of_environment("dbt_project_subdirectory") or self.dbt_project_subdirectory
        return inner or ""


def get_environment(
    connection: Connection, account_id: int, environment_id: int
) -> Environment | None:
    """Return an active environment, or None."""
    values = {"account_id": account_id, "environment_id": environment_id}
    return find(connection, Environment, load_sql("environments")["get_environment"], values)


def get_site(connection: Connection, environment_id: int) -> Site:
    """Return where runs of an environment take place. Raise UserError when there is none."""
    statement = load_sql("environments")["get_site"]
    site = find(connection, Site, statement, {"environment_id": environment_id})
    if site is None:
        raise UserError(f"there is no environment {environment_id}")
    return site


def list_environments(connection: Connection, filters: Mapping[str, Filter]) -> Page[Environment]:
    """Return one page of environments; FILTERS, limit, offset and order_by are understood."""
    return read_page(connection, Environment, "environments", filters, FILTERS)


def add_environment(
    connection: Connection,
    account_id: int,
    project_id: int,
    fields: EnvironmentFields,
    *,
    environment_id: int | None = None,
) -> int:
    """Create an environment and return its id."""
    values = {
        **asdict(fields),
        "environment_id": environment_id,
        "schema_name": DEFAULT_SCHEMA,
        "account_id": account_id,
        "project_id": project_id,
        "now": now_text(),
    }
    statement = load_sql("environments")["add_environment"]
    return int(connection.execute(statement, values).fetchone()[0])


def delete_environments(connection: Connection, project_id: int) -> None:
    """Delete the environments of a project."""
    values: dict[str, Value] = {"project_id": project_id, "now": now_text()}
    connection.execute(load_sql("environments")["delete_environments"], values)


def save_environment(connection: Connection, environment: Environment) -> None:
    """Write every field of an environment."""
    values = {**asdict(environment), "environment_id": environment.id, "now": now_text()}
    connection.execute(load_sql("environments")["save_environment"], values)
