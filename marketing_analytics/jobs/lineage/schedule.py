"""When jobs run: by their schedules, and after other jobs. Times are seconds from BEGIN, UTC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from marketing_analytics.cloud_api.cron import CHECKED_FROM, next_ticks
from marketing_analytics.jobs.model import Job

# a Monday: the month after it has every day of the week and of the month
BEGIN = CHECKED_FROM
DAY_SECONDS = 86_400
DAYS_CHECKED = 31
# the runs after the last day that is checked say how long one waits for the next
DAYS_LOOKED_AT = 2 * DAYS_CHECKED
# a week of a job that runs every five minutes
MAX_RUNS = 2_100
# a run of unknown length; what waits for it starts later, what starts with it does not
UNKNOWN_SECONDS = 1.0


class Run(NamedTuple):
    """A run of a job, by plan."""

    start: float
    end: float
    key: str


@dataclass(frozen=True)
class Timetable:
    """The runs of jobs by key, in order; `known` are lengths in seconds seen in past runs."""

    runs: Mapping[str, tuple[Run, ...]]
    known: Mapping[str, float]

    def in_order(self, keys: Iterable[str]) -> list[Run]:
        """Return the runs of several jobs in order."""
        return sorted(run for key in keys for run in self.runs[key])

    def overlaps(self) -> Iterator[tuple[Run, Run]]:
        """Yield each pair of jobs whose runs overlap once, by their first such runs."""
        seen: set[tuple[str, str]] = set()
        active: list[Run] = []
        for run in self.in_order(self.runs):
            if run.start >= DAYS_CHECKED * DAY_SECONDS:
                return
            active = [other for other in active if other.end > run.start]
            for other in active:
                pair = (min(other.key, run.key), max(other.key, run.key))
                if other.key != run.key and pair not in seen:
                    seen.add(pair)
                    yield other, run
            active.append(run)


def timetable(jobs: Iterable[Job], known: Mapping[str, float]) -> Timetable:
    """Return when jobs run; chains must have no cycle."""
    by_key = {job.key: job for job in jobs}
    found: dict[str, tuple[Run, ...]] = {}

    def runs_of(key: str) -> tuple[Run, ...]:
        if key not in found:
            job, length = by_key[key], known.get(key, UNKNOWN_SECONDS)
            starts = ticks_of(job)
            if job.after:
                starts |= {run.end for run in runs_of(job.after.job)}
            found[key] = tuple(Run(at, at + length, key) for at in sorted(starts))
        return found[key]

    return Timetable({key: runs_of(key) for key in by_key}, known)


def ticks_of(job: Job) -> set[float]:
    """Return when a job's schedule comes due."""
    if not job.schedule_cron:
        return set()
    period = days_of_period(job.schedule_cron)
    # the first tick may be BEGIN itself
    after, until = BEGIN - timedelta(minutes=1), BEGIN + timedelta(days=period)
    found = next_ticks(job.schedule_cron, after, MAX_RUNS, until)
    first = [(tick - BEGIN).total_seconds() for tick in found]
    days = range(0, DAYS_LOOKED_AT, period)
    ticks = (day * DAY_SECONDS + tick for day in days for tick in first)
    return set(islice(ticks, MAX_RUNS))


def days_of_period(cron: str) -> int:
    """Return after how many days a schedule repeats, or all of them: a tick costs 0.1 ms."""
    _, _, day, month, weekday = cron.upper().split()
    if (day, month) != ("*", "*") or "#" in weekday or "L" in weekday:
        return DAYS_LOOKED_AT
    return 1 if weekday == "*" else 7


def day_of(seconds: float) -> int:
    """Return the number of a day."""
    return int(seconds // DAY_SECONDS)


def moment(seconds: float) -> str:
    """Return a time for a sentence, such as `Monday 06:00`."""
    return f"{time_at(seconds):%A %H:%M}"


def time_at(seconds: float) -> datetime:
    """Return the time, with whole minutes."""
    return BEGIN + timedelta(seconds=seconds)


def length_in_words(seconds: float) -> str:
    """Return how long something takes."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
