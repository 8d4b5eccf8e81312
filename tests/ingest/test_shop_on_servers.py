"""The shop on real PostgreSQL and MariaDB servers, started for these tests."""

import sqlite3

import pytest

from marketing_analytics.ingest.engine.tables import ARROW_TYPES
from marketing_analytics.ingest.platforms.shop.source import TABLES

from .commands import contents, ingest, read
from .database_servers import PASSWORD, engine_of, mariadb, postgresql

pytestmark = pytest.mark.system

NAMES = [table.name for table in TABLES]
# as such a server would hold them
TYPES = {
    "postgresql": {"TIMESTAMP": "TIMESTAMPTZ"},
    "mariadb": {"TEXT": "VARCHAR(200)", "TIMESTAMP": "TIMESTAMP(6)"},
}


@pytest.fixture(scope="module", params=[postgresql, mariadb], ids=lambda kind: kind.__name__)
def server(request):
    with request.param() as url:
        yield url


@pytest.fixture
def engine(server):
    engine = engine_of(server)
    yield engine
    engine.dispose()


@pytest.fixture
def shop_url(server, engine, world):
    """Fill the server with the world's shop; return its address."""
    shop = sqlite3.connect(world / "shop.sqlite")
    with engine.begin() as connection:
        for name in reversed(NAMES):
            connection.exec_driver_sql(f"drop table if exists {name}")
        for name in NAMES:
            query = "select sql from sqlite_master where name = ?"
            [statement] = shop.execute(query, [name]).fetchone()
            for ours, theirs in TYPES[engine.dialect.name].items():
                statement = statement.replace(f" {ours} ", f" {theirs} ")
            connection.exec_driver_sql(statement)
            rows = shop.execute(f"select * from {name}").fetchall()
            # MariaDB knows no zones; guests have no customer
            rows = [
                tuple(value and str(value).removesuffix("+00:00") for value in row) for row in rows
            ]
            marks = ", ".join(["%s"] * len(rows[0]))
            connection.exec_driver_sql(f"insert into {name} values ({marks})", rows)
    shop.close()
    return server


def copy_shop(database, url, *arguments):
    chosen = ("--source", "shop", "--raw-database", database, "--json", *arguments)
    return ingest(*chosen, SHOP_DATABASE_URL=url)


def test_a_server_and_a_sqlite_file_give_the_same_raw_tables(shop_url, world, tmp_path):
    first = copy_shop(tmp_path / "server.duckdb", shop_url)
    second = copy_shop(tmp_path / "lite.duckdb", f"sqlite:///{world / 'shop.sqlite'}")
    assert (first.code, second.code) == (0, 0), first.out
    assert contents(tmp_path / "server.duckdb") == contents(tmp_path / "lite.duckdb")
    assert PASSWORD not in first.out + first.err


def test_late_updates_and_deletes_arrive_with_the_next_run(shop_url, engine, tmp_path):
    database = tmp_path / "raw.duckdb"
    copy_shop(database, shop_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("update targets set target_value = '12.5' where metric = 'roas'")
        connection.exec_driver_sql("delete from refunds")
        connection.exec_driver_sql("delete from consents where consent_id like '%%7'")
        [kept] = connection.exec_driver_sql("select count(*) from consents").one()
    assert copy_shop(database, shop_url).code == 0
    roas = "select distinct target_value::varchar from shop.targets where metric = 'roas'"
    assert read(database, roas) == [("12.5000",)]
    assert read(database, "select count(*) from shop.refunds") == [(0,)]
    assert read(database, "select count(*) from shop.consents") == [(kept,)]


@pytest.mark.slow
def test_a_table_that_lost_most_of_its_rows_is_held_back(shop_url, engine, tmp_path):
    database = tmp_path / "raw.duckdb"
    copy_shop(database, shop_url)
    before = contents(database)
    with engine.begin() as connection:
        connection.exec_driver_sql("delete from consents")
    done = copy_shop(database, shop_url)
    assert (
        "consents of the whole table came with 0 rows"
        in done.source("shop")["errors"][0]["message"]
    )
    assert contents(database) == before
    assert copy_shop(database, shop_url).code == 0
    assert read(database, "select count(*) from shop.consents") == [(0,)]


@pytest.mark.slow
def test_all_tables_are_of_one_moment(shop_url, engine, tmp_path, monkeypatch):
    from marketing_analytics.ingest.platforms.shop import database as reading

    load_rows = reading.SnapshotLoader.load_rows

    def disturbed(self, *arguments):
        if self.table.name == "refunds":
            # an order and its refund come in while the tables are read
            with engine.begin() as other:
                other.exec_driver_sql("delete from exchange_rates")
                other.exec_driver_sql("update refunds set amount_cents = 0")
        return load_rows(self, *arguments)

    monkeypatch.setattr(reading.SnapshotLoader, "load_rows", disturbed)
    assert copy_shop(tmp_path / "raw.duckdb", shop_url).code == 0
    query = "select count(*) > 0 from shop.exchange_rates"
    assert read(tmp_path / "raw.duckdb", query) == [(True,)]
    assert read(tmp_path / "raw.duckdb", "select min(amount_cents) > 0 from shop.refunds") == [
        (True,)
    ]


def test_a_table_that_is_missing_is_named(shop_url, engine, tmp_path):
    with engine.begin() as connection:
        connection.exec_driver_sql("drop table budgets")
    [error] = copy_shop(tmp_path / "raw.duckdb", shop_url).source("shop")["errors"]
    assert error["message"].startswith("the shop database lacks something: ")
    assert "budgets" in error["message"]
    assert "docs/platforms/shop.md" in error["hint"]


def test_a_wrong_password_is_an_access_that_is_refused(shop_url, tmp_path):
    wrong = "not-the-word-4711"
    done = copy_shop(tmp_path / "raw.duckdb", shop_url.replace(PASSWORD, wrong))
    assert done.code == 4
    assert "the shop database refuses access" in done.source("shop")["errors"][0]["message"]
    assert wrong not in done.out + done.err


@pytest.mark.slow
def test_a_view_will_do_and_other_column_types_are_cast(shop_url, engine, tmp_path):
    """Teams rarely have tables of our names: views give them, of whatever types."""
    with engine.begin() as connection:
        connection.exec_driver_sql("alter table targets rename to plan")
        connection.exec_driver_sql(
            "create view targets as select metric, target_month, "
            "cast(target_value as decimal(20, 4)) as target_value from plan"
        )
    done = copy_shop(tmp_path / "raw.duckdb", shop_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("drop view targets")
        connection.exec_driver_sql("alter table plan rename to targets")
    assert done.code == 0, done.out
    assert ARROW_TYPES["rate"].scale == 4
    query = "select count(*), count(target_value) from shop.targets"
    [(rows, values)] = read(tmp_path / "raw.duckdb", query)
    assert rows == values > 0
