"""Environments: where the jobs of a project run, each with a warehouse file of its own."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from marketing_analytics.local_cloud.store.connection import load_sql, now_text, record
from marketing_analytics.local_cloud.store.pages import Page, read_page

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
)
ORDERS = ("id", "name", "created_at", "updated_at")


@dataclass(frozen=True)
class Environment:
    """An environment; times are store texts.

    `payload` is the JSON of the fields that the API keeps for its clients alone.
    """

    id: int
    account_id: int
    project_id: int
    name: str
    type: str
    deployment_type: str | None
    dbt_version: str
    schema_name: str
    payload: str
    state: int
    created_at: str
    updated_at: str

    @property
    def others(self) -> dict[str, Any]:
        """Return the fields of the payload."""
        others: dict[str, Any] = json.loads(self.payload)
        return others


def get_environment(
    connection: sqlite3.Connection, account_id: int, environment_id: int
) -> Environment | None:
    """Return an active environment, or None."""
    row = connection.execute(
        load_sql("environments")["get_environment"],
        {"account_id": account_id, "environment_id": environment_id},
    ).fetchone()
    return record(Environment, row) if row else None


def list_environments(
    connection: sqlite3.Connection, filters: Mapping[str, Any]
) -> Page[Environment]:
    """Return one page of environments; FILTERS, limit, offset and order_by are understood."""
    page = read_page(connection, "environments", filters, FILTERS)
    return Page([record(Environment, row) for row in page.rows], page.total_count)


def add_environment(
    connection: sqlite3.Connection, account_id: int, project_id: int, fields: Mapping[str, Any]
) -> int:
    """Create an environment and return its id."""
    values = {
        "environment_id": None,
        "type": "deployment",
        "deployment_type": None,
        "dbt_version": "latest",
        "schema_name": DEFAULT_SCHEMA,
        "payload": "{}",
        **fields,
        "account_id": account_id,
        "project_id": project_id,
        "now": now_text(),
    }
    statement = load_sql("environments")["add_environment"]
    return int(connection.execute(statement, values).fetchone()[0])


def save_environment(connection: sqlite3.Connection, environment: Environment) -> None:
    """Write every field of an environment."""
    values = {**asdict(environment), "environment_id": environment.id, "now": now_text()}
    connection.execute(load_sql("environments")["save_environment"], values)


def count_active_jobs(connection: sqlite3.Connection, environment_id: int) -> int:
    """Return how many jobs use an environment."""
    statement = load_sql("environments")["count_active_jobs"]
    row = connection.execute(statement, {"environment_id": environment_id}).fetchone()
    return int(row[0])
