"""What the jobs list and a job's page show, built from rows of the store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from marketing_analytics.cloud_api.cron import cron_in_words, next_ticks
from marketing_analytics.cloud_api.names import without_mark
from marketing_analytics.cloud_api.states import ACTIVE, Status
from marketing_analytics.core.redaction import MASK, is_secret_name, redact
from marketing_analytics.local_cloud.pages.naming import JobName, job_name
from marketing_analytics.local_cloud.pages.reads import Reads, Row
from marketing_analytics.local_cloud.pages.states import NEVER_RAN, State, run_state
from marketing_analytics.web.words import (
    duration_words,
    parse_time,
    seconds_between,
)

STRIP_LENGTH = 10
STRIP_HEIGHT = 26
MIN_BAR_HEIGHT = 6
JOBS_PER_PAGE = 50
STATE_FILTERS = ("success", "error", "running", "queued", "cancelled", "never")


@dataclass(frozen=True)
class StripBar:
    """One past result in a strip; place counts from the left."""

    run_id: int
    place: int
    height: int
    state: State
    words: str


@dataclass(frozen=True)
class JobLine:
    """One job in the list."""

    job_id: int
    name: JobName
    description: str
    environment_id: int
    environment: str
    schedule: str
    is_scheduled: bool
    next_run_at: datetime | None
    state: State
    strip: list[StripBar]
    strip_words: str
    last_run_at: datetime | None
    last_duration: str
    active_run_id: int | None


@dataclass(frozen=True)
class JobFilter:
    """The jobs list's filter, as it stands in the address."""

    search: str = ""
    state: str = ""
    environment_id: int | None = None

    def has(self, line: JobLine) -> bool:
        """Return whether the list shows this job."""
        if self.environment_id is not None and line.environment_id != self.environment_id:
            return False
        if self.state and not _is_in_state(line.state, self.state):
            return False
        text = f"{line.name.full} {line.description} {line.job_id}".lower()
        return all(word in text for word in self.search.lower().split())


def _is_in_state(state: State, wanted: str) -> bool:
    return wanted == "never" if state is NEVER_RAN else state.tone == wanted


def list_jobs(reads: Reads, now: datetime) -> list[JobLine]:
    """Return every active job with its last results."""
    runs: dict[int, list[Row]] = {}
    for run in reads.rows("last_runs_of_jobs", per_job=STRIP_LENGTH):
        runs.setdefault(run["job_id"], []).append(run)
    return [_line(row, runs.get(row["id"], []), now) for row in reads.rows("list_jobs")]


def _line(row: Row, runs: Sequence[Row], now: datetime) -> JobLine:
    last = runs[-1] if runs else None
    active = [run["id"] for run in runs if run["status"] in ACTIVE]
    seconds = seconds_between(last["started_at"], last["finished_at"], now) if last else None
    return JobLine(
        job_id=row["id"],
        name=job_name(row["name"], row["description"]),
        description=without_mark(row["description"]),
        environment_id=row["environment_id"],
        environment=row["environment_name"],
        schedule=cron_in_words(row["cron"]) if row["is_scheduled"] else "On demand",
        is_scheduled=bool(row["is_scheduled"]),
        next_run_at=parse_time(row["next_run_at"]) if row["is_scheduled"] else None,
        state=state_of(last) if last else NEVER_RAN,
        strip=strip_of(runs, now),
        strip_words=strip_words(runs),
        last_run_at=parse_time(last["created_at"]) if last else None,
        last_duration=duration_words(seconds) if last else "",
        active_run_id=active[0] if active else None,
    )


def state_of(run: Row) -> State:
    """Return the state of a run's row."""
    return run_state(
        run["status"], is_crashed=bool(run["is_crashed"]), is_timed_out=bool(run["is_timed_out"])
    )


def strip_of(runs: Sequence[Row], now: datetime) -> list[StripBar]:
    """Return bars, oldest first, the newest at the right; height is the share of the longest."""
    spans = [seconds_between(run["started_at"], run["finished_at"], now) or 0.0 for run in runs]
    longest = max(spans, default=0.0) or 1.0
    first = STRIP_LENGTH - len(runs)
    bars = []
    for place, (run, seconds) in enumerate(zip(runs, spans, strict=True)):
        state = state_of(run)
        room = STRIP_HEIGHT - MIN_BAR_HEIGHT
        height = MIN_BAR_HEIGHT + round(room * seconds / longest)
        words = f"run {run['id']}: {state.word}, {duration_words(seconds)}"
        bars.append(StripBar(run["id"], first + place, height, state, words))
    return bars


def strip_words(runs: Iterable[Row]) -> str:
    """Return the strip as a sentence for screen readers."""
    statuses = [run["status"] for run in runs]
    if not statuses:
        return "no results yet"
    good, bad = statuses.count(Status.SUCCESS), statuses.count(Status.ERROR)
    rest = len(statuses) - good - bad
    others = f", {rest} other" if rest else ""
    return f"last {len(statuses)} results: {good} success, {bad} error{others}"


@dataclass(frozen=True)
class Variable:
    """An environment variable as a job sees it; secret values are masked."""

    name: str
    value: str
    scope: str


@dataclass(frozen=True)
class JobPage:
    """Everything a job's page shows but its runs."""

    job_id: int
    name: JobName
    description: str
    is_deleted: bool
    environment: str
    project: str
    steps: list[str]
    settings: list[tuple[str, str]]
    variables: list[Variable]
    schedule: str
    cron: str
    is_scheduled: bool
    ticks: list[datetime] = field(default_factory=list)


def job_page(reads: Reads, job_id: int, now: datetime) -> JobPage | None:
    """Return a job's page, or None when there is no such job."""
    row = reads.row("get_job", job_id=job_id)
    if row is None:
        return None
    payload = json_object(row["payload"])
    is_scheduled = bool(row["is_scheduled"]) and row["state"] == 1
    return JobPage(
        job_id=job_id,
        name=job_name(row["name"], row["description"]),
        description=without_mark(row["description"]),
        is_deleted=row["state"] != 1,
        environment=row["environment_name"],
        project=row["project_name"],
        steps=[redact(str(step)) for step in payload.get("execute_steps") or []],
        settings=_settings(payload),
        variables=_variables(reads, row),
        schedule=cron_in_words(row["cron"]) if is_scheduled else "On demand",
        cron=row["cron"] or "",
        is_scheduled=is_scheduled,
        ticks=next_ticks(row["cron"], now.astimezone(UTC), 5) if is_scheduled else [],
    )


def json_object(text: str | None) -> dict[str, Any]:
    """Return a stored JSON object; an empty one when it is anything else."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _settings(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    settings = payload.get("settings") or {}
    execution = payload.get("execution") or {}
    timeout = execution.get("timeout_seconds") or 0
    triggers = [
        name.replace("_", " ") for name, is_on in (payload.get("triggers") or {}).items() if is_on
    ]
    condition = (payload.get("job_completion_trigger_condition") or {}).get("condition") or {}
    rows = [
        ("Threads", str(settings.get("threads") or "default")),
        ("Target", str(settings.get("target_name") or "default")),
        ("Timeout", duration_words(timeout) if timeout else "none"),
        ("Source freshness", _yes_no(payload.get("run_generate_sources"))),
        ("Generate docs", _yes_no(payload.get("generate_docs"))),
        ("dbt version", str(payload.get("dbt_version") or "of the environment")),
        ("Triggers", ", ".join(triggers) or "API only"),
    ]
    if condition.get("job_id"):
        rows.append(("After job", str(condition["job_id"])))
    if payload.get("deferring_environment_id"):
        rows.append(("Defers to environment", str(payload["deferring_environment_id"])))
    return rows


def _yes_no(value: object) -> str:
    return "yes" if value else "no"


def _variables(reads: Reads, job: Row) -> list[Variable]:
    rows = reads.rows(
        "list_job_variables",
        project_id=job["project_id"],
        environment_id=job["environment_id"],
        job_id=job["id"],
    )
    # job before environment before project: the last one written wins
    chosen: dict[str, tuple[int, Variable]] = {}
    for row in rows:
        rank = 2 if row["job_id"] else 1 if row["environment_id"] else 0
        if row["name"] not in chosen or rank > chosen[row["name"]][0]:
            scope = ("project", "environment", "job")[rank]
            chosen[row["name"]] = (rank, Variable(row["name"], shown_value(row), scope))
    return [variable for _, variable in chosen.values()]


def shown_value(row: Row) -> str:
    """Return a variable's value, masked when its name says secret."""
    return MASK if is_secret_name(row["name"]) else redact(row["value"])
