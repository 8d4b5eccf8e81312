"""A PostgreSQL server for a session of tests, and a database of their own for each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from marketing_analytics.local_cloud.store.connection import Place
from marketing_analytics.local_cloud.store.databases.postgresql import SESSIONS, Database
from tests.ingest.database_servers import postgresql

NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Return the address of a server that is gone afterwards."""
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store_kind(request: pytest.FixtureRequest) -> str:
    """Return which database holds the store; modules with real dbt override it."""
    return str(request.param)


@pytest.fixture
def new_store(store_kind: str, request: pytest.FixtureRequest) -> Callable[[Path], Place]:
    """Return a function that says where the store of a data folder is."""
    if store_kind == "sqlite":
        return lambda folder: folder / "cloud.sqlite"
    make: Callable[[Path], Place] = request.getfixturevalue("new_database")
    return make


@pytest.fixture
def new_database(postgresql_url: str) -> Iterator[Callable[[Path], Database]]:
    """Return a function that makes an empty database for a data folder."""
    made: list[Database] = []

    def make(folder: Path) -> Database:
        name = f"cloud_{next(NUMBERS)}"
        with closing(psycopg2.connect(postgresql_url)) as server:
            server.autocommit = True
            server.cursor().execute(f"create database {name}")
        folder.mkdir(parents=True, exist_ok=True)
        made.append(Database(postgresql_url.rpartition("/")[0] + f"/{name}", folder))
        return made[-1]

    yield make
    for database in made:
        # a server has room for a hundred sessions
        SESSIONS.forget(database)
