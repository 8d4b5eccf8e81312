"""Read windows of days: halved where one cannot be read, so that a bad day is one day.

A failing day is noted and asked for again by the next run; the days around it are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from marketing_analytics.core.errors import AuthError, PlatformError, RemoteError
from marketing_analytics.ingest.engine.backfill import Planned
from marketing_analytics.ingest.engine.governor import AccountError, TooMuchDataError, is_outage
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.tables import DoubtfulError
from marketing_analytics.ingest.engine.windows import Window

# after so many failing days of an account without a good one, it is not the day
MOST_BAD_DAYS = 3


@dataclass(frozen=True)
class Task:
    """A window of days of one account and report; `report` is the name of its table."""

    account_id: str
    report: str
    window: Window

    def __str__(self) -> str:
        return f"{self.report} of account {self.account_id}, {self.window}"


class Reader:
    """Reads tasks side by side with `read`, which keeps the rows of one window and marks it."""

    def __init__(self, job: Job, read: Callable[[Task], None]) -> None:
        self.job = job
        self.read = read
        self.bad_days: Counter[str] = Counter()

    def read_all(self, tasks: Sequence[Task]) -> None:
        """Read the windows of all accounts that are not lost."""
        if self.job.is_only_planned(
            Planned(task.report, task.account_id, task.window) for task in tasks
        ):
            return
        for task in tasks:
            self.job.plan(1, task.account_id)
        self.job.each(tasks, self.read_one)

    def read_one(self, task: Task) -> None:
        """Read a window, or what of it can be read."""
        account_id = task.account_id
        if account_id in self.job.lost or self.bad_days[account_id] >= MOST_BAD_DAYS:
            return
        try:
            self.read(task)
        except AccountError as error:
            self.job.lose(account_id, error)
        except RemoteError as error:
            if not self._is_of_a_day(error):
                raise
            self._read_around(task, error)
        else:
            self.bad_days[account_id] = 0
            self.job.done(1, account_id)

    def _read_around(self, task: Task, error: RemoteError) -> None:
        """Read the halves of a window that failed; note a single day and go on."""
        if isinstance(error, DoubtfulError):
            self.job.fail(told(task, error))
            return
        if task.window.day_count > 1:
            halves = task.window.halves()
            self.job.plan(len(halves) - 1, task.account_id)
            for half in halves:
                self.read_one(replace(task, window=half))
            return
        self.bad_days[task.account_id] += not isinstance(error, TooMuchDataError)
        self.job.fail(told(task, error))

    def _is_of_a_day(self, error: RemoteError) -> bool:
        """Return whether other days may be read though this window failed."""
        if self.job.stop.is_set() or isinstance(error, AuthError):
            return False
        return not is_outage(error, self.job.limits)


def told(task: Task, error: PlatformError) -> PlatformError:
    """Return an error with what it hit in front."""
    error.message = f"{task}: {error.message}"
    error.hint = error.hint or "the next run asks for it again; the days around it are loaded"
    return error
