"""Connections by the older operations, below a project: they are those of the account.

The older body has `type` and `details` where the account's has `adapter_version` and `config`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.responses import Response

from marketing_analytics.local_cloud.api.answers import many, one
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.checks import (
    CheckError,
    Fields,
    mapping,
    one_of,
    state_of_new,
)
from marketing_analytics.local_cloud.api.listing import show_filters
from marketing_analytics.local_cloud.api.projects import stored_project
from marketing_analytics.local_cloud.api.settings.connections import FAMILY, read_connection
from marketing_analytics.local_cloud.api.settings.family import (
    DELETED,
    filters_of,
    save,
)
from marketing_analytics.local_cloud.api.settings.views import show
from marketing_analytics.local_cloud.store import settings as store
from marketing_analytics.local_cloud.store.connection import transaction
from marketing_analytics.local_cloud.store.settings import Kind, Setting

TYPES = {
    "bigquery": "bigquery_v0",
    "postgres": "postgres_v0",
    "redshift": "redshift_v0",
    "snowflake": "snowflake_v0",
}


def list_connections(call: Call) -> Response:
    """List the connections of an account as connections of a project."""
    project = stored_project(call)
    filters: dict[str, Any] = {"limit": call.limit(), "offset": call.offset()}
    filters |= {"state": call.state(), "account_id": call.account_id, **filters_of(call)}
    wanted = {**filters, "kind": Kind.CONNECTION, "order_by": "id"}
    page = store.list_settings(call.connection, wanted)
    shown = [show_older(row, project.id) for row in page.rows]
    return many(shown, page.total_count, show_filters(filters))


def create(call: Call) -> Response:
    """Create a connection of the account from the older body."""
    with transaction(call.connection):
        project = stored_project(call)
        fields = newer(call.body())
        fields.read("state", state_of_new)
        found = read_connection(call, fields, {})
        fields.check()
        added = store.add_setting(call.connection, call.account_id, Kind.CONNECTION, found)
        return one(show_older(FAMILY.find(call, added), project.id), 201)


def read(call: Call) -> Response:
    """Read a connection of the account as one of a project."""
    project = stored_project(call)
    return one(show_older(FAMILY.find(call, call.id_of("id")), project.id))


def delete(call: Call) -> Response:
    """Delete a connection of the account."""
    with transaction(call.connection):
        project = stored_project(call)
        gone = save(call, replace(FAMILY.find(call, call.id_of("id")), state=DELETED))
        return one(show_older(gone, project.id))


def newer(body: dict[str, Any]) -> Fields:
    """Return the older body in the newer words, its mistakes noted under the older names."""
    fields = Fields(body)
    kind = fields.read("type", one_of(*TYPES)) if "type" in body else None
    if kind is None:
        fields.fail(f"expected one of {', '.join(TYPES)}", "type")
    try:
        details = mapping(body.get("details") or {})
    except CheckError as error:
        fields.fail(str(error), "details")
        details = {}
    adapter = TYPES.get(kind or "", "postgres_v0")
    said = Fields({**body, "adapter_version": adapter, "config": details})
    said.errors = fields.errors
    return said


def show_older(setting: Setting, project_id: int) -> dict[str, Any]:
    """Return a connection in the older words."""
    fields = setting.fields
    kind = str(fields["adapter_version"]).rpartition("_")[0]
    return {
        **show(setting),
        "project_id": project_id,
        "type": kind if kind in TYPES else "adapter",
        "details": fields["config"],
        "created_by_id": None,
        "created_by_service_token_id": None,
    }
