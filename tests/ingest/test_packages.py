"""What is complete is loaded while the rest is read, in packages that are true by themselves."""

import time
from datetime import UTC, date, datetime

import pytest

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import MachineError, PlatformError
from marketing_analytics.ingest import run as running
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import Table
from marketing_analytics.ingest.raw.database import RawDatabase
from marketing_analytics.ingest.raw.places import DuckDBFile

from .commands import read

FACTS = Table("facts", {"id": "text"}, key=("id",))
FIRST, SECOND = range(100), range(100, 130)


def wait_for(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def job(monkeypatch):
    monkeypatch.setattr(running, "PACKAGE_ROWS", len(FIRST))
    return Job("tiny", {}, date(2026, 5, 1), datetime(2026, 6, 1, tzinfo=UTC))


def add(job, numbers):
    job.add(FACTS, {"id": [str(number) for number in numbers]})
    job.state["last"] = numbers[-1]


def run(tmp_path, job, collect):
    database = RawDatabase(DuckDBFile(tmp_path / "raw.duckdb"), wait_seconds=20)
    database.prepare({"tiny": (FACTS,)})
    source = Source((FACTS,), (), collect)
    [result] = running.Run(database, {"tiny": source}, {"tiny": job}, Console()).results()
    return result, database.prepare({"tiny": (FACTS,)})["tiny"].state


def test_a_full_package_is_loaded_while_the_source_reads_on(tmp_path, job):
    def collect(job):
        add(job, FIRST)
        wait_for(lambda: job.pending_rows == 0)
        add(job, SECOND)

    result, state = run(tmp_path, job, collect)
    assert (result.rows, result.status, state["last"]) == (130, "ok", 129)
    assert read(tmp_path / "raw.duckdb", "select count(*) from tiny._dlt_loads") == [(2,)]
    assert read(tmp_path / "raw.duckdb", "select count(*) from tiny.facts") == [(130,)]


def test_what_was_loaded_before_a_source_failed_stays(tmp_path, job):
    def collect(job):
        add(job, FIRST)
        wait_for(lambda: job.pending_rows == 0)
        raise PlatformError("it failed")

    result, state = run(tmp_path, job, collect)
    assert ([error.message for error in result.errors], state["last"]) == (["it failed"], 99)
    assert read(tmp_path / "raw.duckdb", "select count(*) from tiny.facts") == [(100,)]


def test_after_a_load_that_failed_no_note_says_that_its_rows_are_there(tmp_path, job, monkeypatch):
    load = RawDatabase.load
    failures = [MachineError("the disk is full")]

    def failing(self, package, loaded_at):
        if failures:
            raise failures.pop()
        load(self, package, loaded_at)

    monkeypatch.setattr(RawDatabase, "load", failing)

    def collect(job):
        add(job, FIRST)
        wait_for(lambda: job.pending_rows == 0)
        add(job, SECOND)

    result, state = run(tmp_path, job, collect)
    assert (result.status, result.rows, state) == ("failed", 0, {})
    assert [error.message for error in result.errors] == ["the disk is full"]
    assert job.stop.is_set()
