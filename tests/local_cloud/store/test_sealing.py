"""Secrets at rest: sealed in the store, private files, and nothing plain left by an older one."""

from __future__ import annotations

import stat
from contextlib import closing

import pytest

from benchmarks.tiny_cloud import add_job, create_cloud, write_project
from marketing_analytics.core.errors import MachineError
from marketing_analytics.local_cloud.store.access import sealing
from marketing_analytics.local_cloud.store.connection import transaction
from marketing_analytics.local_cloud.store.schema import open_store
from marketing_analytics.local_cloud.store.variables import (
    Place,
    list_project_variables,
    rename_variable,
    resolve_variables,
    set_variable,
)

SECRET = "line one of a key\nline two of a key"
NAME = "DBT_ENV_SECRET_KEY"


@pytest.fixture
def connection(tmp_path):
    with closing(create_cloud(tmp_path, write_project(tmp_path / "project"))) as connection:
        yield connection


def place(name):
    return Place(account_id=1, project_id=1, name=name)


def everything_in(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files)


def test_a_secret_is_nowhere_in_the_folder_and_comes_back(connection, tmp_path):
    with transaction(connection):
        set_variable(connection, place(NAME), SECRET)
        set_variable(connection, place("DBT_PLAIN"), "plain text")
    job_id = add_job(connection)
    seen = resolve_variables(connection, 1, 1, job_id)
    assert (seen[NAME], seen["DBT_PLAIN"]) == (SECRET, "plain text")
    assert {one.value for one in list_project_variables(connection, 1)} == {SECRET, "plain text"}
    held = everything_in(tmp_path)
    assert b"plain text" in held
    assert b"line one" not in held


def test_a_name_that_says_secret_seals_what_was_plain(connection, tmp_path):
    with transaction(connection):
        set_variable(connection, place("DBT_PLAIN"), SECRET)
        rename_variable(connection, 1, "DBT_PLAIN", NAME)
    (stored,) = connection.execute("select value from environment_variables").fetchone()
    assert stored.startswith(sealing.MARK)
    assert list_project_variables(connection, 1)[0].value == SECRET


def test_what_an_older_program_stored_plain_is_sealed_when_the_store_is_opened(tmp_path):
    with closing(create_cloud(tmp_path, write_project(tmp_path / "project"))) as connection:
        connection.execute(
            "insert into environment_variables (account_id, project_id, name, value, created_at,"
            " updated_at) values (1, 1, ?, ?, '', '')",
            (NAME, SECRET),
        )
    assert b"line one" in everything_in(tmp_path)
    with closing(open_store(tmp_path / "cloud.sqlite")) as connection:
        assert list_project_variables(connection, 1)[0].value == SECRET
        assert b"line one" not in everything_in(tmp_path)


def test_store_and_key_are_for_their_owner_alone(connection, tmp_path):
    with transaction(connection):
        set_variable(connection, place(NAME), SECRET)
    (tmp_path / "cloud.sqlite").chmod(0o644)
    open_store(tmp_path / "cloud.sqlite").close()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("cloud.*")}
    assert set(modes.values()) == {0o600}, modes
    assert {"cloud.sqlite", "cloud.key"} <= set(modes)


def test_another_key_is_refused_with_a_sentence(connection, tmp_path):
    with transaction(connection):
        set_variable(connection, place(NAME), SECRET)
    sealing.seal_at.cache_clear()
    (tmp_path / "cloud.key").unlink()
    with pytest.raises(MachineError, match="does not open the secrets"):
        list_project_variables(connection, 1)
    sealing.seal_at.cache_clear()
    (tmp_path / "cloud.key").write_text("no key")
    with pytest.raises(MachineError, match="is no key"):
        list_project_variables(connection, 1)
