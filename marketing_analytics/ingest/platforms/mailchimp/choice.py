"""The audiences that are wanted, and what belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marketing_analytics.ingest.access.settings import names_in
from marketing_analytics.ingest.engine.governor import AccountError
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.tables import pluck_one

CHOICE = "MAILCHIMP_AUDIENCE_IDS"


def wanted(job: Job) -> set[str]:
    """Return the ids of the audiences asked for, empty for all."""
    return set(names_in(job.settings.get(CHOICE, "")))


def of_audiences(job: Job, rows: Sequence[dict[str, Any]], path: str) -> list[dict[str, Any]]:
    """Return the rows whose audience, at `path`, is asked for."""
    asked = wanted(job)
    if not asked:
        return list(rows)
    found = (pluck_one([row], path.split("."))[0] for row in rows)
    return [row for row, audience in zip(rows, found, strict=True) if audience in asked]


def lose_absent(job: Job, audiences: Sequence[dict[str, Any]]) -> None:
    """Tell which of the audiences asked for the account does not have."""
    known = sorted(str(row["id"]) for row in audiences if row.get("id"))
    for absent in sorted(wanted(job) - set(known)):
        error = AccountError(
            "the account of the key has no such audience",
            hint=f"check {CHOICE}; audiences are {', '.join(known) or 'none'}",
        )
        job.lose(absent, error, "audience")
