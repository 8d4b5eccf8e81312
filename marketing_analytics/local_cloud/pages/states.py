"""How the states of runs, steps and dbt nodes are shown, and what started a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from marketing_analytics.cloud_api.states import Status

TRIGGERS = {
    "scheduled": "Schedule",
    "api": "API",
    "ui": "Page",
    "rerun": "Retry",
    "retry": "Retry",
    "ci": "CI",
    "merge": "Merge",
    "job completion": "After job",
}


@dataclass(frozen=True)
class State:
    """A state as shown: a word, an icon and a colour class; never a colour alone."""

    word: str
    icon: str
    tone: str


NEVER_RAN = State("Never ran", "dot", "idle")
RUN_LOOKS = {
    Status.QUEUED: ("clock", "queued"),
    Status.STARTING: ("play", "running"),
    Status.RUNNING: ("play", "running"),
    Status.SUCCESS: ("check", "success"),
    Status.ERROR: ("cross", "error"),
    Status.CANCELLED: ("slash", "cancelled"),
}
RUN_STATES = {status: State(status.word, *look) for status, look in RUN_LOOKS.items()}
NODE_STATES = {
    "success": State("Success", "check", "success"),
    "pass": State("Pass", "check", "success"),
    "warn": State("Warning", "warn", "warn"),
    "error": State("Error", "cross", "error"),
    "runtime error": State("Error", "cross", "error"),
    "fail": State("Fail", "cross", "error"),
    "skipped": State("Skipped", "slash", "cancelled"),
    "partial success": State("Partly", "warn", "warn"),
    "cancelled": State("Cancelled", "slash", "cancelled"),
    "no-op": State("No-op", "dot", "idle"),
}
RUNNING_NODE = State("Running", "play", "running")


def run_state(status: int, *, is_crashed: bool = False, is_timed_out: bool = False) -> State:
    """Return how a run or step status is shown."""
    if is_crashed:
        return State("Crashed", "cross", "error")
    if is_timed_out:
        return State("Timed out", "clock", "error")
    return RUN_STATES[Status(status)]


class Ended(Protocol):
    """What has a state: a run, however much of it was read."""

    @property
    def status(self) -> Status:
        """Return the code."""

    @property
    def is_crashed(self) -> bool:
        """Return whether its server died."""

    @property
    def is_timed_out(self) -> bool:
        """Return whether it took too long."""


def state_of(run: Ended) -> State:
    """Return the state of a run as shown."""
    return run_state(run.status, is_crashed=run.is_crashed, is_timed_out=run.is_timed_out)


def node_state(status: str) -> State:
    """Return how the status of a dbt node is shown; unknown words count as running."""
    word = status.lower()
    if word in ("started", "running", "compiling", "executing", ""):
        return RUNNING_NODE
    return NODE_STATES.get(word, State(status[:24], "dot", "idle"))


def trigger_words(category: str) -> str:
    """Return what started a run, in one or two words."""
    return TRIGGERS.get(category.replace("_", " "), category[:24] or "API")
