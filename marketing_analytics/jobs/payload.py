"""A job as dbt Cloud stores it: from our model to a request body, and from an answer back.

Both sides are brought to one flat form, so that a plan compares only what the tool owns and
nothing differs by spelling alone (null and "", absent and 0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marketing_analytics.cloud_api import attributes
from marketing_analytics.cloud_api.attributes import Attribute, put, take, value_in
from marketing_analytics.cloud_api.limits import MAX_DESCRIPTION_LENGTH
from marketing_analytics.cloud_api.names import Scope, owner_of
from marketing_analytics.cloud_api.states import COMPLETION_NAMES, COMPLETIONS
from marketing_analytics.jobs.model import Job, JobFile

SCHEMA_VARIABLE = "DBT_SCHEMA"
MASKED = "**********"
# attributes that are more than a value at a place
CONVERTED = ("schedule_cron", "after", "keep")

Fields = dict[str, Any]


@dataclass(frozen=True)
class Override:
    """An environment variable of one job in dbt Cloud."""

    name: str
    value: str
    override_id: int


@dataclass(frozen=True)
class Desired:
    """A job as it shall be. `after` in fields is (key, statuses): ids come when applied."""

    key: str
    fields: Mapping[str, Any]
    env_vars: Mapping[str, str]
    level: int

    @property
    def name(self) -> str:
        """Return the job's name in dbt Cloud."""
        return str(self.fields["name"])


def desired_jobs(file: JobFile, scope: Scope, environment_id: int) -> list[Desired]:
    """Return the jobs of a file as they shall be in dbt Cloud, in file order."""
    levels = {job.key: n for n, layer in enumerate(file.layers()) for job in layer}
    return [
        Desired(
            job.key,
            fields_of_job(job, scope, environment_id),
            env_vars_of(job, scope),
            levels[job.key],
        )
        for job in file.jobs
    ]


def compared() -> list[Attribute]:
    """Return the attributes that dbt Cloud has: what a plan compares and a request sends."""
    return [a for a in attributes.ATTRIBUTES if a.places or a.name in CONVERTED]


def shown_name(field: str) -> str:
    """Return the name that a diff shows for a field of the flat form."""
    return next((a.in_diff for a in compared() if a.name == field), field)


def fields_of_job(job: Job, scope: Scope, environment_id: int) -> Fields:
    """Return the flat form of one job of the file: every field of dbt Cloud by attribute."""
    after = job.after
    made = {
        "description": marked_description(job, scope),
        "environment_id": job.environment_id or environment_id,
        "execute_steps": list(job.execute_steps),
        "after": (after.job, tuple(sorted(after.statuses))) if after else None,
    }
    values = {a.name: made.get(a.name, job.values[a.name]) for a in compared()}
    return {"name": scope.name_of(job.key), **values}


def marked_description(job: Job, scope: Scope) -> str:
    """Return the description with the ownership mark; its end is cut where both do not fit."""
    return described(job.description, scope.mark_of(job.key, is_kept=job.keep))


def described(text: str, mark: str) -> str:
    """Return a description that ends in a mark; the text is cut where both do not fit."""
    room = MAX_DESCRIPTION_LENGTH - len(mark) - 1
    shown = text if len(text) <= room else f"{text[: room - 1].rstrip()}…"
    return f"{shown} {mark}".strip()


def env_vars_of(job: Job, scope: Scope) -> dict[str, str]:
    """Return the job's variables; a branch job writes to the schema of its branch and user."""
    own = {SCHEMA_VARIABLE: scope.schema} if scope.branch else {}
    return own | dict(job.env_vars)


def body_of(fields: Mapping[str, Any], job_ids: Mapping[str, int], project_id: int) -> Fields:
    """Return the request body of a job; `job_ids` finds the job that it runs after."""
    cron, after = fields["schedule_cron"], fields["after"]
    body = {
        "project_id": project_id,
        "name": fields["name"],
        "state": 1,
        "schedule": schedule_of(cron),
        "job_completion_trigger_condition": completion_of(after, job_ids, project_id),
    }
    for attribute in compared():
        value = fields[attribute.name]
        if attribute.is_left_alone and value is None:
            continue
        for place in attribute.places:
            put(body, place, value)
    put(body, "triggers.schedule", cron is not None)
    return body


def without_starts(body: Fields) -> Fields:
    """Return the body of a job that nothing starts by itself yet.

    Pull request triggers stay: dbt Cloud cannot turn them on later, and it gives those runs
    a schema of their own.
    """
    triggers = {**body["triggers"], "schedule": False, "on_merge": False}
    return {**body, "triggers": triggers, "job_completion_trigger_condition": None}


def schedule_of(cron: str | None) -> Fields:
    """Return the schedule object; dbt Cloud wants one also when nothing is scheduled."""
    time = {"type": "every_hour", "interval": 1}
    if cron is None:
        return {"cron": "0 * * * *", "date": {"type": "every_day"}, "time": time}
    return {"cron": cron, "date": {"type": "custom_cron", "cron": cron}, "time": time}


def completion_of(
    after: tuple[str, tuple[str, ...]] | None, job_ids: Mapping[str, int], project_id: int
) -> Fields | None:
    """Return the condition object of a chained job."""
    if after is None:
        return None
    key, statuses = after
    return {
        "condition": {
            "job_id": job_ids[key],
            "project_id": project_id,
            "statuses": sorted(int(COMPLETIONS[status]) for status in statuses),
        }
    }


def fields_of_remote(remote: Mapping[str, Any], keys: Mapping[int, str]) -> Fields:
    """Return the flat form of a job in dbt Cloud; `keys` names our jobs by id."""
    owner = owner_of(remote.get("description"))
    converted = {
        "schedule_cron": remote_cron(remote),
        "after": remote_after(remote, keys),
        "keep": owner is not None and owner.is_kept,
    }
    values = {
        a.name: converted[a.name] if a.name in CONVERTED else value_in(a, remote)
        for a in compared()
    }
    return {"name": remote.get("name") or "", **values}


def fixed_type(fields: Mapping[str, Any]) -> str:
    """Return the part of a job's type that dbt Cloud cannot change in place."""
    if fields["on_pull_request"]:
        return "ci"
    return fields["job_type"] if fields["job_type"] in ("ci", "adaptive") else ""


def remote_cron(remote: Mapping[str, Any]) -> str | None:
    """Return the cron expression of a scheduled job."""
    if not take(remote, "triggers.schedule"):
        return None
    return str(take(remote, "schedule.date.cron") or take(remote, "schedule.cron") or "")


def remote_after(
    remote: Mapping[str, Any], keys: Mapping[int, str]
) -> tuple[str, tuple[str, ...]] | None:
    """Return key and statuses of the job that this one runs after; `#id` when not ours."""
    condition = take(remote, "job_completion_trigger_condition.condition")
    if not condition:
        return None
    job_id, codes = take(condition, "job_id"), take(condition, "statuses")
    names: Mapping[Any, str] = COMPLETION_NAMES
    statuses = {
        names.get(code, str(code)) if isinstance(code, int) else str(code)
        for code in (codes if isinstance(codes, list) else [])
    }
    known = keys.get(job_id) if isinstance(job_id, int) else None
    return known or f"#{job_id}", tuple(sorted(statuses))


def overrides_of(value: Any) -> list[Override] | None:
    """Return the job-level variables of an answer, or None when the answer has none."""
    if isinstance(value, Mapping):
        return overrides_by_name(value)
    if not isinstance(value, list):
        return None
    found = [item for item in value if isinstance(item, Mapping) and item.get("name")]
    return [
        Override(str(item["name"]), value_of(item), item["id"])
        for item in found
        if item.get("type", "job") == "job" and isinstance(item.get("id"), int)
    ]


def overrides_by_name(value: Mapping[str, Any]) -> list[Override]:
    """Return overrides from `{name: {"job": {"id", "value"}}}`."""
    jobs = {name: entry.get("job") for name, entry in value.items() if isinstance(entry, Mapping)}
    return [
        Override(name, value_of(job), job["id"])
        for name, job in jobs.items()
        if isinstance(job, Mapping) and isinstance(job.get("id"), int)
    ]


def value_of(item: Mapping[str, Any]) -> str:
    """Return an override's value under any of the names the API gives it."""
    for key in ("raw_value", "value", "display_value"):
        if item.get(key) is not None:
            return str(item[key])
    return ""
