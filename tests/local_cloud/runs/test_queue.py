"""Who may start, who waits and why, and who is taken for dead."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from marketing_analytics.cloud_api.states import Status
from marketing_analytics.local_cloud.runs import queue, store
from marketing_analytics.local_cloud.runs.child.process import is_running, start_of
from marketing_analytics.local_cloud.runs.moves import FencedError, Move, check_token
from marketing_analytics.local_cloud.store.connection import open_connection, transaction


def claim(cloud, lease_seconds: float = 60.0) -> list[int]:
    owner = queue.new_owner()
    leases = queue.claim_runs(cloud.connection, owner, lease_seconds=lease_seconds)
    return [lease.run_id for lease in leases]


def test_one_run_of_a_job_at_a_time_and_the_wait_names_it(cloud):
    job = cloud.job()
    first, second, third = (cloud.run(job) for _ in range(3))
    assert claim(cloud) == [first]
    assert cloud.row(second).run_ids_ahead == [first]
    assert cloud.row(third).run_ids_ahead[0] == second
    assert cloud.row(second).wait_reason == f"behind run {first} of the same job"


def test_one_writer_per_warehouse_file_and_other_environments_go_on(cloud):
    first = cloud.run(cloud.job(environment_id=1))
    second = cloud.run(cloud.job(environment_id=1))
    third = cloud.run(cloud.job(environment_id=2))
    assert claim(cloud) == [first, third]
    assert cloud.row(second).wait_reason == (
        f"behind run {first}, which writes the same warehouse file"
    )


def test_run_slots_limit_what_an_account_runs_at_once(cloud):
    cloud.connection.execute("update accounts set run_slots = 2")
    runs = [cloud.run(cloud.job(environment_id=number)) for number in (1, 2, 3, 4)]
    assert claim(cloud) == runs[:2]
    assert cloud.row(runs[2]).wait_reason == (
        f"all 2 run slots are taken by runs {runs[0]}, {runs[1]}"
    )
    assert cloud.row(runs[3]).run_ids_ahead == runs[:2]


def test_a_pull_request_run_takes_no_slot(cloud):
    cloud.connection.execute("update accounts set run_slots = 1")
    normal = cloud.run(cloud.job(environment_id=1))
    check = cloud.run(cloud.job(environment_id=2, job_type="ci"))
    assert claim(cloud) == [normal, check]


def test_runs_start_in_the_order_in_which_they_were_asked_for(cloud):
    jobs = [cloud.job() for _ in range(3)]
    runs = [cloud.run(job) for job in jobs]
    started = []
    for _ in runs:
        (run_id,) = claim(cloud)
        started.append(run_id)
        end(cloud, run_id)
    assert started == runs


def end(cloud, run_id: int) -> None:
    token = cloud.row(run_id).lease_token
    values = {"process_id": None, "process_started_at": None}
    with transaction(cloud.connection):
        queue.move_run(cloud.connection, run_id, Move.BEGIN, token=token, values=values)
        store.end_run(
            cloud.connection, run_id, Move.FINISH, status=Status.SUCCESS, message=None, token=token
        )


def test_eight_claimers_at_once_claim_every_run_exactly_once(cloud):
    cloud.connection.execute("update accounts set run_slots = 1000")
    for number in range(5, 60):
        cloud.change(
            "insert into environments select :id, account_id, project_id, name, type,"
            " deployment_type, dbt_version, schema_name, payload, state, created_at, updated_at"
            " from environments where id = 1",
            id=number,
        )
    runs = [cloud.run(cloud.job(environment_id=number)) for number in range(1, 60)]
    claimed: list[int] = []

    def work() -> None:
        connection = open_connection(cloud.store)
        for _ in range(20):
            owner = queue.new_owner()
            leases = queue.claim_runs(connection, owner, lease_seconds=60, most=3)
            claimed.extend(lease.run_id for lease in leases)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == runs


def test_the_first_heartbeat_is_there_as_soon_as_the_claim_is(cloud):
    run_id = cloud.run(cloud.job())
    claim(cloud)
    row = cloud.row(run_id)
    assert row.heartbeat_at
    assert row.lease_expires_at > row.heartbeat_at


def test_renewing_tells_which_runs_are_lost(cloud):
    run_id = cloud.run(cloud.job())
    (lease,) = queue.claim_runs(cloud.connection, queue.new_owner(), lease_seconds=1)
    assert queue.renew_leases(cloud.connection, [lease], 60) == set()
    stranger = queue.Lease(run_id, "another token")
    assert queue.renew_leases(cloud.connection, [lease, stranger], 60) == {run_id}


def test_a_living_server_keeps_its_run_however_old_the_lease_is(cloud):
    run_id = cloud.run(cloud.job())
    claim(cloud, lease_seconds=-3600)
    assert queue.reap_runs(cloud.connection) == []
    assert cloud.row(run_id).status == 2


def dead_owner() -> str:
    """Return the owner name of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = start_of(child.pid)
    child.communicate(b"\n")
    return f"{child.pid}@{started}@dead"


def test_a_dead_server_loses_its_run_only_after_the_lease(cloud):
    run_id = cloud.run(cloud.job())
    queue.claim_runs(cloud.connection, dead_owner(), lease_seconds=60)
    assert queue.reap_runs(cloud.connection) == []
    cloud.connection.execute("update runs set lease_expires_at = '2020-01-01'")
    assert queue.reap_runs(cloud.connection) == [run_id]
    row = cloud.row(run_id)
    assert (row.status, row.is_crashed) == (20, 1)
    assert row.status_message.startswith("The server process ")
    assert "died; its last sign of life was at 20" in row.status_message


def test_a_process_that_got_the_same_pid_later_is_neither_the_server_nor_killed(cloud):
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    run_id = cloud.run(cloud.job())
    queue.claim_runs(cloud.connection, f"{stranger.pid}@other-123@x", lease_seconds=-1)
    cloud.change(
        "update runs set process_id = :pid, process_started_at = 'other-123'", pid=stranger.pid
    )
    assert queue.reap_runs(cloud.connection) == [run_id]
    assert stranger.poll() is None
    stranger.communicate(b"\n")


def test_a_dbt_process_that_outlived_its_server_is_killed(cloud):
    survivor = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    )
    cloud.run(cloud.job())
    queue.claim_runs(cloud.connection, dead_owner(), lease_seconds=60)
    cloud.change(
        "update runs set process_id = :pid, process_started_at = :start",
        pid=survivor.pid,
        start=start_of(survivor.pid),
    )
    assert queue.kill_survivors(cloud.connection) == 1
    assert survivor.wait(5) == -9


def test_a_crashed_run_is_tried_again_only_while_attempts_are_left(cloud):
    run_id = cloud.run(cloud.job(), attempts_left=1)
    for expected in (Status.QUEUED, Status.ERROR):
        queue.claim_runs(cloud.connection, dead_owner(), lease_seconds=-1)
        assert queue.reap_runs(cloud.connection) == [run_id]
        assert cloud.row(run_id).status == expected


def test_writes_under_an_old_token_are_refused(cloud):
    run_id = cloud.run(cloud.job())
    (lease,) = queue.claim_runs(cloud.connection, dead_owner(), lease_seconds=-1)
    check_token(cloud.connection, run_id, lease.token)
    queue.reap_runs(cloud.connection)
    with pytest.raises(FencedError):
        check_token(cloud.connection, run_id, lease.token)


def test_this_process_is_known_by_pid_and_start():
    assert is_running(os.getpid(), start_of(os.getpid()))
    assert not is_running(os.getpid(), "another start")
    assert not is_running(None, None)
    assert queue.is_owner_alive(queue.new_owner())
    assert not queue.is_owner_alive("nonsense")
