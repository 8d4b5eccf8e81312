"""The whole project on a real PostgreSQL server: every mart is DuckDB's, row for row."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from engines import MODELS_ALONE, Engine, Rows, copy_to_postgresql, differing_marts, is_same
from small_warehouse import Warehouse

from tests.ingest.database_servers import postgresql

pytestmark = pytest.mark.system


def output(url: str) -> dict[str, Any]:
    """Return dbt's output for a server."""
    parts = urlsplit(url)
    return {
        "type": "postgres",
        "host": parts.hostname,
        "port": parts.port,
        "user": parts.username,
        "password": parts.password,
        "dbname": parts.path.strip("/"),
        "threads": 4,
    }


def reader(url: str) -> Any:
    """Return how a server is read."""

    def read(queries: list[str]) -> dict[str, Rows]:
        answers = {}
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            for query in queries:
                cursor.execute(query)
                answers[query] = cursor.fetchall()
        return answers

    return read


@pytest.fixture(scope="module")
def engine(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Return a server with the raw tables of the small world."""
    with postgresql() as url:
        copy_to_postgresql(built.folder / "raw.duckdb", url)
        yield Engine(tmp_path_factory.mktemp("postgresql"), output(url), reader(url))


def test_every_mart_is_that_of_duckdb(built: Warehouse, engine: Engine) -> None:
    done = engine.run_dbt(*MODELS_ALONE)
    assert done.returncode == 0, done.stdout[-4000:]
    assert differing_marts(built, engine) == []


def test_a_lost_cent_and_a_lost_row_would_be_seen() -> None:
    row = ("a", Decimal("1.00"), 0.1 + 0.2, True, None)
    assert all(map(is_same, row, ("a", Decimal("1.0"), 0.3, True, None)))
    for place, value in enumerate(("b", Decimal("1.01"), 0.300001, False, 0)):
        other = [*row[:place], value, *row[place + 1 :]]
        assert not all(map(is_same, row, other))


@pytest.mark.slow
def test_the_tests_of_the_project_pass(engine: Engine) -> None:
    done = engine.run_dbt("build")
    assert done.returncode == 0, done.stdout[-4000:]
