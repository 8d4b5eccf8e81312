"""Pull and merge requests: the schema each builds into, its newest commit, and its end.

A run of a request never builds anywhere else than in `dbt_cloud_pr_<job>_<number>`, unless its
trigger names another schema, which may not be one that an environment builds into.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.artifacts import part_in
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    find_all,
    load_sql,
    now_text,
    time_text,
)

# fields of a trigger that hold the number of a request, and what they are called in the store
NUMBERS = {
    "github_pull_request_id": "github",
    "gitlab_merge_request_id": "gitlab",
    "azure_pull_request_id": "azure",
    "non_native_pull_request_id": "other",
}
# results of these are relations
BUILT = ("model.", "seed.", "snapshot.")
DONE = ("success", "partial success")
QUOTES = re.compile(r"[\"`\[\]]")
OWN_SCHEMA = re.compile(r"dbt_cloud_pr_\d+_\d+")


@dataclass(frozen=True)
class RequestSchema:
    """A schema that runs of an open request have built into."""

    job_id: int
    request: str
    schema_name: str


def request_of(overrides: Mapping[str, Any]) -> str:
    """Return the request that a trigger names, such as `github 12`; "" for none."""
    given = ((kind, overrides.get(name)) for name, kind in NUMBERS.items())
    return next((f"{kind} {number}" for kind, number in given if number), "")


def number_of(request: str) -> int:
    """Return the number of a request, 0 for none."""
    return int(request.partition(" ")[2] or 0)


def request_words(request: str) -> str:
    """Return how people call a request."""
    kind, _, number = request.partition(" ")
    return f"merge request {number}" if kind == "gitlab" else f"pull request {number}"


def schema_of_request(
    connection: Connection, job_id: int, project_id: int, request: str, override: str | None
) -> str:
    """Return where a run of a request builds. Raise UserError for a schema of an environment."""
    if not override:
        return f"dbt_cloud_pr_{job_id}_{number_of(request)}"
    sql = load_sql("runs_requests")["built_schemas"]
    built = {row["name"].lower() for row in connection.execute(sql, {"project_id": project_id})}
    if override.lower() in built:
        raise UserError(
            f"{request_words(request)} may not build into the schema {override!r}, "
            "which an environment builds into",
            hint="leave schema_override out, or begin it with dbt_cloud_pr_",
        )
    return override


def note_request(connection: Connection, job_id: int, request: str, schema: str) -> None:
    """Note that a run of a request will build into a schema, inside an open transaction."""
    values = {"job_id": job_id, "request": request, "schema_name": schema, "now": now_text()}
    connection.execute(load_sql("runs_requests")["note_schema"], values)


def open_schemas(
    connection: Connection, *, job_id: int | None = None, number: int | None = None,
    unused_for: timedelta | None = None,
) -> list[RequestSchema]:  # fmt: skip
    """Return the schemas of open requests: of a job, with a number, not used for some time."""
    used_before = time_text(datetime.now(UTC) - unused_for) if unused_for else None
    values = {"job_id": job_id, "number": number, "used_before": used_before}
    sql = load_sql("runs_requests")["open_schemas"]
    return find_all(connection, RequestSchema, sql, values)


def close_schema(connection: Connection, schema: RequestSchema) -> None:
    """Note that a request needs its schema no longer, inside an open transaction."""
    values = {"job_id": schema.job_id, "request": schema.request, "now": now_text()}
    sql = load_sql("runs_requests")["close_schema"]
    connection.execute(sql, {**values, "schema_name": schema.schema_name})


def built_elsewhere(results: Path, schema_name: str) -> list[str]:
    """Return the relations of a run_results.json that lie outside of a request's schemas.

    A project's own `generate_schema_name` may leave the target's schema out.
    """
    found = part_in(results, "results") or []
    built = [one for one in found if str(one.get("unique_id", "")).startswith(BUILT)]
    names = [str(one.get("relation_name") or "") for one in built if one.get("status") in DONE]
    return [name for name in names if name and not is_inside(name, schema_name)]


def elsewhere_words(results: Path, schema_name: str) -> str:
    """Return why a run of a request may not be called good, "" when it built where it should."""
    found = built_elsewhere(results, schema_name)
    if not found:
        return ""
    return (
        f"{', '.join(found[:5])} was built outside of {schema_name}: "
        "generate_schema_name of the project leaves target.schema out"
    )


def is_inside(relation: str, schema_name: str) -> bool:
    """Return whether a quoted relation lies in a schema, or in one that begins with its name."""
    schema = QUOTES.sub("", relation).split(".")[-2:][0].lower()
    own = schema_name.lower()
    return schema == own or schema.startswith(f"{own}_")


def is_ours(schema_name: str) -> bool:
    """Return whether a schema was named by this server, so that it may drop it."""
    return OWN_SCHEMA.fullmatch(schema_name) is not None
