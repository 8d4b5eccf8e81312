"""What happened to a run that went wrong as a whole: crashed, timed out, cancelled, a bad step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from marketing_analytics.cloud_api.states import ACTIVE
from marketing_analytics.core.redaction import redact
from marketing_analytics.local_cloud.pages.logs.reader import Line, LogReader
from marketing_analytics.local_cloud.pages.runs.steps import StepLine
from marketing_analytics.local_cloud.pages.runs.timing import NodeLine
from marketing_analytics.local_cloud.pages.states import State, state_of
from marketing_analytics.local_cloud.runs.progress import step_log_path
from marketing_analytics.local_cloud.runs.records import Run
from marketing_analytics.web.words import exact_words, parse_time

MAX_MESSAGE_CHARACTERS = 2_000
LAST_LINES = 8
MAX_NAMES = 5
NO_STEP = "It had not begun a step."


@dataclass(frozen=True)
class Story:
    """Why a run ended, how far it had come, and the last lines of its log."""

    title: str
    state: State
    message: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    tail: list[Line] = field(default_factory=list)
    step_index: int | None = None


@dataclass(frozen=True)
class StoryReader:
    """Tells what happened to a run."""

    data_dir: Path
    logs: LogReader
    secrets: Sequence[str]
    now: datetime

    def of_run(
        self, run: Run, nodes: Sequence[NodeLine], steps: Sequence[StepLine]
    ) -> Story | None:
        """Return what happened; None when the run is well, or its nodes tell it."""
        state = state_of(run)
        if run.status in ACTIVE or state.tone in ("success", "idle"):
            return None
        has_own = run.is_crashed or run.is_timed_out or state.tone == "cancelled"
        if not has_own and any(node.state.tone == "error" for node in nodes):
            return None
        step = last_step(steps)
        message = redact(run.status_message or "", self.secrets)[:MAX_MESSAGE_CHARACTERS]
        # the title says this much already
        message = message.removeprefix(f"{step.name} failed: ") if step else message
        return Story(
            title=title_of(run, state, step),
            state=state,
            message=message,
            facts=self.facts(run, nodes, step) if has_own else [],
            tail=self.tail(run.id, step),
            step_index=step.index if step else None,
        )

    def facts(
        self, run: Run, nodes: Sequence[NodeLine], step: StepLine | None
    ) -> list[tuple[str, str]]:
        """Return how far the run had come."""
        done = sum(1 for node in nodes if node.state.tone in ("success", "warn"))
        cut = [node.name for node in nodes if node.state.word == "Cancelled"]
        seen = parse_time(run.heartbeat_at)
        more = f" and {len(cut) - MAX_NAMES} more" if len(cut) > MAX_NAMES else ""
        facts = [
            ("Was in", f"step {step.index}: {step.name}" if step else NO_STEP),
            ("Had done", f"{done} of {len(nodes)} nodes that it had begun" if nodes else ""),
            ("Was at", ", ".join(cut[:MAX_NAMES]) + more),
            ("Last sign of life", exact_words(seen) if run.is_crashed else ""),
        ]
        return [(name, words) for name, words in facts if words]

    def tail(self, run_id: int, step: StepLine | None) -> list[Line]:
        """Return the last lines of the log of the step in which it ended."""
        if step is None:
            return []
        path = step_log_path(self.data_dir, run_id, step.index)
        return self.logs.window(path, -LAST_LINES, LAST_LINES, self.secrets).lines


def last_step(steps: Sequence[StepLine]) -> StepLine | None:
    """Return the step in which a run ended: one that failed, or the last that had begun."""
    failed = [step for step in steps if step.state.tone == "error"]
    begun = [step for step in steps if step.started_at]
    return failed[0] if failed else begun[-1] if begun else None


def title_of(run: Run, state: State, step: StepLine | None) -> str:
    """Return what happened in a few words."""
    if run.is_crashed:
        return "This run crashed"
    if run.is_timed_out:
        return "This run timed out"
    if state.tone == "cancelled":
        return "This run was cancelled"
    return f"Step {step.index} failed: {step.name}" if step else "This run failed"
