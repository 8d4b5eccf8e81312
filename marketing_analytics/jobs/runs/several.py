"""Start jobs, all at once or one after another in the order of their chain, and follow them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marketing_analytics.cloud_api.client import CloudClient
from marketing_analytics.cloud_api.states import COMPLETIONS
from marketing_analytics.core.commands import beside
from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import EXIT_OK, EXIT_RUN_TIMED_OUT, PlatformError
from marketing_analytics.jobs.plan import RemoteJob
from marketing_analytics.jobs.render import SCHEMA_VERSION
from marketing_analytics.jobs.runs.choose import key_of
from marketing_analytics.jobs.runs.follow import Follower, Watch, go_on
from marketing_analytics.jobs.runs.words import (
    duration_words,
    link_of,
    run_json,
    runs_json,
    seconds_of,
    status_of,
    without_version,
    worst_of,
)

COLUMNS = ("job", "run", "status", "duration", "link")
# what a narrow terminal loses first
EXPENDABLE = (4, 3)
# how long dbt Cloud may take to start the job that runs after another one
CHAIN_SECONDS = 30.0
CHAIN_POLL_SECONDS = 2.0


def start_run(client: CloudClient, job: RemoteJob, who: str) -> dict[str, Any]:
    """Start a run; the cause is unique, so that a lost answer can be found again."""
    # dbt Cloud takes 255 characters
    return client.trigger(job.job_id, f"started by {who[:200]} [{secrets.token_hex(4)}]")


@dataclass(frozen=True)
class Parent:
    """The job that another one runs after, and the statuses that start it."""

    job_id: int
    statuses: tuple[str, ...]


def parent_of(job: RemoteJob) -> Parent | None:
    """Return what a job runs after, or None."""
    after = job.fields["after"]
    if not after or not after[0].lstrip("#").isdigit():
        return None
    return Parent(int(after[0].lstrip("#")), after[1])


def in_chain_order(jobs: Sequence[RemoteJob]) -> list[RemoteJob]:
    """Return jobs so that each comes after the one it runs after; else as given."""
    by_id = {job.job_id: job for job in jobs}
    found: dict[int, RemoteJob] = {}

    def add(job: RemoteJob, on_the_way: frozenset[int]) -> None:
        parent = parent_of(job)
        if parent and parent.job_id in by_id and parent.job_id not in on_the_way:
            add(by_id[parent.job_id], on_the_way | {job.job_id})
        found.setdefault(job.job_id, job)

    for job in jobs:
        add(job, frozenset())
    return list(found.values())


@dataclass
class Series:
    """Jobs that one command runs: which have been started, and how they ended."""

    client: CloudClient
    console: Console
    watch: Watch
    who: str
    jobs: Sequence[RemoteJob]
    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    # nobody looks at the runs any more
    is_over: bool = False

    def start(self, job: RemoteJob) -> Follower:
        """Start a job and say so; return what follows it."""
        return self.note(job, start_run(self.client, job, self.who), "run")

    def note(self, job: RemoteJob, run: dict[str, Any], verb: str) -> Follower:
        """Keep a run of a job and tell about it."""
        self.runs[job.job_id] = run
        run_id, key = int(run["id"]), key_of(job)
        self.console.prose(f"{verb} {run_id} of {key} ({where_of(job)})", indent="  ")
        if link_of(run):
            self.console.line(f"  {link_of(run)}")
        return Follower(self.console, run_id, key)

    def start_all(self) -> list[Follower]:
        """Start all jobs. When one cannot be, say which runs go on."""
        started: list[Follower] = []
        try:
            for job in self.jobs:
                # one after another: what was started before a failure is told
                started.append(self.start(job))  # noqa: PERF401
        except (PlatformError, KeyboardInterrupt):
            if started:
                self.console.note(go_on([follower.run_id for follower in started]))
            raise
        return started

    def follow_all(self) -> None:
        """Run all jobs at a time and follow them."""
        followers = self.start_all()
        if len(followers) > 1:
            width = max(len(follower.key) for follower in followers)
            for follower in followers:
                follower.label = f"{follower.key:<{width}} | "
        self.watch.follow(followers)

    def follow_in_order(self) -> None:
        """Run one job after another until one fails."""
        for job in in_chain_order(self.jobs):
            if self.watch.is_late():
                return
            self.watch.follow([self.started_by_chain(job) or self.start(job)])
            if any(self.watch.codes.values()):
                return

    def started_by_chain(self, job: RemoteJob) -> Follower | None:
        """Return the run that dbt Cloud starts by itself after the job before, or None.

        Starting the job here as well would run it twice.
        """
        parent = parent_of(job)
        before = self.ended_run(parent.job_id) if parent else None
        if not parent or before is None or not starts(parent, before):
            return None
        look_until = time.monotonic() + CHAIN_SECONDS
        while True:
            for run in self.client.latest_runs(job.job_id):
                if follows(run, int(before["id"])):
                    return self.note(job, run, "started by its chain: run")
            if time.monotonic() >= look_until:
                return None
            time.sleep(CHAIN_POLL_SECONDS)

    def ended_run(self, job_id: int) -> dict[str, Any] | None:
        """Return the run of a job of this command as it ended, or None."""
        run = self.runs.get(job_id)
        return self.watch.ended.get(int(run["id"])) if run else None

    @property
    def exit_code(self) -> int:
        """Return the exit code of all runs; what the time did not suffice for is timed out."""
        code = worst_of(list(self.watch.codes.values()))
        is_complete = len(self.watch.codes) == len(self.jobs)
        return code if code or is_complete else EXIT_RUN_TIMED_OUT

    def result(self) -> None:
        """Print a table of all jobs, those that were not started too."""
        self.is_over = True
        if self.console.is_json:
            document = runs_json([self.row_json(job) for job in self.jobs])
            event = {"schema_version": SCHEMA_VERSION, "event": "result"}
            facts = {"exit_code": self.exit_code, **without_version(document)}
            self.console.json(event | facts)
            return
        self.console.table(
            COLUMNS, [self.row(job) for job in self.jobs], right=(1,), expendable=EXPENDABLE
        )

    def row(self, job: RemoteJob) -> list[str]:
        """Return the cells of a job for people."""
        run = self.latest(job)
        if run is None:
            return [key_of(job), "-", "not started", "-", "-"]
        took = duration_words(seconds_of(run))
        return [key_of(job), str(run["id"]), self.status(run), took, link_of(run) or "-"]

    def row_json(self, job: RemoteJob) -> dict[str, Any]:
        """Return a job for JSON; one that was not started has no run."""
        run = self.latest(job)
        if run is None:
            return run_json({"job_definition_id": job.job_id, "status": "not started"}, job)
        return run_json(run, job) | {"status": self.status(run)}

    def latest(self, job: RemoteJob) -> Mapping[str, Any] | None:
        """Return what is known last of a job's run."""
        return self.ended_run(job.job_id) or self.runs.get(job.job_id)

    def status(self, run: Mapping[str, Any]) -> str:
        """Return how a run ended, in a word."""
        run_id = int(run["id"])
        if self.is_over and run_id not in self.watch.ended:
            return "goes on"
        is_late = self.watch.codes.get(run_id) == EXIT_RUN_TIMED_OUT
        return "timed out" if is_late else status_of(run)


def starts(parent: Parent, run: Mapping[str, Any]) -> bool:
    """Return whether a run ended so that the job after it starts by itself."""
    wanted = {COMPLETIONS[status] for status in parent.statuses if status in COMPLETIONS}
    return run.get("status") in wanted


def follows(run: Mapping[str, Any], parent_run_id: int) -> bool:
    """Return whether a run was started by the end of another one."""
    trigger = run.get("trigger") or {}
    is_chained = trigger.get("cause_category") == "job completion"
    return is_chained and int(run.get("id") or 0) > parent_run_id


def where_of(job: RemoteJob) -> str:
    """Return id and environment of a job."""
    return f"job {job.job_id}, environment {job.data.get('environment_id')}"


def run_jobs(
    client: CloudClient,
    jobs: Sequence[RemoteJob],
    console: Console,
    who: str,
    *,
    is_followed: bool,
    is_in_order: bool,
    timeout_seconds: int | None,
) -> int:
    """Run jobs and return the exit code that says how they ended."""
    until = time.monotonic() + timeout_seconds if timeout_seconds else None
    watch = Watch(client, console, until, timeout_seconds or 0)
    series = Series(client, console, watch, who, jobs)
    if not is_in_order:
        say_chains(console, jobs)
    if not (is_followed or is_in_order):
        followers = series.start_all()
        say_started(console, series, followers)
        return EXIT_OK
    try:
        series.follow_in_order() if is_in_order else series.follow_all()
    finally:
        if len(jobs) > 1 and series.runs:
            series.result()
    return series.exit_code


def say_chains(console: Console, jobs: Sequence[RemoteJob]) -> None:
    """Remark on jobs that dbt Cloud starts again when the one before them is done."""
    by_id = {job.job_id: job for job in jobs}
    for job in jobs:
        parent = parent_of(job)
        if parent and parent.job_id in by_id:
            before = key_of(by_id[parent.job_id])
            text = f"note: {key_of(job)} runs again when {before} is done; --in-order runs it once"
            console.note(text, indent="  ")


def say_started(console: Console, series: Series, followers: Iterable[Follower]) -> None:
    """Print what was started, where nobody follows it."""
    if console.is_json:
        documents = [series.row_json(job) for job in series.jobs]
        console.json(documents[0] if len(documents) == 1 else runs_json(documents))
    for follower in followers:
        console.line(f"  next: {beside('logs')} {follower.run_id} --follow")
