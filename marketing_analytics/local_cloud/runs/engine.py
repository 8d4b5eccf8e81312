"""The engine of the local dbt Cloud: one loop that schedules, claims, renews, cancels and reaps.

The loop's thread lives as long as the engine and starts the process that dbt is copied from, since
the parent-death signal is bound to the thread that started the child. One thread per active run
does the work.
"""

from __future__ import annotations

import logging
import math
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from marketing_analytics.core.errors import is_bug
from marketing_analytics.core.locks import file_lock
from marketing_analytics.local_cloud.runs.artifacts import run_folder
from marketing_analytics.local_cloud.runs.child.process import DbtProcess, Template
from marketing_analytics.local_cloud.runs.code.remotes import Mirrors
from marketing_analytics.local_cloud.runs.code.settings import CodeSettings, RunnerSettings
from marketing_analytics.local_cloud.runs.confinement.access import Access
from marketing_analytics.local_cloud.runs.publish import PublishSettings
from marketing_analytics.local_cloud.runs.queue import (
    Lease,
    cancel_requests,
    claim_runs,
    is_owner_alive,
    kill_survivors,
    new_owner,
    reap_runs,
    renew_leases,
)
from marketing_analytics.local_cloud.runs.requests.closing import expire_requests
from marketing_analytics.local_cloud.runs.runner import Runner
from marketing_analytics.local_cloud.runs.scheduler import GRACE, plan_again, tick
from marketing_analytics.local_cloud.runs.workspace import base_environment
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Database,
    Place,
    open_connection,
)
from marketing_analytics.local_cloud.store.retention import drop_old_runs
from marketing_analytics.local_cloud.store.schema import open_store

# how often requests are looked for that nobody closed
EXPIRE_SECONDS = 3600.0
# where a start looks for jobs that a clock planned which was ahead: most jobs run each day
FAR_AHEAD = timedelta(days=1)
# a clock is set back so far every day
SLACK = timedelta(minutes=1)
log = logging.getLogger(__name__)


def real_time() -> datetime:
    """Return the time that schedules follow; a frozen business clock does not stop them."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """Durations are in seconds. `program` replaces what dbt is copied from in tests."""

    lease_seconds: float = 15.0
    # a database may be away for a while, and others must hear of who holds a run
    shared_lease_seconds: float = 20.0
    heartbeat_seconds: float = 5.0
    poll_seconds: float = 0.2
    schedule_seconds: float = 1.0
    reap_seconds: float = 1.0
    interrupt_seconds: float = 10.0
    terminate_seconds: float = 5.0
    stop_seconds: float = 8.0
    raw_wait_seconds: float = 60.0
    tick_grace: timedelta = GRACE
    has_scheduler: bool = True
    template_seconds: float = 60.0
    program: tuple[str, ...] = ()
    publish: PublishSettings = field(default_factory=PublishSettings)
    code: CodeSettings = field(default_factory=CodeSettings)
    request_days: int = 30
    keep_days: int = 0
    access: Access = field(default_factory=Access)


class Engine:
    """Runs everything that is queued in one store. One engine per data folder at a time."""

    def __init__(
        self,
        data_folder: Path,
        *,
        store: Place | None = None,
        raw_database: Path | None = None,
        settings: EngineSettings | None = None,
        clock: Callable[[], datetime] = real_time,
    ) -> None:
        self.data_folder = data_folder.resolve()
        self.store = store or self.data_folder / "cloud.sqlite"
        self.settings = settings or EngineSettings()
        self.clock = clock
        self.owner_id = new_owner()
        self._runner_settings = RunnerSettings(
            data_folder=self.data_folder,
            store=self.store,
            raw_database=raw_database.resolve() if raw_database else None,
            base_environment=base_environment(os.environ, self.settings.code.hub_url),
            interrupt_seconds=self.settings.interrupt_seconds,
            terminate_seconds=self.settings.terminate_seconds,
            raw_wait_seconds=self.settings.raw_wait_seconds,
            publish=self.settings.publish,
            code=self.settings.code,
            access=self.settings.access,
        )
        self._mirrors = Mirrors(self.data_folder / "repositories", self.settings.code.logins)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._runners: dict[int, Runner] = {}
        self._template: Template | None = None
        self._thread: threading.Thread | None = None
        self._lock: ExitStack | None = None
        self._due_at: dict[str, float] = {}
        self._let_go_seconds = EXPIRE_SECONDS
        self._ticked_at: datetime | None = None
        # when each lease was taken or renewed last
        self._renewed_at: dict[int, float] = {}

    @property
    def lease_seconds(self) -> float:
        """Return how long a run is held without a sign of life."""
        is_shared = isinstance(self.store, Database)
        return self.settings.shared_lease_seconds if is_shared else self.settings.lease_seconds

    def start(self) -> None:
        """Start the loop. Raise LockedError when another server works on this data folder."""
        self.data_folder.mkdir(parents=True, exist_ok=True)
        self._lock = lock_folder(self.data_folder, is_shared=isinstance(self.store, Database))
        open_store(self.store).close()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the active runs (they end in error and say so), then the loop."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def wake(self) -> None:
        """Look at the queue now instead of at the next poll."""
        self._wake.set()

    def _loop(self) -> None:
        connection = open_connection(self.store)
        try:
            while not self._stopping.is_set():
                self._look(connection)
                self._wake.wait(self.settings.poll_seconds)
                self._wake.clear()
            self._stop_runners(connection)
        finally:
            if self._template is not None:
                self._template.close()
                self._template = None
            connection.close()

    def _look(self, connection: Connection) -> None:
        """Do once what is due; a store that is busy or full is tried again at the next look."""
        for work in (
            self._kill_survivors,
            self._forget_done,
            self._renew,
            self._give_up,
            self._reap,
            self._schedule,
            self._pass_on_cancels,
            self._keep_template,
            self._claim,
            self._let_go,
        ):
            try:
                work(connection)
            except Exception as error:
                # this thread must live: its end would kill every dbt process
                self._due_at.clear()
                log.warning(
                    "%s failed, trying again: %s",
                    work.__name__,
                    error,
                    exc_info=is_bug(error),
                    extra={"action": "engine_work_failed"},
                )

    def _is_due(self, name: str, seconds: float) -> bool:
        now = time.monotonic()
        if now < self._due_at.get(name, 0.0):
            return False
        self._due_at[name] = now + seconds
        return True

    def _kill_survivors(self, connection: Connection) -> None:
        """End what an earlier server left behind, once: before anything is claimed."""
        if self._is_due("survivors", math.inf):
            kill_survivors(connection)

    def _forget_done(self, _connection: Connection) -> None:
        for run_id in [key for key, runner in self._runners.items() if runner.is_done.is_set()]:
            del self._runners[run_id]
            self._renewed_at.pop(run_id, None)

    def _renew(self, connection: Connection) -> None:
        if not self._runners or not self._is_due("renew", self.settings.heartbeat_seconds):
            return
        leases = [runner.lease for runner in self._runners.values()]
        started = time.monotonic()
        for run_id in renew_leases(connection, leases, self.lease_seconds):
            if not self._runners[run_id].is_done.is_set():
                self._runners[run_id].flags.is_lost.set()
        self._renewed_at.update(dict.fromkeys(self._runners, started))

    def _give_up(self, _connection: Connection) -> None:
        """End the runs whose leases may be over: a server of another machine takes them."""
        if not isinstance(self.store, Database):
            return
        silent_since = time.monotonic() - (self.lease_seconds - self.settings.heartbeat_seconds)
        for run_id, runner in self._runners.items():
            if self._renewed_at[run_id] < silent_since:
                runner.flags.is_lost.set()

    def _reap(self, connection: Connection) -> None:
        if self._is_due("reap", self.settings.reap_seconds):
            held = set(self._runners)

            def is_gone(owner_id: str | None) -> bool:
                # ours, but no runner has it: the runner broke off
                return owner_id == self.owner_id or not is_owner_alive(owner_id)

            for run_id in reap_runs(connection, is_gone=is_gone, held=held):
                log.warning(
                    "run %s was found without a living server",
                    run_id,
                    extra={"action": "run_reaped"},
                )

    def _schedule(self, connection: Connection) -> None:
        if self.settings.has_scheduler and self._is_due("tick", self.settings.schedule_seconds):
            now = self.clock()
            self._follow_clock(connection, now)
            tick(connection, now, grace=self.settings.tick_grace)
        days = self.settings.request_days
        if self.settings.has_scheduler and days and self._is_due("requests", EXPIRE_SECONDS):
            expire_requests(connection, timedelta(days=days))

    def _follow_clock(self, connection: Connection, now: datetime) -> None:
        """Plan jobs anew when the clock went back, at the start those that seem far ahead."""
        if self._ticked_at is None or now < self._ticked_at - SLACK:
            ahead = FAR_AHEAD if self._ticked_at is None else timedelta(0)
            if count := plan_again(connection, now, ahead=ahead):
                log.warning(
                    "the clock was ahead: %s jobs are planned anew",
                    count,
                    extra={"action": "jobs_planned_anew"},
                )
        self._ticked_at = now

    def _let_go(self, connection: Connection) -> None:
        """Delete a few runs that are older than what is kept, with what they left on disk."""
        days = self.settings.keep_days
        if not days or not self._is_due("retention", self._let_go_seconds):
            return
        run_ids = drop_old_runs(connection, timedelta(days=days))
        for run_id in run_ids:
            shutil.rmtree(run_folder(self.data_folder, run_id), ignore_errors=True)
        # more of them may be left
        self._let_go_seconds = 1.0 if run_ids else EXPIRE_SECONDS

    def _pass_on_cancels(self, connection: Connection) -> None:
        if self._runners:
            for run_id in cancel_requests(connection, self.owner_id):
                if run_id in self._runners:
                    self._runners[run_id].flags.is_cancelled.set()

    def _claim(self, connection: Connection) -> None:
        for lease in claim_runs(connection, self.owner_id, lease_seconds=self.lease_seconds):
            self._renewed_at[lease.run_id] = lease.taken_at
            self._start_runner(lease)

    def _start_runner(self, lease: Lease) -> None:
        runner = Runner(self._runner_settings, lease, self._start_process, self._mirrors)
        self._runners[lease.run_id] = runner
        name = f"run-{lease.run_id}"
        threading.Thread(target=runner.run, name=name, daemon=True).start()

    def _keep_template(self, _connection: Connection) -> None:
        """Have a process that has imported dbt, which takes longer than a small run."""
        if self._template is not None and not self._template.is_alive():
            self._template.close()
            self._template = None
        if self._template is None:
            self._template = Template(self._runner_settings.base_environment, self.settings.program)

    def _start_process(self) -> DbtProcess:
        """Return the process of a run; called by its thread. Raise OSError when there is none."""
        until = time.monotonic() + self.settings.template_seconds
        while True:
            try:
                template = self._template
                if template is None:
                    raise OSError("dbt cannot be started")
                return template.start()
            except OSError:
                if self._stopping.is_set() or time.monotonic() > until:
                    raise
                # the loop starts another one
                self.wake()
                time.sleep(0.1)

    def _stop_runners(self, connection: Connection) -> None:
        for runner in self._runners.values():
            runner.flags.is_stopping.set()
        until = time.monotonic() + self.settings.stop_seconds
        for runner in list(self._runners.values()):
            while not runner.is_done.wait(0.1) and time.monotonic() < until:
                # a store that is away must not keep dbt alive
                with suppress(sqlite3.Error):
                    self._renew(connection)
            if not runner.is_done.is_set():
                runner.dialogue.kill()
                runner.is_done.wait(5.0)


def lock_folder(data_folder: Path, *, is_shared: bool = False) -> ExitStack:
    """Take the lock of a data folder; the kernel gives it back when the process dies.

    Servers of one database share their folder; a store in the folder has one server.
    """
    stack = ExitStack()
    stack.enter_context(
        file_lock(
            data_folder / "engine.lock",
            taken=f"{data_folder} is in use by another server",
            hint="stop that server, or start this one with another --data-dir",
            is_shared=is_shared,
        )
    )
    return stack
