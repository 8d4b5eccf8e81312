"""Rows of both databases are read alike."""

from __future__ import annotations

import sqlite3

from marketing_analytics.local_cloud.store.databases.rows import kind_of


def test_a_row_of_a_server_is_read_like_one_of_a_file() -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.row_factory = sqlite3.Row
        row = connection.execute("select 1 as id, 'a' as name, 2 as id").fetchone()
    connection.close()
    ours = kind_of(("id", "name", "id"))((1, "a", 2))
    assert [ours[0], ours["name"], ours["id"]] == [row[0], row["name"], row["id"]]
    assert set(ours.keys()) == set(row.keys())
    assert list(ours) == list(row)
    assert dict(ours) == {"id": 1, "name": "a"}
