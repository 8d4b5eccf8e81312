"""The same rights on a PostgreSQL server, where plain values lie in schemas of their own."""

import json

import psycopg2
import pytest
from canaries import KEY, canary_rows, email, feed, privacy, search_for, values_of

from marketing_analytics.governance.receipts import Receipt, keep, receipts
from marketing_analytics.governance.traces.places import Scan, scan_tables
from marketing_analytics.ingest.engine.persons import Key
from marketing_analytics.warehouse import postgresql as warehouse
from tests.ingest.database_servers import postgresql

pytestmark = pytest.mark.slow
SOURCES = ("klaviyo", "shop")
NEW = Key(2, b"the key after that of the tests")


@pytest.fixture
def raw(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").mkdir()
    with postgresql() as server:
        connection = psycopg2.connect(server)
        connection.autocommit = True
        connection.cursor().execute("create database canaries")
        connection.close()
        url = server.rpartition("/")[0] + "/canaries"
        feed(url, canary_rows(12), SOURCES)
        yield url


def left_of(url, number):
    found = Scan()
    connection = warehouse.connect(url, is_read_only=True)
    scan_tables(connection, "", search_for([number]), found)
    connection.close()
    return found.left


def hand_on(url, numbers):
    """Keep the receipt of an audience of some canaries."""
    connection = warehouse.connect(url)
    receipt = Receipt(
        audience="rfm:lost",
        platform="meta",
        exported_by="ann",
        file_name="lost.csv",
        file_sha256="0" * 64,
        person_count=len(numbers),
        left_out={"erased": 1},
    )
    keys = [KEY.pseudonym("customer", values_of(number)["customer"]) for number in numbers]
    keep(connection, receipt, keys)
    assert receipts(connection) == [receipt]
    connection.close()


def test_a_person_is_exported_and_erased_and_the_key_changes(raw):
    assert left_of(raw, 5)
    shown = json.loads(privacy("export", email(5), "--raw-database", raw).stdout)
    assert {"shop.customers", "klaviyo_restricted.persons"} <= {t["table"] for t in shown["tables"]}
    hand_on(raw, [5, 6])
    done = privacy("erase", email(5), "--yes", "--json", "--raw-database", raw)
    report = json.loads(done.stdout)
    assert (done.exit_code, report["left"]) == (0, []), done.output
    assert [one["erased_now"] for one in report["exports"]] == [1]
    assert left_of(raw, 5) == []
    assert left_of(raw, 6)
    feed(raw, canary_rows(12), SOURCES)
    assert left_of(raw, 5) == []
    settings = {
        "MARKETING_PSEUDONYM_KEY": f"2:{NEW.secret.decode()}",
        "MARKETING_PSEUDONYM_RETIRED_KEYS": f"{KEY.version}:{KEY.secret.decode()}",
    }
    turned = privacy("keys", "rotate", "--raw-database", raw, **settings)
    assert turned.exit_code == 0, turned.output
    connection = warehouse.connect(raw, is_read_only=True)
    key = NEW.pseudonym("customer", values_of(6)["customer"])
    query = "select count(*) from shop.customers where customer_key = ?"
    assert connection.execute(query, [key]).fetchone() == (1,)
    query = "select customer_key from _ingest.audience_members"
    assert connection.execute(query).fetchall() == [(key,)]
    (receipt,) = receipts(connection)
    assert (receipt.erased_count, receipt.left_out) == (1, {"erased": 1})
    connection.close()
