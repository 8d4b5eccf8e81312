"""A person is erased from every place, stays away, and the proof is a search of all bytes."""

import json
import shutil

import duckdb
import pytest
from canaries import KEY, canary_rows, email, feed, privacy, rows_of, search_for, values_of

from marketing_analytics.governance import erase
from marketing_analytics.governance.traces.marks import Search
from marketing_analytics.governance.traces.places import files_in, scan

SOURCES = ("klaviyo", "shop")
COUNT = 12


@pytest.fixture(scope="module")
def rows():
    return canary_rows(COUNT)


@pytest.fixture(scope="module")
def fed(rows, tmp_path_factory):
    """Return a folder with a raw database, a mart made of it, and a log."""
    folder = tmp_path_factory.mktemp("fed")
    feed(folder / "raw.duckdb", rows, SOURCES)
    with duckdb.connect(str(folder / "wh.duckdb")) as connection:
        connection.execute(f"attach '{folder / 'raw.duckdb'}' as raw (read_only)")
        for table in ("klaviyo.profiles", "shop.customers"):
            name = table.replace(".", "_")
            connection.execute(f"create table {name} as from raw.{table}")
        connection.execute(
            "create table conversions as select order_id as conversion_id from raw.shop.orders"
        )
    (folder / "dbt.log").write_text(f"a row of {email(3).lower()}\na row of nobody\n")
    return folder


@pytest.fixture
def folder(fed, tmp_path):
    shutil.copytree(fed, tmp_path / "data")
    return tmp_path / "data"


def left_of(folder, number):
    return scan(files_in([folder]), search_for([number]), Search(())).left


def test_a_person_is_gone_from_every_byte_and_stays_away(folder, rows):
    raw = folder / "raw.duckdb"
    assert left_of(folder, 3)
    orders = rows_of(raw, "select count(*) from shop.orders")
    conversions = rows_of(folder / "wh.duckdb", "select count(*) from conversions")
    assert orders == conversions
    done = privacy("erase", email(3), "--yes", "--json", "--raw-database", raw)
    report = json.loads(done.stdout)
    assert (done.exit_code, report["left"]) == (0, [])
    assert email(3).lower() not in done.output.lower()
    assert left_of(folder, 3) == []
    assert left_of(folder, 4)
    assert "[erased]" in (folder / "dbt.log").read_text()
    assert rows_of(folder / "wh.duckdb", "select count(*) from conversions") < conversions
    counted = {
        table: rows_of(raw, f"select count(*) from {table}")
        for table in report["deleted"]
        if "." in table and ":" not in table and "restricted" not in table
    }
    feed(raw, rows, SOURCES)
    assert left_of(folder, 3) == []
    assert counted
    assert {table: rows_of(raw, f"select count(*) from {table}") for table in counted} == counted
    key = KEY.pseudonym("customer", values_of(3)["customer"])
    assert rows_of(raw, f"select * from shop.orders where customer_key = '{key}'") == []


@pytest.mark.slow
@pytest.mark.parametrize("step", ["close_door", "erase_in_raw", "erase_plain", "rewrite", "scan"])
def test_what_was_killed_is_finished_by_the_next_call(folder, monkeypatch, step):
    raw = folder / "raw.duckdb"
    whole = getattr(erase, step)

    def killed(*arguments):
        whole(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erase, step, killed)
        given = ("erase", email(5), "--yes", "--json", "--raw-database", raw)
        assert privacy(*given).exit_code == 130
    assert privacy(*given).exit_code == 0
    assert left_of(folder, 5) == []


@pytest.mark.slow
def test_a_mark_that_cannot_be_taken_out_is_told(folder):
    (folder / "export.bin").write_bytes(b"\0\0\0" + email(6).encode())
    done = privacy("erase", email(6), "--yes", "--raw-database", folder / "raw.duckdb")
    assert done.exit_code == 1
    assert "export.bin" in done.stdout
    spared = privacy(
        "erase", email(6), "--yes", "--raw-database", folder / "raw.duckdb",
        "--except", folder / "export.bin",
    )  # fmt: skip
    assert spared.exit_code == 0


@pytest.mark.parametrize(
    ("given", "settings", "code", "said"),
    [
        (["nobody@mark.example", "--yes"], {}, 2, "nobody is known by that"),
        ([email(1)], {}, 2, "nobody is here to ask"),
        ([email(1), "--yes"], {"MARKETING_PSEUDONYM_KEY": ""}, 2, "is not set"),
        ([email(1), "--yes"], {"MARKETING_PSEUDONYM_KEY": "1:" + "x" * 20}, 2, "another"),
        ([email(1), "--yes", "--data", "no/such"], {}, 2, "there is no no/such"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is(fed, given, settings, code, said):
    done = privacy("erase", *given, "--raw-database", fed / "raw.duckdb", **settings)
    assert done.exit_code == code
    assert said in done.stderr
