"""The schema that a trigger names for a run of a request, and who else builds into it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.artifacts import artifacts_of_steps, part_in
from marketing_analytics.local_cloud.runs.code.site import default_schema, warehouse_of
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.local_cloud.runs.requests.schemas import (
    environments_by_project,
    named_schemas,
    newest_builds,
    own_schema,
    request_words,
    schema_in,
)
from marketing_analytics.local_cloud.store.connection import Connection
from marketing_analytics.local_cloud.store.environments import get_site

# the schema of a request, or one that a custom schema name made of it
OF_REQUEST = re.compile(r"(dbt_cloud_pr_\d+_\d+)(_.*)?", re.IGNORECASE)


def schema_of_request(
    connection: Connection, job_id: int, project_id: int, request: str, override: str | None
) -> str:
    """Return where a run of a request builds. Raise UserError for a schema of somebody else."""
    own = own_schema(job_id, request)
    if not override:
        return own
    reason = why_not(connection, project_id, own, override.lower())
    if reason:
        raise UserError(
            f"{request_words(request)} may not build into the schema {override!r}, {reason}",
            hint="leave schema_override out",
        )
    return override


def why_not(connection: Connection, project_id: int, own: str, name: str) -> str:
    """Return why a request may not build into a schema, "" when it may."""
    if name in built_schemas(connection, neighbours(connection, project_id)):
        return "which an environment builds into"
    found = OF_REQUEST.fullmatch(name)
    if found and found[1].lower() != own:
        return "which another request builds into"
    return ""


def taken_schemas(connection: Connection, run: Run, data_folder: Path) -> frozenset[str]:
    """Return where a run of a request may build nothing, in lower case.

    Custom schema names make others of a schema, which may be the one that a trigger named or begin
    with its name: what environments really made is what the newest manifests show.
    """
    if run.schema_name == own_schema(run.job_id, run.request):
        return frozenset()
    near = neighbours(connection, run.project_id)
    built = built_schemas(connection, near)
    ids = [one for ids in near.values() for one in ids]
    # others were sent elsewhere by a trigger
    run_ids = [one for one, name in newest_builds(connection, ids) if name.lower() in built]
    return frozenset(built).union(*(shown_schemas(data_folder, run_id) for run_id in run_ids))


def shown_schemas(data_folder: Path, run_id: int) -> set[str]:
    """Return the schemas of what the manifest of a run shows, in lower case."""
    manifests = artifacts_of_steps(data_folder, run_id, "manifest.json")[-1:]
    parts = (part_in(path, name) for path in manifests for name in ("nodes", "functions"))
    # a model in Python can have written anything
    nodes = (node for part in parts if isinstance(part, dict) for node in part.values())
    names = (node.get("relation_name") for node in nodes if isinstance(node, dict))
    return {schema_in(str(name)) for name in names if name}


def built_schemas(connection: Connection, projects: Mapping[int, list[int]]) -> set[str]:
    """Return where environments of projects and their jobs are set to build, in lower case."""
    found: list[str] = []
    for project_id, ids in projects.items():
        found += [*named_schemas(connection, project_id), *schemas_of(connection, ids)]
    return {str(name).lower() for name in found}


def neighbours(connection: Connection, project_id: int) -> dict[int, list[int]]:
    """Return the environments of a project, and those of others with a warehouse of it."""
    projects = environments_by_project(connection)
    own = projects.pop(project_id, [])
    here = {warehouse_at(connection, environment_id) for environment_id in own} - {None}
    found = {project_id: own}
    for other_id, ids in projects.items():
        if shared := [one for one in ids if here and warehouse_at(connection, one) in here]:
            found[other_id] = shared
    return found


def warehouse_at(connection: Connection, environment_id: int) -> tuple[str, ...] | None:
    """Return the warehouse of an environment, None for one of its own or when that is gone."""
    try:
        return warehouse_of(connection, get_site(connection, environment_id))
    except UserError:
        return None


def schemas_of(connection: Connection, ids: list[int]) -> Iterator[str]:
    """Yield where environments build: their own schemas, and what their settings make of them."""
    for environment_id in ids:
        site = get_site(connection, environment_id)
        yield site.schema_name
        try:
            yield default_schema(connection, site)
        except UserError:
            # its settings are gone: it has no runs, and may not stop those of others
            continue
