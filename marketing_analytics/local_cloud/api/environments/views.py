"""Environments as versions 2 and 3 of the API show them."""

from __future__ import annotations

from typing import Any

from marketing_analytics.local_cloud.api.moments import iso
from marketing_analytics.local_cloud.store.environments import Environment

# what a request may leave out, and what it means then
PAYLOAD_DEFAULTS: dict[str, Any] = {
    "use_custom_branch": False,
    "custom_branch": None,
    "supports_docs": False,
    "credentials_id": None,
    "connection_id": None,
    "repository_id": None,
    "extended_attributes_id": None,
    "primary_profile_id": None,
    "enable_model_query_history": False,
    "dbt_project_subdirectory": None,
}


def environment_v3(environment: Environment) -> dict[str, Any]:
    """Return an environment; `jobs` and its variables are null, lists break clients."""
    others = environment.others
    return {
        "id": environment.id,
        "account_id": environment.account_id,
        "project_id": environment.project_id,
        "name": environment.name,
        "dbt_version": environment.dbt_version,
        "raw_dbt_version": environment.dbt_version,
        "type": environment.type,
        "deployment_type": environment.deployment_type,
        **{key: others.get(key, value) for key, value in PAYLOAD_DEFAULTS.items()},
        "state": environment.state,
        "created_at": iso(environment.created_at),
        "updated_at": iso(environment.updated_at),
        "is_deferrable": False,
        "project": None,
        "jobs": None,
        "credentials": None,
        "custom_environment_variables": None,
        "repository": None,
        "connection": None,
        "fusion_readiness": None,
    }


def environment_v2(environment: Environment) -> dict[str, Any]:
    """Return an environment as version 2 shows it, also inside jobs and runs."""
    shown = environment_v3(environment)
    for key in ("primary_profile_id", "enable_model_query_history", "fusion_readiness"):
        del shown[key]
    return {**shown, "created_by_id": None}
