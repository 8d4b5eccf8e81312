"""Environments: where the jobs of a project run, each with a warehouse file of its own."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from marketing_analytics.local_cloud.store.connection import load_sql, now_text
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


def get_environment(
    connection: sqlite3.Connection, account_id: int, environment_id: int
) -> dict[str, Any] | None:
    """Return an active environment with its payload fields, or None."""
    row = connection.execute(
        load_sql("environments")["get_environment"],
        {"account_id": account_id, "environment_id": environment_id},
    ).fetchone()
    return environment_of(row) if row else None


def environment_of(row: sqlite3.Row) -> dict[str, Any]:
    """Return a row as one flat dict: columns win over payload fields."""
    environment = dict(row)
    payload = json.loads(environment.pop("payload"))
    return {**payload, **environment}


def list_environments(connection: sqlite3.Connection, filters: Mapping[str, Any]) -> Page:
    """Return one page of environments; FILTERS, limit, offset and order_by are understood."""
    return read_page(connection, "environments", filters, FILTERS)


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
        "payload": {},
        **fields,
        "account_id": account_id,
        "project_id": project_id,
        "now": now_text(),
    }
    values["payload"] = json.dumps(values["payload"])
    statement = load_sql("environments")["add_environment"]
    return int(connection.execute(statement, values).fetchone()[0])


def save_environment(
    connection: sqlite3.Connection,
    account_id: int,
    environment_id: int,
    fields: Mapping[str, Any],
) -> None:
    """Write every field of an environment."""
    values = {
        **fields,
        "payload": json.dumps(fields["payload"]),
        "account_id": account_id,
        "environment_id": environment_id,
        "now": now_text(),
    }
    connection.execute(load_sql("environments")["save_environment"], values)


def count_active_jobs(connection: sqlite3.Connection, environment_id: int) -> int:
    """Return how many jobs use an environment."""
    statement = load_sql("environments")["count_active_jobs"]
    row = connection.execute(statement, {"environment_id": environment_id}).fetchone()
    return int(row[0])
