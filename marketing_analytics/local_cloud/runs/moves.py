"""The one function that moves a run from one state to the next, and what it allows.

a enqueue   -           -> queued      API, tick, completed job
b claim     queued      -> starting    sets owner, token, lease and first heartbeat at once
c begin     starting    -> running     token
d finish    running     -> success, error           token
e crash     starting, running -> error              lease over and process gone
f retry     error       -> queued      only after a crash, while attempts are left
g withdraw  queued      -> cancelled   user, or a newer tick of the same job
h cancel    running     -> cancelled   token; user or time-out
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from marketing_analytics.cloud_api.states import HELD, Status
from marketing_analytics.core.errors import PlatformError
from marketing_analytics.local_cloud.store.connection import (
    Connection,
    Value,
    find,
    load_sql,
    now_text,
)


class Move(StrEnum):
    """What can happen to a run; the letters are those of the table above."""

    CLAIM = "b"
    BEGIN = "c"
    FINISH = "d"
    CRASH = "e"
    RETRY = "f"
    WITHDRAW = "g"
    CANCEL = "h"


FROM: dict[Move, frozenset[Status]] = {
    Move.CLAIM: frozenset({Status.QUEUED}),
    Move.BEGIN: frozenset({Status.STARTING}),
    Move.FINISH: frozenset({Status.RUNNING}),
    Move.CRASH: HELD,
    Move.RETRY: frozenset({Status.ERROR}),
    Move.WITHDRAW: frozenset({Status.QUEUED}),
    Move.CANCEL: frozenset({Status.RUNNING}),
}
TO: dict[Move, frozenset[Status]] = {
    Move.CLAIM: frozenset({Status.STARTING}),
    Move.BEGIN: frozenset({Status.RUNNING}),
    Move.FINISH: frozenset({Status.SUCCESS, Status.ERROR}),
    Move.CRASH: frozenset({Status.ERROR}),
    Move.RETRY: frozenset({Status.QUEUED}),
    Move.WITHDRAW: frozenset({Status.CANCELLED}),
    Move.CANCEL: frozenset({Status.CANCELLED}),
}
NEEDS_TOKEN = frozenset({Move.BEGIN, Move.FINISH, Move.CANCEL})


@dataclass(frozen=True)
class Hold:
    """What the guards of a move look at: the state of a run and who holds it."""

    id: int
    status: Status
    lease_token: str | None
    lease_expires_at: str | None
    is_crashed: bool
    attempts_left: int


class RefusedMoveError(PlatformError):
    """The run is not in a state that allows this."""


class StopRunError(Exception):
    """The run ends before its last step, as `status`, with a message for its page."""

    def __init__(self, status: Status, message: str, *, is_timed_out: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.is_timed_out = is_timed_out


class FencedError(PlatformError):
    """The run was taken from this worker; what it still writes is refused."""


def move_run(
    connection: Connection,
    run_id: int,
    move: Move,
    *,
    status: Status | None = None,
    token: str | None = None,
    is_process_gone: bool = False,
    values: Mapping[str, Value] | None = None,
) -> Status:
    """Move a run inside an open transaction and return its new status.

    Raise RefusedMoveError for a move that the table does not allow, FencedError for a wrong token.
    """
    sql = load_sql("runs_moves")
    now = now_text()
    hold = find(connection, Hold, sql["state"], {"run_id": run_id})
    if hold is None:
        raise RefusedMoveError(f"there is no run {run_id}")
    new = status or next(iter(TO[move]))
    check_move(hold, move, new, token=token, is_process_gone=is_process_gone, now=now)
    given = {"status": int(new), "status_message": None, "is_timed_out": 0, **(values or {})}
    connection.execute(sql[move.name.lower()], {"run_id": run_id, "now": now, **given})
    return new


def check_move(
    hold: Hold, move: Move, new: Status, *, token: str | None, is_process_gone: bool, now: str
) -> None:
    """Raise when the table or a guard does not allow the move."""
    run_id, old = hold.id, hold.status
    if move in NEEDS_TOKEN and (token is None or hold.lease_token != token):
        raise FencedError(f"run {run_id} is no longer held by this worker")
    if old not in FROM[move] or new not in TO[move]:
        raise RefusedMoveError(f"run {run_id} cannot go from {old.name} to {new.name} ({move})")
    # a lease without an end is over: nothing may stay in a state for ever
    if move is Move.CRASH and not (is_process_gone and (hold.lease_expires_at or "") <= now):
        raise RefusedMoveError(f"run {run_id} is still held by a living process")
    if move is Move.RETRY and not (hold.is_crashed and hold.attempts_left > 0):
        raise RefusedMoveError(f"run {run_id} may not be tried again")


def check_token(connection: Connection, run_id: int, token: str) -> None:
    """Raise FencedError unless the run is active and held under this token."""
    hold = find(connection, Hold, load_sql("runs_moves")["state"], {"run_id": run_id})
    if hold is None or hold.lease_token != token or hold.status not in HELD:
        raise FencedError(f"run {run_id} is no longer held by this worker")


def first_cause(error: BaseException) -> BaseException:
    """Return what went wrong before an error: often the end of a run fails as its work did."""
    while error.__context__ is not None:
        error = error.__context__
    return error
