"""Environment variables as the API shows them; secret values are masked."""

from __future__ import annotations

from typing import Any

from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.store.variables import Variable, list_job_variables

MASK = "**********"
SECRET_PREFIX = "DBT_ENV_SECRET"  # noqa: S105


def is_secret(name: str) -> bool:
    """Return whether values of a variable of this name are never shown."""
    return name.startswith(SECRET_PREFIX)


def shown_value(variable: Variable) -> str:
    """Return a value, or the mask for a secret."""
    return MASK if is_secret(variable.name) else variable.value


def show_variable(variable: Variable) -> dict[str, Any]:
    """Return one value with its scope; clients read `display_value`."""
    return {
        "id": variable.id,
        "account_id": variable.account_id,
        "project_id": variable.project_id,
        "environment_id": variable.environment_id,
        "job_definition_id": variable.job_id,
        "user_id": None,
        "name": variable.name,
        "type": variable.scope,
        "display_value": shown_value(variable),
        "state": 1,
    }


def include_job_variables(call: Call, shown: list[dict[str, Any]]) -> None:
    """Put its overrides into every job: one statement for the whole page."""
    found: dict[int, list[dict[str, Any]]] = {job["id"]: [] for job in shown}
    for variable in list_job_variables(call.connection, found):
        found[variable.job_id or 0].append(show_variable(variable))
    for job in shown:
        job["custom_environment_variables"] = found[job["id"]]
