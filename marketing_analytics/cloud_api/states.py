"""The states of runs and steps: dbt Cloud's codes and words, the one place that knows them.

queued(1) -> starting(2) -> running(3) -> success(10) | error(20) | cancelled(30)
"""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """The status codes of dbt Cloud, of runs and of their steps."""

    QUEUED = 1
    STARTING = 2
    RUNNING = 3
    SUCCESS = 10
    ERROR = 20
    CANCELLED = 30

    @property
    def word(self) -> str:
        """Return the code in a word, as `status_humanized` has it."""
        return self.name.capitalize()


ENDED = frozenset({Status.SUCCESS, Status.ERROR, Status.CANCELLED})
# a worker holds the run
HELD = frozenset({Status.STARTING, Status.RUNNING})
# the run has not ended
ACTIVE = HELD | {Status.QUEUED}
# a run that can be tried again from its first failure
UNSUCCESSFUL = frozenset({Status.ERROR, Status.CANCELLED})

# statuses that a job can run after; dbt Cloud's file formats write one l in cancelled
COMPLETIONS = {"success": Status.SUCCESS, "error": Status.ERROR, "canceled": Status.CANCELLED}
COMPLETION_NAMES = {status: name for name, status in COMPLETIONS.items()}
