"""A run that starts while an ingestion writes the raw database waits for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from marketing_analytics.local_cloud.runs import store
from marketing_analytics.warehouse.duckdb import writer_of

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for locks"),
]
WRITER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("create table if not exists t as select 1 as id")
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def store_kind() -> str:
    """Return one store: what dbt does does not depend on it."""
    return "sqlite"


@pytest.fixture
def raw(tmp_path):
    return tmp_path / "raw.duckdb"


@pytest.fixture
def writer(raw):
    """Return a process that has the raw database open for writing."""
    command = [sys.executable, "-c", WRITER, str(raw)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"open\n"
    yield process
    process.kill()
    process.communicate()


def test_the_writer_of_a_database_is_known_and_a_reader_is_none(raw, writer):
    import duckdb

    assert writer_of(raw) == writer.pid
    writer.communicate()
    assert writer_of(raw) is None
    with duckdb.connect(str(raw), read_only=True):
        assert writer_of(raw) is None
    assert writer_of(raw.with_name("none.duckdb")) is None


def test_a_run_waits_for_the_writer_and_says_so(cloud, start_engine, wait_until, raw, writer):
    start_engine(raw_database=raw)
    run = cloud.run(cloud.job())
    expected = f"Process {writer.pid} writes {raw}; waiting up to 60 s for its end."
    wait_until(lambda: expected in cloud.log(run))
    assert cloud.effect_lines() == []
    writer.communicate()
    assert cloud.wait(run).status == 10
    assert cloud.effect_lines() == [f"{run} start", f"{run} end"]


def test_a_writer_that_does_not_end_fails_the_step_with_what_to_do(
    cloud, start_engine, raw, writer
):
    start_engine(raw_database=raw, raw_wait_seconds=0.3)
    run = cloud.run(cloud.job())
    row = cloud.wait(run)
    assert row.status == 20
    assert f"process {writer.pid} has been writing the raw database {raw}" in row.status_message
    assert "start the run again when the ingestion has ended" in cloud.log(run)
    assert cloud.effect_lines() == []


def test_a_waiting_run_can_be_cancelled(cloud, start_engine, wait_until, raw, writer):
    start_engine(raw_database=raw)
    run = cloud.run(cloud.job())
    wait_until(lambda: "waiting up to" in cloud.log(run))
    store.request_cancel(cloud.connection, run)
    assert cloud.wait(run).status == 30


@pytest.mark.slow
def test_real_dbt_builds_when_the_writer_has_ended(cloud, start_engine, wait_until, raw, writer):
    (cloud.project / "models" / "one.sql").write_text("select id from raw.main.t\n")
    start_engine(raw_database=raw, program=())
    run = cloud.run(cloud.job(["dbt run --select one"]))
    wait_until(lambda: "waiting up to" in cloud.log(run), 60)
    writer.communicate()
    assert cloud.wait(run, seconds=60).status == 10, cloud.log(run)


def test_a_writer_that_comes_between_is_explained(cloud, start_engine, raw, writer, monkeypatch):
    monkeypatch.setattr("marketing_analytics.warehouse.duckdb.writer_of", lambda _: None)
    start_engine(raw_database=raw, program=())
    run = cloud.run(cloud.job(["dbt run --select one"]))
    row = cloud.wait(run, seconds=60)
    assert row.status == 20
    assert f"an ingestion began to write {raw} just before dbt opened it" in row.status_message
    assert "Could not set lock on file" in cloud.log(run)
