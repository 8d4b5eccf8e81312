"""Pull and merge requests: the schema that each builds into, noted until it is dropped.

A run of a request never builds anywhere else than in `dbt_cloud_pr_<job>_<number>`, unless its
trigger names another schema (see `overriding`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
# results of what is in the warehouse now; of tests those that stored their failures name a relation
DONE = ("success", "partial success", "pass", "warn", "fail")
QUOTES = re.compile(r"[\"`\[\]]")


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


def requests_with(number: int) -> tuple[str, ...]:
    """Return the requests that have a number, of every kind."""
    return tuple(f"{kind} {number}" for kind in NUMBERS.values())


def number_of(request: str) -> int:
    """Return the number of a request, 0 for none."""
    return int(request.partition(" ")[2] or 0)


def request_words(request: str) -> str:
    """Return how people call a request."""
    kind, _, number = request.partition(" ")
    return f"merge request {number}" if kind == "gitlab" else f"pull request {number}"


def own_schema(job_id: int, request: str) -> str:
    """Return the schema that this server gives to a request of a job."""
    return f"dbt_cloud_pr_{job_id}_{number_of(request)}"


def named_schemas(connection: Connection, project_id: int) -> list[str]:
    """Return where variables let the runs of a project build."""
    sql = load_sql("runs_requests")["named_schemas"]
    return [row["name"] for row in connection.execute(sql, {"project_id": project_id})]


def environments_by_project(connection: Connection) -> dict[int, list[int]]:
    """Return the environments of every project, also the deleted ones."""
    found: dict[int, list[int]] = {}
    for row in connection.execute(load_sql("runs_requests")["environments"]):
        found.setdefault(row["project_id"], []).append(row["id"])
    return found


def newest_builds(connection: Connection, environment_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Return the newest run with artifacts of each schema of environments, and the schema."""
    sql = load_sql("runs_requests")["newest_builds"]
    rows = connection.execute(sql, {"ids": json.dumps(environment_ids)})
    return [(row["id"], row["schema_name"]) for row in rows]


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


def other_users(connection: Connection, schema: RequestSchema) -> list[RequestSchema]:
    """Return the open requests that build into the schema of another one, or of a closed one."""
    sql = load_sql("runs_requests")["other_users"]
    return find_all(connection, RequestSchema, sql, asdict(schema))


def built_elsewhere(results: Path, schema_name: str) -> list[str]:
    """Return the relations of a run_results.json that lie outside of a request's schemas.

    A project's own `generate_schema_name` may leave the target's schema out.
    """
    found = part_in(results, "results") or []
    names = [str(one.get("relation_name") or "") for one in found if one.get("status") in DONE]
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
    schema, own = schema_in(relation), schema_name.lower()
    return schema == own or schema.startswith(f"{own}_")


def schema_in(relation: str) -> str:
    """Return the schema of a quoted relation, in lower case."""
    return QUOTES.sub("", relation).split(".")[-2:][0].lower()


def is_ours(schema: RequestSchema) -> bool:
    """Return whether this server named a schema for its request, so that it may drop it.

    A trigger may have named that of another request, which is still open.
    """
    return schema.schema_name == own_schema(schema.job_id, schema.request)
