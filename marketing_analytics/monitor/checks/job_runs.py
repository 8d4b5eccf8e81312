"""Scheduled jobs of dbt Cloud: each runs when it should, ends well, and in its usual time.

Asked of dbt Cloud's API with the settings of the deploy tool (DBTCLOUD_ACCOUNT_ID,
DBTCLOUD_TOKEN, PROJECT_ID, DBTCLOUD_HOST_URL); without them the monitor cannot tell. A job is late
when a time of its schedule has passed by more than the grace and no run has begun since.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from marketing_analytics.core.clock import parse_time
from marketing_analytics.core.errors import PlatformError, UserError
from marketing_analytics.core.redaction import remember
from marketing_analytics.monitor.check import (
    MOST_DAYS,
    Check,
    Finding,
    Look,
    NotKnownError,
    Threshold,
)
from marketing_analytics.web.words import plural

SETTINGS = ("DBTCLOUD_ACCOUNT_ID", "DBTCLOUD_TOKEN", "PROJECT_ID")
DEFAULT_HOST_URL = "https://cloud.getdbt.com"
LOOKED_AT = 20
ACTION = "open the run in dbt Cloud, mend what its log names, then start the job again"
Answer = Mapping[str, Any]


def look(seen: Look) -> Iterator[Finding]:
    """Yield jobs that are late, failing, or much slower than usual."""
    jobs = jobs_with_runs()
    if not jobs:
        # a wrong project would be green for ever
        raise NotKnownError(
            "no job of the project is scheduled",
            "see that PROJECT_ID is that of the jobs, and that they run by a schedule",
        )
    for job, runs in jobs:
        finding = of_job(seen, job, runs)
        if finding:
            yield finding
    fine = plural(
        len(jobs),
        "scheduled job runs on time and ends well",
        "scheduled jobs run on time and end well",
    )
    yield Finding("", "ok", fine)


def jobs_with_runs() -> list[tuple[Answer, Sequence[Answer]]]:
    """Return the scheduled jobs and their last runs, newest first. Raise NotKnownError."""
    from marketing_analytics.cloud_api.client import Access, CloudClient

    absent = [name for name in SETTINGS if not os.environ.get(name, "").strip()]
    if absent:
        raise NotKnownError(f"dbt Cloud was not asked: there is no {', '.join(absent)}",
                            "set what `marketing jobs` needs: docs/jobs.md")  # fmt: skip
    token = os.environ["DBTCLOUD_TOKEN"].strip()
    remember(token)
    client = None
    try:
        access = Access(
            host_url=os.environ.get("DBTCLOUD_HOST_URL", "").strip() or DEFAULT_HOST_URL,
            account_id=whole_number("DBTCLOUD_ACCOUNT_ID"),
            project_id=whole_number("PROJECT_ID"),
            token=token,
        )
        client = CloudClient(access)
        jobs = [job for job in client.list_jobs() if is_scheduled(job)]
        return [(job, client.latest_runs(int(job["id"]), LOOKED_AT)) for job in jobs]
    except PlatformError as error:
        raise NotKnownError(f"dbt Cloud did not tell: {error.message}", error.hint) from None
    finally:
        if client is not None:
            client.close()


def whole_number(name: str) -> int:
    """Return a setting that is a number. Raise UserError."""
    text = os.environ[name].strip()
    if not text.isdigit():
        raise UserError(f"{name} is {text!r}, no number", hint="copy it from dbt Cloud's address")
    return int(text)


def is_scheduled(job: Answer) -> bool:
    """Return whether a job is to run by itself."""
    return bool((job.get("triggers") or {}).get("schedule")) and job.get("state", 1) == 1


def of_job(seen: Look, job: Answer, runs: Sequence[Answer]) -> Finding | None:
    """Return what is wrong with a job."""
    from marketing_analytics.cloud_api.states import ENDED

    name = str(job["name"])
    late = lateness(seen, job, runs)
    if late:
        return late
    ended = [run for run in runs if run.get("status") in ENDED]
    bad = failures(ended)
    if bad:
        first = time_of(bad[-1], "created_at")
        times = f"{len(bad)} times in a row" if len(bad) > 1 else "once"
        return Finding(
            name, "failing", f"{name} ended in error {times}: run {bad[0]['id']}", ACTION,
            float(len(bad)), 0.0, 0.0, first.date() if first else None,
        )  # fmt: skip
    return slowness(seen, name, ended)


def failures(ended: Sequence[Answer]) -> list[Answer]:
    """Return the runs in error since the last good one, newest first; cancelled ones pass."""
    from marketing_analytics.cloud_api.states import Status

    found: list[Answer] = []
    for run in ended:
        if run["status"] == Status.SUCCESS:
            break
        if run["status"] == Status.ERROR:
            found.append(run)
    return found


def lateness(seen: Look, job: Answer, runs: Sequence[Answer]) -> Finding | None:
    """Return the finding for a job that has not begun though its time has passed."""
    cron = str((job.get("schedule") or {}).get("cron") or "")
    due_at = last_due(cron, seen.now) if cron else None
    begun = [at for run in runs if (at := time_of(run, "created_at"))]
    created_at = time_of(job, "created_at")
    grace = timedelta(minutes=seen.thresholds["grace_minutes"])
    if due_at is None or seen.now - due_at < grace or (created_at and created_at > due_at):
        return None
    if begun and max(begun) >= due_at - timedelta(minutes=1):
        return None
    name, hours = str(job["name"]), (seen.now - due_at).total_seconds() / 3600
    last = f"the last began {max(begun):%Y-%m-%d %H:%M}" if begun else "it never ran"
    sentence = f"{name} was to run at {due_at:%Y-%m-%d %H:%M} UTC and did not; {last}"
    upper = seen.thresholds["grace_minutes"] / 60
    action = "see that the scheduler runs and the job is switched on, then start it by hand"
    return Finding(name, "failing", sentence, action, hours, 0.0, upper, due_at.date())


def last_due(cron: str, now: datetime) -> datetime | None:
    """Return the last time of a schedule before a moment, looking back five weeks at most."""
    from marketing_analytics.cloud_api.cron import CronError, next_tick

    for days in (1, 7, 35):
        last, after = None, now - timedelta(days=days)
        try:
            while (tick := next_tick(cron, after.replace(tzinfo=UTC))) is not None:
                after = tick.replace(tzinfo=None)
                if after > now:
                    break
                last = after
        except CronError:
            return None
        if last:
            return last
    return None


def slowness(seen: Look, name: str, ended: Sequence[Answer]) -> Finding | None:
    """Return the finding for a run that took much longer than those before it."""
    took = [seconds for run in ended if (seconds := duration(run)) is not None]
    if len(took) < 6:
        return None
    usual, times = median(took[1:]), seen.thresholds["slow_times"]
    if took[0] <= max(times * usual, max(took[1:]) * 1.2, usual + 300):
        return None
    return Finding(
        name, "warning",
        f"{name} took {plural(took[0] / 60, 'minute')} where {usual / 60:,.0f} are usual",
        "compare the timing of its models with the run before", took[0], 0.0, times * usual,
    )  # fmt: skip


def duration(run: Answer) -> float | None:
    """Return how many seconds a run took."""
    started_at, finished_at = time_of(run, "started_at"), time_of(run, "finished_at")
    return (finished_at - started_at).total_seconds() if started_at and finished_at else None


def time_of(answer: Answer, name: str) -> datetime | None:
    """Return a time of an answer, UTC without a zone."""
    text = answer.get(name)
    return parse_time(str(text), name).astimezone(UTC).replace(tzinfo=None) if text else None


CHECK = Check(
    name="job_runs",
    title="scheduled jobs run on time and end well",
    severity="page",
    tables=(),
    look=look,
    thresholds={
        "grace_minutes": Threshold(
            30, "Minutes after its time when a job is late.", maximum=MOST_DAYS * 24 * 60
        ),
        "slow_times": Threshold(3.0, "Times its usual duration that are told.", minimum=1),
    },
)
