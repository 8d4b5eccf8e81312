"""Run the deployed jobs over the REST API, in the order of their schedules."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from marketing_analytics.cloud_api.client import Access, CloudClient
from marketing_analytics.cloud_api.cron import next_tick
from marketing_analytics.cloud_api.names import Scope, owner_of
from marketing_analytics.cloud_api.states import ENDED, Status
from marketing_analytics.core.errors import PlatformError

POLL_SECONDS = 0.25
# on a small DuckDB file most of a run is dbt's own work, and its threads wait for each other: with
# four a build takes 140 s of processor, with one 108
THREADS = 1
PROGRESS = re.compile(r"(\d+) of (\d+) ")
COMMAND = re.compile("^Invoke dbt with `(.*)`$")


@dataclass(frozen=True)
class Job:
    """A deployed job: its key in the tfvars file, its id and its cron text, if scheduled."""

    key: str
    id: int
    cron: str | None


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    key: str
    run_id: int
    status: str
    seconds: float


class Cloud:
    """What the demo asks of dbt Cloud."""

    def __init__(self, url: str, settings: dict[str, str]) -> None:
        names = ("TEAM_NAME", "CI_COMMIT_REF_SLUG", "GITLAB_USER_LOGIN")
        self._scope = Scope(*(settings[name] for name in names))
        self._client = CloudClient(
            Access(
                host_url=url,
                account_id=int(settings["DBTCLOUD_ACCOUNT_ID"]),
                project_id=int(settings["PROJECT_ID"]),
                token=settings["DBTCLOUD_TOKEN"],
            )
        )

    def jobs(self) -> list[Job]:
        """Return our jobs in the order of their first tick of a day, on demand last."""
        found = []
        for item in self._client.list_jobs():
            owner = owner_of(item["description"])
            if owner and owner.scope == self._scope:
                cron = item["schedule"]["cron"] if item["triggers"]["schedule"] else None
                found.append(Job(owner.key, item["id"], cron))
        return sorted(found, key=lambda job: (first_tick(job.cron), job.key))

    def run(self, job: Job, on_progress: Callable[[str], None]) -> Outcome:
        """Start a run, report its progress until it ends, and return its outcome."""
        started = time.monotonic()
        # a cause of its own, so that a lost answer can be found again
        cause = f"make demo [{secrets.token_hex(4)}]"
        run_id = self._client.trigger(job.id, cause, threads_override=THREADS)["id"]
        for run in self._watch(run_id):
            on_progress(progress_of(run))
        status = Status(run["status"]).word.lower()
        return Outcome(job.key, run_id, status, time.monotonic() - started)

    def _watch(self, run_id: int) -> Iterator[dict[str, Any]]:
        while True:
            run = self._client.run(run_id, "run_steps")
            yield run
            if run["status"] in ENDED:
                return
            time.sleep(POLL_SECONDS)

    def failed_log(self, run_id: int) -> str:
        """Return the end of the log of the step that failed."""
        run = self._client.run(run_id, "run_steps")
        logs = [step["logs"] for step in run["run_steps"] if step["status"] == Status.ERROR]
        return str(logs[0] if logs else run["status_message"] or "")[-1500:]


def first_tick(cron: str | None) -> float:
    """Return the minute of the day of the first tick, or infinity without a schedule."""
    # any Monday will do: the demo's jobs run daily
    start = datetime(2026, 1, 4, 23, 59, tzinfo=UTC)
    tick = next_tick(cron, start) if cron else None
    return (tick - start).total_seconds() / 60 if tick else float("inf")


def progress_of(run: dict[str, Any]) -> str:
    """Return what a run does now: how far dbt is in which command, or why the run waits."""
    state = Status(run["status"]).word.lower()
    steps = [step for step in run["run_steps"] if step["started_at"]]
    if not steps:
        reason = run.get("status_message")
        return f"{state} {reason}" if reason else state
    counts = PROGRESS.findall(steps[-1].get("logs") or "")
    how_far = f" {counts[-1][0]} of {counts[-1][1]}" if counts else ""
    command = COMMAND.search(steps[-1]["name"])
    return f"{state}{how_far}: {command[1] if command else steps[-1]['name']}"


def require_success(outcomes: list[Outcome], cloud: Cloud) -> None:
    """Raise PlatformError with the log of the first run that did not succeed."""
    for outcome in outcomes:
        if outcome.status != "success":
            log = cloud.failed_log(outcome.run_id)
            raise PlatformError(f"run {outcome.run_id} of {outcome.key}: {outcome.status}\n{log}")
