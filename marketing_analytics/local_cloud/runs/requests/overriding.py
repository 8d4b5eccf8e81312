"""The schema that a trigger names for a run of a request, and who else builds into it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.code.site import default_schema, warehouse_of
from marketing_analytics.local_cloud.runs.requests.schemas import (
    environments_by_project,
    named_schemas,
    own_schema,
    request_words,
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
    """Return why a request may not build into a schema, "" when it may.

    A custom schema name makes others of a schema, which begin with its name.
    """
    for schema in sorted(built_schemas(connection, project_id)):
        if schema == name:
            return "which an environment builds into"
        if name != own and name.startswith(f"{schema}_"):
            return f"which a custom schema name can make of {schema!r}, where an environment builds"
        if schema.startswith(f"{name}_"):
            return f"of which a custom schema name can make {schema!r}, where an environment builds"
    found = OF_REQUEST.fullmatch(name)
    if found and found[1].lower() != own:
        return "which another request builds into"
    return ""


def built_schemas(connection: Connection, project_id: int) -> set[str]:
    """Return where environments and jobs build, in lower case.

    They are those of a project, and those of others that have a warehouse with it in common.
    """
    projects = environments_by_project(connection)
    own = projects.pop(project_id, [])
    here = {warehouse_at(connection, environment_id) for environment_id in own} - {None}
    found = [*named_schemas(connection, project_id), *schemas_of(connection, own)]
    for other_id, ids in projects.items():
        shared = [one for one in ids if here and warehouse_at(connection, one) in here]
        if shared:
            found += [*named_schemas(connection, other_id), *schemas_of(connection, shared)]
    return {str(name).lower() for name in found}


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
