"""A write transaction leaves its connection usable, however it ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketing_analytics.local_cloud.store.connection import open_connection, transaction


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_connection(tmp_path / "store.sqlite")
    connection.execute("create table parents (id integer primary key)")
    connection.execute(
        "create table children (parent_id references parents deferrable initially deferred)"
    )
    yield connection
    connection.close()


def count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchone()[0])


def test_a_commit_that_fails_leaves_nothing_open(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError), transaction(connection):
        connection.execute("insert into children values (1)")
    assert not connection.in_transaction
    assert count(connection, "children") == 0
    with transaction(connection):
        connection.execute("insert into parents values (1)")
    assert count(connection, "parents") == 1


def end_then_fail(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        connection.execute("rollback")
        raise ValueError("the reason")


def test_the_error_is_kept_when_the_store_ended_the_transaction(
    connection: sqlite3.Connection,
) -> None:
    with pytest.raises(ValueError, match="the reason"):
        end_then_fail(connection)
    with transaction(connection):
        connection.execute("insert into parents values (1)")
