"""The shop on a real PostgreSQL server, started for these tests."""

import getpass
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg2
import pytest

from .commands import contents, ingest, read

pytestmark = pytest.mark.system

TABLES = ("customers", "orders", "refunds", "consents", "budgets", "targets", "exchange_rates")
PASSWORD = "hush-hush-shop"


def server_programs():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def as_server_user(*command):
    """PostgreSQL refuses to run as root; its own user does it then."""
    if os.getuid() == 0:
        return ["runuser", "-u", "postgres", "--", *map(str, command)]
    return [str(part) for part in command]


@pytest.fixture(scope="module")
def server():
    programs = server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server: install the package postgresql")
    folder = Path(tempfile.mkdtemp(prefix="shop-pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    user = "postgres" if os.getuid() == 0 else pwd.getpwnam(getpass.getuser()).pw_name
    data = folder / "data"
    initialise = as_server_user(programs / "initdb", "-D", data, "-A", "trust", "--no-sync")
    subprocess.run(initialise, check=True, capture_output=True, cwd=folder)
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
        try:
            yield {"host": "127.0.0.1", "port": port, "user": user, "dbname": wait_for(port, user)}
        finally:
            # a fast shutdown; the signal goes through runuser to the server
            pid = int((data / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, 2)
            process.wait(20)
            shutil.rmtree(folder, ignore_errors=True)


def wait_for(port, user):
    give_up_at = time.monotonic() + 30
    while True:
        try:
            psycopg2.connect(host="127.0.0.1", port=port, user=user, dbname="postgres").close()
        except psycopg2.OperationalError:
            assert time.monotonic() < give_up_at, "PostgreSQL did not start"
            time.sleep(0.1)
        else:
            return "postgres"


@pytest.fixture
def shop_url(server, world):
    """Fill the server with the world's shop; return its address."""
    source = sqlite3.connect(world / "shop.sqlite")
    with psycopg2.connect(**server) as connection, connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"drop table if exists {table} cascade")
        for table in TABLES:
            statement = source.execute("select sql from sqlite_master where name = ?", [table])
            # times as PostgreSQL would hold them
            cursor.execute(statement.fetchone()[0].replace("TIMESTAMP", "TIMESTAMPTZ"))
            rows = source.execute(f"select * from {table}").fetchall()
            marks = ", ".join(["%s"] * len(rows[0]))
            cursor.executemany(f"insert into {table} values ({marks})", rows)
    source.close()
    return f"postgresql://{server['user']}:{PASSWORD}@127.0.0.1:{server['port']}/postgres"


def copy_shop(database, url):
    return ingest("--source", "shop", "--raw-database", database, "--json", SHOP_DATABASE_URL=url)


def test_postgresql_and_sqlite_give_the_same_raw_tables(shop_url, world, tmp_path):
    first = copy_shop(tmp_path / "pg.duckdb", shop_url)
    second = copy_shop(tmp_path / "lite.duckdb", f"sqlite:///{world / 'shop.sqlite'}")
    assert (first.code, second.code) == (0, 0), first.out
    assert contents(tmp_path / "pg.duckdb") == contents(tmp_path / "lite.duckdb")
    assert PASSWORD not in first.out + first.err


def test_a_change_in_postgresql_arrives_with_the_next_run(shop_url, server, tmp_path):
    database = tmp_path / "raw.duckdb"
    copy_shop(database, shop_url)
    with psycopg2.connect(**server) as connection, connection.cursor() as cursor:
        cursor.execute("update targets set target_value = '12.5' where metric = 'roas'")
        cursor.execute("delete from refunds")
    copy_shop(database, shop_url)
    found = read(
        database, "select distinct target_value::varchar from shop.targets where metric = 'roas'"
    )
    assert found == [("12.5000",)]
    assert read(database, "select count(*) from shop.refunds") == [(0,)]


def test_a_table_that_is_missing_in_postgresql_is_named(shop_url, server, tmp_path):
    with psycopg2.connect(**server) as connection, connection.cursor() as cursor:
        cursor.execute("drop table budgets")
    done = copy_shop(tmp_path / "raw.duckdb", shop_url)
    assert 'relation "budgets" does not exist' in done.source("shop")["errors"][0]["message"]
