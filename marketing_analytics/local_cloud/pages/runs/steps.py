"""The steps of a run on its time line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from marketing_analytics.cloud_api.states import ACTIVE, Status
from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.states import State, run_state
from marketing_analytics.local_cloud.runs.progress import step_log_path
from marketing_analytics.local_cloud.runs.records import Run, RunStep
from marketing_analytics.web.timing import Axis
from marketing_analytics.web.words import duration_words, parse_time, seconds_between

# percent of the axis that can still be seen
LEAST_STEP = 0.5
STEP_SKIPPED = State("Not reached", "slash", "cancelled")


@dataclass(frozen=True)
class StepLine:
    """One step on the run's time line; left and width are percent of the run."""

    index: int
    name: str
    command: str
    state: State
    is_finished: bool
    words: str
    left: float
    width: float
    has_log: bool
    started_at: datetime | None


def steps_of(steps: Sequence[RunStep], run: Run, data_dir: Path, now: datetime) -> list[StepLine]:
    """Return the steps of a run on its time line."""
    begin = parse_time(run.started_at) or parse_time(run.created_at) or now
    axis = Axis(begin, parse_time(run.finished_at) or now)
    return [step_line(step, run, axis, data_dir, now) for step in steps]


def step_line(step: RunStep, run: Run, axis: Axis, data_dir: Path, now: datetime) -> StepLine:
    """Return one step on the axis of its run."""
    seconds = seconds_between(step.started_at, step.finished_at, now)
    start = parse_time(step.started_at)
    is_over = run.status not in ACTIVE
    is_crashed = run.is_crashed and step.status is Status.CANCELLED
    state = run_state(step.status, is_crashed=is_crashed)
    if start is None and is_over:
        state, seconds = STEP_SKIPPED, None
    end = parse_time(step.finished_at) or now
    left, width = axis.place(start, end, LEAST_STEP) if start else (0.0, 0.0)
    return StepLine(
        index=step.step_index,
        name=redact(step.name),
        command=redact(step.command or ""),
        state=state,
        is_finished=is_over or step.status not in ACTIVE,
        words=duration_words(seconds),
        left=left,
        width=width,
        has_log=step_log_path(data_dir, run.id, step.step_index).is_file(),
        started_at=start,
    )


def shown_step(steps: Sequence[StepLine], wanted: int | None) -> int | None:
    """Return the step whose log is shown: the wanted, a failed, a running, the last one."""
    if wanted is not None and any(step.index == wanted for step in steps):
        return wanted
    for tone in ("error", "running"):
        for step in steps:
            if step.state.tone == tone:
                return step.index
    with_log = [step.index for step in steps if step.has_log]
    return with_log[-1] if with_log else None
