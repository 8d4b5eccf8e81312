"""Account operations, the same in versions 2 and 3."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from marketing_analytics.local_cloud.api.answers import many, not_found, one
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.api.moments import iso
from marketing_analytics.local_cloud.store.accounts import Account, get_account


def list_accounts(call: Call) -> Response:
    """List the one account a token opens; the real API has no limit among these filters."""
    account = stored_account(call)
    filters = {"pk__in": [account.id], "limit": call.limit(), "offset": call.offset()}
    shown = [show_account(account)][call.offset() :]
    return many(shown, 1, filters)


def read(call: Call) -> Response:
    """Read an account."""
    return one(show_account(stored_account(call)))


def stored_account(call: Call) -> Account:
    """Return the account. Raise a 404."""
    account = get_account(call.connection, call.account_id)
    if account is None:
        raise not_found()
    return account


def show_account(account: Account) -> dict[str, Any]:
    """Return an account as the API shows it; plan fields that mean nothing here are null."""
    return {
        "id": account.id,
        "name": account.name,
        "plan": "enterprise",
        "run_slots": account.run_slots,
        "developer_seats": 0,
        "it_seats": 0,
        "explorer_seats": 0,
        "analyst_seats": 0,
        "read_only_seats": 0,
        "locked": False,
        "lock_reason": None,
        "lock_cause": None,
        "unlocked_at": None,
        "pending_cancel": False,
        "billing_email_address": None,
        "pod_memory_request_mebibytes": None,
        "develop_pod_memory_request_mebibytes": None,
        "run_duration_limit_seconds": 86_400,
        "queue_limit": None,
        "enterprise_login_slug": None,
        "business_critical": False,
        "starter_repo_url": None,
        "git_auth_level": None,
        "identifier": None,
        "trial_end_date": None,
        "static_subdomain": None,
        "vanity_subdomain": None,
        "run_locked_until": None,
        "state": account.state,
        "docs_job_id": None,
        "freshness_job_id": None,
        "copilot_locked_until": None,
        "agent_credit_locked": False,
        "account_migration_events": [],
        "groups": [],
        "created_at": iso(account.created_at),
        "updated_at": iso(account.updated_at),
    }
