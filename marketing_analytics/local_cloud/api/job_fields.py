"""The fields of a job: defaults, what a body may change, derivations, checks of form.

`read_job(body, None)` makes a new job, `read_job(body, job)` overlays an existing one: fields
that the body leaves out keep their value. Unknown fields are ignored, as dbt Cloud does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marketing_analytics.cloud_api.states import COMPLETIONS
from marketing_analytics.local_cloud.api.answers import ApiError, invalid_at
from marketing_analytics.local_cloud.api.checks import (
    REQUIRED,
    CheckError,
    Fields,
    boolean,
    identifier,
    identifier_or_none,
    mapping,
    name_text,
    number_between,
    one_of,
    text,
    text_or_none,
    texts,
)
from marketing_analytics.local_cloud.store.schedules import ScheduleError, normalise_schedule

JOB_TYPES = ("ci", "scheduled", "other", "merge", "exposure_sync", "adaptive", "hybrid")
# these win over what the triggers say
EXPLICIT_TYPES = ("ci", "merge", "adaptive", "exposure_sync", "hybrid")
TRIGGERS = ("github_webhook", "git_provider_webhook", "schedule", "on_merge")
STATE_AWARE = "state_aware_orchestration"
MAX_THREADS = 256
MAX_TIMEOUT_SECONDS = 86_400
MAX_STEPS = 100

DEFAULTS: dict[str, Any] = {
    "description": "",
    "dbt_version": None,
    "execute_steps": [],
    "state": 1,
    "deactivated": False,
    "deactivation_reason": None,
    "deferring_job_definition_id": None,
    "deferring_environment_id": None,
    "execution": {"timeout_seconds": 0},
    "settings": {"threads": 1, "target_name": "default"},
    "generate_docs": False,
    "run_generate_sources": False,
    "run_compare_changes": False,
    "compare_changes_flags": "--select state:modified",
    "run_lint": False,
    "errors_on_lint_failure": True,
    "triggers_on_draft_pr": False,
    "triggers": dict.fromkeys(TRIGGERS, False),
    "job_type": "other",
    "job_completion_trigger_condition": None,
    "force_node_selection": None,
    "cost_optimization_features": [],
    "schedule": normalise_schedule({}),
    "lifecycle_webhooks": False,
    "lifecycle_webhooks_url": None,
}
PLAIN_FIELDS = {
    "name": name_text,
    "description": text,
    "execute_steps": texts,
    "state": one_of(1, 2),
    "generate_docs": boolean,
    "run_compare_changes": boolean,
    "compare_changes_flags": text,
    "run_lint": boolean,
    "errors_on_lint_failure": boolean,
    "triggers_on_draft_pr": boolean,
    "cost_optimization_features": texts,
    "lifecycle_webhooks": boolean,
    "project_id": identifier,
    "environment_id": identifier,
}
# null in a body clears these
CLEARABLE_FIELDS = {
    "dbt_version": text_or_none,
    "deferring_job_definition_id": identifier_or_none,
    "deferring_environment_id": identifier_or_none,
    "force_node_selection": boolean,
    "lifecycle_webhooks_url": text_or_none,
}


def read_job(body: Mapping[str, Any], job: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a whole job from a body. Raise a 400 that names every wrong field."""
    fields = Fields(body)
    base = dict(job or DEFAULTS)
    result = dict(base)
    for name, reader in PLAIN_FIELDS.items():
        result[name] = fields.read(name, reader, base.get(name))
    for name, reader in CLEARABLE_FIELDS.items():
        result[name] = fields.read_or_clear(name, reader, base.get(name))
    result["run_generate_sources"] = read_source_freshness(fields, base)
    result["execution"] = {"timeout_seconds": read_timeout(fields, base)}
    result["settings"] = read_settings(fields, base["settings"])
    result["triggers"] = read_triggers(fields, base["triggers"])
    result["schedule"] = read_schedule(fields, base["schedule"])
    result["job_completion_trigger_condition"] = read_condition(fields, base)
    result["job_type"] = derive_job_type(fields, result["triggers"], job)
    check_required(fields, result)
    fields.check()
    check_features(result)
    return result


def check_features(job: Mapping[str, Any]) -> None:
    """Raise a 405 for state-aware orchestration on CI and merge jobs, as dbt Cloud does."""
    if STATE_AWARE in job["cost_optimization_features"] and job["job_type"] in ("ci", "merge"):
        raise ApiError(405, f"{STATE_AWARE} is not available for {job['job_type']} jobs.")


def check_required(fields: Fields, job: Mapping[str, Any]) -> None:
    """Note what a job cannot be without."""
    for name in ("name", "project_id", "environment_id"):
        if job.get(name) is None:
            fields.fail(REQUIRED, name)
    if len(job["execute_steps"]) > MAX_STEPS:
        fields.fail(f"expected at most {MAX_STEPS} steps", "execute_steps")
    if any(not step.strip() for step in job["execute_steps"]):
        fields.fail("expected steps that are not empty", "execute_steps")


def read_source_freshness(fields: Fields, base: Mapping[str, Any]) -> bool:
    """Return run_generate_sources; its old name is generate_sources."""
    old = fields.read("generate_sources", boolean, base["run_generate_sources"])
    return bool(fields.read("run_generate_sources", boolean, old))


def read_timeout(fields: Fields, base: Mapping[str, Any]) -> int:
    """Return the time limit in seconds, 0 for none."""
    inner = Fields(fields.read("execution", mapping, {}))
    limit = number_between(0, MAX_TIMEOUT_SECONDS)
    seconds = inner.read("timeout_seconds", limit, base["execution"]["timeout_seconds"])
    adopt_errors(fields, inner, "execution")
    return int(seconds)


def read_settings(fields: Fields, base: Mapping[str, Any]) -> dict[str, Any]:
    """Return threads and target name."""
    inner = Fields(fields.read("settings", mapping, {}))
    settings = {
        "threads": inner.read("threads", number_between(1, MAX_THREADS), base["threads"]),
        "target_name": inner.read("target_name", text, base["target_name"]) or "default",
    }
    adopt_errors(fields, inner, "settings")
    return settings


def read_triggers(fields: Fields, base: Mapping[str, Any]) -> dict[str, bool]:
    """Return the triggers, always four booleans; null is false."""
    given = fields.read("triggers", mapping, {})
    inner = Fields({name: False if value is None else value for name, value in given.items()})
    found = {name: bool(inner.read(name, boolean, base[name])) for name in TRIGGERS}
    adopt_errors(fields, inner, "triggers")
    return found


def adopt_errors(fields: Fields, inner: Fields, name: str) -> None:
    """Note the mistakes of a nested object."""
    if inner.errors:
        fields.errors.setdefault(name, inner.errors)


def read_schedule(fields: Fields, base: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schedule, normalised whenever the body holds one."""
    given = fields.read("schedule", mapping)
    if not given:
        return dict(base)
    try:
        return normalise_schedule(given)
    except ScheduleError as error:
        fields.fail(str(error), "schedule", *error.path)
        return dict(base)


def read_condition(fields: Fields, base: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the completion trigger; null removes it, statuses are those of an end."""
    name = "job_completion_trigger_condition"
    found = fields.read_or_clear(name, clean_condition, base[name])
    return found or None


def clean_condition(value: Any) -> dict[str, Any] | None:
    """Return `{"condition": {"job_id", "project_id", "statuses"}}`, None for an empty object."""
    given = mapping(value)
    if not given:
        return None
    condition = mapping(given.get("condition", given))
    statuses = condition.get("statuses")
    if not isinstance(statuses, list) or not statuses:
        known = ", ".join(f"{int(code)} ({code.word.lower()})" for code in COMPLETIONS.values())
        raise CheckError(f"expected statuses: a list of {known}")
    read_status = one_of(*COMPLETIONS.values())
    clean = {
        "job_id": identifier(condition.get("job_id")),
        "project_id": identifier(condition.get("project_id")),
        "statuses": list(dict.fromkeys(read_status(status) for status in statuses)),
    }
    return {"condition": clean}


def derive_job_type(
    fields: Fields, triggers: Mapping[str, bool], job: Mapping[str, Any] | None
) -> str:
    """Return the job type: git triggers first, then an explicit type, then the schedule."""
    given = fields.read("job_type", one_of(*JOB_TYPES))
    if triggers["github_webhook"] or triggers["git_provider_webhook"]:
        return "ci"
    if given in EXPLICIT_TYPES:
        return str(given)
    if triggers["on_merge"]:
        return "merge"
    # an explicit type stays when a body says nothing about it
    if given is None and job and job["job_type"] in EXPLICIT_TYPES and not has_triggers(fields):
        return str(job["job_type"])
    return "scheduled" if triggers["schedule"] else "other"


def has_triggers(fields: Fields) -> bool:
    """Return whether the body holds triggers."""
    return fields.body.get("triggers") is not None


def check_type_change(old: str, new: str) -> None:
    """Refuse what dbt Cloud refuses: CI to non-CI, adaptive to non-adaptive, and back."""
    for kind in ("ci", "adaptive"):
        if (old == kind) != (new == kind):
            raise invalid_at(
                f"a job of type {old} cannot become {new}; delete it and create another",
                "job_type",
            )
