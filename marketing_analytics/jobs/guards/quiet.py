"""Which new jobs nothing starts before they have their variables.

dbt Cloud takes variables only for a job that exists. A job that cannot start soon is created as
it shall be; any other is created without what starts it, and switched on by a third call.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from marketing_analytics.cloud_api.cron import CronError, next_tick
from marketing_analytics.jobs.payload import Desired

# two of dbt Cloud's pauses after too many calls, and as much again as one
MARGIN = timedelta(minutes=15)


def is_quiet(job: Desired, new: Mapping[str, Desired], now: datetime) -> bool:
    """Return whether nothing starts a new job by itself within the margin.

    `new` are the jobs that this deploy created itself, by key: what runs after one of them is
    quiet when that one is.
    """
    fields = job.fields
    if fields["on_merge"] or not is_far(fields["schedule_cron"], now):
        return False
    if fields["after"] is None:
        return True
    parent = new.get(fields["after"][0])
    # pull requests start a parent at any time
    return (
        parent is not None and not parent.fields["on_pull_request"] and is_quiet(parent, new, now)
    )


def is_far(cron: str | None, now: datetime) -> bool:
    """Return whether a schedule comes due later than the margin, or never."""
    if cron is None:
        return True
    try:
        # a tick that is a moment ago may still be on its way
        tick = next_tick(cron, now - timedelta(minutes=1))
    except CronError:
        return False
    return tick is None or tick > now + MARGIN
