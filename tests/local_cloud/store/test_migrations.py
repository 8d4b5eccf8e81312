"""Migrations: the schema is their sum, an upgrade is whole or nothing, and nothing is lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.tiny_cloud import add_job, create_cloud, write_project
from marketing_analytics.cloud_api.states import Status
from marketing_analytics.core.errors import MachineError
from marketing_analytics.local_cloud.runs.store import create_run
from marketing_analytics.local_cloud.store.schema import (
    MIGRATIONS,
    apply,
    open_store,
    read_scripts,
    schema_version,
)

DELETED_PROJECTS = MIGRATIONS / "0007_deleted_projects.sql"
# makes a table anew, which is what SQLite's limited `alter table` leads to
SECOND = """
create table notes (id integer primary key, text text not null);
create table accounts_new (
    id integer primary key,
    name text not null,
    run_slots integer not null default 4,
    state integer not null default 1,
    created_at text not null,
    updated_at text not null,
    colour text not null default 'blue'
);
insert into accounts_new select *, 'blue' from accounts;
drop table accounts;
alter table accounts_new rename to accounts;
"""
BROKEN = SECOND + "insert into no_such_table values (1);\n"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store of the first version with a run in it."""
    first = migrations(tmp_path / "first", [])
    create_cloud(tmp_path, write_project(tmp_path / "project")).close()
    path = tmp_path / "cloud.sqlite"
    with closing(open_store(path, first)) as connection:
        create_run(connection, add_job(connection))
    return path


def migrations(folder: Path, more: list[str]) -> Path:
    """Return a folder with our migrations and more of them."""
    folder.mkdir()
    for number, script in enumerate([*read_scripts(MIGRATIONS), *more], start=1):
        (folder / f"{number:04}_step.sql").write_text(script)
    return folder


def schema_of(path: Path) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("select type, name, sql from sqlite_master order by 1, 2")
        return rows.fetchall()


def rows_of(path: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(path)) as connection:
        (runs,) = connection.execute("select count(*) from runs").fetchone()
        return schema_version(connection), runs


def test_an_upgraded_store_has_the_schema_of_a_new_one(store, tmp_path):
    folder = migrations(tmp_path / "second", [SECOND])
    open_store(store, folder).close()
    open_store(tmp_path / "new.sqlite", folder).close()
    assert schema_of(store) == schema_of(tmp_path / "new.sqlite")
    assert any(name == "notes" for _, name, _ in schema_of(store))


def test_an_upgrade_keeps_every_row_and_leaves_a_copy_of_the_store_before(store, tmp_path):
    before = rows_of(store)
    open_store(store, migrations(tmp_path / "second", [SECOND])).close()
    assert rows_of(store) == (before[0] + 1, 1)
    copy = store.with_name(f"cloud.sqlite.v{before[0]}.bak")
    assert rows_of(copy) == before
    assert not list(tmp_path.glob("*.part"))
    with closing(open_store(copy)) as connection:
        assert connection.execute("pragma foreign_keys").fetchone()[0] == 1


def test_a_store_that_is_up_to_date_is_left_alone(store):
    before = store.read_bytes()
    open_store(store).close()
    assert store.read_bytes() == before
    assert not list(store.parent.glob("*.bak"))


def test_a_migration_that_fails_leaves_the_store_as_it_was(store, tmp_path):
    before = schema_of(store), rows_of(store)
    with pytest.raises(MachineError, match="no such table: no_such_table"):
        open_store(store, migrations(tmp_path / "broken", [BROKEN]))
    assert (schema_of(store), rows_of(store)) == before


def test_a_migration_that_breaks_references_is_rolled_back(store, tmp_path):
    folder = migrations(tmp_path / "orphans", ["delete from jobs;\n"])
    with pytest.raises(MachineError, match="refer to rows that are not there"):
        open_store(store, folder)
    assert rows_of(store)[1] == 1
    open_store(store).close()


# goes on for minutes
ENDLESS = SECOND + (
    "with recursive n (i) as (select 1 union all select i + 1 from n limit 1000000000)\n"
    "insert into notes select i, 'x' from n;\n"
)
UPGRADE = """
import sys
import time
from pathlib import Path
from marketing_analytics.local_cloud.store.schema import open_store
open_store(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_kill_in_the_middle_of_an_upgrade_changes_nothing(store, tmp_path):
    before = schema_of(store), rows_of(store)
    folder = migrations(tmp_path / "endless", [ENDLESS])
    process = subprocess.Popen([sys.executable, "-c", UPGRADE, str(store), str(folder)])
    copy = store.with_name(f"cloud.sqlite.v{before[1][0]}.bak")
    until = time.monotonic() + 60
    # pages that do not fit the cache go to the log before the commit
    while not copy.exists() or store.with_name("cloud.sqlite-wal").stat().st_size < 1 << 20:
        assert time.monotonic() < until, "the upgrade did not begin"
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert (schema_of(store), rows_of(store)) == before
    open_store(store, migrations(tmp_path / "second", [SECOND])).close()
    assert rows_of(store) == (before[1][0] + 1, 1)


def test_what_belongs_to_a_project_that_was_deleted_is_deleted_by_the_upgrade(store):
    with closing(sqlite3.connect(store)) as connection:
        connection.executescript(
            "insert into settings (account_id, project_id, kind, name, payload, created_at,"
            " updated_at) select account_id, id, 'credentials', '', '{}', '', '' from projects;"
            "insert into environment_variables (account_id, project_id, name, value, created_at,"
            " updated_at) select account_id, id, 'DBT_A', '1', '', '' from projects;"
        )
        states = "select (select state from environments), (select state from settings),"
        states += " (select count(*) from environment_variables)"
        for state, expected in ((1, (1, 1, 1)), (2, (2, 2, 0))):
            connection.execute("update projects set state = ?", (state,))
            connection.executescript(DELETED_PROJECTS.read_text("utf-8"))
            assert connection.execute(states).fetchone() == expected


def test_a_newer_store_is_refused_with_a_sentence(store):
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("pragma user_version = 99")
    with pytest.raises(MachineError, match="has version 99, this program knows"):
        open_store(store)


@pytest.mark.parametrize(
    "change", ["drop table run_nodes", "alter table run_nodes drop column message"]
)
def test_a_store_without_the_tables_of_its_version_is_refused_with_a_sentence(store, change):
    with closing(sqlite3.connect(store)) as connection:
        connection.execute(change)
    with pytest.raises(MachineError, match="is not whole: run_nodes") as refused:
        open_store(store)
    assert "restore it from a copy" in refused.value.hint


@pytest.mark.parametrize(
    "change",
    [
        "drop index runs_by_tick",
        "drop index runs_by_tick; create index runs_by_tick on runs (job_id, scheduled_for)",
    ],
)
def test_a_store_without_an_index_of_its_version_is_refused(store, change):
    with closing(sqlite3.connect(store)) as connection:
        connection.executescript(change)
    with pytest.raises(MachineError, match="is not whole: runs_by_tick"):
        open_store(store)


@pytest.mark.parametrize("left", ["runs/1", "warehouse/env_1.duckdb"])
@pytest.mark.parametrize("content", [None, b""])
def test_a_lost_store_is_not_begun_anew_beside_what_its_runs_left(store, left, content):
    open_store(store, migrations(store.parent / "second", [SECOND])).close()
    store.unlink()
    if content is not None:
        store.write_bytes(content)
    (store.parent / left).mkdir(parents=True)
    for _ in range(2):
        with pytest.raises(MachineError, match=f"runs left {left.partition('/')[0]}") as refused:
            open_store(store)
    assert f"{next(store.parent.glob('*.bak'))} back in its place" in refused.value.hint
    assert "give another --data-dir" in refused.value.hint


def test_an_empty_file_that_claims_a_version_is_refused(tmp_path):
    path = tmp_path / "cloud.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma user_version = 1")
    with pytest.raises(MachineError, match="says version 1, but is not whole: account"):
        open_store(path)


def test_a_database_of_something_else_is_refused_and_not_changed(tmp_path):
    path = tmp_path / "cloud.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table recipes (name text)")
    with pytest.raises(MachineError, match="is a database of something else"):
        open_store(path)
    assert [name for _, name, _ in schema_of(path)] == ["recipes"]


def test_migrations_without_a_gap_are_asked_for(tmp_path):
    (tmp_path / "0001_one.sql").write_text("")
    (tmp_path / "0003_three.sql").write_text("")
    with pytest.raises(ValueError, match="1, 3"):
        read_scripts(tmp_path)


def test_a_new_run_is_queued_by_the_default_of_its_table():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        apply(connection, read_scripts(MIGRATIONS))
        for table in ("runs", "run_steps"):
            statement = f"select dflt_value from pragma_table_info('{table}') where name = 'status'"
            assert connection.execute(statement).fetchone()[0] == str(int(Status.QUEUED))
