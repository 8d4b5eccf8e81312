"""Turn due cron ticks into queued runs, each at most once. Times are UTC.

Policy for ticks missed while the server was down: only the latest one runs, and only when it is
not older than the grace; the others are skipped. A newer tick cancels an older tick of the same
job that is still queued; runs that people or programs asked for are never cancelled for that.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from marketing_analytics.cloud_api.cron import CronError, next_tick
from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.store import (
    add_run,
    has_tick,
    older_ticks,
    withdraw_run,
)
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    time_of,
    time_text,
    transaction,
)
from marketing_analytics.local_cloud.store.jobs import (
    DueJob,
    due_jobs,
    jobs_planned_after,
    take_tick,
)

GRACE = timedelta(hours=1)
log = logging.getLogger(__name__)


def tick(connection: Connection, now: datetime, *, grace: timedelta = GRACE) -> list[int]:
    """Queue a run for every job that is due and return the ids of the runs."""
    started = (tick_job(connection, job, now, grace) for job in due_jobs(connection, now))
    return [run_id for run_id in started if run_id is not None]


def plan_again(connection: Connection, now: datetime, *, ahead: timedelta) -> int:
    """Plan the jobs anew whose next tick lies too far ahead; return how many.

    A clock that was years ahead for a moment would else keep them from running until then. Only
    jobs that are planned later than `ahead` are looked at. No tick is queued twice for it.
    """
    count = 0
    for job in jobs_planned_after(connection, now + ahead):
        try:
            following = next_tick(job.cron, now)
        except CronError:
            # the next tick says so
            continue
        if following is not None and time_text(following) < (job.next_run_at or ""):
            count += take_tick(connection, job, following)
    return count


def tick_job(connection: Connection, job: DueJob, now: datetime, grace: timedelta) -> int | None:
    """Queue the latest due tick of one job and store the next; None when nothing is to run."""
    try:
        due, following = latest_and_next(job.cron, job.next_run_at, now, grace)
    except CronError as error:
        log.warning(
            "job %s has a cron expression that cannot be read: %s",
            job.id,
            error,
            extra={"action": "cron_unreadable"},
        )
        due, following = None, None
    if following is None and job.next_run_at is None:
        return None
    with transaction(connection):
        is_taken = take_tick(connection, job, following)
        return queue_tick(connection, job, due) if is_taken and due is not None else None


def latest_and_next(
    cron: str, stored: str | None, now: datetime, grace: timedelta
) -> tuple[datetime | None, datetime | None]:
    """Return the latest tick that is due and the next one after now; either may be None."""
    following = next_tick(cron, now)
    if stored is None:
        return None, following
    first = time_of(stored)
    # everything before the grace is skipped, so a long pause costs no long loop
    latest = first if first >= now - grace else next_tick(cron, now - grace)
    while latest is not None and latest <= now:
        later = next_tick(cron, latest)
        if later is None or later > now:
            return latest, following
        latest = later
    return None, following


def queue_tick(connection: Connection, job: DueJob, due: datetime) -> int | None:
    """Queue one tick inside an open transaction and cancel the older ones that still wait."""
    scheduled_for = time_text(due)
    if has_tick(connection, job.id, scheduled_for):
        return None
    try:
        run_id = add_run(
            connection,
            job.id,
            cause="scheduled",
            cause_category="scheduled",
            scheduled_for=scheduled_for,
        )
    except UserError as error:
        log.warning(
            "job %s could not be queued at %s: %s",
            job.id,
            due,
            error.message,
            extra={"action": "tick_refused"},
        )
        return None
    for older in older_ticks(connection, job.id, run_id):
        message = f"Cancelled: run {run_id} of the same job was scheduled later and replaces it."
        withdraw_run(connection, older, message)
    return run_id
