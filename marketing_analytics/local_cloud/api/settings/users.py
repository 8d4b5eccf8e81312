"""The one user of the server: whoever runs it. Nobody signs in by name; tokens say who may do what.

The user has the id of the account, and a licence of a developer as dbt Cloud counts them.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from marketing_analytics.local_cloud.api.accounts import stored_account
from marketing_analytics.local_cloud.api.answers import many, not_found, one
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.moments import iso
from marketing_analytics.local_cloud.api.settings import family
from marketing_analytics.local_cloud.api.settings.views import show
from marketing_analytics.local_cloud.store import settings as store
from marketing_analytics.local_cloud.store.settings import Kind

ORDERS = ("id", "email", "first_name", "last_name", "created_at")
EMAIL = "owner@localhost"
LICENSES = ("developer", "explorer", "read_only", "it", "analyst")
HOSTS = ("azure_active_directory", "github", "gitlab")
MAX_GROUPS = 1000


def whoami(call: Call) -> Response:
    """Say whose the token is."""
    return one({"user": show_user(call)})


def list_users(call: Call) -> Response:
    """List the users of an account: one."""
    order_by, state = call.order_by(ORDERS, "email"), call.state()
    filters = {"limit": call.limit(), "offset": call.offset(), "account_id": call.account_id}
    wanted = call.text("email") or call.text("email__icontains") or ""
    found = [show_user(call)] if state != family.DELETED and wanted.lower() in EMAIL else []
    return many(found[call.offset() :], len(found), filters, order_by)


def read(call: Call) -> Response:
    """Read the user. Raise a 404 for another."""
    if call.id_of("id") != call.account_id:
        raise not_found()
    return one(show_user(call))


def list_credentials(call: Call) -> Response:
    """List what a user develops with: nothing, all that runs has its environment's."""
    if call.id_of("user_id") != call.account_id:
        raise not_found()
    return many([], 0, {"limit": call.limit(), "offset": call.offset()})


def list_invites(call: Call) -> Response:
    """List the invitations of an account: none."""
    return many([], 0, {"limit": call.limit(), "offset": call.offset()})


def list_licenses(call: Call) -> Response:
    """Say how many licences of each kind there are and how many are in use."""
    users = [show_user(call)]
    counts = {kind: show_license(in_use=len(users) * (kind == LICENSES[0])) for kind in LICENSES}
    return one(counts)


def show_license(*, in_use: int) -> dict[str, Any]:
    """Return the count of one kind of licence; there is no limit."""
    return {
        "limited": False,
        "over_limit": False,
        "total": in_use,
        "in_use": in_use,
        "available": 0,
        "assigned": in_use,
        "enterprise_plan": True,
    }


def groups_of(call: Call) -> list[dict[str, Any]]:
    """Return the groups that everybody is in."""
    filters: dict[str, Any] = {"account_id": call.account_id, "kind": Kind.GROUP, "state": 1}
    filters |= {"order_by": "id", "limit": MAX_GROUPS, "offset": 0}
    page = store.list_settings(call.connection, filters)
    return [show(row) for row in page.rows if row.fields.get("assign_by_default")]


def show_user(call: Call) -> dict[str, Any]:
    """Return the user as the API shows it, for the token that asks."""
    account, token = stored_account(call), call.request.scope["token"]
    permission: dict[str, Any] = {
        "id": account.id,
        "account_id": account.id,
        "user_id": account.id,
        "license_type": LICENSES[0],
        "state": 1,
        "groups": groups_of(call),
    }
    return {
        "id": account.id,
        "email": EMAIL,
        "first_name": "Local",
        "last_name": "Owner",
        "fullname": "Local Owner",
        "apitoken_last_used": iso(token.last_used_at),
        "email_connected": False,
        "email_verified": False,
        **{f"{host}_connected": False for host in HOSTS},
        **{f"{host}_username": None for host in HOSTS},
        **{f"{host}_token_retrieval_failure": False for host in HOSTS},
        "enterprise_connected": False,
        "enterprise_authentication_method": None,
        "is_active": True,
        "is_staff": False,
        "last_login": None,
        "sso_only_user": False,
        "created_at": iso(account.created_at),
        "updated_at": iso(account.updated_at),
        "permissions": [permission],
        "licenses": {str(account.id): {"license_type": LICENSES[0], "permissions": [permission]}},
        "auth_provider_infos": {},
    }
