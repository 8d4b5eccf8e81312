"""Service tokens: shown once when they are made, with permission sets, until they are revoked."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from marketing_analytics.local_cloud.api.answers import many, not_found, one
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.checks import (
    REQUIRED,
    CheckError,
    Fields,
    name_text,
    one_of,
    state_of_new,
)
from marketing_analytics.local_cloud.api.moments import iso
from marketing_analytics.local_cloud.store import accounts as store
from marketing_analytics.local_cloud.store.access.scopes import LEVELS
from marketing_analytics.local_cloud.store.accounts import SERVICE, Token
from marketing_analytics.local_cloud.store.connection import transaction

ACTIVE, DELETED = 1, 2
PREFIX = "dbtc_"
CATEGORIES = "writable_environment_categories"


def list_tokens(call: Call) -> Response:
    """List the service tokens that count; what they are is never shown again."""
    limit, offset = call.limit(), call.offset()
    page = store.list_tokens(call.connection, call.account_id, limit=limit, offset=offset)
    filters = {"limit": limit, "offset": offset, "account_id": call.account_id, "state": "active"}
    return many([show(token) for token in page.rows], page.total_count, filters)


def create(call: Call) -> Response:
    """Make a service token; only this answer shows it, in `token_string`."""
    fields = Fields(call.body())
    name = fields.read("name", name_text)
    if name is None:
        fields.fail(REQUIRED, "name")
    grants = fields.read("service_token_permissions", read_grants, [])
    fields.read("state", state_of_new)
    fields.check()
    made = PREFIX + secrets.token_urlsafe(32)
    with transaction(call.connection):
        store.add_token(
            call.connection, call.account_id, str(name), made, kind=SERVICE, permissions=grants
        )
        token = store.token_of(call.connection, made)
    if token is None:
        raise not_found()
    return one({**show(token), "token_string": made}, 201)


def read(call: Call) -> Response:
    """Read a service token."""
    return one(show(stored(call)))


def update(call: Call) -> Response:
    """Change name and permissions of a service token; state 2 revokes it."""
    fields = Fields(call.body())
    with transaction(call.connection):
        old = stored(call)
        name = fields.read("name", name_text, old.name)
        grants = fields.read("service_token_permissions", read_grants, old.grants)
        state = fields.read("state", one_of(ACTIVE, DELETED), ACTIVE)
        fields.check()
        if state == DELETED:
            return revoked(call, old)
        store.save_token(call.connection, old.id, name, grants)
        return one(show(stored(call)))


def delete(call: Call) -> Response:
    """Revoke a service token: from now on it is unknown."""
    with transaction(call.connection):
        return revoked(call, stored(call))


def revoked(call: Call, token: Token) -> Response:
    """Revoke a token inside an open transaction."""
    store.revoke_token(call.connection, token.id)
    return one({**show(token), "state": DELETED})


def list_permissions(call: Call) -> Response:
    """List the permission sets of a service token."""
    token = stored(call, "service_token_id")
    shown = show(token)["service_token_permissions"]
    limit, offset = call.limit(), call.offset()
    filters = {"limit": limit, "offset": offset, "account_id": call.account_id}
    return many(shown[offset : offset + limit], len(shown), filters)


def set_permissions(call: Call) -> Response:
    """Replace the permission sets of a service token."""
    grants = checked(call, read_grants)
    with transaction(call.connection):
        token = stored(call, "service_token_id")
        store.save_token(call.connection, token.id, token.name, grants)
        shown = show(stored(call, "service_token_id"))
        return one(shown["service_token_permissions"])


def checked(call: Call, reader: Callable[[Any], Any]) -> Any:
    """Return a body that is a list. Raise a 400."""
    fields = Fields({"permissions": call.json()})
    found = fields.read("permissions", reader, [])
    fields.check()
    return found


def read_grants(value: Any) -> list[dict[str, Any]]:
    """Return permission sets; they are of all projects here."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise CheckError("expected a list of permissions")
    return [read_grant(item) for item in value]


def read_grant(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return one permission set. Raise CheckError for one that would mean nothing here."""
    chosen, scope = value.get("permission_set"), value.get("all_projects")
    if not isinstance(chosen, str) or chosen not in LEVELS:
        raise CheckError(f"expected permission_set as one of {', '.join(sorted(LEVELS))}")
    if scope not in (None, True) or (value.get("project_id") is not None and not scope):
        raise CheckError("permissions for one project are not built here: set all_projects")
    categories = value.get(CATEGORIES) or []
    if categories not in ([], ["all"]):
        raise CheckError(f"{CATEGORIES} are not told apart here: leave them out, or say all")
    everywhere = {"all_projects": True, "project_id": None, CATEGORIES: categories}
    return {"permission_set": chosen, **everywhere}


def stored(call: Call, name: str = "id") -> Token:
    """Return the service token of the path. Raise a 404."""
    token = store.get_token(call.connection, call.id_of(name))
    if token is None or token.account_id != call.account_id or token.kind != SERVICE:
        raise not_found()
    return token


def show(token: Token) -> dict[str, Any]:
    """Return a token as the API shows it, without what it is."""
    grants: Sequence[dict[str, Any]] = token.grants
    return {
        "id": token.id,
        "uid": f"{token.token_sha256[:12]}",
        "account_id": token.account_id,
        "name": token.name,
        "state": ACTIVE,
        "service_token_permissions": [
            {
                CATEGORIES: [],
                **grant,
                "id": token.id * 100 + place,
                "account_id": token.account_id,
                "service_token_id": token.id,
                "state": ACTIVE,
            }
            for place, grant in enumerate(grants)
        ],
        "last_used": iso(token.last_used_at) if token.last_used_at else None,
        "created_at": iso(token.created_at),
        "updated_at": iso(token.created_at),
        "permission_grants": [],
        "metadata_only": {grant["permission_set"] for grant in grants} == {"metadata_only"},
    }
