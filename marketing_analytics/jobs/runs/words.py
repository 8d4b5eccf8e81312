"""What an answer says about a run: its status, how long it took, how it ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marketing_analytics.cloud_api.states import ENDED, Status
from marketing_analytics.core.errors import (
    EXIT_FAILED,
    EXIT_OK,
    EXIT_RUN_CANCELLED,
    EXIT_RUN_TIMED_OUT,
)
from marketing_analytics.core.signs import visible
from marketing_analytics.jobs.plan import RemoteJob, time_of
from marketing_analytics.jobs.render import SCHEMA_VERSION, iso

WORDS = {int(status): status.word.lower() for status in Status}
ANSI = re.compile(r"\x1b\[[0-9;]*m")
TIMED_OUT = re.compile(r"tim(?:ed|e)[ -]?out", re.IGNORECASE)
# how several runs end: an error says more than a run that was stopped
WORST_FIRST = (EXIT_FAILED, EXIT_RUN_TIMED_OUT, EXIT_RUN_CANCELLED)


def status_of(item: Mapping[str, Any]) -> str:
    """Return the status of a run or step in a word."""
    status = item.get("status")
    if isinstance(status, int):
        return WORDS.get(status, str(status))
    return visible(str(item.get("status_humanized") or status or "queued").lower())


def is_final(run: Mapping[str, Any]) -> bool:
    """Return whether a run has ended."""
    return status_of(run) in {WORDS[status] for status in ENDED}


def run_exit_code(run: Mapping[str, Any]) -> int:
    """Return 0 for success, 1 error, 20 cancelled, 21 timed out."""
    status = status_of(run)
    if status == "success":
        return EXIT_OK
    if status != "cancelled":
        return EXIT_FAILED
    is_late = TIMED_OUT.search(str(run.get("status_message") or ""))
    return EXIT_RUN_TIMED_OUT if is_late else EXIT_RUN_CANCELLED


def worst_of(codes: list[int]) -> int:
    """Return the exit code of several runs: 0 when all are, else the worst."""
    return next((code for code in WORST_FIRST if code in codes), max(codes, default=EXIT_OK))


def first_line(text: Any) -> str:
    """Return the first line of a text that may be missing."""
    return visible(str(text or "").strip().partition("\n")[0])


def link_of(run: Mapping[str, Any]) -> str:
    """Return the address of a run's page, or nothing."""
    return first_line(run.get("href"))


def lines_of(step: Mapping[str, Any]) -> list[str]:
    """Return a step's log lines, without colours; nothing in them moves the cursor."""
    return [visible(line) for line in ANSI.sub("", str(step.get("logs") or "")).splitlines()]


def seconds_of(run: Mapping[str, Any], now: datetime | None = None) -> float | None:
    """Return how long a run ran, to now where it has not ended; None when it did not start."""
    started = time_of(run.get("started_at"))
    ended = time_of(run.get("finished_at"))
    if started is None:
        return None
    return max(0.0, ((ended or now or datetime.now(UTC)) - started).total_seconds())


def duration_words(seconds: float | None) -> str:
    """Return a duration in its two largest units, such as `3 min 05 s`; a dash for None."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600:02d} h"


def age_words(at: datetime | None, now: datetime) -> str:
    """Return how long ago a time was, in its largest unit, such as `3 days`."""
    if at is None:
        return "-"
    left = max(0, int((now - at).total_seconds()))
    units = (("day", 86_400), ("h", 3_600), ("min", 60))
    for name, size in units:
        if left >= size:
            count = left // size
            plural = "s" if name == "day" and count > 1 else ""
            return f"{count} {name}{plural}"
    return f"{left} s"


def run_json(run: Mapping[str, Any], job: RemoteJob | None = None) -> dict[str, Any]:
    """Return a run for JSON."""
    seconds = seconds_of(run)
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": run.get("id"),
        "job_id": run.get("job_definition_id") or run.get("job_id"),
        "key": job.owner.key if job and job.owner else None,
        "name": job.name if job else None,
        "environment_id": run.get("environment_id"),
        "status": status_of(run),
        "href": run.get("href"),
        "started_at": iso(run.get("started_at")),
        "finished_at": iso(run.get("finished_at")),
        "duration_seconds": None if seconds is None else round(seconds, 1),
    }


def runs_json(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return several runs as one document."""
    return {"schema_version": SCHEMA_VERSION, "runs": [without_version(run) for run in runs]}


def without_version(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document as a part of another one."""
    return {name: value for name, value in document.items() if name != "schema_version"}
