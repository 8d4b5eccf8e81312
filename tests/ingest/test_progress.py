"""How far a run is: all of it, each source, and accounts that have windows left."""

import time
from datetime import UTC, date, datetime

import pytest

from marketing_analytics.ingest import run
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.reading import Reader, Task
from marketing_analytics.ingest.engine.tables import Table
from marketing_analytics.ingest.engine.windows import Window
from marketing_analytics.ingest.progress import Writing, lines_of
from marketing_analytics.ingest.raw.database import RawDatabase

from .commands import ingest

DAYS = Table(
    "days",
    {"account_id": "text", "date": "date"},
    key=("account_id", "date"),
    mode="parts",
    part_by=("account_id", "date"),
)
FIRST = date(2026, 10, 1)


def tasks(*accounts):
    days = (Window(FIRST.replace(day=day), FIRST.replace(day=day)) for day in (1, 2))
    return [Task(account, "days", day) for day in days for account in accounts]


def make_job(name="meta_ads"):
    return Job(name, {}, FIRST, datetime(2026, 11, 1, tzinfo=UTC))


def read(job, task):
    day = task.window.start
    columns = {"account_id": [task.account_id], "date": [str(day)]}
    job.keep([Piece(DAYS, columns, None, ((task.account_id, day),))])


def test_every_account_has_its_windows_rows_and_time():
    job = make_job()
    every = tasks("101", "102")
    for task in every:
        job.plan(1, task.account_id)
    for task in every[:3]:
        read(job, task)
        job.done(1, task.account_id)
    first, source, *accounts = lines_of([job], 6.0)
    assert first == "ingest 6 s: 3 rows, 3 of 4 windows, about 0 s left"
    assert source.split(",")[0].split() == ["meta_ads", "3", "of", "4", "3", "rows"]
    # what is done needs no line
    assert [line.split(",")[0].split() for line in accounts] == [
        ["102", "1", "of", "2", "1", "rows"]
    ]
    assert accounts[0].endswith(" s left")
    read(job, every[3])
    job.done(1, "102")
    assert len(lines_of([job], 8.0)) == 2


def test_the_reader_counts_by_account():
    job = make_job()
    Reader(job, lambda task: read(job, task)).read_all(tasks("101", "102", "103"))
    assert {
        name: (one.done, one.planned, one.rows) for name, one in job.progress.accounts.items()
    } == {
        "101": (2, 2, 2),
        "102": (2, 2, 2),
        "103": (2, 2, 2),
    }


def test_what_is_being_written_is_told_with_its_rows_and_seconds():
    jobs = [make_job(), make_job("google_ads")]
    writing = Writing("google_ads", 23_456, time.monotonic() - 12)
    summary, meta, google = lines_of(jobs, 30.0, writing)
    # a pipe gets the first line alone
    assert summary == "ingest 30 s: 0 rows, 0 of 0 windows, writing google_ads: 23,456 rows, 12 s"
    assert google.endswith("0 rows, writing 23,456 rows, 12 s")
    assert "writing" not in meta
    assert max(map(len, (summary, google))) < 80


@pytest.mark.system
def test_a_run_tells_what_it_writes_while_it_writes_it(shared_emulators, tmp_path, monkeypatch):
    told, load = [], RawDatabase.load

    def slow(database, package, loaded_at):
        told.extend(runs[0].console_lines())
        load(database, package, loaded_at)

    class Told(run.Run):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.console_lines = self._progress
            runs.append(self)

    runs = []
    monkeypatch.setattr(run, "Run", Told)
    monkeypatch.setattr(RawDatabase, "load", slow)
    shop = shared_emulators.settings["SHOP_DATABASE_URL"]
    done = ingest("--raw-database", tmp_path / "raw.duckdb", "--json", SHOP_DATABASE_URL=shop)
    rows = done.source("shop")["rows"]
    assert rows > 0
    assert f", writing shop: {rows:,} rows, 0 s" in told[0]
    assert "writing" not in runs[0].console_lines()[0]


@pytest.mark.parametrize(("height", "most"), [(60, 4), (9, 3), (6, 0)])
def test_many_accounts_take_no_more_room_than_there_is(monkeypatch, height, most):
    monkeypatch.setenv("LINES", str(height))
    monkeypatch.setenv("COLUMNS", "80")
    jobs = [make_job(), make_job("linkedin_ads")]
    for number in range(30):
        jobs[0].plan(100, f"{number:016}")
    lines = lines_of(jobs, 1.0)
    assert len(lines) == 3 + most
    assert not most or lines[1 + most].strip() == f"{31 - most} more accounts"
    assert max(map(len, lines)) < 60
