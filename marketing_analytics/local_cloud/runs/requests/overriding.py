"""The schema that a trigger names for a run of a request, and who else builds into it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.code.site import default_schema
from marketing_analytics.local_cloud.runs.requests.schemas import (
    environments_of_project,
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
    owner = owner_of(connection, project_id, own, override.lower())
    if owner:
        raise UserError(
            f"{request_words(request)} may not build into the schema {override!r}, "
            f"which {owner} builds into",
            hint="leave schema_override out",
        )
    return override


def owner_of(connection: Connection, project_id: int, own: str, name: str) -> str:
    """Return who else than a request builds into a schema, in words; "" for nobody."""
    if name in built_schemas(connection, project_id):
        return "an environment"
    found = OF_REQUEST.fullmatch(name)
    return "another request" if found and found[1].lower() != own else ""


def built_schemas(connection: Connection, project_id: int) -> set[str]:
    """Return where the environments and jobs of a project build, in lower case."""
    ids = environments_of_project(connection, project_id)
    given = [name for environment_id in ids for name in schemas_of(connection, environment_id)]
    named = named_schemas(connection, project_id)
    return {str(name).lower() for name in (*named, *given)}


def schemas_of(connection: Connection, environment_id: int) -> Iterator[str]:
    """Yield where an environment builds: its own schema, and what its settings make of it."""
    site = get_site(connection, environment_id)
    yield site.schema_name
    try:
        yield default_schema(connection, site)
    except UserError:
        # its settings are gone: it has no runs, and may not stop those of others
        return
