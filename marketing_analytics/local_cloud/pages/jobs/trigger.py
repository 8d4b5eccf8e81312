"""A run with changes: the form, and what of it the run overrides."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketing_analytics.cloud_api.limits import MAX_THREADS, MAX_TIMEOUT_SECONDS
from marketing_analytics.core.errors import UserError
from marketing_analytics.core.redaction import redact
from marketing_analytics.core.yaml_text import load_yaml
from marketing_analytics.local_cloud.pages.naming import JobName, job_name
from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.store.jobs import ACTIVE, get_placed_job

TEXTS = ("git_branch", "git_sha", "schema_override", "target_name_override")
NUMBERS = {
    "threads_override": (1, MAX_THREADS),
    "timeout_seconds_override": (0, MAX_TIMEOUT_SECONDS),
}
VARS_HINT = "write one a line, such as `days: 7`; nothing was started"
CHOICES = {"yes": True, "no": False}
DOCS = "generate_docs_override"
STEPS = "steps_override"
VARS = "vars"
# commands of dbt that take variables
TAKE_VARS = frozenset(
    {"build", "clone", "compile", "docs", "list", "ls", "parse", "retry", "run", "run-operation"}
    | {"seed", "show", "snapshot", "source", "test"}
)


@dataclass(frozen=True)
class TriggerForm:
    """The form: `given` are the overrides that it begins with, all as texts."""

    job_id: int
    job: JobName
    steps: list[str]
    given: Mapping[str, str]
    from_run: int | None


def trigger_form(
    reads: Reads, job_id: int, given: Mapping[str, Any], from_run: int | None
) -> TriggerForm | None:
    """Return the form of an active job, None when there is none; `given` are those of a run."""
    job = get_placed_job(reads.connection, job_id, reads.account_id)
    if job is None or job.state != ACTIVE:
        return None
    steps = [str(step) for step in given.get(STEPS) or job.document.get("execute_steps") or []]
    docs = {True: "yes", False: "no"}.get(given.get(DOCS, None), "")
    texts = {name: given.get(name) for name in (*TEXTS, *NUMBERS)}
    return TriggerForm(
        job_id=job_id,
        job=job_name(job.name, job.description),
        steps=[redact(step) for step in steps],
        given={DOCS: docs, **{n: "" if v is None else str(v) for n, v in texts.items()}},
        from_run=from_run,
    )


def overrides_of(fields: Mapping[str, str], own_steps: Sequence[str]) -> dict[str, Any]:
    """Return what a sent form overrides; what is empty stays as the job has it.

    Raise UserError for what is no number or not within its bounds.
    """
    found: dict[str, Any] = {}
    steps = [line.strip() for line in fields.get("steps", "").splitlines() if line.strip()]
    # a masked step would be run with its mask: what was not touched is left to the job
    if steps and steps != [redact(step) for step in own_steps]:
        found[STEPS] = steps
    if given := fields.get(VARS, "").strip():
        found[STEPS] = with_vars(found.get(STEPS) or own_steps, variables_of(given))
    for name in TEXTS:
        text = fields.get(name, "").strip()
        if text:
            found[name] = text
    for name, bounds in NUMBERS.items():
        text = fields.get(name, "").strip()
        if text:
            found[name] = number_within(name, text, bounds)
    if fields.get(DOCS) in CHOICES:
        found[DOCS] = CHOICES[fields[DOCS]]
    return found


def variables_of(text: str) -> str:
    """Return variables of dbt as the value of --vars. Raise UserError for what is no mapping."""
    import yaml  # type: ignore[import-untyped]

    try:
        found = load_yaml(text)
    except yaml.YAMLError as error:
        raise UserError(f"cannot read the variables: {error}", hint=VARS_HINT) from None
    except RecursionError:
        raise UserError("the variables are nested too deeply", hint=VARS_HINT) from None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise UserError("the variables are no names with values", hint=VARS_HINT)
    try:
        # a date of YAML is a text to dbt
        return json.dumps(found, default=str)
    except ValueError:
        raise UserError("the variables refer to themselves", hint=VARS_HINT) from None


def with_vars(steps: Sequence[str], variables: str) -> list[str]:
    """Return steps that give dbt variables. Raise UserError where one has variables already."""
    own = next((step for step in steps if re.search(r"(^|\s)--vars\b", step)), None)
    if own is not None:
        raise UserError(
            f"the step {redact(own)!r} has --vars already",
            hint="change them in the step, and leave the field of variables empty",
        )
    option = f" --vars {shlex.quote(variables)}"
    return [step + option if takes_vars(step) else step for step in steps]


def takes_vars(step: str) -> bool:
    """Return whether a step is a command that takes variables."""
    return bool(TAKE_VARS.intersection(step.split()[1:]))


def number_within(name: str, text: str, bounds: tuple[int, int]) -> int:
    """Return a whole number. Raise UserError when it is none, or out of its bounds."""
    low, high = bounds
    if text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high:
        return int(text)
    what = name.removesuffix("_override").replace("_", " ")
    raise UserError(
        f"{what} is a whole number from {low} to {high}, not {text[:40]!r}",
        hint="go back and correct it; nothing was started",
    )
