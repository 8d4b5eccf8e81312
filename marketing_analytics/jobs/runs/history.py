"""The last runs of jobs: how they ended and how long they took."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from marketing_analytics.core.console import Console
from marketing_analytics.jobs.plan import RemoteJob, time_of
from marketing_analytics.jobs.render import SCHEMA_VERSION, iso
from marketing_analytics.jobs.runs.choose import key_of
from marketing_analytics.jobs.runs.words import (
    age_words,
    duration_words,
    first_line,
    run_json,
    seconds_of,
    status_of,
    without_version,
)

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient

# a sign for each end: no colour is needed to tell them apart
SIGNS = {"success": "✓", "error": "✗", "cancelled": "-", "running": "▸", "starting": "▸"}
QUEUED_SIGN = "·"
BARS = "▁▂▃▄▅▆▇█"
STRIP_LENGTH = 20
# of a project's newest runs, so many are read for the history of all its jobs
MAX_RUNS = 500
RUN_COLUMNS = ("run", "status", "started (UTC)", "duration", "why")
RUN_EXPENDABLE = (4, 2)
JOB_COLUMNS = ("job", "last runs", "success", "median", "last run")
JOB_EXPENDABLE = (3, 4, 2)
TSV_COLUMNS = (
    *("job_id", "key", "run", "status", "started_at", "finished_at", "duration_seconds"),
    *("cause_category", "cause"),
)


@dataclass(frozen=True)
class History:
    """The newest runs of a job, the newest first."""

    job: RemoteJob
    runs: tuple[Mapping[str, Any], ...]

    @property
    def ended(self) -> list[Mapping[str, Any]]:
        """Return the runs that succeeded or failed; cancelled ones tell nothing of the job."""
        return [run for run in self.runs if status_of(run) in ("success", "error")]

    @property
    def success_share(self) -> float | None:
        """Return the share of runs that succeeded, or None without any."""
        ends = [status_of(run) == "success" for run in self.ended]
        return sum(ends) / len(ends) if ends else None

    @property
    def median_seconds(self) -> float | None:
        """Return the median duration of successful runs, or None without any."""
        found = [seconds_of(run) for run in self.runs if status_of(run) == "success"]
        known = [seconds for seconds in found if seconds is not None]
        return statistics.median(known) if known else None

    def strip(self) -> str:
        """Return how the last runs ended, the newest at the right."""
        shown = reversed(self.runs[:STRIP_LENGTH])
        return "".join(SIGNS.get(status_of(run), QUEUED_SIGN) for run in shown)

    def bars(self) -> str:
        """Return how long the last runs took, below the strip; the longest is the highest."""
        shown = [seconds_of(run) or 0.0 for run in reversed(self.runs[:STRIP_LENGTH])]
        longest = max(shown, default=0.0)
        if not longest:
            return ""
        top = len(BARS) - 1
        return "".join(BARS[round(seconds / longest * top)] for seconds in shown)

    def in_words(self) -> str:
        """Return the runs in a sentence."""
        if self.success_share is None:
            return f"{len(self.runs)} runs, none has succeeded or failed yet"
        good = sum(status_of(run) == "success" for run in self.ended)
        took = f", median {duration_words(self.median_seconds)}" if good else ""
        return f"{good} of {len(self.ended)} succeeded{took}"


def history_of(client: CloudClient, job: RemoteJob, count: int) -> History:
    """Return the newest runs of a job."""
    return History(job, tuple(client.list_runs(count, job_definition_id=job.job_id)))


def histories_of(
    client: CloudClient, jobs: Sequence[RemoteJob], project_id: int, count: int
) -> list[History]:
    """Return the newest runs of jobs, from the newest runs of the project: one call for 100.

    A job that has fewer among them than asked is read by itself where there are older ones.
    """
    found: dict[int, list[Mapping[str, Any]]] = {job.job_id: [] for job in jobs}
    read = client.list_runs(MAX_RUNS, project_id=project_id)
    for run in read:
        of_job = found.get(int(run.get("job_definition_id") or 0))
        if of_job is not None and len(of_job) < count:
            of_job.append(run)
    is_all = len(read) < MAX_RUNS
    return [
        History(job, tuple(found[job.job_id]))
        if is_all or len(found[job.job_id]) == count
        else history_of(client, job, count)
        for job in jobs
    ]


def print_history(console: Console, history: History, now: datetime) -> None:
    """Print the runs of one job: a strip and a table; TSV where nobody watches."""
    if not console.is_terminal:
        console.tsv(TSV_COLUMNS, tsv_rows(history))
        return
    console.prose(f"{key_of(history.job)} (job {history.job.job_id}): {history.in_words()}")
    if history.runs:
        console.line(f"  {history.strip()}  newest at the right")
        console.line(f"  {history.bars()}  duration")
        rows = [run_row(run, now) for run in history.runs]
        console.table(RUN_COLUMNS, rows, right=(0,), expendable=RUN_EXPENDABLE)


def print_histories(console: Console, histories: Sequence[History], now: datetime) -> None:
    """Print a line for each job; TSV of all runs where nobody watches."""
    if not console.is_terminal:
        console.tsv(TSV_COLUMNS, [row for history in histories for row in tsv_rows(history)])
        return
    console.table(
        JOB_COLUMNS, [job_row(history, now) for history in histories], expendable=JOB_EXPENDABLE
    )


def run_row(run: Mapping[str, Any], now: datetime) -> list[str]:
    """Return the cells of a run."""
    started = time_of(run.get("started_at"))
    return [
        str(run.get("id")),
        f"{SIGNS.get(status_of(run), QUEUED_SIGN)} {status_of(run)}",
        f"{started:%Y-%m-%d %H:%M}" if started else "-",
        duration_words(seconds_of(run, now)),
        why_of(run)[1] or why_of(run)[0] or "-",
    ]


def job_row(history: History, now: datetime) -> list[str]:
    """Return the cells of a job."""
    share = history.success_share
    newest = history.runs[0] if history.runs else None
    ended_at = time_of(newest.get("finished_at") or newest.get("created_at")) if newest else None
    return [
        key_of(history.job),
        history.strip() or "-",
        "-" if share is None else f"{share:.0%}",
        duration_words(history.median_seconds),
        f"{status_of(newest)}, {age_words(ended_at, now)} ago" if newest else "-",
    ]


def why_of(run: Mapping[str, Any]) -> tuple[str, str]:
    """Return what kind of trigger started a run, and its cause."""
    trigger = run.get("trigger")
    given = trigger if isinstance(trigger, Mapping) else {}
    return first_line(given.get("cause_category")), first_line(given.get("cause"))


def tsv_rows(history: History) -> list[list[str]]:
    """Return the cells of runs for programs; empty where there is nothing to say."""
    return [
        [
            "" if value is None else str(value)
            for value in (
                history.job.job_id,
                key_of(history.job),
                run.get("id"),
                status_of(run),
                iso(run.get("started_at")),
                iso(run.get("finished_at")),
                run_json(run)["duration_seconds"],
                *why_of(run),
            )
        ]
        for run in history.runs
    ]


def histories_json(histories: Sequence[History]) -> dict[str, Any]:
    """Return the histories as one document."""
    return {
        "schema_version": SCHEMA_VERSION,
        "jobs": [history_json(history) for history in histories],
    }


def history_json(history: History) -> dict[str, Any]:
    """Return the runs of a job for JSON."""
    share, median = history.success_share, history.median_seconds
    return {
        "job_id": history.job.job_id,
        "key": history.job.owner.key if history.job.owner else None,
        "name": history.job.name,
        "success_share": None if share is None else round(share, 4),
        "median_seconds": None if median is None else round(median, 1),
        "runs": [history_run_json(run, history.job) for run in history.runs],
    }


def history_run_json(run: Mapping[str, Any], job: RemoteJob) -> dict[str, Any]:
    """Return a run with what started it for JSON."""
    category, cause = why_of(run)
    facts = without_version(run_json(run, job))
    return {**facts, "cause_category": category or None, "cause": cause or None}
