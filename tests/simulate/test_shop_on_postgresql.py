"""The shop written to a real PostgreSQL server, started for this test."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg2
import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.simulate.world.build import build_world
from marketing_analytics.simulate.world.parameters import WorldParameters
from marketing_analytics.simulate.world.shop.database import TABLES

pytestmark = pytest.mark.system


def as_server_user(*command):
    """PostgreSQL refuses to run as root; its own user does it then."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    return [*prefix, *map(str, command)]


def wait_until_ready(url):
    give_up_at = time.monotonic() + 30
    while True:
        try:
            psycopg2.connect(url).close()
        except psycopg2.OperationalError:
            assert time.monotonic() < give_up_at, "PostgreSQL did not start"
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def database_url():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL server: install the package postgresql")
    programs = found[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="world-pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    user = "postgres" if os.getuid() == 0 else getpass.getuser()
    data = folder / "data"
    make = as_server_user(programs / "initdb", "-D", data, "-A", "trust", "--no-sync")
    subprocess.run(make, check=True, capture_output=True, cwd=folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["-D", data, "-p", port, "-k", folder, "-h", "127.0.0.1", "-F"]
    with subprocess.Popen(
        as_server_user(programs / "postgres", *options),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        url = f"postgresql://{user}@127.0.0.1:{port}/postgres"
        wait_until_ready(url)
        yield url
        os.kill(int((data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGINT)
        process.wait(20)
    shutil.rmtree(folder, ignore_errors=True)


def test_postgresql_holds_the_same_shop_as_sqlite(database_url, tmp_path):
    parameters = WorldParameters(seed=5, customers=40, days=14)
    build_world(parameters, tmp_path / "w", shop_database_url=database_url)
    sqlite = sqlite3.connect(tmp_path / "w" / "shop.sqlite")
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"select * from {table}")
            found = cursor.fetchall()
            expected = sqlite.execute(f"select * from {table}").fetchall()
            assert len(found) == len(expected) > 0, table
        cursor.execute("select sum(total_cents), min(ordered_at) at time zone 'UTC' from orders")
        cents, first = cursor.fetchone()
    total, earliest = sqlite.execute(
        "select sum(total_cents), min(ordered_at) from orders"
    ).fetchone()
    assert (cents, first.isoformat()) == (total, earliest.removesuffix("+00:00"))
    with pytest.raises(UserError, match="already holds a shop"):
        build_world(parameters, tmp_path / "again", shop_database_url=database_url)
