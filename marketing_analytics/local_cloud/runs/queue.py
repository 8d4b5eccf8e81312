"""Who may run next, who holds a run, and what becomes of a run whose server died.

A claim sets owner, fencing token, lease and first heartbeat in one immediate transaction. A run
is taken from its holder only when the lease is over and the process is gone, never by age alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from marketing_analytics.cloud_api.states import Status
from marketing_analytics.local_cloud.runs.child.process import is_running, kill_survivor, start_of
from marketing_analytics.local_cloud.runs.moves import (
    Move,
    RefusedMoveError,
    move_run,
)
from marketing_analytics.local_cloud.runs.store import end_run, retry_crashed_run
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    find_all,
    load_sql,
    now_text,
    time_text,
    transaction,
)

# by so much may the clocks of two machines differ
CLOCK_SECONDS = 5.0


@dataclass(frozen=True)
class Lease:
    """The right to write to a run; `taken_at` is when, by this machine's steady clock."""

    run_id: int
    token: str
    taken_at: float = field(default_factory=time.monotonic)


@dataclass
class RunFlags:
    """How the engine speaks to a runner."""

    is_cancelled: threading.Event = field(default_factory=threading.Event)
    is_lost: threading.Event = field(default_factory=threading.Event)
    is_stopping: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Wait:
    """Why a queued run does not start: the runs it is behind, nearest first."""

    run_ids: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class Entry:
    """A run as the queue sees it; `waits_for` is JSON, `run_slots` are its account's."""

    id: int
    account_id: int
    environment_id: int
    job_id: int
    status: Status
    waits_for: str
    wait_reason: str
    run_slots: int
    is_ci: bool
    deferring_environment_id: int | None = None

    @property
    def warehouses(self) -> tuple[int, ...]:
        """Return the environments whose files a run opens: nobody writes what it reads."""
        other = self.deferring_environment_id
        is_other = other is not None and other != self.environment_id
        return (self.environment_id, other) if is_other and other else (self.environment_id,)


@dataclass(frozen=True)
class HeldRun:
    """A run that a server holds, and the dbt process that works for it."""

    id: int
    owner_id: str | None
    lease_expires_at: str | None
    heartbeat_at: str | None
    process_id: int | None
    process_started_at: str | None
    attempts_left: int


@dataclass
class Occupation:
    """What is taken while the queue is walked, by the id of the run that takes it."""

    jobs: dict[int, int] = field(default_factory=dict)
    environments: dict[int, int] = field(default_factory=dict)
    slots: dict[int, list[int]] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """Mark what a run takes, whether it goes on or waits in front of others."""
        for environment_id in entry.warehouses:
            self.environments[environment_id] = entry.id
        if not entry.is_ci:
            self.jobs[entry.job_id] = entry.id

    def take_slot(self, entry: Entry) -> None:
        """Mark a run slot; runs of pull requests take none."""
        if not entry.is_ci:
            self.slots.setdefault(entry.account_id, []).append(entry.id)


@cache
def this_machine() -> str:
    """Return a word for this machine since it booted; a container is a machine of its own."""
    parts = [platform.node()]
    for path in (Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")):
        with contextlib.suppress(OSError):
            parts.append(str(path.readlink()) if path.is_symlink() else path.read_text())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def new_owner() -> str:
    """Return the name of this process as a holder of runs: pid, start, machine, a random part."""
    pid = os.getpid()
    return f"{pid}@{start_of(pid)}@{this_machine()}.{secrets.token_hex(4)}"


def is_elsewhere(owner_id: str | None) -> bool:
    """Return whether an owner works on another machine, so that only its lease tells of it."""
    machine, dot, _ = (owner_id or "").rpartition("@")[2].partition(".")
    return bool(dot) and machine != this_machine()


def is_owner_alive(owner_id: str | None) -> bool:
    """Return whether the process behind an owner name still lives on this machine."""
    pid, _, rest = (owner_id or "").partition("@")
    return pid.isdigit() and is_running(int(pid), rest.rpartition("@")[0])


def claim_runs(
    connection: Connection, owner_id: str, *, lease_seconds: float, most: int | None = None
) -> list[Lease]:
    """Claim every queued run that may start, oldest first, and explain why the others wait."""
    sql = load_sql("runs_queue")
    if not connection.execute(sql["has_queued"]).fetchone()[0]:
        return []
    leases: list[Lease] = []
    with transaction(connection):
        entries = find_all(connection, Entry, sql["waiting_and_active"], {})
        for entry, wait in decide(entries):
            if wait is None and (most is None or len(leases) < most):
                leases.append(claim_run(connection, entry.id, owner_id, lease_seconds))
            elif wait is not None:
                save_wait(connection, entry, wait)
    return leases


def decide(entries: Sequence[Entry]) -> list[tuple[Entry, Wait | None]]:
    """Return each queued run with its wait, None when it may start; they come in queue order."""
    taken = Occupation()
    for entry in entries:
        if entry.status != Status.QUEUED:
            taken.take(entry)
            taken.take_slot(entry)
    decisions: list[tuple[Entry, Wait | None]] = []
    for entry in entries:
        if entry.status == Status.QUEUED:
            wait = wait_of(entry, taken)
            decisions.append((entry, wait))
            # who waits is still in front of those who came later
            taken.take(entry)
            if wait is None:
                taken.take_slot(entry)
    return decisions


def wait_of(entry: Entry, taken: Occupation) -> Wait | None:
    """Return what a queued run waits for, or None."""
    same_job = None if entry.is_ci else taken.jobs.get(entry.job_id)
    found = (taken.environments.get(number) for number in entry.warehouses)
    writer = next((run_id for run_id in found if run_id is not None), None)
    slots = taken.slots.get(entry.account_id, [])
    if same_job is not None:
        others = (writer,) if writer is not None and writer != same_job else ()
        return Wait((same_job, *others), f"behind run {same_job} of the same job")
    if writer is not None:
        return Wait((writer,), f"behind run {writer}, which writes the same warehouse file")
    if not entry.is_ci and len(slots) >= entry.run_slots:
        numbers = ", ".join(map(str, slots))
        return Wait(tuple(slots), f"all {entry.run_slots} run slots are taken by runs {numbers}")
    return None


def save_wait(connection: Connection, entry: Entry, wait: Wait) -> None:
    """Write why a run waits, when that changed."""
    waits_for = json.dumps(list(wait.run_ids))
    if (entry.waits_for, entry.wait_reason) != (waits_for, wait.reason):
        values = {"waits_for": waits_for, "wait_reason": wait.reason}
        connection.execute(
            load_sql("runs_queue")["save_wait"], {"run_id": entry.id, "now": now_text(), **values}
        )


def claim_run(connection: Connection, run_id: int, owner_id: str, lease_seconds: float) -> Lease:
    """Claim one queued run inside an open transaction (move b)."""
    lease = Lease(run_id, secrets.token_hex(16))
    values = {
        "owner_id": owner_id,
        "lease_token": lease.token,
        "lease_expires_at": lease_end(lease_seconds),
    }
    move_run(connection, run_id, Move.CLAIM, values=values)
    return lease


def lease_end(lease_seconds: float) -> str:
    """Return when a lease that starts now is over."""
    return time_text(datetime.now(UTC) + timedelta(seconds=lease_seconds))


def renew_leases(connection: Connection, leases: Iterable[Lease], lease_seconds: float) -> set[int]:
    """Renew leases; return the runs that are no longer ours."""
    sql = load_sql("runs_queue")["renew"]
    end, lost = lease_end(lease_seconds), set()
    with transaction(connection):
        for lease in leases:
            values = {"run_id": lease.run_id, "lease_token": lease.token}
            done = connection.execute(sql, {**values, "lease_expires_at": end, "now": now_text()})
            if not done.rowcount:
                lost.add(lease.run_id)
    return lost


def cancel_requests(connection: Connection, owner_id: str) -> set[int]:
    """Return the active runs of an owner that a user wants cancelled."""
    rows = connection.execute(load_sql("runs_queue")["cancel_requests"], {"owner_id": owner_id})
    return {row["id"] for row in rows}


def held_runs(connection: Connection) -> list[HeldRun]:
    """Return the runs that servers hold."""
    return find_all(connection, HeldRun, load_sql("runs_queue")["held_runs"], {})


def reap_runs(
    connection: Connection,
    *,
    is_gone: Callable[[str | None], bool] | None = None,
    held: Collection[int] = (),
) -> list[int]:
    """End the runs whose lease is over and whose server is gone; return their ids (move e).

    `held` are runs that the caller works on. Their dbt processes are killed first, if any is left.
    A server of another machine has killed them itself when it could not renew its leases.
    """
    gone = is_gone or (lambda owner_id: not is_owner_alive(owner_id))
    crashed: list[int] = []
    for run in held_runs(connection):
        is_far = is_elsewhere(run.owner_id)
        over_since = datetime.now(UTC) - timedelta(seconds=CLOCK_SECONDS if is_far else 0)
        if run.id in held or (run.lease_expires_at or "") > time_text(over_since):
            continue
        if is_far or gone(run.owner_id):
            if not is_far:
                kill_survivor(run.process_id, run.process_started_at)
            if crash_run(connection, run):
                crashed.append(run.id)
    return crashed


def crash_run(connection: Connection, run: HeldRun) -> bool:
    """End one run as crashed, and queue it again while attempts are left."""
    pid = (run.owner_id or "").partition("@")[0] or "unknown"
    what = f"server process {pid} that ran this died"
    if is_elsewhere(run.owner_id):
        what = f"server process {pid} of another machine, which ran this, is not heard of"
    elif is_owner_alive(run.owner_id):
        what = "worker of this run broke off"
    seen = (run.heartbeat_at or "an unknown time")[:19]
    message = f"The {what}; its last sign of life was at {seen} UTC."
    try:
        with transaction(connection):
            end_run(connection, run.id, Move.CRASH, message=message, is_process_gone=True)
            if run.attempts_left > 0:
                retry_crashed_run(connection, run.id)
    except RefusedMoveError:
        # somebody else ended it in between
        return False
    return True


def kill_survivors(connection: Connection) -> int:
    """Kill dbt processes whose server is gone, without waiting for their leases."""
    return sum(
        kill_survivor(run.process_id, run.process_started_at)
        for run in held_runs(connection)
        if not is_elsewhere(run.owner_id) and not is_owner_alive(run.owner_id)
    )
