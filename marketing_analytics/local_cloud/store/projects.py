"""Projects: a dbt project on disk under an id."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from marketing_analytics.local_cloud.store.connection import find, load_sql, now_text
from marketing_analytics.local_cloud.store.pages import Filter, Page, read_page

FILTERS = ("account_id", "state", "pk", "name", "name__icontains")
ORDERS = ("id", "name", "created_at", "updated_at")


@dataclass(frozen=True)
class Project:
    """A project; times are store texts."""

    id: int
    account_id: int
    name: str
    description: str
    source_path: str
    dbt_project_subdirectory: str | None
    type: int
    state: int
    created_at: str
    updated_at: str


def get_project(connection: sqlite3.Connection, account_id: int, project_id: int) -> Project | None:
    """Return an active project, or None."""
    values = {"account_id": account_id, "project_id": project_id}
    return find(connection, Project, load_sql("projects")["get_project"], values)


def list_projects(connection: sqlite3.Connection, filters: Mapping[str, Filter]) -> Page[Project]:
    """Return one page of projects; FILTERS, limit, offset and order_by are understood."""
    return read_page(connection, Project, "projects", filters, FILTERS)


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


def save_project(connection: sqlite3.Connection, project: Project) -> None:
    """Write a changed project back."""
    values = {**asdict(project), "project_id": project.id, "now": now_text()}
    connection.execute(load_sql("projects")["save_project"], values)


def count_active_jobs(connection: sqlite3.Connection, project_id: int) -> int:
    """Return how many jobs a project has."""
    statement = load_sql("projects")["count_active_jobs"]
    return int(connection.execute(statement, {"project_id": project_id}).fetchone()[0])
