"""The team's jobs on the screen: a table, a block for each, lines for programs, JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketing_analytics.cloud_api.cron import cron_in_words
from marketing_analytics.cloud_api.names import jobs_counted
from marketing_analytics.core.console import Console
from marketing_analytics.core.signs import visible
from marketing_analytics.jobs.listing.drift import Drift
from marketing_analytics.jobs.payload import compared
from marketing_analytics.jobs.plan import RemoteJob, time_of
from marketing_analytics.jobs.render import (
    SCHEMA_VERSION,
    after_in_words,
    iso,
    job_json,
    shown,
)
from marketing_analytics.jobs.runs.choose import environment_of
from marketing_analytics.jobs.runs.words import age_words, duration_words, seconds_of

COLUMNS = ("id", "key", "runs", "next run (UTC)", "last run")
# what a narrow terminal loses first
EXPENDABLE = (2, 3, 4, 0)
# attributes that `--details` tells in words of their own
TOLD = (
    *("execute_steps", "description", "schedule_cron", "after", "environment_id"),
    *("run_source_freshness", "generate_docs"),
)
TSV_COLUMNS = ("id", "key", "branch", "user", "name", "cron", "next_run_at", "run", "status")
# what `--details` adds
TSV_DETAILS = (
    *("environment_id", "schedule", "finished_at", "created_at", "updated_at", "drift", "steps"),
)

# the type of a job whose schedule is told already
SCHEDULED = "scheduled"


@dataclass(frozen=True)
class Listing:
    """The jobs of a team, of one environment unless that is None, and how many are elsewhere.

    `drifts` has how each differs from a file, by id; none where no file is given.
    """

    team: str
    project_id: int
    environment_id: int | None
    jobs: tuple[RemoteJob, ...]
    elsewhere: int
    drifts: Mapping[int, Drift]

    @property
    def emptiness(self) -> str:
        """Return that there are no jobs, or nothing."""
        if self.jobs:
            return ""
        where = f"environment {self.environment_id} of " if self.environment_id else ""
        return f"team {self.team} has no jobs in {where}project {self.project_id}"

    @property
    def remark(self) -> str:
        """Return what is left out, or nothing."""
        if not self.elsewhere:
            return ""
        return (
            f"environment {self.environment_id} alone; other environments have "
            f"{jobs_counted(self.elsewhere)}: --all-environments"
        )


def print_listing(console: Console, listing: Listing, now: datetime, *, has_details: bool) -> None:
    """Print the jobs: a table for each place, whose keys are unique, or a block for each job.

    TSV where nobody watches.
    """
    if not console.is_terminal:
        print_lines(console, listing, has_details=has_details)
    elif has_details:
        for job in listing.jobs:
            print_details(console, job, listing.drifts.get(job.job_id), now)
    else:
        print_tables(console, listing.jobs)
    for text in filter(None, (listing.emptiness, listing.remark)):
        if console.is_terminal:
            console.prose(text, indent="  ")
        else:
            console.note(f"note: {text}")


def print_tables(console: Console, jobs: Sequence[RemoteJob]) -> None:
    """Print a table for each branch, and for each environment where there are several."""
    has_several = len({environment_of(job) for job in jobs}) > 1

    def where(job: RemoteJob) -> str:
        place = f" · environment {environment_of(job)}" if has_several else ""
        return scope_in_words(job) + place

    for place in dict.fromkeys(map(where, jobs)):
        console.prose(place, indent="  ")
        rows = [job_row(job) for job in jobs if where(job) == place]
        console.table(COLUMNS, rows, expendable=EXPENDABLE)


def scope_in_words(job: RemoteJob) -> str:
    """Return whose a job is."""
    return job.owner.scope.describe() if job.owner else "nobody"


def job_row(job: RemoteJob) -> list[str]:
    """Return the cells of a job for people; the key is what `run` takes."""
    facts = job_json(job)
    next_at = time_of(job.data.get("next_run"))
    return [
        str(job.job_id),
        str(facts["key"]),
        schedule_words(facts),
        f"{next_at:%Y-%m-%d %H:%M}" if next_at else "-",
        last_run_in_words(facts["last_run"]),
    ]


def schedule_words(facts: Mapping[str, Any]) -> str:
    """Return when a job runs by itself, in words."""
    return cron_in_words(facts["schedule_cron"]) if facts["schedule_cron"] else "on demand"


def last_run_in_words(last: Mapping[str, Any] | None) -> str:
    """Return status and number of the most recent run, or a dash."""
    return f"{last['status']} (run {last['id']})" if last else "-"


# a block for each job


def print_details(console: Console, job: RemoteJob, drift: Drift | None, now: datetime) -> None:
    """Print what a job does, when it runs, how it went and whose it is."""
    facts = job_json(job)
    state = f" · {drift.in_words()}" if drift else ""
    console.prose(f"{facts['key']} (job {job.job_id}){state}", indent="  ")
    told = [
        facts["description"],
        starts_in_words(job, facts, now),
        f"last run {ended_in_words(job, now)}",
        f"{scope_in_words(job)} · environment {environment_of(job)}",
        changed_in_words(job, now),
    ]
    for text in filter(None, told):
        console.prose(f"  {visible(text)}", indent="    ")
    for line in [*step_lines(job, facts), *settings_lines(job)]:
        console.prose(f"  {visible(line)}", indent="      ")
    for name, value in facts["env_vars"].items():
        console.prose(f"  {visible(f'{name}={value}')}", indent="      ")
    console.line()


def starts_in_words(job: RemoteJob, facts: Mapping[str, Any], now: datetime) -> str:
    """Return what starts a job, and when that is next."""
    chained = job.fields["after"]
    found = [cron_in_words(facts["schedule_cron"])] if facts["schedule_cron"] else []
    if chained:
        found.append(after_in_words(chained))
    found += ["on pull requests"] * facts["on_pull_request"] + ["on merge"] * facts["on_merge"]
    next_at = time_of(job.data.get("next_run"))
    if next_at:
        found.append(f"next {next_at:%a %Y-%m-%d %H:%M} UTC, in {age_words(now, next_at)}")
    return " · ".join(found) or "on demand"


def ended_in_words(job: RemoteJob, now: datetime) -> str:
    """Return how the most recent run ended, when, and how long it took; a dash without one."""
    run = job.data.get("most_recent_run")
    last = job_json(job)["last_run"]
    if not isinstance(run, Mapping) or not last:
        return "-"
    ended_at, seconds = time_of(run.get("finished_at")), seconds_of(run, now)
    when = f", {age_words(ended_at, now)} ago" if ended_at else ""
    took = f", took {duration_words(seconds)}" if ended_at and seconds is not None else ""
    return f"{last_run_in_words(last)}{when}{took}"


def changed_in_words(job: RemoteJob, now: datetime) -> str:
    """Return when a job was created and changed."""
    created_at, changed_at = time_of(job.data.get("created_at")), job.changed_at
    if changed_at is None:
        return "changed at an unknown time"
    changed = f"changed {changed_at:%Y-%m-%d %H:%M} UTC, {age_words(changed_at, now)} ago"
    if created_at is None or created_at == changed_at:
        return changed
    return f"created {age_words(created_at, now)} ago, {changed}"


def step_lines(job: RemoteJob, facts: Mapping[str, Any]) -> list[str]:
    """Return the commands of a job in their order."""
    first = ["$ dbt source freshness, first; the job goes on when it fails"]
    last = ["$ dbt docs generate, at the end"]
    return [
        *(first if job.data.get("run_generate_sources") else ()),
        *(f"$ {step}" for step in facts["execute_steps"]),
        *(last if job.data.get("generate_docs") else ()),
    ]


def settings_lines(job: RemoteJob) -> list[str]:
    """Return the attributes that say something and have no words of their own."""
    fields = job.fields
    return [
        f"{a.name} {shown(a.in_diff, fields[a.name])}"
        for a in compared()
        if a.name not in TOLD and fields[a.name] not in (a.absent, SCHEDULED)
    ]


# for programs


def print_lines(console: Console, listing: Listing, *, has_details: bool) -> None:
    """Print a line for each job, after one of names."""
    names = [*TSV_COLUMNS, *(TSV_DETAILS if has_details else ())]
    facts = [listed_json(job, listing) for job in listing.jobs]
    rows = [[*tsv_row(each), *(tsv_details(each) if has_details else ())] for each in facts]
    console.tsv(names, [[visible(cell) for cell in row] for row in rows])


def tsv_row(facts: Mapping[str, Any]) -> list[str]:
    """Return the cells of a job for programs; empty where there is nothing to say."""
    last = facts["last_run"] or {}
    names = ("id", "key", "branch", "user", "name", "schedule_cron", "next_run_at")
    return texts([*(facts[name] for name in names), last.get("id"), last.get("status")])


def tsv_details(facts: Mapping[str, Any]) -> list[str]:
    """Return what `--details` adds."""
    last, drift = facts["last_run"] or {}, facts["drift"] or {}
    return texts(
        [
            *(facts["environment_id"], facts["schedule"], last.get("finished_at")),
            *(facts["created_at"], facts["updated_at"]),
            ": ".join(filter(None, [drift.get("state"), ", ".join(drift.get("fields", ()))])),
            " && ".join(facts["execute_steps"]),
        ]
    )


def texts(values: Sequence[Any]) -> list[str]:
    """Return values as cells, empty for None."""
    return ["" if value is None else str(value) for value in values]


def listing_json(listing: Listing) -> dict[str, Any]:
    """Return the jobs as one document."""
    return {
        "schema_version": SCHEMA_VERSION,
        "team": listing.team,
        "environment_id": listing.environment_id,
        "elsewhere": listing.elsewhere,
        "jobs": [listed_json(job, listing) for job in listing.jobs],
    }


def listed_json(job: RemoteJob, listing: Listing) -> dict[str, Any]:
    """Return a job for JSON, with its schedule in words and its drift."""
    facts, drift = job_json(job), listing.drifts.get(job.job_id)
    return {
        **facts,
        "created_at": iso(job.data.get("created_at")),
        "schedule": schedule_words(facts),
        "drift": {"state": drift.state, "fields": list(drift.fields)} if drift else None,
    }
