"""What the store says of where a run takes place: its code, its profile, its default schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.code.checkout import Asked, Source
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.local_cloud.runs.requests.schemas import number_of
from marketing_analytics.local_cloud.store.connection import Connection
from marketing_analytics.local_cloud.store.environments import Site
from marketing_analytics.local_cloud.store.settings import Kind, get_setting
from marketing_analytics.warehouse.duckdb import attach, profile_output
from marketing_analytics.warehouse.profiles import (
    connection_output,
    hide_secrets,
    require_adapter,
)

DUCKDB = "duckdb"
# adapters whose target is called otherwise than schema
SCHEMA_NAMES = {"bigquery": "dataset"}
# which warehouse an output leads to; only of PostgreSQL a database is out of reach of another one
PLACE_NAMES = ("type", "host", "server", "port", "account", "project", "path")
DATABASE_NAMES = {"postgres": ("dbname", "database")}


@dataclass(frozen=True)
class Profile:
    """dbt's output of a run; `variables` hold what it may not say itself."""

    output: dict[str, Any]
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_duckdb(self) -> bool:
        """Return whether the warehouse is a DuckDB file."""
        return self.output.get("type") == DUCKDB


def source_of(
    connection: Connection, site: Site, *, is_dirty: bool, left_out: tuple[Path, ...]
) -> Source:
    """Return where the code of a run is: the project's repository, else its folder."""
    repository = setting_of(connection, site, Kind.REPOSITORY, "repository_id")
    place = repository["remote_url"] if repository else site.source_path
    if not place:
        raise UserError(
            "the project has no repository", hint="give it one, or make it with a source folder"
        )
    return Source(place=place, subdirectory=site.subdirectory, is_dirty=is_dirty, left_out=left_out)


def asked_of(run: Run, site: Site) -> Asked:
    """Return which code a run wants: its own words first, then its environment's branch."""
    body = run.trigger_body
    sha, branch = body.get("git_sha"), body.get("git_branch")
    if not (sha or branch or run.request):
        branch = site.branch
    return Asked(sha=sha, branch=branch, request=number_of(run.request))


def setting_of(connection: Connection, site: Site, kind: Kind, name: str) -> dict[str, Any] | None:
    """Return what environment or project refer to by an id. Raise UserError when it is gone."""
    setting_id = site.id_of(name)
    if not setting_id:
        return None
    setting = get_setting(connection, site.account_id, kind, setting_id)
    if setting is None:
        raise UserError(
            f"the environment {site.name!r} uses {kind} {setting_id}, which does not exist",
            hint=f"give it another {name}",
        )
    return setting.fields


def connection_name(connection: Connection, site: Site) -> str:
    """Return how the step that makes the profile calls the connection."""
    try:
        found = setting_of(connection, site, Kind.CONNECTION, "connection_id")
    except UserError:
        # the step itself says so
        return "that is gone"
    return str(found["name"]) if found else "DuckDB"


def attributes_of(connection: Connection, site: Site) -> dict[str, Any]:
    """Return the extended attributes of an environment, {} without any."""
    found = setting_of(connection, site, Kind.EXTENDED_ATTRIBUTES, "extended_attributes_id")
    given = (found or {}).get("extended_attributes") or {}
    return dict(json.loads(given) if isinstance(given, str) else given)


def default_schema(connection: Connection, site: Site) -> str:
    """Return where an environment builds: by its attributes, its credentials, else its own."""
    attributes = attributes_of(connection, site)
    credentials = setting_of(connection, site, Kind.CREDENTIALS, "credentials_id") or {}
    given = attributes.get("schema") or attributes.get("dataset")
    return (
        given or credentials.get("default_schema") or credentials.get("schema") or site.schema_name
    )


def server_output(connection: Connection, site: Site) -> dict[str, Any] | None:
    """Return dbt's output for an environment, None for a DuckDB file. Raise UserError."""
    attributes = attributes_of(connection, site)
    found = setting_of(connection, site, Kind.CONNECTION, "connection_id")
    credentials = setting_of(connection, site, Kind.CREDENTIALS, "credentials_id") or {}
    if found is not None and attributes.get("type") != DUCKDB:
        config = found.get("config") or {}
        return connection_output(found["adapter_version"], config, credentials, attributes)
    return attributes if attributes.get("type", DUCKDB) != DUCKDB else None


def warehouse_of(connection: Connection, site: Site) -> tuple[str, ...] | None:
    """Return what is the same for environments with one warehouse, None for a file of its own.

    Raise UserError when the settings of the environment are gone.
    """
    output = server_output(connection, site)
    if output is None:
        path = attributes_of(connection, site).get("path")
        return (DUCKDB, str(path)) if path else None
    names = PLACE_NAMES + DATABASE_NAMES.get(str(output.get("type")), ())
    return tuple(str(output.get(name) or "").lower() for name in names)


def attached_of(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the files that attributes attach to DuckDB. Raise UserError for what names none."""
    found = attributes.get("attach") or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise UserError(
            "attach of the extended attributes is no list of objects",
            hint='such as [{"path": "other.duckdb", "alias": "other"}]',
        )
    for path in (attributes.get("path", ""), *(one.get("path") for one in found)):
        if not isinstance(path, str) or "\0" in path:
            raise UserError(f"{path!r} in the extended attributes is no path", hint="give a text")
    return found


def profile_of(
    connection: Connection,
    run: Run,
    site: Site,
    *,
    warehouse: Path,
    raw_database: Path | None,
    deferred: Path | None = None,
) -> Profile:
    """Return the profile of a run. Raise UserError, MachineError for one that cannot be made.

    `deferred` is the DuckDB file of another environment, which is attached read-only.
    """
    made = server_output(connection, site)
    if made is None:
        attributes = attributes_of(connection, site)
        made = profile_output(
            warehouse, schema=run.schema_name, threads=run.threads, raw_database=raw_database
        )
        attached = [*made.get("attach", []), *attached_of(attributes)]
        if deferred is not None:
            attached.append(attach(deferred, deferred.stem))
        made = {**made, **attributes, **({"attach": attached} if attached else {})}
    kind = str(made.get("type"))
    require_adapter(kind)
    # a run builds where it was told to, whatever the attributes say
    made.pop("schema", None)
    made |= {SCHEMA_NAMES.get(kind, "schema"): run.schema_name, "threads": run.threads}
    output, variables = hide_secrets(made)
    return Profile(output, variables)
