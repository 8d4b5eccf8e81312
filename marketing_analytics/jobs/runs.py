"""Start a run, follow it line by line, show its logs."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.cloud_api.names import Scope
from marketing_analytics.cloud_api.states import ENDED, Status
from marketing_analytics.core.commands import beside
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import (
    EXIT_FAILED,
    EXIT_OK,
    EXIT_RUN_CANCELLED,
    EXIT_RUN_TIMED_OUT,
    UserError,
)
from marketing_analytics.jobs.plan import RemoteJob, remote_job
from marketing_analytics.jobs.render import SCHEMA_VERSION, iso

POLL_SECONDS = 1.0
WORDS = {int(status): status.word.lower() for status in Status}
TAIL_LINES = 20
RESULT_LINE = re.compile(r"\b\d+ of \d+ (?!START|SKIP)[A-Z]+ |Finished running|Completed |Done\. ")
# dbt fills its lines with dots up to 80 columns
DOTS = re.compile(r" \.+ ")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
TIMED_OUT = re.compile(r"tim(?:ed|e)[ -]?out", re.IGNORECASE)


def find_job(client: CloudClient, scope: Scope, key: str) -> RemoteJob:
    """Return a job by key in this scope, by full name or by id. Raise UserError if not there."""
    jobs = [remote_job(data) for data in client.list_jobs()]
    ours = [job for job in jobs if job.owner and job.owner.scope == scope]
    for job in ours:
        if job.owner and job.owner.key == key:
            return job
    for job in jobs:
        if job.name == key or str(job.job_id) == key:
            return job
    raise no_such_job(key, [job.owner.key for job in ours if job.owner], scope)


def no_such_job(key: str, known: list[str], scope: Scope) -> UserError:
    """Return the error for an unknown key, with a suggestion."""
    import difflib

    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"deploy first; see {beside('list')}"
    return UserError(f"there is no job {key} for {scope.describe()}", hint=hint)


def start_run(client: CloudClient, job: RemoteJob, who: str) -> dict[str, Any]:
    """Start a run; the cause is unique, so that a lost answer can be found again."""
    return client.trigger(job.job_id, f"started by {who} [{secrets.token_hex(4)}]")


@dataclass
class Follower:
    """Prints what is new in a run each time it is looked at."""

    console: Console
    statuses: dict[int, str] = field(default_factory=dict)
    printed_lines: dict[int, int] = field(default_factory=dict)
    status: str = ""

    def show(self, run: Mapping[str, Any]) -> None:
        """Print status, steps and result lines that were not printed before."""
        status = status_of(run)
        text = f"run {run.get('id')} is {status}{waiting_words(run)}"
        if text != self.status and not is_final(run):
            self.status = text
            self.say("status", text, status=status)
        for step in run.get("run_steps") or []:
            self.show_step(step)

    def show_step(self, step: Mapping[str, Any]) -> None:
        """Print a step's new lines, and its status when it changed."""
        index, status = int(step.get("index") or 0), status_of(step)
        name = str(step.get("name") or "")
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
                took = step.get("duration_humanized") or step.get("duration") or ""
                text = f"  step {index} {status}" + (f" ({took})" if took else "")
                self.say("step", text, index=index, status=status)

    def say(self, kind: str, text: str, **facts: Any) -> None:
        """Print one event, as a line or as JSON."""
        if self.console.is_json:
            event = {"schema_version": SCHEMA_VERSION, "event": kind, "text": text.strip(), **facts}
            self.console.json(event)
        elif kind == "tail":
            self.console.line(text)
        else:
            self.console.prose(text, indent="      ")


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


def follow_run(
    client: CloudClient, run_id: int, console: Console, poll_seconds: float = POLL_SECONDS
) -> int:
    """Print a run until it ends, and return the exit code that says how.

    Who breaks off is told that the run goes on, and how to cancel it.
    """
    follower = Follower(console)
    try:
        while True:
            run = client.run(run_id, "run_steps", "debug_logs")
            follower.show(run)
            if is_final(run):
                break
            time.sleep(poll_seconds)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"run {run_id} goes on\n"
            f"  cancel it:    {beside(f'cancel {run_id}')}\n"
            f"  follow again: {beside(f'logs {run_id} --follow')}"
        ) from None
    finish(follower, run)
    return run_exit_code(run)


def finish(follower: Follower, run: Mapping[str, Any]) -> None:
    """Print how the run ended, with the tail of the step that failed."""
    failed = [step for step in run.get("run_steps") or [] if status_of(step) == "error"]
    if status_of(run) == "error" and failed:
        # earlier ones, like freshness, did not end the run
        for line in lines_of(failed[-1])[-TAIL_LINES:]:
            follower.say("tail", f"    {line}", index=failed[-1].get("index"))
    took = run.get("duration_humanized") or run.get("duration") or ""
    message = first_line(run.get("status_message"))
    text = f"run {run.get('id')}: {status_of(run)}" + (f" after {took}" if took else "")
    text += f" · {message}" if message else ""
    follower.say("end", text, status=status_of(run), exit_code=run_exit_code(run))
    if run_exit_code(run) and not follower.console.is_json:
        follower.console.line(f"  next: {beside('logs')} {run.get('id')}")


def cancel_words(run_id: int, run: dict[str, Any]) -> str:
    """Return what a request to cancel came to."""
    word = status_of(run)
    if not is_final(run):
        return f"run {run_id}: is being cancelled"
    return f"run {run_id}: {word}" if word == "cancelled" else f"run {run_id} has ended: {word}"


def is_final(run: Mapping[str, Any]) -> bool:
    """Return whether a run has ended."""
    return status_of(run) in {WORDS[status] for status in ENDED}


def status_of(item: Mapping[str, Any]) -> str:
    """Return the status of a run or step in a word."""
    status = item.get("status")
    if isinstance(status, int):
        return WORDS.get(status, str(status))
    return str(item.get("status_humanized") or status or "queued").lower()


def run_exit_code(run: Mapping[str, Any]) -> int:
    """Return 0 for success, 1 error, 20 cancelled, 21 timed out."""
    status = status_of(run)
    if status == "success":
        return EXIT_OK
    if status != "cancelled":
        return EXIT_FAILED
    is_late = TIMED_OUT.search(str(run.get("status_message") or ""))
    return EXIT_RUN_TIMED_OUT if is_late else EXIT_RUN_CANCELLED


def first_line(text: Any) -> str:
    """Return the first line of a text that may be missing."""
    return str(text or "").strip().partition("\n")[0]


def lines_of(step: Mapping[str, Any]) -> list[str]:
    """Return a step's log lines, without colours."""
    return ANSI.sub("", str(step.get("logs") or "")).splitlines()


def run_json(run: Mapping[str, Any], job: RemoteJob | None = None) -> dict[str, Any]:
    """Return a run for JSON."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": run.get("id"),
        "job_id": run.get("job_definition_id") or run.get("job_id"),
        "name": job.name if job else None,
        "status": status_of(run),
        "href": run.get("href"),
        "started_at": iso(run.get("started_at")),
        "finished_at": iso(run.get("finished_at")),
    }


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
    console.line(
        f"run {run.get('id')}: {status_of(run)} {run.get('status_message') or ''}".rstrip()
    )
    for step in steps:
        console.line(f"\n== step {step.get('index')}: {step.get('name')} ({status_of(step)})")
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
