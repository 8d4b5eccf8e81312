"""What the jobs list and a job's page show, built from rows of the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from marketing_analytics.cloud_api.attributes import ATTRIBUTES, Attribute, value_in
from marketing_analytics.cloud_api.cron import cron_in_words
from marketing_analytics.cloud_api.names import without_mark
from marketing_analytics.cloud_api.states import ACTIVE, ENDED, Status
from marketing_analytics.core.redaction import MASK, is_masked, redact
from marketing_analytics.local_cloud.pages.jobs.ahead import Ahead, ahead_of
from marketing_analytics.local_cloud.pages.jobs.calendar import Calendar, calendar_of, first_day
from marketing_analytics.local_cloud.pages.naming import JobName, job_name
from marketing_analytics.local_cloud.pages.reads import Reads
from marketing_analytics.local_cloud.pages.states import NEVER_RAN, State, state_of
from marketing_analytics.local_cloud.runs.records import Outcome
from marketing_analytics.local_cloud.runs.store import last_outcomes
from marketing_analytics.local_cloud.store.jobs import ACTIVE as ACTIVE_JOB
from marketing_analytics.local_cloud.store.jobs import (
    Job,
    JobFields,
    ListedJob,
    get_placed_job,
    list_lines,
)
from marketing_analytics.local_cloud.store.overview import days_of_job, usual_run
from marketing_analytics.local_cloud.store.pages import Page
from marketing_analytics.local_cloud.store.variables import Variable, list_project_variables
from marketing_analytics.web.words import (
    duration_words,
    parse_time,
    seconds_between,
)

STRIP_LENGTH = 10
STRIP_HEIGHT = 26
MIN_BAR_HEIGHT = 6
JOBS_PER_PAGE = 40
# have a place of their own on the page
SHOWN_APART = ("execute_steps", "description", "environment_id")
SCOPES = ("project", "environment", "job")
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
    success_words: str


@dataclass(frozen=True)
class JobFilter:
    """The jobs list's filter, as it stands in the address."""

    search: str = ""
    state: str = ""
    environment_id: int | None = None
    schedule: str = ""

    @property
    def is_open(self) -> bool:
        """Return whether every job is shown."""
        return not (self.search or self.state or self.schedule or self.environment_id is not None)


def list_jobs(reads: Reads, wanted: JobFilter, page: int, now: datetime) -> Page[JobLine]:
    """Return one page of the active jobs with their last results, by name; pages begin at 1."""
    found = list_lines(
        reads.connection,
        reads.account_id,
        words=wanted.search.split(),
        tone=wanted.state or None,
        environment_id=wanted.environment_id,
        is_scheduled={"on": True, "off": False}.get(wanted.schedule),
        limit=JOBS_PER_PAGE,
        offset=(page - 1) * JOBS_PER_PAGE,
    )
    job_ids = [job.id for job in found.rows]
    outcomes = last_outcomes(reads.connection, job_ids, per_job=STRIP_LENGTH)
    lines = [job_line(job, outcomes.get(job.id, []), now) for job in found.rows]
    return Page(lines, found.total_count)


def job_line(job: ListedJob, runs: Sequence[Outcome], now: datetime) -> JobLine:
    """Return a job with its last runs as the list shows them."""
    last = runs[-1] if runs else None
    active = [run.id for run in runs if run.status in ACTIVE]
    seconds = seconds_between(last.started_at, last.finished_at, now) if last else None
    return JobLine(
        job_id=job.id,
        name=job_name(job.name, job.description),
        description=without_mark(job.description),
        environment_id=job.environment_id,
        environment=job.environment_name,
        schedule=schedule_words(job.cron, is_scheduled=job.is_scheduled),
        is_scheduled=job.is_scheduled,
        next_run_at=parse_time(job.next_run_at) if job.is_scheduled else None,
        state=state_of(last) if last else NEVER_RAN,
        strip=strip_of(runs, now),
        strip_words=strip_words(runs),
        last_run_at=parse_time(last.created_at) if last else None,
        last_duration=duration_words(seconds) if last else "",
        active_run_id=active[0] if active else None,
        success_words=success_words(runs),
    )


def strip_of(runs: Sequence[Outcome], now: datetime) -> list[StripBar]:
    """Return bars, oldest first, the newest at the right; height is the share of the longest."""
    spans = [seconds_between(run.started_at, run.finished_at, now) or 0.0 for run in runs]
    longest = max(spans, default=0.0) or 1.0
    first = STRIP_LENGTH - len(runs)
    bars = []
    for place, (run, seconds) in enumerate(zip(runs, spans, strict=True)):
        state = state_of(run)
        room = STRIP_HEIGHT - MIN_BAR_HEIGHT
        height = MIN_BAR_HEIGHT + round(room * seconds / longest)
        words = f"run {run.id}: {state.word}, {duration_words(seconds)}"
        bars.append(StripBar(run.id, first + place, height, state, words))
    return bars


def strip_words(runs: Iterable[Outcome]) -> str:
    """Return the strip as a sentence for screen readers."""
    statuses = [run.status for run in runs]
    if not statuses:
        return "no results yet"
    good, bad = statuses.count(Status.SUCCESS), statuses.count(Status.ERROR)
    rest = len(statuses) - good - bad
    others = f", {rest} other" if rest else ""
    return f"last {len(statuses)} results: {good} success, {bad} error{others}"


def success_words(runs: Iterable[Outcome]) -> str:
    """Return how many of the last results were good, as `9 of 10`; what goes on does not count."""
    ended = [run.status for run in runs if run.status in ENDED]
    return f"{ended.count(Status.SUCCESS)} of {len(ended)} good" if ended else ""


@dataclass(frozen=True)
class ShownVariable:
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
    variables: list[ShownVariable]
    schedule: str
    cron: str
    is_scheduled: bool
    ahead: Ahead
    calendar: Calendar


def job_page(reads: Reads, job_id: int, now: datetime, zone: tzinfo = UTC) -> JobPage | None:
    """Return a job's page, or None when there is no such job."""
    job = get_placed_job(reads.connection, job_id, reads.account_id)
    if job is None:
        return None
    is_scheduled = job.is_scheduled and job.state == ACTIVE_JOB
    usual = usual_run(reads.connection, job_id).seconds
    return JobPage(
        job_id=job_id,
        name=job_name(job.name, job.description),
        description=without_mark(job.description),
        is_deleted=job.state != ACTIVE_JOB,
        environment=job.environment_name,
        project=job.project_name,
        steps=[redact(step) for step in job.document.get("execute_steps") or []],
        settings=settings_of(job),
        variables=variables_of(reads, job),
        schedule=schedule_words(job.cron, is_scheduled=is_scheduled),
        cron=job.cron or "",
        is_scheduled=is_scheduled,
        ahead=ahead_of(job.cron, now, zone, usual) if is_scheduled and job.cron else Ahead([]),
        calendar=calendar_of(days_of_job(reads.connection, job_id, first_day(now)), now),
    )


def schedule_words(cron: str | None, *, is_scheduled: bool) -> str:
    """Return when a job starts by itself."""
    return cron_in_words(cron) if is_scheduled and cron else "On demand"


def settings_of(job: JobFields) -> list[tuple[str, str]]:
    """Return the settings of a job as names and words; those that say nothing share a line."""
    triggers = (job.document.get("triggers") or {}).items()
    ways = [name.replace("_", " ") for name, is_on in triggers if is_on]
    rows = [("Triggers", ", ".join(ways) or "API only")]
    if job.parent_id:
        rows.append(("After job", str(job.parent_id)))
    unset = []
    for attribute in ATTRIBUTES:
        if attribute.name in SHOWN_APART or is_trigger(attribute):
            continue
        value = value_in(attribute, job.document)
        if value == attribute.absent:
            unset.append(attribute.in_words)
        else:
            rows.append((capitalized(attribute.in_words), value_words(attribute, value)))
    return [*rows, ("Not set", ", ".join(unset))]


def is_trigger(attribute: Attribute) -> bool:
    """Return whether an attribute has no place of its own, or is one of the triggers."""
    return all(place.startswith("triggers.") for place in attribute.places)


def value_words(attribute: Attribute, value: object) -> str:
    """Return a setting as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if attribute.name.endswith("_seconds") and isinstance(value, int):
        return duration_words(value)
    return str(value)


def capitalized(words: str) -> str:
    """Return words with a capital in front; dbt writes itself small."""
    return words if words.startswith("dbt") else words[:1].upper() + words[1:]


def variables_of(reads: Reads, job: Job) -> list[ShownVariable]:
    """Return the variables that a job sees by name: job before environment before project."""
    chosen: dict[str, Variable] = {}
    for variable in list_project_variables(reads.connection, job.project_id):
        is_seen = variable.job_id in (None, job.id) and (
            variable.job_id or variable.environment_id in (None, job.environment_id)
        )
        other = chosen.get(variable.name)
        if is_seen and (other is None or rank_of(variable) > rank_of(other)):
            chosen[variable.name] = variable
    return [ShownVariable(v.name, shown_value(v), v.scope) for v in chosen.values()]


def rank_of(variable: Variable) -> int:
    """Return how narrow the scope of a value is."""
    return SCOPES.index(variable.scope)


def shown_value(variable: Variable) -> str:
    """Return a variable's value, masked when its name says secret."""
    return MASK if is_masked(variable.name) else redact(variable.value)
