"""Several servers on one store in PostgreSQL: leases tell of those on other machines."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import psycopg2
import pytest
from starlette.testclient import TestClient

from benchmarks.cloud_servers import measure
from benchmarks.seeded_pages import StoreActions
from marketing_analytics.local_cloud.api.application import Api, ApiSettings
from marketing_analytics.local_cloud.pages.mount import build_ui
from marketing_analytics.local_cloud.pages.settings import UiSettings
from marketing_analytics.local_cloud.runs import engine as engine_module
from marketing_analytics.local_cloud.runs import queue
from marketing_analytics.local_cloud.runs.engine import Engine
from marketing_analytics.local_cloud.store.accounts import add_token
from marketing_analytics.local_cloud.store.connection import time_text
from marketing_analytics.local_cloud.store.databases import postgresql as server


def claim(cloud, owner: str, lease_seconds: float):
    (lease,) = queue.claim_runs(cloud.connection, owner, lease_seconds=lease_seconds)
    return lease


def test_a_server_of_another_machine_is_gone_when_its_lease_is_over_and_not_before(cloud):
    far = queue.new_owner().replace(queue.this_machine(), "elsewhr1")
    assert queue.is_elsewhere(far)
    run_id = cloud.run(cloud.job())
    claim(cloud, far, lease_seconds=-queue.CLOCK_SECONDS + 2)
    assert queue.kill_survivors(cloud.connection) == 0
    assert queue.reap_runs(cloud.connection) == []
    over = datetime.now(UTC) - timedelta(seconds=queue.CLOCK_SECONDS)
    cloud.change("update runs set lease_expires_at = :at", at=time_text(over))
    assert queue.reap_runs(cloud.connection) == [run_id]
    assert "of another machine" in cloud.row(run_id).status_message


def test_an_owner_of_this_machine_or_of_an_older_program_is_judged_by_its_process():
    assert not queue.is_elsewhere(queue.new_owner())
    assert not queue.is_elsewhere("123@4-5@abcd")
    assert not queue.is_elsewhere(None)
    assert queue.is_owner_alive(queue.new_owner())


def test_a_server_that_was_idle_for_long_keeps_what_it_has_just_claimed(tmp_path, monkeypatch):
    """Each lease has a time of its own: the database may be lost right after a claim."""
    database = server.Database("postgresql://shop@localhost/none", tmp_path)
    engine = Engine(tmp_path, store=database)
    runners = {run_id: SimpleNamespace(flags=queue.RunFlags()) for run_id in (1, 2)}
    monkeypatch.setattr(
        engine,
        "_start_runner",
        lambda lease: engine._runners.update({lease.run_id: runners[lease.run_id]}),
    )
    now = time.monotonic()
    for lease in (queue.Lease(1, "old", now - 16), queue.Lease(2, "new", now)):
        monkeypatch.setattr(engine_module, "claim_runs", lambda *_, lease=lease, **__: [lease])
        engine._claim(None)
    engine._give_up(None)
    # 20 s less a heartbeat
    assert [runner.flags.is_lost.is_set() for runner in runners.values()] == [True, False]
    monkeypatch.setattr(engine_module, "renew_leases", lambda *_: set())
    runners[1].lease = runners[2].lease = lease
    runners[1].flags.is_lost.clear()
    engine._renew(None)
    engine._give_up(None)
    assert not runners[1].flags.is_lost.is_set()


@pytest.mark.slow
def test_two_servers_do_every_run_once_and_one_takes_over_from_the_other(new_database, tmp_path):
    url = new_database(tmp_path / "data").url
    found = measure(tmp_path, url, runs=200, servers=2, lease_seconds=4.0)
    print(found)
    assert (found.not_good, found.not_once) == (0, 0)
    assert found.taken_over > 0
    # a lease, what clocks may differ, and a look
    assert found.takeover_seconds < 4 + queue.CLOCK_SECONDS + 5


@pytest.fixture
def let_in(cloud, postgresql_url):
    """Return a function that takes the database away, or brings it back."""
    cloud.connection.patience_seconds = 10.0

    def let(*, is_open: bool) -> None:
        name = cloud.store.parts["dbname"]
        with closing(psycopg2.connect(postgresql_url)) as session:
            session.autocommit = True
            cursor = session.cursor()
            cursor.execute(f"alter database {name} allow_connections {is_open}")
            end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
            cursor.execute(end, (name,))

    return let


@pytest.mark.slow
@pytest.mark.parametrize("store_kind", ["postgresql"])
def test_while_the_database_is_away_requests_get_a_503_and_runs_go_on(
    cloud, start_engine, wait_until, let_in, monkeypatch
):
    monkeypatch.setattr(server, "PAUSE_SECONDS", 0.1)
    add_token(cloud.connection, 1, "first", "token-of-the-tests")
    api = Api(ApiSettings(cloud.store, cloud.data_folder))
    ui = UiSettings(cloud.store, cloud.data_folder, 1, StoreActions(cloud.store))
    who = {"headers": {"Authorization": "Token token-of-the-tests"}}
    start_engine(shared_lease_seconds=20.0)
    run = cloud.run(cloud.job(["dbt run sleep=2"]))
    wait_until(cloud.effect_lines)
    client = TestClient(api, base_url="http://127.0.0.1")
    browser = TestClient(build_ui(ui), base_url="http://127.0.0.1")
    path = f"/api/v2/accounts/1/runs/{run}/"
    assert (client.get(path, **who).status_code, browser.get("/").status_code) == (200, 200)
    let_in(is_open=False)
    for answer in (client.get(path, **who), browser.get("/", headers={"accept": "text/html"})):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "does not answer" in answer.text or "refuses: " in answer.text
        assert "hush-hush" not in answer.text
    wait_until(lambda: f"{run} end" in cloud.effect_lines())
    let_in(is_open=True)
    wait_until(lambda: client.get(path, **who).status_code == 200)
    assert browser.get("/").status_code == 200
    api.close()
    assert cloud.wait(run).status == 10


@pytest.mark.slow
@pytest.mark.parametrize("store_kind", ["postgresql"])
def test_a_server_that_cannot_renew_its_leases_ends_its_runs_itself(
    cloud, start_engine, wait_until, let_in, monkeypatch
):
    monkeypatch.setattr(server, "PAUSE_SECONDS", 0.1)
    engine = start_engine(shared_lease_seconds=2.0)
    run = cloud.run(cloud.job(["dbt run sleep=600"]))
    wait_until(cloud.effect_lines)
    (runner,) = engine._runners.values()
    let_in(is_open=False)
    # nobody has taken the run: the server alone knows that it may be taken by now
    wait_until(lambda: not runner.process.is_alive())
    let_in(is_open=True)
    row = cloud.wait(run)
    assert (row.status, row.is_crashed) == (20, True)
