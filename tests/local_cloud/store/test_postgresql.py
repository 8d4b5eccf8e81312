"""A store on a PostgreSQL server: who may open it, one writer at a time, sessions that break."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import psycopg2
import pytest

from benchmarks.tiny_cloud import add_job, create_cloud
from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.local_cloud.settings import DATABASE_SETTING, read_database_url
from marketing_analytics.local_cloud.store.connection import (
    Database,
    open_connection,
    transaction,
)
from marketing_analytics.local_cloud.store.databases import postgresql, server_schema
from marketing_analytics.local_cloud.store.databases.postgresql import SCHEMA
from marketing_analytics.local_cloud.store.schema import open_store

SECRET = "hush-hush"
AWAY = f"postgresql://store:{SECRET}@127.0.0.1:1/cloud"


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://store:{SECRET}@localhost/cloud",
        f"postgresql://store:{SECRET}/x@localhost/cloud",
        f"postgresql://store:12/{SECRET}@localhost/cloud",
        f"postgresql://store:{SECRET}@localhost:port/cloud",
        f"postgresql://store:{SECRET}@localhost",
        f"postgresql://store:%zz{SECRET}@localhost/cloud",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(url):
    with pytest.raises(UserError) as refused:
        read_database_url("", {DATABASE_SETTING: url})
    assert SECRET not in refused.value.render()


def test_an_address_comes_from_the_environment_a_name_or_a_file(tmp_path):
    file = tmp_path / "url"
    file.write_text(f"{AWAY}\n")
    named = {"STORE": AWAY}
    assert read_database_url("", {}) == ""
    assert read_database_url("", {DATABASE_SETTING: AWAY}) == AWAY
    assert read_database_url("env:STORE", named) == read_database_url(f"file:{file}", {}) == AWAY
    plain = "postgresql://store@localhost/cloud"
    assert read_database_url(plain, {DATABASE_SETTING: AWAY}) == plain
    for wrong, word in ((AWAY, "everybody"), ("env:NONE", "NONE"), ("file:/no/where", "/no/where")):
        with pytest.raises(UserError, match=word) as refused:
            read_database_url(wrong, named)
        assert SECRET not in refused.value.render()
    database = Database(AWAY, tmp_path)
    assert database.address == "postgresql://store@127.0.0.1:1/cloud"
    assert SECRET not in f"{database} {database!r}"


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path):
    with pytest.raises(MachineError, match=r"127\.0\.0\.1:1/cloud does not answer") as refused:
        open_store(Database(AWAY, tmp_path))
    assert SECRET not in refused.value.render()
    # the next one does not even try, so that requests are answered at once
    with (
        pytest.raises(sqlite3.OperationalError),
        closing(open_connection(Database(AWAY, tmp_path))) as connection,
    ):
        connection.execute("select 1")


@pytest.fixture
def database(new_database, tmp_path):
    return new_database(tmp_path)


def administer(database, *statements):
    with closing(psycopg2.connect(database.url)) as server:
        server.autocommit = True
        for statement in statements:
            server.cursor().execute(statement)


@pytest.mark.slow
def test_a_second_folder_an_old_server_and_other_clocks_are_refused(
    database, tmp_path, monkeypatch
):
    open_store(database).close()
    other = Database(database.url, tmp_path / "other")
    other.key_folder.mkdir()
    with pytest.raises(MachineError, match=r"is not the key of the store"):
        open_store(other)
    monkeypatch.setattr(server_schema, "OLDEST_VERSION", 99)
    with pytest.raises(MachineError, match=r"is PostgreSQL \d+"):
        open_store(database)
    monkeypatch.undo()
    monkeypatch.setattr(server_schema, "MAX_CLOCK_SECONDS", -1.0)
    with pytest.raises(MachineError, match="clocks"):
        open_store(database)


@pytest.mark.slow
def test_a_newer_store_one_without_a_table_and_runs_of_a_lost_one_are_refused(database, tmp_path):
    open_store(database).close()
    (tmp_path / "runs" / "1").mkdir(parents=True)
    open_store(database).close()
    administer(database, f"drop table {SCHEMA}.run_nodes")
    with pytest.raises(MachineError, match="not whole: run_nodes"):
        open_store(database)
    administer(database, f"update {SCHEMA}.store_marks set value = '99' where name = 'version'")
    with pytest.raises(MachineError, match="has version 99"):
        open_store(database)
    administer(database, f"drop schema {SCHEMA} cascade")
    with pytest.raises(MachineError, match="is empty, but runs left runs"):
        open_store(database)


@pytest.mark.slow
def test_a_user_without_rights_is_told_so(database, tmp_path):
    administer(
        database,
        "drop role if exists guest",
        "create role guest login password 'guest-of-the-tests'",
        "revoke create on schema public from public",
    )
    place = database.url.rpartition("@")[2]
    guest = Database(f"postgresql://guest:guest-of-the-tests@{place}", tmp_path)
    with pytest.raises(MachineError, match="permission denied for database"):
        open_store(guest)
    wrong = Database(f"postgresql://guest:{SECRET}@{place}", tmp_path)
    with pytest.raises(MachineError) as refused:
        open_store(wrong)
    assert SECRET not in refused.value.render()
    assert "refuses: password authentication failed" in refused.value.render()


@pytest.mark.slow
def test_servers_that_start_at_once_make_the_schema_once(database):
    failed = []

    def start():
        try:
            open_store(database).close()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.slow
def test_what_reads_and_then_writes_loses_nothing_among_many_writers(database, tmp_path):
    with closing(create_cloud(tmp_path, tmp_path, store=database)) as connection:
        job_id = add_job(connection)

        def count_up():
            with closing(open_connection(database)) as own:
                for _ in range(25):
                    with transaction(own):
                        found = own.execute("select threads from marks").fetchone()[0]
                        own.execute("update marks set threads = :next", {"next": found + 1})
                    own.execute("update marks set alone = alone + 1")

        connection.execute("create table marks (threads bigint, alone bigint)")
        connection.execute("insert into marks values (0, 0)")
        threads = [threading.Thread(target=count_up) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert list(connection.execute("select * from marks").fetchone()) == [200, 200]
        assert job_id == 1


@pytest.mark.slow
def test_what_was_counted_is_remembered_until_something_is_committed(database, tmp_path):
    count = "select count(*) from jobs where state = :state"
    with (
        closing(create_cloud(tmp_path, tmp_path, store=database)) as connection,
        closing(open_connection(database, is_reading=True)) as other,
    ):
        add_job(connection)
        asked = {"state": 1}
        assert connection.count(count, asked) == other.count(count, asked) == 1
        with transaction(connection):
            add_job(connection)
            assert connection.count(count, asked) == 2
            assert other.count(count, asked) == 1
        assert other.count(count, asked) == connection.count(count, asked) == 2
        kept = dict(postgresql.COUNTS._kept[database][1])
        assert list(kept.values()) == [2]
        postgresql.COUNTS._kept[database][1][next(iter(kept))] = 7
        assert other.count(count, asked) == 7
        connection.execute("update jobs set state = 2")
        assert other.count(count, asked) == 0


@pytest.mark.slow
def test_who_freezes_with_the_lock_loses_it_and_what_it_wrote(database, tmp_path, monkeypatch):
    monkeypatch.setitem(postgresql.SETTINGS, "idle_in_transaction_session_timeout", "'300ms'")
    with (
        closing(create_cloud(tmp_path, tmp_path, store=database)),
        closing(open_connection(database)) as frozen,
        closing(open_connection(database)) as other,
    ):
        postgresql.SESSIONS.forget(database)
        frozen.begin()
        frozen.execute("update accounts set name = 'frozen'")
        # waits for its turn, which comes when the other session is ended
        other.execute("update accounts set run_slots = 7")
        with pytest.raises(sqlite3.OperationalError):
            frozen.commit()
        frozen.rollback()
        assert list(frozen.execute("select name, run_slots from accounts").fetchone()) == [
            "tiny",
            7,
        ]


@pytest.mark.slow
def test_a_session_that_broke_is_replaced_and_a_reader_writes_nothing(database, tmp_path):
    create_cloud(tmp_path, tmp_path, store=database).close()
    end = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
    with (
        closing(open_connection(database)) as connection,
        closing(open_connection(database, is_reading=True)) as reader,
    ):
        connection.execute("select 1")
        administer(database, f"{end} and datname = current_database()")
        assert connection.execute("select count(*) from jobs").fetchone()[0] == 0
        administer(database, f"{end} and datname = current_database()")
        with transaction(connection):
            connection.execute("update accounts set name = 'b'")
            administer(database, f"{end} and datname = current_database()")
            with pytest.raises(sqlite3.OperationalError, match="does not answer"):
                connection.execute("update accounts set name = 'c'")
            with pytest.raises(sqlite3.OperationalError):
                connection.commit()
            connection.begin()
        with pytest.raises(sqlite3.Error, match="read-only"):
            reader.execute("update accounts set name = 'd'")
        assert reader.execute("select name from accounts").fetchone()[0] == "tiny"
