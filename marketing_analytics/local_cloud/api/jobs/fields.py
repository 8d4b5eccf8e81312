"""The fields of a job: what a body may change, derivations, checks of form.

`read_job(body, None)` makes a new job, `read_job(body, job)` overlays an existing one: fields
that the body leaves out keep their value. Unknown fields are ignored, as dbt Cloud does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from marketing_analytics.cloud_api import attributes
from marketing_analytics.cloud_api.attributes import Attribute, flag, put, take
from marketing_analytics.cloud_api.states import COMPLETIONS
from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.api.answers import ApiError, invalid_at
from marketing_analytics.local_cloud.api.checks import (
    REQUIRED,
    CheckError,
    Fields,
    Reader,
    boolean,
    identifier,
    identifier_or_none,
    mapping,
    name_text,
    number_between,
    one_of,
    state_of_new,
    steps,
    text_or_none,
    text_up_to,
    texts,
)
from marketing_analytics.local_cloud.runs.checks.asked import DEFAULT_FLAGS, selection_of
from marketing_analytics.local_cloud.store.jobs import Job, JobFields
from marketing_analytics.local_cloud.store.schedules import (
    Schedule,
    ScheduleError,
    normalise_schedule,
)

JOB_TYPES = ("ci", "scheduled", "other", "merge", "exposure_sync", "adaptive", "hybrid")
# these win over what the triggers say
EXPLICIT_TYPES = ("ci", "merge", "adaptive", "exposure_sync", "hybrid")
STATE_AWARE = "state_aware_orchestration"
# what the API has and a job file has not
OTHER_FIELDS = (
    flag("triggers.schedule", "on the schedule"),
    flag("lifecycle_webhooks", "calls a hook"),
    Attribute(
        "compare_changes_flags",
        "text",
        "what to compare",
        absent=DEFAULT_FLAGS,
        places=("compare_changes_flags",),
    ),
    Attribute(
        "cost_optimization_features",
        "tags",
        "such as state-aware orchestration",
        absent=[],
        places=("cost_optimization_features",),
    ),
    Attribute("lifecycle_webhooks_url", "word", "the hook", places=("lifecycle_webhooks_url",)),
    Attribute(
        "deferring_job_definition_id",
        "identifier",
        "the older way to defer",
        places=("deferring_job_definition_id",),
    ),
)
# read by functions of their own
DERIVED = ("environment_id", "job_type")
# these have a column of their own
COLUMNS = ("project_id", "environment_id", "name", "description", "state")


def plain_fields() -> list[tuple[str, Attribute]]:
    """Return the fields that need no function of their own, each with its place in a body."""
    table = (*attributes.ATTRIBUTES, *OTHER_FIELDS)
    return [(place, a) for a in table if a.name not in DERIVED for place in a.places]


def default_job() -> dict[str, Any]:
    """Return what dbt Cloud takes for the fields that a new job is not given."""
    job: dict[str, Any] = {
        "state": 1,
        "deactivated": False,
        "deactivation_reason": None,
        "job_type": "other",
        "job_completion_trigger_condition": None,
        "schedule": normalise_schedule({}),
    }
    for place, attribute in plain_fields():
        put(job, place, deepcopy(attribute.absent))
    return job


def read_job(body: Mapping[str, Any], job: Job | None) -> JobFields:
    """Return a whole job from a body. Raise a 400 that names every wrong field."""
    fields = Fields(with_new_names(body))
    base = default_job() | (body_of(job) if job else {})
    result = dict(base)
    state = one_of(1, 2) if job else state_of_new
    for name, reader in (("name", name_text), *IDENTIFIERS, ("state", state)):
        result[name] = fields.read(name, reader, base.get(name))
    for place, attribute in plain_fields():
        read_plain(fields, place, attribute, result)
    result["schedule"] = read_schedule(fields, base["schedule"])
    result["job_completion_trigger_condition"] = read_condition(fields, base)
    result["job_type"] = derive_job_type(fields, result["triggers"], job)
    check_required(fields, result)
    check_flags(fields, result["compare_changes_flags"])
    fields.check()
    check_features(result)
    return fields_of(result)


def body_of(job: JobFields) -> dict[str, Any]:
    """Return a job as one object, as a body of the API has it."""
    return {**job.document, **{name: getattr(job, name) for name in COLUMNS}}


def fields_of(body: Mapping[str, Any]) -> JobFields:
    """Return a whole body as the store takes it."""
    payload = {name: value for name, value in body.items() if name not in COLUMNS}
    columns = {name: body[name] for name in COLUMNS}
    return JobFields(**columns, payload=json.dumps(payload))


IDENTIFIERS = (("project_id", identifier), ("environment_id", identifier))


def with_new_names(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a body that says run_generate_sources where it says generate_sources."""
    old = body.get("generate_sources")
    if old is None or body.get("run_generate_sources") is not None:
        return body
    return {**body, "run_generate_sources": old}


def read_plain(fields: Fields, place: str, attribute: Attribute, job: dict[str, Any]) -> None:
    """Overlay one field of a job; what is null is cleared where null is the field's nothing."""
    outer, _, name = place.rpartition(".")
    owner = Fields(fields.read(outer, mapping, {})) if outer else fields
    is_cleared_by_null = attribute.absent is None or outer == "triggers"
    read = owner.read_or_clear if is_cleared_by_null else owner.read
    value = read(name, reader_of(attribute), take(job, place))
    if outer:
        # a stored job shares its inner objects with others
        job[outer] = dict(job.get(outer) or {})
        for field, message in owner.errors.items():
            fields.fail(message, outer, field)
    put(job, place, attribute.absent if value is None else value)


def reader_of(attribute: Attribute) -> Reader:
    """Return what reads and checks the values of an attribute."""
    if attribute.kind == "flag":
        return boolean
    if attribute.kind == "count":
        return number_between(attribute.least, attribute.most)
    if attribute.kind == "identifier":
        return identifier_or_none
    if attribute.kind == "text":
        return text_up_to(attribute.most)
    if attribute.kind == "word":
        return word_of(attribute)
    return steps if attribute.kind == "steps" else texts


def word_of(attribute: Attribute) -> Reader:
    """Return a reader of texts in the attribute's form; an empty one is none."""

    def read(value: Any) -> str | None:
        word = text_or_none(value)
        if word and attribute.pattern and not re.fullmatch(attribute.pattern, word):
            raise CheckError(f"expected a text that matches {attribute.pattern}")
        return word

    return read


def check_features(job: Mapping[str, Any]) -> None:
    """Raise a 405 for state-aware orchestration on CI and merge jobs, as dbt Cloud does."""
    if STATE_AWARE in job["cost_optimization_features"] and job["job_type"] in ("ci", "merge"):
        raise ApiError(405, f"{STATE_AWARE} is not available for {job['job_type']} jobs.")


def check_required(fields: Fields, job: Mapping[str, Any]) -> None:
    """Note what a job cannot be without."""
    for name in ("name", "project_id", "environment_id"):
        if job.get(name) is None:
            fields.fail(REQUIRED, name)


def check_flags(fields: Fields, flags: str) -> None:
    """Note flags of the comparison that select nothing."""
    try:
        selection_of(flags)
    except UserError as error:
        fields.fail(f"{error.message}; {error.hint}", "compare_changes_flags")


def read_schedule(fields: Fields, base: Schedule) -> Schedule:
    """Return the schedule, normalised whenever the body holds one."""
    given = fields.read("schedule", mapping)
    if not given:
        return base
    try:
        return normalise_schedule(given)
    except ScheduleError as error:
        fields.fail(str(error), "schedule", *error.path)
        return base


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


def derive_job_type(fields: Fields, triggers: Mapping[str, bool], job: Job | None) -> str:
    """Return the job type: git triggers first, then an explicit type, then the schedule."""
    given = fields.read("job_type", one_of(*JOB_TYPES))
    if triggers["github_webhook"] or triggers["git_provider_webhook"]:
        return "ci"
    if given in EXPLICIT_TYPES:
        return str(given)
    if triggers["on_merge"]:
        return "merge"
    # an explicit type stays when a body says nothing about it
    old = job.document["job_type"] if job else None
    if given is None and old in EXPLICIT_TYPES and not has_triggers(fields):
        return str(old)
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
