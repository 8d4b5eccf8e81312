"""Projects: a dbt project on disk under an id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from marketing_analytics.local_cloud.store.connection import (
    Connection,
    find,
    load_sql,
    now_text,
)
from marketing_analytics.local_cloud.store.pages import Filter, Page, read_page

FILTERS = ("account_id", "state", "pk", "pk__gt", "name", "name__icontains")
ORDERS = ("id", "name", "created_at", "updated_at")


@dataclass(frozen=True, kw_only=True)
class ProjectFields:
    """What a client decides of a project.

    `payload` is the JSON of ids of other objects, such as its repository.
    """

    name: str
    description: str = ""
    dbt_project_subdirectory: str | None = None
    type: int = 0
    state: int = 1
    payload: str = "{}"


@dataclass(frozen=True, kw_only=True)
class Project(ProjectFields):
    """A project; times are store texts."""

    id: int
    account_id: int
    source_path: str
    created_at: str
    updated_at: str

    @property
    def others(self) -> dict[str, Any]:
        """Return the fields of the payload."""
        others: dict[str, Any] = json.loads(self.payload)
        return others


def get_project(connection: Connection, account_id: int, project_id: int) -> Project | None:
    """Return an active project, or None."""
    values = {"account_id": account_id, "project_id": project_id}
    return find(connection, Project, load_sql("projects")["get_project"], values)


def list_projects(connection: Connection, filters: Mapping[str, Filter]) -> Page[Project]:
    """Return one page of projects; FILTERS, limit, offset and order_by are understood."""
    return read_page(connection, Project, "projects", filters, FILTERS)


def add_project(
    connection: Connection,
    account_id: int,
    fields: ProjectFields,
    *,
    project_id: int | None = None,
    source_path: str | None = None,
) -> int:
    """Create a project and return its id; it uses the account's first source path by default."""
    values = {
        **asdict(fields),
        "project_id": project_id,
        "account_id": account_id,
        "source_path": source_path or first_source_path(connection, account_id),
        "now": now_text(),
    }
    return int(connection.execute(load_sql("projects")["add_project"], values).fetchone()[0])


def first_source_path(connection: Connection, account_id: int) -> str:
    """Return where the first project of an account is, "" without one."""
    statement = load_sql("projects")["default_source_path"]
    row = connection.execute(statement, {"account_id": account_id}).fetchone()
    return str(row["source_path"]) if row else ""


def save_project(connection: Connection, project: Project) -> None:
    """Write a changed project back."""
    values = {**asdict(project), "project_id": project.id, "now": now_text()}
    connection.execute(load_sql("projects")["save_project"], values)
