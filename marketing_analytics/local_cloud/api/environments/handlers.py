"""Environment operations: version 3 on project and account level, version 2 on the account."""

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
    Fields,
    Reader,
    boolean,
    identifier,
    identifier_or_none,
    name_text,
    one_of,
    state_of_new,
    text_or_none,
)
from marketing_analytics.local_cloud.api.environments.views import (
    PAYLOAD_DEFAULTS,
    environment_v2,
    environment_v3,
)
from marketing_analytics.local_cloud.api.listing import show_filters
from marketing_analytics.local_cloud.api.projects import (
    find_project,
    inner_path,
    show_project,
    stored_project,
)
from marketing_analytics.local_cloud.api.references import named_errors
from marketing_analytics.local_cloud.api.settings.views import include_settings
from marketing_analytics.local_cloud.store import environments as store
from marketing_analytics.local_cloud.store.connection import transaction
from marketing_analytics.local_cloud.store.environments import Environment, EnvironmentFields
from marketing_analytics.local_cloud.store.jobs import count_active_jobs
from marketing_analytics.local_cloud.store.pages import Filter
from marketing_analytics.local_cloud.store.projects import get_project

DELETED = 2


def list_v3(call: Call) -> Response:
    """List environments of the account, or of the project in the path."""
    return list_as(call, is_v2=False)


def list_v2(call: Call) -> Response:
    """List environments of the account."""
    return list_as(call, is_v2=True)


def list_as(call: Call, *, is_v2: bool) -> Response:
    """List environments by page."""
    project_ids = call.numbers("project_id")
    if "project_id" in call.ids:
        project_ids = [stored_project(call).id]
    order_by = call.order_by(store.ORDERS)
    filters: dict[str, Any] = {"limit": call.limit(), "offset": call.offset()}
    filters |= {"state": call.state(), "account_id": call.account_id}
    given = {
        "pk": call.numbers("pk"),
        "project_id": project_ids,
        "id__gt": call.number("id__gt"),
        "credentials_id": call.number("credentials_id"),
        **{name: call.text(name) for name in ("name", "name__icontains", "type")},
        **{name: call.texts(name) for name in ("deployment_type", "dbt_version")},
    }
    filters |= {name: value for name, value in given.items() if value is not None}
    page = store.list_environments(call.connection, {**filters, "order_by": order_by})
    shown = show_environments(call, page.rows, is_v2=is_v2)
    return many(shown, page.total_count, show_filters(filters), order_by)


def read_v3(call: Call) -> Response:
    """Read an environment."""
    return one(show_environments(call, [stored_environment(call)], is_v2=False)[0])


def read_v2(call: Call) -> Response:
    """Read an environment."""
    return one(show_environments(call, [stored_environment(call)], is_v2=True)[0])


def show_environments(
    call: Call, environments: Sequence[Environment], *, is_v2: bool
) -> list[dict[str, Any]]:
    """Return environments with the related objects asked for."""
    show = environment_v2 if is_v2 else environment_v3
    shown = [show(environment) for environment in environments]
    include_settings(call, shown)
    if "project" in call.included():
        for item in shown:
            project = get_project(call.connection, call.account_id, item["project_id"])
            item["project"] = show_project(project) if project else None
    return shown


def stored_environment(call: Call) -> Environment:
    """Return the environment of the path. Raise a 404, also for one of another project."""
    found = find_environment(call, call.id_of("environment_id"))
    if call.ids.get("project_id", found.project_id) != found.project_id:
        raise not_found()
    return found


def find_environment(call: Call, environment_id: int) -> Environment:
    """Return an active environment of the account. Raise a 404."""
    found = store.get_environment(call.connection, call.account_id, environment_id)
    if found is None:
        raise not_found()
    return found


def create(call: Call) -> Response:
    """Create an environment."""
    body = call.body()
    fields = read_environment(body)
    with transaction(call.connection):
        is_in_path = "project_id" in call.ids
        project_id = stored_project(call).id if is_in_path else project_of_body(call, body)
        check_named(call, fields, {}, project_id)
        new_id = store.add_environment(call.connection, call.account_id, project_id, fields)
    return one(environment_v3(find_environment(call, new_id)), 201)


def project_of_body(call: Call, body: Mapping[str, Any]) -> int:
    """Return the project a body names. Raise a 400."""
    fields = Fields(body)
    project_id = fields.read("project_id", identifier)
    if project_id is None:
        fields.fail(REQUIRED, "project_id")
    fields.check()
    return find_project(call, project_id).id


def update(call: Call) -> Response:
    """Replace an environment: what the body leaves out goes back to its default."""
    body = call.body()
    with transaction(call.connection):
        old = stored_environment(call)
        new = replace(old, **asdict(read_environment(body, old)), state=body.get("state") or 1)
        if new.state != DELETED:
            check_named(call, new, old.others, old.project_id)
        return one(environment_v3(save(call, new)))


def check_named(
    call: Call, fields: EnvironmentFields, old: Mapping[str, Any], project_id: int
) -> None:
    """Raise a 400 when an environment names a setting that is not there."""
    errors = named_errors(call, json.loads(fields.payload), old, project_id)
    if errors:
        raise invalid(errors)


def delete(call: Call) -> Response:
    """Delete an environment that no job uses."""
    with transaction(call.connection):
        return one(environment_v3(save(call, replace(stored_environment(call), state=DELETED))))


def save(call: Call, new: Environment) -> Environment:
    """Write an environment and return it as it is now; a deleted one as it was written."""
    if new.state == DELETED:
        refuse_when_used(call, new)
    store.save_environment(call.connection, new)
    return store.get_environment(call.connection, call.account_id, new.id) or new


def refuse_when_used(call: Call, environment: Environment) -> None:
    """Raise a 400 when active jobs use an environment."""
    wanted: dict[str, Filter] = {
        "account_id": call.account_id,
        "environment_id": [environment.id],
    }
    count = count_active_jobs(call.connection, wanted)
    if count:
        raise invalid_at(f"{count} active jobs use this environment; delete them first", "reason")


def read_environment(body: Mapping[str, Any], old: Environment | None = None) -> EnvironmentFields:
    """Return the fields of an environment. Raise a 400 that names every wrong one."""
    fields = Fields(body)
    given = {
        "name": fields.read("name", name_text, old.name if old else None),
        "type": fields.read("type", one_of("development", "deployment"), "deployment"),
        "deployment_type": fields.read("deployment_type", read_deployment_type),
        "dbt_version": fields.read("dbt_version", text_or_none) or "latest",
    }
    fields.read("state", one_of(1, DELETED) if old else state_of_new)
    payload = {
        name: fields.read(name, PAYLOAD_READERS[name], default)
        for name, default in PAYLOAD_DEFAULTS.items()
    }
    if given["name"] is None:
        fields.fail(REQUIRED, "name")
    fields.check()
    return EnvironmentFields(**given, payload=json.dumps(payload))


def read_deployment_type(value: Any) -> str | None:
    """Return production, staging or none; an empty text is none."""
    return one_of("production", "staging", "")(value) or None


TEXTS: dict[str, Reader] = {
    "custom_branch": text_or_none,
    "dbt_project_subdirectory": inner_path,
}
PAYLOAD_READERS = {
    name: boolean if isinstance(default, bool) else TEXTS.get(name, identifier_or_none)
    for name, default in PAYLOAD_DEFAULTS.items()
}
