"""The state table of a run, and that nothing outside of it is possible."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from benchmarks.tiny_cloud import add_job, create_cloud
from marketing_analytics.cloud_api.states import ENDED, Status
from marketing_analytics.local_cloud.runs import store
from marketing_analytics.local_cloud.runs.moves import (
    FROM,
    TO,
    FencedError,
    Move,
    RefusedMoveError,
    move_run,
)
from marketing_analytics.local_cloud.runs.queue import claim_run, lease_end
from marketing_analytics.local_cloud.store.connection import Connection, transaction

# written out by hand, so that a change of the table in the code is noticed here
ALLOWED = {
    (Status.QUEUED, Move.CLAIM, Status.STARTING),
    (Status.STARTING, Move.BEGIN, Status.RUNNING),
    (Status.RUNNING, Move.FINISH, Status.SUCCESS),
    (Status.RUNNING, Move.FINISH, Status.ERROR),
    (Status.STARTING, Move.CRASH, Status.ERROR),
    (Status.RUNNING, Move.CRASH, Status.ERROR),
    (Status.ERROR, Move.RETRY, Status.QUEUED),
    (Status.QUEUED, Move.WITHDRAW, Status.CANCELLED),
    (Status.RUNNING, Move.CANCEL, Status.CANCELLED),
}


@pytest.fixture
def connection(tmp_path, new_store, store_kind):
    connection = create_cloud(tmp_path, tmp_path, store=new_store(tmp_path))
    if store_kind == "sqlite":
        # thousands of transactions: the disk is not what is tested here
        connection.execute("pragma synchronous = off")
    yield connection
    connection.close()


def test_the_table_in_the_code_is_the_documented_one():
    found = {(old, move, new) for move in Move for old in FROM[move] for new in TO[move]}
    assert found == ALLOWED


def try_move(
    connection: Connection, run_id: int, move: Move, new: Status, token: str, is_gone: bool
) -> str:
    """Try one move and return what came of it."""
    try:
        with transaction(connection):
            if move is Move.CLAIM:
                claim_run(connection, run_id, "1@x@y", lease_seconds=-1.0)
            else:
                values = {"process_id": 1, "process_started_at": "x"}
                move_run(
                    connection,
                    run_id,
                    move,
                    status=new,
                    token=token,
                    is_process_gone=is_gone,
                    values=values,
                )
    except FencedError:
        return "fenced"
    except RefusedMoveError:
        return "refused"
    return "done"


def test_ten_thousand_random_moves_never_leave_the_table(connection):
    random_source = random.Random(20261123)
    job_id = add_job(connection)
    runs = [store.create_run(connection, job_id, attempts_left=2).id for _ in range(20)]
    outcomes: Counter[str] = Counter()
    for _ in range(10_000):
        run_id = random_source.choice(runs)
        before = store.require_run(connection, run_id)
        move = random_source.choice(list(Move))
        new = random_source.choice(sorted(TO[move] if random_source.random() < 0.8 else Status))
        has_token = random_source.random() < 0.8
        token = (before.lease_token or "none") if has_token else "somebody else's"
        is_gone = random_source.random() < 0.5
        outcome = try_move(connection, run_id, move, new, token, is_gone)
        after = store.require_run(connection, run_id)
        outcomes[outcome] += 1
        if before.status in ENDED and random_source.random() < 0.5:
            runs[runs.index(run_id)] = store.create_run(connection, job_id, attempts_left=2).id
        if outcome != "done":
            assert after == before
            continue
        new = Status.STARTING if move is Move.CLAIM else new
        assert (Status(before.status), move, new) in ALLOWED
        assert after.status == new
        check_row(before, after, move, has_token, is_gone)
    assert outcomes["done"] > 1_000
    assert outcomes["refused"] > 1_000
    assert outcomes["fenced"] > 100


def check_row(before, after, move: Move, has_token: bool, is_gone: bool) -> None:
    if move in (Move.BEGIN, Move.FINISH, Move.CANCEL):
        assert has_token
    if move is Move.CRASH:
        assert is_gone
        assert after.is_crashed == 1
    if move is Move.CLAIM:
        assert after.heartbeat_at
        assert after.lease_expires_at
    if move is Move.RETRY:
        assert before.is_crashed
        assert after.attempts_left == before.attempts_left - 1
    assert (after.finished_at is not None) == (after.status in ENDED)
    assert (after.lease_token is not None) == (after.status in (2, 3))


def test_a_run_with_a_living_lease_cannot_be_declared_crashed(connection):
    run_id = store.create_run(connection, add_job(connection)).id
    with transaction(connection):
        claim_run(connection, run_id, "1@x@y", lease_seconds=60)
    assert try_move(connection, run_id, Move.CRASH, Status.ERROR, "", True) == "refused"


def test_a_run_whose_lease_has_no_end_is_not_stuck_for_ever(connection):
    run_id = store.create_run(connection, add_job(connection)).id
    with transaction(connection):
        claim_run(connection, run_id, "1@x@y", lease_seconds=60)
    connection.execute("update runs set lease_expires_at = null, heartbeat_at = null")
    assert try_move(connection, run_id, Move.CRASH, Status.ERROR, "", True) == "done"


def test_a_lease_end_is_text_that_sorts_as_time():
    assert lease_end(-5) < lease_end(0) < lease_end(5)
