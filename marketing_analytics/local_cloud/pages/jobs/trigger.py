"""A run with changes: the form, and what of it the run overrides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketing_analytics.cloud_api.limits import MAX_THREADS, MAX_TIMEOUT_SECONDS
from marketing_analytics.core.errors import UserError
from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.naming import JobName, job_name
from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.store.jobs import ACTIVE, get_placed_job

TEXTS = ("git_branch", "git_sha", "schema_override", "target_name_override")
NUMBERS = {
    "threads_override": (1, MAX_THREADS),
    "timeout_seconds_override": (0, MAX_TIMEOUT_SECONDS),
}
CHOICES = {"yes": True, "no": False}
DOCS = "generate_docs_override"
STEPS = "steps_override"


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
