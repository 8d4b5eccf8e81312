"""Old runs go with what belongs to them; a store is copied while in use and put back whole."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.tiny_cloud import add_job, create_cloud, write_project
from marketing_analytics.core.errors import LockedError, UserError
from marketing_analytics.core.locks import file_lock
from marketing_analytics.local_cloud.runs.progress import add_steps
from marketing_analytics.local_cloud.runs.steps import Step
from marketing_analytics.local_cloud.runs.store import create_run, get_run
from marketing_analytics.local_cloud.store.connection import open_connection
from marketing_analytics.local_cloud.store.retention import copy_store, drop_old_runs, put_back


@pytest.fixture
def connection(tmp_path, new_store):
    project, place = write_project(tmp_path / "project"), new_store(tmp_path / "data")
    with closing(create_cloud(tmp_path / "data", project, store=place)) as connection:
        yield connection


def ended(connection, job_id, status, finished_at):
    run_id = create_run(connection, job_id).id
    add_steps(connection, Path(), run_id, [Step(1, "a")])
    values = {"status": status, "finished_at": finished_at, "id": run_id}
    connection.execute(
        "update runs set status = :status, finished_at = :finished_at where id = :id", values
    )
    return run_id


def test_old_runs_go_but_the_newest_and_the_newest_good_one_of_a_job(connection):
    job_id = add_job(connection)
    old = "2020-01-01 00:00:00.000000+00:00"
    first, good, _, newest = (ended(connection, job_id, code, old) for code in (10, 10, 20, 20))
    fresh = ended(connection, add_job(connection), 10, "2999-01-01 00:00:00.000000+00:00")
    waiting = create_run(connection, job_id).id
    assert drop_old_runs(connection, timedelta(days=30)) == [first, 3, newest]
    assert [get_run(connection, run_id) is not None for run_id in (good, fresh, waiting)] == [
        True
    ] * 3
    assert connection.execute("select count(*) from run_steps").fetchone()[0] == 2
    assert drop_old_runs(connection, timedelta(days=30)) == []


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_store_is_copied_while_it_is_written_and_put_back(connection, tmp_path):
    job_id = add_job(connection)
    create_run(connection, job_id)
    copy = tmp_path / "copies" / "monday.sqlite"
    connection.execute("begin immediate")
    create = "insert into run_steps (run_id, step_index, name, created_at) values (1, 1, 'a', '')"
    connection.execute(create)
    copy_store(tmp_path / "data", copy)
    connection.execute("rollback")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    create_run(connection, job_id)
    old = put_back(tmp_path / "data", copy)
    for path, runs in ((tmp_path / "data" / "cloud.sqlite", 1), (old, 2)):
        with closing(open_connection(path)) as found:
            assert found.execute("select count(*) from runs").fetchone()[0] == runs
    with pytest.raises(UserError, match="exists already"):
        copy_store(tmp_path / "data", copy)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_every_store_that_was_set_aside_is_there(connection, tmp_path):
    copy = tmp_path / "copy"
    copy_store(tmp_path / "data", copy)
    found = {put_back(tmp_path / "data", copy) for _ in range(3)}
    assert len(found) == 3
    assert all(old.is_file() for old in found)


def something_else(file):
    with closing(sqlite3.connect(file)) as other:
        other.execute("create table notes (text)")


def of_a_newer_program(file):
    copy_store(file.parent / "data", file)
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("pragma user_version = 99")


def of_half_a_store(file):
    copy_store(file.parent / "data", file)
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("drop table webhooks")


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.parametrize(
    "make", [something_else, of_a_newer_program, of_half_a_store, lambda file: file.touch()]
)
def test_what_cannot_be_a_store_does_not_take_its_place(connection, tmp_path, make):
    job_id = add_job(connection)
    file = tmp_path / "copy"
    make(file)
    before = sorted(path.name for path in (tmp_path / "data").iterdir())
    with pytest.raises(UserError, match=str(file)):
        put_back(tmp_path / "data", file)
    assert {path.name for path in (tmp_path / "data").iterdir()} == {*before, "engine.lock"}
    assert create_run(connection, job_id).id


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_what_is_no_copy_is_refused_and_nothing_is_changed(connection, tmp_path):
    text = tmp_path / "text"
    text.write_text("no database at all, but long enough to look like one" * 100)
    before = (tmp_path / "data" / "cloud.sqlite").read_bytes()
    for file, reason in ((text, "is no copy"), (tmp_path / "none", "there is no file")):
        with pytest.raises(UserError, match=reason):
            put_back(tmp_path / "data", file)
    with pytest.raises(UserError, match="there is no store"):
        copy_store(tmp_path / "elsewhere", tmp_path / "copy")
    with file_lock(tmp_path / "data" / "engine.lock", taken="taken"), pytest.raises(LockedError):
        put_back(tmp_path / "data", tmp_path / "data" / "cloud.sqlite")
    assert (tmp_path / "data" / "cloud.sqlite").read_bytes() == before
    with closing(sqlite3.connect(tmp_path / "data" / "cloud.sqlite")) as found:
        assert found.execute("pragma quick_check").fetchone()[0] == "ok"
