"""Every operation of the public API, and what serves it here.

Unlisted paths are 404. Operations of dbt Cloud that are not built answer 501 with their name;
their list is `unbuilt.txt`, made from the public OpenAPI files.
"""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response

from marketing_analytics.local_cloud.api import accounts, projects
from marketing_analytics.local_cloud.api.answers import ApiError
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.discovery import handlers as discovery
from marketing_analytics.local_cloud.api.environments import handlers as environments
from marketing_analytics.local_cloud.api.jobs import handlers as jobs
from marketing_analytics.local_cloud.api.routes import Handler, Operation, build_router
from marketing_analytics.local_cloud.api.runs import artifacts, requests
from marketing_analytics.local_cloud.api.runs import handlers as runs
from marketing_analytics.local_cloud.api.settings import (
    audit_log,
    connections,
    credentials,
    extended,
    groups,
    notifications,
    project_connections,
    repositories,
    service_tokens,
    users,
    webhooks,
)
from marketing_analytics.local_cloud.api.variables import handlers as variables
from marketing_analytics.local_cloud.store.access.scopes import Level

ACCOUNT = "accounts/{account_id}"
PROJECT = f"{ACCOUNT}/projects/{{project_id}}"
VARIABLES = f"{PROJECT}/environment-variables"

SERVED = [
    Operation("GET", "v2/accounts", accounts.list_accounts),
    Operation("GET", "v3/accounts", accounts.list_accounts),
    Operation("GET", f"v2/{ACCOUNT}", accounts.read),
    Operation("GET", f"v3/{ACCOUNT}", accounts.read),
    Operation("GET", "v2/whoami", users.whoami),
    Operation("GET", "v2/users/{id}", users.read),
    *(
        Operation("GET", f"{version}/{ACCOUNT}/{path}", handler)
        for version in ("v2", "v3")
        for path, handler in (("users", users.list_users), ("users/{id}", users.read))
    ),
    Operation("GET", "v3/users/{user_id}/credentials", users.list_credentials),
    Operation("GET", f"v2/{ACCOUNT}/invites", users.list_invites),
    Operation("GET", f"v2/{ACCOUNT}/licenses", users.list_licenses),
    Operation("GET", f"v2/{ACCOUNT}/jobs", jobs.list_jobs),
    Operation("POST", f"v2/{ACCOUNT}/jobs", jobs.create_job),
    Operation("GET", f"v2/{ACCOUNT}/jobs/{{job_id}}", jobs.read_one),
    Operation("POST", f"v2/{ACCOUNT}/jobs/{{job_id}}", jobs.update_job),
    Operation("DELETE", f"v2/{ACCOUNT}/jobs/{{job_id}}", jobs.delete_job),
    Operation("POST", f"v2/{ACCOUNT}/jobs/{{job_id}}/run", runs.trigger),
    Operation("POST", f"v2/{ACCOUNT}/jobs/{{job_id}}/rerun", runs.rerun),
    Operation(
        "GET", f"v2/{ACCOUNT}/jobs/{{job_id}}/artifacts/{{rest}}", artifacts.read_job_artifact
    ),
    Operation(
        "POST", f"v2/{ACCOUNT}/jobs/{{job_id}}/pull-requests/{{number}}/close", requests.close
    ),
    Operation("GET", f"v2/{ACCOUNT}/runs", runs.list_runs),
    Operation("GET", f"v2/{ACCOUNT}/runs/{{run_id}}", runs.read_run),
    Operation("POST", f"v2/{ACCOUNT}/runs/{{run_id}}/cancel", runs.cancel),
    Operation("GET", f"v2/{ACCOUNT}/runs/{{run_id}}/retry", runs.failure_details),
    Operation("POST", f"v2/{ACCOUNT}/runs/{{run_id}}/retry", runs.retry),
    Operation("GET", f"v2/{ACCOUNT}/runs/{{run_id}}/artifacts", artifacts.list_artifacts),
    Operation("GET", f"v2/{ACCOUNT}/runs/{{run_id}}/artifacts/{{rest}}", artifacts.read_artifact),
    Operation("GET", f"v2/{ACCOUNT}/steps/{{step_id}}", runs.read_step),
    *(
        Operation(method, f"{version}/{ACCOUNT}/{path}", handler)
        for version in ("v2", "v3")
        for method, path, handler in (
            ("GET", "projects", projects.list_projects),
            ("POST", "projects", projects.create),
            ("GET", "projects/{project_id}", projects.read),
            ("POST", "projects/{project_id}", projects.update),
            ("DELETE", "projects/{project_id}", projects.delete),
        )
    ),
    Operation("GET", f"v2/{ACCOUNT}/environments", environments.list_v2),
    Operation("GET", f"v2/{ACCOUNT}/environments/{{environment_id}}", environments.read_v2),
    *(
        Operation(method, f"{prefix}{path}", handler)
        for prefix in (f"v3/{ACCOUNT}/", f"v3/{PROJECT}/")
        for method, path, handler in (
            ("GET", "environments", environments.list_v3),
            ("POST", "environments", environments.create),
            ("GET", "environments/{environment_id}", environments.read_v3),
            ("POST", "environments/{environment_id}", environments.update),
            ("DELETE", "environments/{environment_id}", environments.delete),
        )
    ),
    Operation("POST", f"v2/{ACCOUNT}/environments", environments.create),
    Operation("POST", f"v2/{ACCOUNT}/environments/{{environment_id}}", environments.update),
    Operation("DELETE", f"v2/{ACCOUNT}/environments/{{environment_id}}", environments.delete),
    Operation("GET", f"v3/{VARIABLES}/environment", variables.list_by_environment),
    Operation("GET", f"v3/{VARIABLES}/job", variables.list_by_job),
    Operation("GET", f"v3/{VARIABLES}/user", variables.list_by_user),
    Operation("POST", f"v3/{VARIABLES}/bulk", variables.bulk_create),
    Operation("PUT", f"v3/{VARIABLES}/bulk", variables.bulk_update),
    Operation("DELETE", f"v3/{VARIABLES}/bulk", variables.bulk_delete),
    Operation("POST", f"v3/{VARIABLES}", variables.create),
    Operation("POST", f"v3/{VARIABLES}/{{variable_id}}", variables.update),
    Operation("DELETE", f"v3/{VARIABLES}/{{variable_id}}", variables.delete),
    Operation("GET", f"v3/{ACCOUNT}/connections", connections.list_connections),
    Operation("POST", f"v3/{ACCOUNT}/connections", connections.create),
    Operation("GET", f"v3/{ACCOUNT}/connections/{{id}}", connections.read),
    Operation("PATCH", f"v3/{ACCOUNT}/connections/{{id}}", connections.update),
    Operation("DELETE", f"v3/{ACCOUNT}/connections/{{id}}", connections.delete),
    Operation("GET", f"v3/{PROJECT}/connections", project_connections.list_connections),
    Operation("POST", f"v3/{PROJECT}/connections", project_connections.create),
    Operation("GET", f"v3/{PROJECT}/connections/{{id}}", project_connections.read),
    Operation("DELETE", f"v3/{PROJECT}/connections/{{id}}", project_connections.delete),
    Operation("GET", f"v2/{ACCOUNT}/encryptions", connections.list_tunnels),
    Operation("GET", f"v3/{PROJECT}/credentials", credentials.list_credentials),
    Operation("POST", f"v3/{PROJECT}/credentials", credentials.create),
    Operation("GET", f"v3/{PROJECT}/credentials/{{id}}", credentials.read),
    Operation("POST", f"v3/{PROJECT}/credentials/{{id}}", credentials.update),
    Operation("PATCH", f"v3/{PROJECT}/credentials/{{id}}", credentials.update),
    Operation("DELETE", f"v3/{PROJECT}/credentials/{{id}}", credentials.delete),
    Operation("GET", f"v3/{PROJECT}/repositories", repositories.list_repositories),
    Operation("POST", f"v3/{PROJECT}/repositories", repositories.create),
    Operation("GET", f"v3/{PROJECT}/repositories/{{id}}", repositories.read),
    Operation("POST", f"v3/{PROJECT}/repositories/{{id}}", repositories.update),
    Operation("DELETE", f"v3/{PROJECT}/repositories/{{id}}", repositories.delete),
    Operation("POST", f"v3/{PROJECT}/extended-attributes", extended.create),
    Operation("GET", f"v3/{PROJECT}/extended-attributes/{{id}}", extended.read),
    Operation("PATCH", f"v3/{PROJECT}/extended-attributes/{{id}}", extended.update),
    Operation("DELETE", f"v3/{PROJECT}/extended-attributes/{{id}}", extended.delete),
    Operation("GET", f"v3/{ACCOUNT}/groups", groups.list_groups),
    Operation("POST", f"v3/{ACCOUNT}/groups", groups.create),
    Operation("GET", f"v3/{ACCOUNT}/groups/{{id}}", groups.read),
    Operation("POST", f"v3/{ACCOUNT}/groups/{{id}}", groups.update),
    Operation("POST", f"v3/{ACCOUNT}/group-permissions/{{group_id}}", groups.assign_permissions),
    Operation("GET", f"v2/{ACCOUNT}/notifications", notifications.list_notifications),
    Operation("POST", f"v2/{ACCOUNT}/notifications", notifications.create),
    Operation("GET", f"v2/{ACCOUNT}/notifications/{{id}}", notifications.read),
    Operation("POST", f"v2/{ACCOUNT}/notifications/{{id}}", notifications.update),
    Operation("DELETE", f"v2/{ACCOUNT}/notifications/{{id}}", notifications.delete),
    Operation("GET", f"v3/{ACCOUNT}/service-tokens", service_tokens.list_tokens),
    Operation("POST", f"v3/{ACCOUNT}/service-tokens", service_tokens.create),
    Operation("GET", f"v3/{ACCOUNT}/service-tokens/{{id}}", service_tokens.read),
    Operation("PUT", f"v3/{ACCOUNT}/service-tokens/{{id}}", service_tokens.update),
    Operation("POST", f"v3/{ACCOUNT}/service-tokens/{{id}}", service_tokens.update),
    Operation("DELETE", f"v3/{ACCOUNT}/service-tokens/{{id}}", service_tokens.delete),
    Operation(
        "GET",
        f"v3/{ACCOUNT}/service-tokens/{{service_token_id}}/permissions",
        service_tokens.list_permissions,
    ),
    Operation(
        "POST", f"v3/{ACCOUNT}/service-tokens/{{id}}/permissions", service_tokens.set_permissions
    ),
    Operation("GET", f"v3/{ACCOUNT}/audit-logs", audit_log.list_recent),
    Operation("GET", f"v3/{ACCOUNT}/webhooks/subscriptions", webhooks.list_subscriptions),
    Operation("POST", f"v3/{ACCOUNT}/webhooks/subscriptions", webhooks.create),
    Operation("GET", f"v3/{ACCOUNT}/webhooks/subscription/{{subscription_id:text}}", webhooks.read),
    Operation(
        "PUT", f"v3/{ACCOUNT}/webhooks/subscription/{{subscription_id:text}}", webhooks.update
    ),
    Operation(
        "DELETE", f"v3/{ACCOUNT}/webhooks/subscription/{{subscription_id:text}}", webhooks.delete
    ),
    Operation(
        "GET", f"v3/{ACCOUNT}/webhooks/subscription/{{subscription_id:text}}/test", webhooks.test
    ),
    Operation(
        "GET",
        f"v3/{ACCOUNT}/webhooks/subscription/{{subscription_id:text}}/events",
        webhooks.list_deliveries,
    ),
]
# these read files, so they run in a thread
SLOW_HANDLERS: frozenset[Handler] = frozenset(
    {
        runs.read_step,
        artifacts.list_artifacts,
        artifacts.read_artifact,
        artifacts.read_job_artifact,
        discovery.answer,
    }
)


RUN_HANDLERS: frozenset[Handler] = frozenset({runs.trigger, runs.rerun, runs.cancel, runs.retry})
MANAGING = (service_tokens, audit_log, webhooks)


def needed_level(handler: Handler, method: str) -> Level:
    """Return what a token must be allowed to do to call a handler."""
    if handler.__module__ in {room.__name__ for room in MANAGING}:
        return Level.ADMIN
    if method in ("GET", "HEAD") or handler is discovery.answer:
        return Level.READ
    return Level.RUN if handler in RUN_HANDLERS else Level.WRITE


def is_slow(handler: Handler, call: Call) -> bool:
    """Return whether a call reads files; a run has logs only when they are asked for."""
    has_logs = handler is runs.read_run and not runs.WITH_LOGS.isdisjoint(call.included())
    return has_logs or handler in SLOW_HANDLERS


def unbuilt_route(line: str) -> Operation:
    """Return the operation of a line `GET v2/path Name of the operation`."""
    method, path, name = line.split(" ", 2)

    def refuse(_: Call) -> Response:
        raise ApiError(501, f"The operation {name} ({method} /api/{path}/) is not built here.")

    return Operation(method, path, refuse)


def read_unbuilt() -> list[Operation]:
    """Return the operations that are not built."""
    lines = (Path(__file__).parent / "unbuilt.txt").read_text("utf-8").splitlines()
    return [unbuilt_route(line) for line in lines if line and not line.startswith("#")]


# the Discovery API is no part of the administrative one
QUERIES = [Operation("POST", path, discovery.answer, root="/") for path in discovery.PATHS]
ROUTER = build_router([*SERVED, *read_unbuilt(), *QUERIES])
