"""Projects: a dbt project on disk under an id."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from marketing_analytics.local_cloud.store.connection import load_sql, now_text
from marketing_analytics.local_cloud.store.pages import Page, read_page

FILTERS = ("account_id", "state", "pk", "name", "name__icontains")
ORDERS = ("id", "name", "created_at", "updated_at")


def get_project(
    connection: sqlite3.Connection, account_id: int, project_id: int
) -> dict[str, Any] | None:
    """Return an active project, or None."""
    row = connection.execute(
        load_sql("projects")["get_project"],
        {"account_id": account_id, "project_id": project_id},
    ).fetchone()
    return dict(row) if row else None


def list_projects(connection: sqlite3.Connection, filters: Mapping[str, Any]) -> Page:
    """Return one page of projects; FILTERS, limit, offset and order_by are understood."""
    return read_page(connection, "projects", filters, FILTERS)


def add_project(connection: sqlite3.Connection, account_id: int, fields: Mapping[str, Any]) -> int:
    """Create a project and return its id; it uses the account's first source path by default."""
    statements = load_sql("projects")
    row = connection.execute(statements["default_source_path"], {"account_id": account_id})
    first = row.fetchone()
    values = {
        "project_id": None,
        "description": "",
        "dbt_project_subdirectory": None,
        "type": 0,
        "source_path": first["source_path"] if first else "",
        **fields,
        "account_id": account_id,
        "now": now_text(),
    }
    return int(connection.execute(statements["add_project"], values).fetchone()[0])


def save_project(connection: sqlite3.Connection, project: Mapping[str, Any]) -> None:
    """Write a changed project back."""
    values = {**project, "project_id": project["id"], "now": now_text()}
    connection.execute(load_sql("projects")["save_project"], values)


def count_active_jobs(connection: sqlite3.Connection, project_id: int) -> int:
    """Return how many jobs a project has."""
    statement = load_sql("projects")["count_active_jobs"]
    return int(connection.execute(statement, {"project_id": project_id}).fetchone()[0])
