"""Groups of an account and what they may do. They are stored and shown; tokens may do all here."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from marketing_analytics.local_cloud.api.answers import ApiError, invalid_at, one
from marketing_analytics.local_cloud.api.call import Call, read_json
from marketing_analytics.local_cloud.api.checks import (
    REQUIRED,
    CheckError,
    Fields,
    boolean,
    identifier_or_none,
    mapping,
    name_text,
    one_of,
    texts,
)
from marketing_analytics.local_cloud.api.settings.family import Family
from marketing_analytics.local_cloud.store.connection import transaction
from marketing_analytics.local_cloud.store.projects import get_project
from marketing_analytics.local_cloud.store.settings import Kind

PERMISSION_SETS = [
    "account_admin",
    "account_viewer",
    "admin",
    "analyst",
    "billing_admin",
    "cost_management_admin",
    "cost_management_viewer",
    "database_admin",
    "developer",
    "fusion_admin",
    "git_admin",
    "job_admin",
    "job_runner",
    "job_viewer",
    "manage_marketplace_apps",
    "member",
    "metadata_only",
    "notification_manager",
    "owner",
    "project_creator",
    "readonly",
    "security_admin",
    "semantic_layer_only",
    "stakeholder",
    "team_admin",
    "webhooks_only",
]
CATEGORIES = ("all", "development", "staging", "production", "other")


def read_group(_: Call, fields: Fields, old: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a group; its permissions have an operation of their own."""
    name = fields.read("name", name_text, old.get("name"))
    if name is None:
        fields.fail(REQUIRED, "name")
    assigned, mapped = "assign_by_default", "sso_mapping_groups"
    return {
        "name": name,
        assigned: fields.read(assigned, boolean, old.get(assigned, False)),
        mapped: fields.read(mapped, texts, old.get(mapped, [])),
        "scim_managed": False,
        "group_permissions": old.get("group_permissions", []),
    }


FAMILY = Family(Kind.GROUP, read_group)
PERMISSIONS_OF = Family(Kind.GROUP, read_group, path_name="group_id")


def list_groups(call: Call) -> Response:
    """List the groups of an account."""
    return FAMILY.list_page(call)


def create(call: Call) -> Response:
    """Create a group without permissions."""
    return FAMILY.create(call)


def read(call: Call) -> Response:
    """Read a group with its permissions."""
    return FAMILY.read_one(call)


def update(call: Call) -> Response:
    """Change a group; state 2 deletes it, its permissions stay as they are."""
    return FAMILY.change(call)


def assign_permissions(call: Call) -> Response:
    """Replace the permissions of a group by the list of the body."""
    given = read_json(call.body_bytes) if call.body_bytes.strip() else None
    if not isinstance(given, list):
        raise ApiError(400, "The body must be a JSON list.")
    with transaction(call.connection):
        group = PERMISSIONS_OF.stored(call)
        permissions = [
            {"id": number, "account_id": call.account_id, "group_id": group.id, "state": 1, **found}
            for number, found in enumerate((read_permission(call, item) for item in given), 1)
        ]
        PERMISSIONS_OF.rewrite(call, group, {**group.fields, "group_permissions": permissions})
    return one(permissions)


def read_permission(call: Call, item: Any) -> dict[str, Any]:
    """Return one permission. Raise a 400 that names every wrong field."""
    try:
        fields = Fields(mapping(item))
    except CheckError as error:
        raise invalid_at(str(error), "group_permissions") from None
    chosen = fields.read("permission_set", one_of(*PERMISSION_SETS))
    if chosen is None:
        fields.fail(REQUIRED, "permission_set")
    is_everywhere = fields.read("all_projects", boolean, False)
    project_id = fields.read("project_id", identifier_or_none)
    if not is_everywhere and "project_id" not in fields.errors:
        if project_id is None:
            fields.fail(REQUIRED, "project_id")
        elif get_project(call.connection, call.account_id, project_id) is None:
            fields.fail("there is no such project", "project_id")
    categories = fields.read("writable_environment_categories", read_categories, [])
    fields.check()
    return {
        "permission_set": chosen,
        "all_projects": is_everywhere,
        "project_id": None if is_everywhere else project_id,
        "writable_environment_categories": categories,
    }


def read_categories(value: Any) -> list[str]:
    """Return kinds of environments."""
    return [one_of(*CATEGORIES)(item) for item in texts(value)]
