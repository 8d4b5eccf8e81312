import shutil
import sqlite3
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from .commands import contents, ingest, read, start_ingest

pytestmark = pytest.mark.system


@pytest.fixture
def export(world, tmp_path):
    """Return a copy of the world's export that a test may change."""
    return shutil.copytree(world / "ga4", tmp_path / "ga4")


@pytest.fixture
def shop(world, tmp_path):
    return shutil.copy(world / "shop.sqlite", tmp_path / "shop.sqlite")


def ga4(database, export, *arguments):
    done = ingest(
        "--source", "ga4", "--raw-database", database, "--json", *arguments, GA4_EXPORT_PATH=export
    )
    return done, done.source("ga4")


def copy_shop(database, url):
    return ingest("--source", "shop", "--raw-database", database, "--json", SHOP_DATABASE_URL=url)


def drop_last_row(path):
    table = pq.read_table(path)
    pq.write_table(table.slice(0, table.num_rows - 1), path)


def test_events_are_complete_and_their_key_is_unique(export, tmp_path, ledger):
    done, source = ga4(tmp_path / "raw.duckdb", export)
    assert done.code == 0
    expected = ledger["raw_tables"]
    tables = ("ga4.events", "ga4.event_items", "ga4.user_properties")
    assert source["rows"] == sum(expected[name]["rows"] for name in tables)
    found = read(
        tmp_path / "raw.duckdb",
        "select count(*), count(distinct (device_key, event_timestamp_us, event_index)), "
        "count(transaction_id), count(ga_session_id) from ga4.events",
    )
    events = ledger["ga4"]["events"]
    assert found == [(events, events, ledger["ga4"]["purchases"], events)]


def test_purchase_values_equal_the_export_to_the_cent(export, tmp_path):
    database = tmp_path / "raw.duckdb"
    ga4(database, export)
    expected = sum(
        Decimal(str(parameter["value"]["double_value"]))
        for path in sorted(export.iterdir())
        for row in pq.read_table(path, columns=["event_name", "event_params"]).to_pylist()
        if row["event_name"] == "purchase"
        for parameter in row["event_params"]
        if parameter["key"] == "value"
    )
    assert read(database, "select sum(value) from ga4.events") == [(expected,)]


def test_a_second_run_reads_the_recent_days_only_and_changes_nothing(export, tmp_path):
    database = tmp_path / "raw.duckdb"
    _, first = ga4(database, export)
    before = contents(database)
    _, second = ga4(database, export)
    assert contents(database) == before
    assert (first["windows"], second["windows"]) == (30, 3)
    _, third = ga4(database, export, "--reread")
    assert third["windows"] == 30
    assert contents(database) == before


@pytest.mark.slow
def test_an_old_day_that_changed_is_replaced_as_a_whole(export, tmp_path):
    database = tmp_path / "raw.duckdb"
    ga4(database, export)
    changed = export / "events_20261010.parquet"
    rows = pq.read_metadata(changed).num_rows
    drop_last_row(changed)
    _, source = ga4(database, export)
    assert source["windows"] == 4
    query = "select count(*) from ga4.events where event_date = '2026-10-10'"
    assert read(database, query) == [(rows - 1,)]


@pytest.mark.slow
def test_a_day_that_became_empty_is_emptied(export, tmp_path):
    database = tmp_path / "raw.duckdb"
    ga4(database, export)
    changed = export / "events_20261010.parquet"
    pq.write_table(pq.read_table(changed).slice(0, 0), changed)
    ga4(database, export)
    query = "select count(*) from ga4.events where event_date = '2026-10-10'"
    assert read(database, query) == [(0,)]


@pytest.mark.slow
def test_a_broken_file_is_named_and_the_other_days_are_loaded(export, tmp_path):
    database = tmp_path / "raw.duckdb"
    broken = export / "events_20261010.parquet"
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    done, source = ga4(database, export)
    assert (done.code, source["status"], source["windows"]) == (5, "partial", 29)
    assert "events_20261010.parquet" in source["errors"][0]["message"]
    broken.write_bytes(whole)
    done, source = ga4(database, export)
    assert (done.code, source["windows"]) == (0, 4)
    fresh = tmp_path / "fresh.duckdb"
    ga4(fresh, export)
    assert contents(database) == contents(fresh)


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path):
    done, source = ga4(tmp_path / "raw.duckdb", tmp_path / "nowhere")
    assert done.code == 2
    assert "GA4_EXPORT_PATH is not a folder" in source["errors"][0]["message"]
    assert "Traceback" not in done.err


def test_the_shop_is_copied_to_the_cent(shop, tmp_path, ledger):
    database = tmp_path / "raw.duckdb"
    assert copy_shop(database, f"sqlite:///{shop}").code == 0
    for currency, expected in ledger["orders"]["by_currency"].items():
        gross, refunds = (
            read(database, f"select sum({column}) from shop.{table} where currency = ?", currency)
            for table, column in (("orders", "total_cents"), ("refunds", "amount_cents"))
        )
        assert int(gross[0][0] or 0) == Decimal(expected["gross"]) * 100
        assert int(refunds[0][0] or 0) == Decimal(expected["refunds"]) * 100
    assert read(database, "select count(*) from shop.customers") == [
        (ledger["customers"]["count"],)
    ]


@pytest.mark.slow
def test_a_customer_deleted_in_the_shop_disappears(shop, tmp_path):
    database = tmp_path / "raw.duckdb"
    copy_shop(database, f"sqlite:///{shop}")
    with sqlite3.connect(shop) as connection:
        connection.execute("delete from customers where rowid = 1")
        connection.execute("delete from targets")
    before = read(database, "select count(*) from shop.customers")[0][0]
    copy_shop(database, f"sqlite:///{shop}")
    assert read(database, "select count(*) from shop.customers") == [(before - 1,)]
    assert read(database, "select count(*) from shop.targets") == [(0,)]


@pytest.mark.slow
def test_a_shop_whose_campaigns_never_rest_by_plan_needs_no_table_for_it(shop, tmp_path):
    database = tmp_path / "raw.duckdb"
    with sqlite3.connect(shop) as connection:
        [planned] = connection.execute("select count(*) from planned_pauses").fetchone()
    assert copy_shop(database, f"sqlite:///{shop}").code == 0
    assert read(database, "select count(*) from shop.planned_pauses") == [(planned,)]
    with sqlite3.connect(shop) as connection:
        connection.execute("drop table planned_pauses")
    other = tmp_path / "other.duckdb"
    assert copy_shop(other, f"sqlite:///{shop}").code == 0
    assert read(other, "select count(*) from shop.planned_pauses") == [(0,)]


def test_a_row_that_does_not_fit_is_kept_with_its_reason(shop, tmp_path):
    database = tmp_path / "raw.duckdb"
    restricted = tmp_path / "raw_restricted.duckdb"
    with sqlite3.connect(shop) as connection:
        connection.execute("update orders set total_cents = 'free' where rowid = 1")
    for _ in range(2):
        done = copy_shop(database, f"sqlite:///{shop}")
        assert done.source("shop")["rejected"] == 1
        rejected = read(database, "select table_name, reason, raw_json from shop._rejected")
        [(row,)] = read(restricted, "select raw_json from shop_restricted.rejected_rows")
        assert [(row[0], row[1]) for row in rejected] == [
            ("orders", "total_cents is not a count: 'free'")
        ]
        assert '"total_cents":"free"' in row
        assert rejected[0][2] == "", "an order tells of a person"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:////nowhere/shop.sqlite", "does not exist"),
        ("oracle-ish://x", "SHOP_DATABASE_URL is not a database address"),
        ("postgresql://u:hushhush@127.0.0.1:1/shop", "cannot read the shop database"),
    ],
)
def test_a_shop_that_cannot_be_read_is_a_sentence_without_the_password(url, words, tmp_path):
    done = copy_shop(tmp_path / "raw.duckdb", url)
    assert done.code in {1, 2}
    assert words in done.source("shop")["errors"][0]["message"]
    assert "hushhush" not in done.out + done.err


def test_a_missing_table_is_named(shop, tmp_path):
    with sqlite3.connect(shop) as connection:
        connection.execute("drop table budgets")
    done = copy_shop(tmp_path / "raw.duckdb", f"sqlite:///{shop}")
    assert "no such table: budgets" in done.source("shop")["errors"][0]["message"]


@pytest.mark.slow
def test_nothing_is_written_outside_of_the_folder_of_the_database(shop, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    database = tmp_path / "data" / "raw.duckdb"
    process = start_ingest(
        "--source",
        "shop",
        "--raw-database",
        database,
        SHOP_DATABASE_URL=f"sqlite:///{shop}",
        HOME=home,
    )
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert list(home.iterdir()) == []
    left = {path.name for path in database.parent.rglob("*") if path.is_file()}
    assert left == {"raw.duckdb", "raw_restricted.duckdb", "raw.duckdb.lock", "database_id"}
