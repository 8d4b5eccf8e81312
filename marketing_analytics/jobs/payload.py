"""A job as dbt Cloud stores it: from our model to a request body, and from an answer back.

Both sides are brought to one flat form, so that a plan compares only what the tool owns and
nothing differs by spelling alone (null and "", absent and 0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marketing_analytics.cloud_api.names import DESCRIPTION_LENGTH, Scope
from marketing_analytics.cloud_api.states import COMPLETION_NAMES, COMPLETIONS
from marketing_analytics.core.errors import FileError
from marketing_analytics.jobs.model import Job, JobFile

SCHEMA_VARIABLE = "DBT_SCHEMA"
MASKED = "**********"

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
            fields_of_job(file, job, scope, environment_id),
            env_vars_of(job, scope),
            levels[job.key],
        )
        for job in file.jobs
    ]


def fields_of_job(file: JobFile, job: Job, scope: Scope, environment_id: int) -> Fields:
    """Return the flat form of one job of the file."""
    return {
        "name": scope.name_of(job.key),
        "description": marked_description(file, job, scope),
        "environment_id": environment_id,
        "execute_steps": list(job.execute_steps),
        "schedule": job.schedule_cron,
        "after": (job.after.job, tuple(sorted(job.after.statuses))) if job.after else None,
        "threads": job.threads,
        "target_name": job.target_name,
        "timeout_seconds": job.timeout_seconds,
        "generate_docs": job.generate_docs,
        "run_source_freshness": job.run_source_freshness,
        "on_pull_request": job.on_pull_request,
        "on_merge": job.on_merge,
        "deferring_environment_id": job.deferring_environment_id,
        "dbt_version": job.dbt_version,
    }


def marked_description(file: JobFile, job: Job, scope: Scope) -> str:
    """Return the description with the ownership mark. Raise FileError when both do not fit."""
    mark = scope.mark_of(job.key)
    room = DESCRIPTION_LENGTH - len(mark) - 1
    if len(job.description) > room:
        raise too_long(file, job, room)
    return f"{job.description} {mark}".strip()


def too_long(file: JobFile, job: Job, room: int) -> FileError:
    """Return the error for a description that leaves no room for the mark."""
    return file.source.error(
        f'the description has {len(job.description)} characters (job "{job.key}")',
        job.places.get("description", job.places["key"]),
        f"write at most {room}: dbt Cloud keeps {DESCRIPTION_LENGTH}, the rest is the owner's mark",
    )


def env_vars_of(job: Job, scope: Scope) -> dict[str, str]:
    """Return the job's variables; a branch job writes to the schema of its branch and user."""
    own = {SCHEMA_VARIABLE: scope.schema} if scope.branch else {}
    return own | dict(job.env_vars)


def body_of(fields: Mapping[str, Any], job_ids: Mapping[str, int], project_id: int) -> Fields:
    """Return the request body of a job; `job_ids` finds the job that it runs after."""
    cron, on_pull_request = fields["schedule"], fields["on_pull_request"]
    return {
        "project_id": project_id,
        "environment_id": fields["environment_id"],
        "name": fields["name"],
        "description": fields["description"],
        "execute_steps": fields["execute_steps"],
        "state": 1,
        "dbt_version": fields["dbt_version"],
        "deferring_environment_id": fields["deferring_environment_id"],
        "generate_docs": fields["generate_docs"],
        "run_generate_sources": fields["run_source_freshness"],
        "settings": {"threads": fields["threads"], "target_name": fields["target_name"]},
        "execution": {"timeout_seconds": fields["timeout_seconds"]},
        "triggers": {
            "github_webhook": on_pull_request,
            "git_provider_webhook": on_pull_request,
            "schedule": cron is not None,
            "on_merge": fields["on_merge"],
        },
        "schedule": schedule_of(cron),
        "job_completion_trigger_condition": completion_of(fields["after"], job_ids, project_id),
    }


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
    triggers = remote.get("triggers") or {}
    settings = remote.get("settings") or {}
    return {
        "name": remote.get("name") or "",
        "description": remote.get("description") or "",
        "environment_id": remote.get("environment_id"),
        "execute_steps": list(remote.get("execute_steps") or []),
        "schedule": remote_cron(remote) if triggers.get("schedule") else None,
        "after": remote_after(remote, keys),
        "threads": settings.get("threads") or 1,
        "target_name": settings.get("target_name") or "default",
        "timeout_seconds": (remote.get("execution") or {}).get("timeout_seconds") or 0,
        "generate_docs": bool(remote.get("generate_docs")),
        "run_source_freshness": bool(remote.get("run_generate_sources")),
        "on_pull_request": remote_pull_request(triggers),
        "on_merge": bool(triggers.get("on_merge")),
        "deferring_environment_id": remote.get("deferring_environment_id") or None,
        "dbt_version": remote.get("dbt_version") or None,
    }


def remote_cron(remote: Mapping[str, Any]) -> str:
    """Return the cron expression of a scheduled job."""
    schedule = remote.get("schedule") or {}
    date = schedule.get("date") or {}
    return str(date.get("cron") or schedule.get("cron") or "")


def remote_pull_request(triggers: Mapping[str, Any]) -> bool | str:
    """Return whether both pull request triggers are on; a text when only one is."""
    both = {bool(triggers.get("github_webhook")), bool(triggers.get("git_provider_webhook"))}
    return "partly" if len(both) > 1 else both.pop()


def remote_after(
    remote: Mapping[str, Any], keys: Mapping[int, str]
) -> tuple[str, tuple[str, ...]] | None:
    """Return key and statuses of the job that this one runs after; `#id` when not ours."""
    condition = (remote.get("job_completion_trigger_condition") or {}).get("condition")
    if not condition:
        return None
    job_id = condition.get("job_id")
    statuses = {COMPLETION_NAMES.get(code, str(code)) for code in condition.get("statuses") or []}
    return keys.get(job_id, f"#{job_id}"), tuple(sorted(statuses))


def overrides_of(value: Any) -> list[Override] | None:
    """Return the job-level variables of an answer, or None when the answer has none."""
    if isinstance(value, Mapping):
        return overrides_by_name(value)
    if not isinstance(value, list):
        return None
    found = [item for item in value if isinstance(item, Mapping) and item.get("name")]
    return [
        Override(str(item["name"]), value_of(item), int(item["id"]))
        for item in found
        if item.get("type", "job") == "job" and item.get("id") is not None
    ]


def overrides_by_name(value: Mapping[str, Any]) -> list[Override]:
    """Return overrides from `{name: {"job": {"id", "value"}}}`."""
    jobs = {name: entry.get("job") for name, entry in value.items() if isinstance(entry, Mapping)}
    return [Override(name, value_of(job), int(job["id"])) for name, job in jobs.items() if job]


def value_of(item: Mapping[str, Any]) -> str:
    """Return an override's value under any of the names the API gives it."""
    for key in ("raw_value", "value", "display_value"):
        if item.get(key) is not None:
            return str(item[key])
    return ""
