"""Follow runs line by line until they end, and print logs."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.core.commands import beside
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_RUN_TIMED_OUT, RemoteError, UserError
from marketing_analytics.core.signs import visible
from marketing_analytics.jobs.render import SCHEMA_VERSION
from marketing_analytics.jobs.runs.words import (
    first_line,
    is_final,
    lines_of,
    run_exit_code,
    run_json,
    status_of,
)

POLL_SECONDS = 1.0
# how long a run may take to stop after it was cancelled
STOP_SECONDS = 30.0
TAIL_LINES = 20
RESULT_LINE = re.compile(r"\b\d+ of \d+ (?!START|SKIP)[A-Z]+ |Finished running|Completed |Done\. ")
# dbt fills its lines with dots up to 80 columns
DOTS = re.compile(r" \.+ ")


@dataclass
class Follower:
    """Prints what is new in a run each time it is looked at.

    `label` stands in front of each line where several runs are followed at a time.
    """

    console: Console
    run_id: int
    key: str = ""
    label: str = ""
    statuses: dict[int, str] = field(default_factory=dict)
    printed_lines: dict[int, int] = field(default_factory=dict)
    status: str = ""

    def show(self, run: Mapping[str, Any]) -> None:
        """Print status, steps and result lines that were not printed before."""
        status = status_of(run)
        text = f"run {self.run_id} is {status}{waiting_words(run)}"
        if text != self.status and not is_final(run):
            self.status = text
            self.say("status", text, status=status)
        for step in run.get("run_steps") or []:
            self.show_step(step)

    def show_step(self, step: Mapping[str, Any]) -> None:
        """Print a step's new lines, and its status when it changed."""
        index, status = int(step.get("index") or 0), status_of(step)
        name = first_line(step.get("name"))
        if self.statuses.get(index) is None and status != "queued":
            self.say("step", f"  step {index}: {name}", index=index, status=status)
        lines = lines_of(step)
        for line in lines[self.printed_lines.get(index, 0) :]:
            if RESULT_LINE.search(line):
                self.say("line", f"    {DOTS.sub(' ', line.strip())}", index=index)
        self.printed_lines[index] = len(lines)
        if status != "queued" and self.statuses.get(index) != status:
            self.statuses[index] = status
            if status in ("success", "error", "cancelled"):
                took = first_line(step.get("duration_humanized") or step.get("duration"))
                text = f"  step {index} {status}" + (f" ({took})" if took else "")
                self.say("step", text, index=index, status=status)

    def say(self, kind: str, text: str, **facts: Any) -> None:
        """Print one event, as a line or as JSON."""
        if self.console.is_json:
            who = {"run_id": self.run_id, "key": self.key or None}
            event = {"schema_version": SCHEMA_VERSION, "event": kind, "text": text.strip()}
            self.console.json(event | who | facts)
        elif kind == "tail":
            self.console.line(self.label + text)
        else:
            self.console.prose(self.label + text, indent="      ")

    def finish(self, run: Mapping[str, Any], exit_code: int, why: str = "") -> None:
        """Print how the run ended, with the tail of the step that failed."""
        failed = [step for step in run.get("run_steps") or [] if status_of(step) == "error"]
        if status_of(run) == "error" and failed:
            # earlier ones, like freshness, did not end the run
            for line in lines_of(failed[-1])[-TAIL_LINES:]:
                self.say("tail", f"    {line}", index=failed[-1].get("index"))
        took = first_line(run.get("duration_humanized") or run.get("duration"))
        message = why or first_line(run.get("status_message"))
        text = f"run {self.run_id}: {status_of(run)}" + (f" after {took}" if took else "")
        text += f" · {message}" if message else ""
        self.say("end", text, status=status_of(run), exit_code=exit_code)
        if exit_code and not self.console.is_json:
            self.console.line(f"  next: {beside('logs')} {self.run_id}")


def waiting_words(run: Mapping[str, Any]) -> str:
    """Return why a queued run waits, with a blank in front; nothing when that is not known.

    The local server gives a reason; dbt Cloud at most the runs in front.
    """
    if status_of(run) != "queued":
        return ""
    reason = first_line(run.get("status_message"))
    if not reason and run.get("blocked_by"):
        reason = f"behind run {run['blocked_by'][0]}"
    return f" {reason}" if reason else ""


@dataclass
class Watch:
    """Looks at runs until all have ended; `ended` has each as it ended, `codes` how.

    `until` is a time of the monotonic clock: what has not ended then is cancelled.
    """

    client: CloudClient
    console: Console
    until: float | None = None
    timeout_seconds: float = 0.0
    ended: dict[int, dict[str, Any]] = field(default_factory=dict)
    codes: dict[int, int] = field(default_factory=dict)

    def follow(self, followers: Sequence[Follower], poll_seconds: float | None = None) -> None:
        """Print runs until they end.

        Who breaks off is told that the runs go on, and how to cancel them.
        """
        left = {follower.run_id: follower for follower in followers}
        poll_seconds = POLL_SECONDS if poll_seconds is None else poll_seconds
        try:
            while True:
                for run_id in list(left):
                    if self.look(left[run_id]):
                        del left[run_id]
                if not left:
                    return
                if self.is_late():
                    self.stop(left)
                    return
                time.sleep(poll_seconds)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(go_on(list(left))) from None
        except RemoteError:
            self.console.note(go_on(list(left)))
            raise

    def look(self, follower: Follower) -> bool:
        """Print what is new in a run, and return whether it has ended."""
        run = self.client.run(follower.run_id, "run_steps", "debug_logs")
        follower.show(run)
        if not is_final(run):
            return False
        self.end(follower, run, run_exit_code(run))
        return True

    def end(self, follower: Follower, run: dict[str, Any], exit_code: int, why: str = "") -> None:
        """Note how a run ended."""
        self.ended[follower.run_id] = run
        self.codes[follower.run_id] = exit_code
        follower.finish(run, exit_code, why)

    def is_late(self) -> bool:
        """Return whether the time is over."""
        return self.until is not None and time.monotonic() >= self.until

    def stop(self, left: Mapping[int, Follower]) -> None:
        """Cancel the runs that took too long, and wait until they are."""
        for run_id in left:
            self.client.cancel(run_id)
        stop_until = time.monotonic() + STOP_SECONDS
        waiting = dict(left)
        while waiting:
            for run_id, follower in list(waiting.items()):
                run = self.client.run(run_id, "run_steps", "debug_logs")
                if not is_final(run) and time.monotonic() < stop_until:
                    continue
                self.end_late(follower, run)
                del waiting[run_id]
            if waiting:
                time.sleep(POLL_SECONDS)

    def end_late(self, follower: Follower, run: dict[str, Any]) -> None:
        """Note how a run ended that was cancelled for its time; it may have been faster."""
        follower.show(run)
        if is_final(run) and status_of(run) != "cancelled":
            self.end(follower, run, run_exit_code(run))
            return
        why = f"cancelled: it had not ended after {self.timeout_seconds:.0f} s (--timeout)"
        self.end(follower, run, EXIT_RUN_TIMED_OUT, why)


def go_on(run_ids: Sequence[int]) -> str:
    """Return that runs go on, and what can be done about it."""
    ids = " ".join(map(str, run_ids))
    subject = f"run {ids} goes on" if len(run_ids) == 1 else f"runs {ids} go on"
    return (
        f"{subject}\n"
        f"  cancel {'it' if len(run_ids) == 1 else 'them'}:    {beside(f'cancel {ids}')}\n"
        f"  follow again: {beside(f'logs {run_ids[0]} --follow')}"
    )


def follow_run(client: CloudClient, run_id: int, console: Console) -> int:
    """Print a run until it ends, and return the exit code that says how."""
    watch = Watch(client, console)
    watch.follow([Follower(console, run_id)])
    return watch.codes[run_id]


def print_logs(run: Mapping[str, Any], console: Console, only_step: int | None) -> None:
    """Print the logs of a run's steps. Raise UserError for a step that is not there."""
    steps = [s for s in run.get("run_steps") or [] if only_step in (None, s.get("index"))]
    if only_step is not None and not steps:
        count = len(run.get("run_steps") or [])
        raise UserError(
            f"run {run.get('id')} has no step {only_step}", hint=f"steps go from 1 to {count}"
        )
    if console.is_json:
        console.json(run_json(run) | {"steps": [step_json(step) for step in steps]})
        return
    said = visible(str(run.get("status_message") or ""))
    console.line(f"run {run.get('id')}: {status_of(run)} {said}".rstrip())
    for step in steps:
        name = first_line(step.get("name"))
        console.line(f"\n== step {step.get('index')}: {name} ({status_of(step)})")
        for line in lines_of(step):
            console.line(line)


def step_json(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return a step with its log for JSON."""
    return {
        "index": step.get("index"),
        "name": step.get("name"),
        "status": status_of(step),
        "logs": "\n".join(lines_of(step)),
    }
