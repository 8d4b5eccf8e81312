"""A snapshot is whole or not there, and an earlier one stays readable."""

from __future__ import annotations

import json
import re
import resource
import shutil
import signal
from datetime import date
from pathlib import Path

import duckdb
import pytest

from benchmarks.small_marts import write_marts
from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.report.snapshots import publish as publishing
from marketing_analytics.report.snapshots.publish import (
    KEPT_SNAPSHOTS,
    check_whole,
    current,
    loaded,
    publish,
)
from marketing_analytics.report.snapshots.published import WHOLE
from marketing_analytics.report.snapshots.snapshot import opened
from marketing_analytics.warehouse.marts import Marts


def test_a_snapshot_holds_what_there_is_and_names_what_is_missing(shop):
    about = current(shop.snapshots)
    assert about["tables"]["rpt_attribution_days"]["rows"] > 1000
    assert {"rpt_budget_pacing", "monitor_results"} <= set(about["missing"])
    with opened(shop.snapshots) as snapshot:
        assert snapshot.has("order_days")
        assert not snapshot.has("rpt_budget_pacing")


def test_texts_that_are_sorted_are_kept_as_numbers_and_read_as_they_were(tmp_path):
    path = write_marts(tmp_path / "shop.duckdb", days=3)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create table marts.rpt_campaign_attribution_days as select day_kind, day_date,"
            " channel, case when hash(day_date) % 2 = 0 then 'pläce' end as platform,"
            " conversion_type, model, credit, revenue_usd from marts.rpt_attribution_days"
        )
        query = "select *, typeof(channel) = 'VARCHAR' as is_text from {} order by all"
        given = connection.execute(query.format("marts.rpt_campaign_attribution_days")).fetchall()
    publish(Marts(str(path)), tmp_path / "snapshots")
    with opened(tmp_path / "snapshots") as snapshot:
        found = snapshot.connection.execute(query.format("rpt_campaign_attribution_days"))
        kept = found.fetchall()
    assert [row[:-1] for row in kept] == [row[:-1] for row in given]
    assert {row[-1] for row in kept} == {False}
    assert {row[3] for row in kept} == {None, "pläce"}


def test_no_table_of_persons_is_published(shop):
    with opened(shop.snapshots) as snapshot:
        columns = {row["column_name"] for row in snapshot.rows("from information_schema.columns")}
    assert not {name for name in columns if name.endswith("_key") or "customer_id" in name}


def test_marts_that_lack_the_needed_leave_the_pointer_where_it_was(tmp_path):
    path = write_marts(tmp_path / "shop.duckdb", days=3)
    publish(Marts(str(path)), tmp_path / "snapshots")
    before = (tmp_path / "snapshots" / "current.json").read_bytes()
    connection = duckdb.connect(str(path))
    connection.execute("drop table marts.rpt_attribution_days")
    connection.close()
    with pytest.raises(UserError, match="rpt_attribution_days"):
        publish(Marts(str(path)), tmp_path / "snapshots")
    assert (tmp_path / "snapshots" / "current.json").read_bytes() == before
    assert len(list((tmp_path / "snapshots").glob("*.duckdb"))) == 1


@pytest.fixture
def small_files():
    """Return how this process is kept from writing files of more than some bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_a_snapshot_that_the_disk_does_not_take_is_an_error_and_nothing_stays_of_it(
    shop, tmp_path, small_files, share
):
    folder = tmp_path / "snapshots"
    shutil.copytree(shop.snapshots, folder)
    before = sorted(folder.iterdir()), (folder / "current.json").read_bytes()
    (whole,) = folder.glob("*.duckdb")
    small_files(int(whole.stat().st_size * share))
    with pytest.raises(MachineError, match=r"cannot write .*File too large"):
        publish(shop.marts, folder)
    assert (sorted(folder.iterdir()), (folder / "current.json").read_bytes()) == before


def test_a_pointer_that_cannot_be_written_leaves_no_snapshot(shop, tmp_path, monkeypatch):
    def fail(path, _):
        raise MachineError(f"cannot write {path}")

    monkeypatch.setattr(publishing, "replace_file", fail)
    with pytest.raises(MachineError, match=r"current\.json"):
        publish(shop.marts, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_file_that_lacks_rows_is_not_published(tmp_path):
    path = tmp_path / "one.new"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table whole as select 1; create table half as select 1")
    tables = {"whole": {"rows": 1}, "half": {"rows": 2}, "none": {"rows": 0}}
    with pytest.raises(MachineError, match="not written whole: half, none"):
        check_whole(path, tables)
    check_whole(path, {"whole": {"rows": 1}})
    path.with_name("one.new.wal").touch()
    with pytest.raises(MachineError, match=r"a part is in one\.new\.wal"):
        check_whole(path, {"whole": {"rows": 1}})


def test_what_killed_publishes_left_goes_with_the_next_one(shop, tmp_path):
    name = "20260101T000000-0a0a0a"
    for left in (f"{name}.new", f"{name}.new.wal", f"{name}.duckdb", f"{name}.duckdb.wal"):
        (tmp_path / left).touch()
    (tmp_path / f"{name}.new.tmp").mkdir()
    published = publish(shop.marts, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        ".lock", "current.json", published["file"],
    }  # fmt: skip


def test_old_snapshots_go_and_the_named_one_stays(tmp_path):
    marts = Marts(str(write_marts(tmp_path / "shop.duckdb", days=2)))
    names = [publish(marts, tmp_path / "snapshots")["file"] for _ in range(KEPT_SNAPSHOTS + 2)]
    left = {path.name for path in (tmp_path / "snapshots").glob("*.duckdb")}
    assert names[-1] in left
    assert len(left) == KEPT_SNAPSHOTS
    assert current(tmp_path / "snapshots")["file"] == names[-1]


def test_what_cannot_be_read_is_told_with_what_to_do(tmp_path):
    with pytest.raises(MachineError, match="nothing is published"):
        current(tmp_path)
    for broken in ("{", "{}", "[]", '"text"'):
        (tmp_path / "current.json").write_text(broken)
        with pytest.raises(MachineError, match="cannot read"):
            current(tmp_path)
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(str(empty)).close()
    with pytest.raises(UserError, match="holds no marts"):
        publish(Marts(str(empty)), tmp_path / "snapshots")


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("rpt_executive_kpis", "plan_value"), ("rpt_lifetime_value", "value_365d_usd"),
        ("dim_channels", "is_paid"), ("fct_conversions", "revenue_usd"),
        ("int_calendar__as_of", "reporting_currency"),
    ],
)  # fmt: skip
def test_marts_of_another_version_are_told_by_the_column_that_they_lack(
    shop, tmp_path, table, column
):
    path = tmp_path / "shop.duckdb"
    shutil.copy(shop.marts.address, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"alter table marts.{table} drop {column}")
    with pytest.raises(UserError, match=f"^{table} has no column {column}$") as raised:
        publish(Marts(str(path)), tmp_path / "snapshots")
    assert "build the marts with dbt" in raised.value.hint
    assert not list((tmp_path / "snapshots").glob("2*"))


SPEND_OF_NO_NUMBER = (
    "alter table fct_campaign_performance alter spend_usd type double;"
    " update fct_campaign_performance set spend_usd = 'nan'"
)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("update fct_conversions set conversion_date = null where revenue_usd < 100",
         r"^fct_conversions: [\d,]+ rows of order_days have no conversion_date$"),
        ("update rpt_attribution_days set day_date = null",
         r"^rpt_attribution_days: [\d,]+ rows of rpt_attribution_days have no day_date$"),
        ("update fct_conversions set revenue_usd = 9e15",
         "^fct_conversions: the amount of revenue_usd is too large: less than 10,000,000,000,000"),
        ("update rpt_attribution_days set revenue_usd = 1e15",
         "^rpt_attribution_days: the amount 1e.15 of revenue_usd is too large"),
        (SPEND_OF_NO_NUMBER,
         "^fct_campaign_performance: the amount nan of spend_usd is too large"),
    ],
    ids=["no day of orders", "no day of credit", "a sum", "an amount", "no number"],
)  # fmt: skip
def test_what_no_page_can_show_is_told_by_its_mart_and_column(shop, tmp_path, change, told):
    path = tmp_path / "shop.duckdb"
    shutil.copy(shop.marts.address, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"use marts; {change}")
    with pytest.raises(UserError, match=told) as raised:
        publish(Marts(str(path)), tmp_path / "snapshots")
    assert "mend the rows" in raised.value.hint
    assert not (tmp_path / "snapshots" / "current.json").exists()


def test_a_view_that_nobody_can_read_is_not_built_yet(shop, tmp_path):
    path = tmp_path / "shop.duckdb"
    shutil.copy(shop.marts.address, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create table marts.read (source text, status text);"
            " create view marts.stg_ingest__loads as select source, status from marts.read;"
            " alter table marts.read drop status"
        )
    assert "stg_ingest__loads" in publish(Marts(str(path)), tmp_path / "snapshots")["missing"]


def test_a_table_of_a_server_is_loaded_as_it_is_and_also_without_rows(tmp_path):
    columns = {"number": "bigint", "text": "varchar", "is_so": "boolean", "day": "date"}
    file = tmp_path / "rows.csv"
    with duckdb.connect() as connection:
        file.touch()
        assert loaded(connection, "empty", columns, file, "select") == 0
        file.write_text('1,"a ""b"",\n;c",t,2026-01-02\n\\N,"",f,\\N\n')
        assert loaded(connection, "filled", columns, file, "select") == 2
        rows = connection.execute("from filled order by number").fetchall()
    assert rows == [(1, 'a "b",\n;c', True, date(2026, 1, 2)), (None, "", False, None)]


@pytest.mark.parametrize("order", ["", "\norder by revenue_usd"], ids=["as it is", "sorted"])
@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("NaN,2026-01-02", "^some_mart: the amount of revenue_usd is too large"),
        ("1,2026-01-32", "^some_mart: a value of day is none of its type$"),
    ],
    ids=["an amount", "a day"],
)
def test_a_value_of_a_server_that_is_none_of_its_type_is_told_by_its_mart(
    tmp_path, row, told, order
):
    columns = {"revenue_usd": "decimal(38, 12)", "day": "date"}
    file = tmp_path / "rows.csv"
    file.write_text(f"{row}\n")
    with duckdb.connect() as connection, pytest.raises(UserError, match=told):
        loaded(connection, "filled", columns, file, f"select *\nfrom some_mart{order}")


def test_the_columns_that_pages_need_are_those_of_the_models():
    for table, columns in WHOLE.items():
        (path,) = Path("transform/models").rglob(f"{table}.yml")
        declared = set(re.findall(r"^      - name: (\w+)$", path.read_text(), re.MULTILINE))
        assert set(columns.split(", ")) <= declared


def test_several_schemas_with_marts_must_be_told_apart(tmp_path):
    path = write_marts(tmp_path / "shop.duckdb", days=1)
    connection = duckdb.connect(str(path))
    connection.execute("create schema other; create table other.fct_conversions (id int)")
    connection.close()
    with pytest.raises(UserError, match="several schemas: marts, other"):
        publish(Marts(str(path)), tmp_path / "snapshots")
    published = publish(Marts(str(path), "Marts"), tmp_path / "snapshots")
    assert json.dumps(published)


def test_a_schema_that_is_not_there_is_told_with_those_that_hold_marts(shop, tmp_path):
    with pytest.raises(UserError, match=r"marts\.duckdb has no schema nosuch") as raised:
        publish(Marts(shop.marts.address, "nosuch"), tmp_path)
    assert raised.value.hint.startswith("marts are in marts: say which one with --schema")
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(str(empty)).close()
    with pytest.raises(UserError, match="has no schema nosuch") as raised:
        publish(Marts(str(empty), "nosuch"), tmp_path)
    assert "no schema there holds marts" in raised.value.hint
