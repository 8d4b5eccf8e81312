"""A small warehouse in which every link holds; what a test breaks is taken back."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import duckdb
import pytest

from marketing_analytics.diagnose.walk import walk
from marketing_analytics.warehouse.marts import Marts

HEALTHY = Path(__file__).with_name("healthy.sql")
MARTS = Marts("warehouse.duckdb", "marts", Path(__file__))


def build(connection):
    """Make the small warehouse in a database whose raw tables are attached as `raw`."""
    connection.execute(HEALTHY.read_text())


class Small:
    """The small warehouse: break it, mend it, walk a chain."""

    def __init__(self, connection):
        self.connection = connection

    def change(self, statements):
        """Run statements as dbt and the sync do: in the marts' schema, beside `raw`."""
        self.connection.execute(statements)

    def walk(self, chain, marts=MARTS):
        """Return what is found at each link, by its name."""
        links = import_module(f"marketing_analytics.diagnose.chains.{chain}").CHAIN
        return {found.link.name: found for found in walk(self.connection, marts, links)}


@pytest.fixture(scope="session")
def healthy():
    with duckdb.connect() as connection:
        connection.execute("set threads = 1; attach ':memory:' as raw")
        build(connection)
        yield connection


@pytest.fixture
def small(healthy, monkeypatch):
    monkeypatch.setenv("MARKETING_NOW", "2026-11-01T08:00:00Z")
    healthy.execute("begin")
    yield Small(healthy)
    healthy.execute("rollback")
