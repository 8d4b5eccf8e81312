"""kill -9, frozen servers and killed dbt processes: nothing lost, nothing twice, nothing left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.server_kills import Kills, Series
from benchmarks.tiny_cloud import STAND_IN, add_job, create_cloud, write_project
from marketing_analytics.local_cloud.runs import progress, queue, store
from marketing_analytics.local_cloud.runs.child.process import is_running
from marketing_analytics.local_cloud.runs.confinement.access import Access
from marketing_analytics.local_cloud.runs.engine import Engine, EngineSettings

pytestmark = pytest.mark.system

SERVER = """
import signal, sys
from pathlib import Path
from marketing_analytics.local_cloud.runs.confinement.access import Access
from marketing_analytics.local_cloud.runs.engine import Engine, EngineSettings
settings = EngineSettings(
    lease_seconds=1.0, heartbeat_seconds=0.3, poll_seconds=0.02, reap_seconds=0.1,
    program=tuple(sys.argv[2:]), access=Access(is_open=True),
)
Engine(Path(sys.argv[1]), settings=settings).start()
print("started", flush=True)
while True:
    signal.pause()
"""


def wait_until(condition, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    create_cloud(tmp_path / "data", write_project(tmp_path / "project")).close()
    return tmp_path / "data"


@pytest.fixture
def connection(data_folder: Path):
    with closing(open_store_of(data_folder)) as connection:
        yield connection


def open_store_of(data_folder: Path):
    from marketing_analytics.local_cloud.store.connection import open_connection

    return open_connection(data_folder / "cloud.sqlite")


@pytest.fixture
def server(data_folder: Path):
    """Return a server process with a stand-in for dbt; it is killed afterwards."""
    command = [sys.executable, "-c", SERVER, str(data_folder), *STAND_IN]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()


def start_run(connection, steps: list[str]) -> int:
    run_id = store.create_run(connection, add_job(connection, steps)).id
    wait_until(lambda: status_of_step(connection, run_id, 4) == 3)
    return run_id


def status_of_step(connection, run_id: int, index: int) -> int | None:
    found = [row for row in progress.list_steps(connection, run_id) if row.step_index == index]
    return found[0].status if found else None


def check(found: Kills) -> None:
    assert found.is_good, found
    assert found.outcomes["crashed"] > 0
    assert sum(found.outcomes.values()) == found.runs


def test_runs_survive_ten_kills_of_the_server(tmp_path):
    check(Series(tmp_path, seed=11, is_real=False).run(10))


@pytest.mark.slow
def test_real_dbt_survives_two_kills_of_the_server(tmp_path):
    series = Series(tmp_path, seed=5, is_real=True)
    found = series.run(2)
    assert found.is_good, found
    last = store.create_run(series.connection, series.jobs[0]).id
    assert store.require_run(series.connection, last).status == 1


@pytest.mark.soak
def test_runs_survive_a_hundred_kills_of_the_server(tmp_path):
    check(Series(tmp_path, seed=2026, is_real=False).run(100))


@pytest.mark.slow
def test_real_dbt_survives_twenty_kills_of_the_server(tmp_path):
    check(Series(tmp_path, seed=8, is_real=True).run(20))


def test_a_restarted_server_shows_the_broken_run_as_crashed(data_folder, connection, server):
    run_id = start_run(connection, ["dbt run sleep=60"])
    row = store.require_run(connection, run_id)
    server.kill()
    server.wait()
    # the parent-death signal has ended the dbt process before anybody looks
    wait_until(lambda: not is_running(row.process_id, row.process_started_at), 2)
    settings = EngineSettings(reap_seconds=0.1, program=STAND_IN, access=Access(is_open=True))
    engine = Engine(data_folder, settings=settings)
    engine.start()
    try:
        wait_until(lambda: store.require_run(connection, run_id).status == 20)
        row = store.require_run(connection, run_id)
        assert row.is_crashed == 1
        assert row.status_message.startswith(f"The server process {server.pid} that ran this")
        assert [step.status for step in progress.list_steps(connection, run_id)] == [10, 10, 10, 30]
    finally:
        engine.stop()


def test_a_server_frozen_past_its_lease_cannot_write_to_a_run_taken_from_it(connection, server):
    run_id = start_run(connection, ["dbt run sleep=1", "dbt run"])
    child = store.require_run(connection, run_id)
    os.kill(server.pid, signal.SIGSTOP)
    time.sleep(1.3)
    # a frozen process lives, so nobody takes its run; here somebody is made to believe it is gone
    assert queue.reap_runs(connection) == []
    assert queue.reap_runs(connection, is_gone=lambda _: True) == [run_id]
    taken = store.require_run(connection, run_id)
    steps = progress.list_steps(connection, run_id)
    os.kill(server.pid, signal.SIGCONT)
    time.sleep(1.5)
    assert store.require_run(connection, run_id) == taken
    assert progress.list_steps(connection, run_id) == steps
    assert not is_running(child.process_id, child.process_started_at)
    following = start_run(connection, ["dbt run sleep=0.1"])
    wait_until(lambda: store.require_run(connection, following).status == 10)


def test_a_server_frozen_past_its_lease_goes_on_when_nobody_took_its_run(connection, server):
    run_id = start_run(connection, ["dbt run sleep=0.5"])
    os.kill(server.pid, signal.SIGSTOP)
    time.sleep(1.3)
    os.kill(server.pid, signal.SIGCONT)
    wait_until(lambda: store.require_run(connection, run_id).status == 10)


def test_killing_the_dbt_process_frees_the_slot_at_once(connection, server):
    run_id = start_run(connection, ["dbt run sleep=60"])
    following = store.create_run(connection, 1).id
    connection.execute("update runs set steps = '[\"dbt run\"]' where id = ?", (following,))
    os.killpg(store.require_run(connection, run_id).process_id, signal.SIGKILL)
    wait_until(lambda: store.require_run(connection, run_id).status == 20, 5)
    wait_until(lambda: store.require_run(connection, following).status == 10, 10)
