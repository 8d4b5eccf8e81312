"""Project operations, the same in versions 2 and 3."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from starlette.responses import Response

from marketing_analytics.local_cloud.api.answers import invalid, invalid_at, many, not_found, one
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.checks import (
    REQUIRED,
    CheckError,
    Fields,
    identifier_or_none,
    name_text,
    one_of,
    state_of_new,
    text,
    text_or_none,
)
from marketing_analytics.local_cloud.api.jobs.views import show_job
from marketing_analytics.local_cloud.api.listing import show_filters
from marketing_analytics.local_cloud.api.moments import iso
from marketing_analytics.local_cloud.api.references import named_errors
from marketing_analytics.local_cloud.api.settings.views import include_settings
from marketing_analytics.local_cloud.store import projects as store
from marketing_analytics.local_cloud.store.connection import transaction
from marketing_analytics.local_cloud.store.environments import delete_environments
from marketing_analytics.local_cloud.store.jobs import count_active_jobs, get_job
from marketing_analytics.local_cloud.store.pages import Filter
from marketing_analytics.local_cloud.store.projects import Project, ProjectFields
from marketing_analytics.local_cloud.store.settings import delete_settings
from marketing_analytics.local_cloud.store.variables import delete_variables

DELETED = 2
# ids of other objects
REFERENCES = (
    "connection_id",
    "repository_id",
    "semantic_layer_config_id",
    "docs_job_id",
    "freshness_job_id",
)


def list_projects(call: Call) -> Response:
    """List the projects of an account, by page."""
    order_by = call.order_by(store.ORDERS)
    filters: dict[str, Any] = {"limit": call.limit(), "offset": call.offset()}
    filters |= {"state": call.state(), "account_id": call.account_id}
    given = {
        "pk": call.numbers("pk"),
        "pk__gt": call.number("pk__gt"),
        "name": call.text("name"),
        "name__icontains": call.text("name__icontains"),
    }
    filters |= {name: value for name, value in given.items() if value is not None}
    page = store.list_projects(call.connection, {**filters, "order_by": order_by})
    shown = show_projects(call, page.rows)
    return many(shown, page.total_count, show_filters(filters), order_by)


def read(call: Call) -> Response:
    """Read a project."""
    return one(show_projects(call, [stored_project(call)])[0])


def create(call: Call) -> Response:
    """Create a project; it uses the dbt project the server was started with."""
    fields = read_project(call.body(), None)
    with transaction(call.connection):
        check_named(call, fields, None)
        new_id = store.add_project(call.connection, call.account_id, fields)
    return one(show_project(find_project(call, new_id)), 201)


def update(call: Call) -> Response:
    """Overlay a project with the fields of the body; state 2 deletes it."""
    body = call.body()
    with transaction(call.connection):
        old = stored_project(call)
        new = replace(old, **asdict(read_project(body, old)))
        if new.state != DELETED:
            check_named(call, new, old)
        save(call, new)
        found = store.get_project(call.connection, call.account_id, old.id)
    return one(show_project(found or new))


def check_named(call: Call, new: ProjectFields, old: Project | None) -> None:
    """Raise a 400 when a project names a setting or job that is not there."""
    named, others = json.loads(new.payload), old.others if old else {}
    errors = named_errors(call, named, others, old.id if old else None)
    if errors:
        raise invalid(errors)


def delete(call: Call) -> Response:
    """Delete a project that has no jobs, and what belongs to it."""
    with transaction(call.connection):
        project = replace(stored_project(call), state=DELETED)
        save(call, project)
    return one(show_project(project))


def save(call: Call, project: Project) -> None:
    """Write a project; with a deleted one goes what belongs to it."""
    if project.state == DELETED:
        refuse_when_used(call, project.id)
        delete_environments(call.connection, project.id)
        delete_settings(call.connection, project.id)
        delete_variables(call.connection, project.id)
    store.save_project(call.connection, project)


def refuse_when_used(call: Call, project_id: int) -> None:
    """Raise a 400 when a project has active jobs: they would go on running."""
    wanted: dict[str, Filter] = {"account_id": call.account_id, "project_id": [project_id]}
    count = count_active_jobs(call.connection, wanted)
    if count:
        raise invalid_at(f"{count} active jobs belong to this project; delete them first", "reason")


def stored_project(call: Call) -> Project:
    """Return the project of the path. Raise a 404."""
    return find_project(call, call.id_of("project_id"))


def find_project(call: Call, project_id: int) -> Project:
    """Return an active project of the account. Raise a 404."""
    project = store.get_project(call.connection, call.account_id, project_id)
    if project is None:
        raise not_found()
    return project


def read_project(body: Mapping[str, Any], old: Project | None) -> ProjectFields:
    """Return the fields of a project. Raise a 400 that names every wrong one."""
    fields = Fields(body)
    base = asdict(old) if old else {}
    subdirectory = "dbt_project_subdirectory"
    given = {
        "name": fields.read("name", name_text, base.get("name")),
        "description": fields.read("description", text, base.get("description", "")),
        subdirectory: fields.read_or_clear(subdirectory, inner_path, base.get(subdirectory)),
        "type": fields.read("type", one_of(0, 1), base.get("type", 0)),
        "state": fields.read("state", one_of(1, DELETED) if old else state_of_new, 1),
    }
    others = old.others if old else {}
    references = {
        name: fields.read_or_clear(name, identifier_or_none, others.get(name))
        for name in REFERENCES
    }
    if given["name"] is None:
        fields.fail(REQUIRED, "name")
    fields.check()
    return ProjectFields(**given, payload=json.dumps(references))


def inner_path(value: Any) -> str | None:
    """Return a relative path that stays inside the project."""
    path = text_or_none(value)
    if path and (path.startswith(("/", "\\")) or ".." in path.replace("\\", "/").split("/")):
        raise CheckError("expected a path inside the project")
    return path


def show_projects(call: Call, projects: Sequence[Project]) -> list[dict[str, Any]]:
    """Return projects with the related objects asked for."""
    shown = [show_project(project) for project in projects]
    include_settings(call, shown)
    for name in {"docs_job", "freshness_job"} & call.included():
        for item in shown:
            job_id = item[f"{name}_id"]
            job = job_id and get_job(call.connection, job_id, call.account_id)
            item[name] = show_job(call, job) if job else None
    return shown


def show_project(project: Project) -> dict[str, Any]:
    """Return a project as the API shows it."""
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "account_id": project.account_id,
        "type": project.type,
        "state": project.state,
        **{name: project.others.get(name) for name in REFERENCES},
        "dbt_project_subdirectory": project.dbt_project_subdirectory,
        "created_at": iso(project.created_at),
        "updated_at": iso(project.updated_at),
        "skipped_setup": False,
        "connection": None,
        "repository": None,
        "group_permissions": [],
        "environments": None,
        "docs_job": None,
        "freshness_job": None,
        "fusion_readiness": None,
        "default_version": None,
    }
