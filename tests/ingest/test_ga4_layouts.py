"""Exports of GA4 as people have them: shards, folders, intraday, absent columns, double keys."""

import os
import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.platforms.ga4.layout import day_exports, day_of

from .commands import contents, ingest, read
from .source_kit import first_and_slow, slow

DAY = date(2026, 5, 1)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("events_20260501.parquet", (DAY, False)),
        ("events_20260501_000000000000.parquet", (DAY, False)),
        ("events_20260501/000000000000.parquet", (DAY, False)),
        ("events_intraday_20260501.parquet", (DAY, True)),
        ("events_intraday_20260501/part-0.parquet", (DAY, True)),
        ("event_date=2026-05-01/part-0.parquet", (DAY, False)),
        ("property=1/dt=20260501/part-0.parquet", (DAY, False)),
        ("date=2026-05-01/a/b.parquet", (DAY, False)),
        ("events_20261301.parquet", None),
        ("pseudonymous_users_20260501.parquet", None),
        ("orders.parquet", None),
    ],
)
def test_a_file_is_of_a_day_or_of_something_else(path, found):
    assert day_of(Path(path)) == found


def write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_the_day_comes_before_its_intraday_export(tmp_path):
    write(tmp_path, "events_intraday_20260501.parquet", "events_intraday_20260502.parquet")
    write(tmp_path, "events_20260501_000.parquet", "events_20260501_001.parquet")
    first, second = day_exports(tmp_path)
    assert [path.name for path in first.paths] == [
        "events_20260501_000.parquet",
        "events_20260501_001.parquet",
    ]
    assert [path.name for path in second.paths] == ["events_intraday_20260502.parquet"]


def test_a_day_changes_with_each_of_its_files(tmp_path):
    write(tmp_path, "events_20260501_000.parquet")
    before = day_exports(tmp_path)[0].fingerprint
    write(tmp_path, "events_20260501_001.parquet")
    between = day_exports(tmp_path)[0].fingerprint
    os.utime(tmp_path / "events_20260501_000.parquet", ns=(1, 1))
    assert len({before, between, day_exports(tmp_path)[0].fingerprint}) == 3


@pytest.mark.slow
def test_a_file_that_is_gone_when_it_is_looked_at_costs_its_day(world, tmp_path):
    export = shutil.copytree(world / "ga4", tmp_path / "ga4")
    (export / "events_20261001.parquet").symlink_to(tmp_path / "nowhere")
    database = tmp_path / "raw.duckdb"
    done = ingest("--source", "ga4", "--raw-database", database, "--json", GA4_EXPORT_PATH=export)
    source = done.source("ga4")
    assert (done.code, source["status"]) == (5, "partial"), done.out
    assert ["20261001" in error["message"] for error in source["errors"]] == [True]
    days = "select count(distinct event_date) from ga4.events"
    assert read(database, days) == [(len(list(export.iterdir())) - 1,)]


@pytest.mark.parametrize("names", [(), ("orders.parquet",), ("events_20260501.csv",)])
def test_a_folder_without_a_day_is_refused(tmp_path, names):
    write(tmp_path, *names)
    with pytest.raises(UserError, match="there is no export of a day in"):
        day_exports(tmp_path)


def load(export, tmp_path):
    database = tmp_path / "raw.duckdb"
    done = ingest("--source", "ga4", "--raw-database", database, "--json", GA4_EXPORT_PATH=export)
    assert done.code == 0, done.out
    return database


def sharded(path):
    events = pq.read_table(path)
    half = events.num_rows // 2
    for number, part in enumerate((events.slice(0, half), events.slice(half))):
        yield f"{path.stem}_{number:012d}.parquet", part


def in_folders(path):
    day = path.stem.removeprefix("events_")
    for name, part in sharded(path):
        yield f"event_date={day[:4]}-{day[4:6]}-{day[6:]}/{name.rpartition('_')[2]}", part


def with_more_columns(path):
    events = pq.read_table(path)
    consent = pa.array([{"analytics_storage": "Yes"}] * events.num_rows)
    items = pa.array([[{"item_id": "1"}]] * events.num_rows)
    yield path.name, events.append_column("privacy_info", consent).append_column("items", items)


def with_double_keys(path):
    events = pq.read_table(path)
    index = events.schema.get_field_index("event_params")
    params = [[*given, {**given[0]}] for given in events.column("event_params").to_pylist()]
    column = pa.array(params, events.schema.field("event_params").type)
    yield path.name, events.set_column(index, "event_params", column)


LAYOUTS = [sharded, in_folders, with_more_columns, with_double_keys]


@pytest.mark.system
@pytest.mark.parametrize("layout", first_and_slow(LAYOUTS))
def test_every_layout_gives_the_same_events(world, everything, tmp_path, layout):
    for path in sorted((world / "ga4").iterdir()):
        for name, events in layout(path):
            (tmp_path / "ga4" / name).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(events, tmp_path / "ga4" / name)
    assert contents(load(tmp_path / "ga4", tmp_path))["ga4.events"] == everything["ga4.events"]


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.parametrize("absent", ["user_id", *slow("collected_traffic_source", "device", "geo")])
def test_a_column_that_an_older_export_lacks_is_empty(world, everything, tmp_path, absent):
    export = shutil.copytree(world / "ga4", tmp_path / "ga4")
    for path in export.iterdir():
        pq.write_table(pq.read_table(path).drop_columns([absent]), path)
    database = load(export, tmp_path)
    assert read(database, "select count(*) from ga4.events") == [(len(everything["ga4.events"]),)]
    columns = {"device": "browser", "geo": "country", "user_id": "customer_key"}
    column = columns.get(absent, "campaign_id")
    assert read(database, f"select count({column}) from ga4.events") == [(0,)]


@pytest.mark.system
def test_the_source_of_an_older_export_is_that_of_its_parameters(world, tmp_path):
    export = tmp_path / "ga4"
    export.mkdir()
    path = min((world / "ga4").iterdir())
    events = pq.read_table(path).drop_columns(["collected_traffic_source"])
    index = events.schema.get_field_index("event_params")
    value = {"string_value": "newsletter", "int_value": None}
    params = [
        [*given, {"key": "source", "value": value}]
        for given in events.column("event_params").to_pylist()
    ]
    column = pa.array(params, events.schema.field("event_params").type)
    pq.write_table(events.set_column(index, "event_params", column), export / path.name)
    database = load(export, tmp_path)
    first = [
        next(param["value"]["string_value"] for param in given if param["key"] == "source")
        for given in params
    ]
    found = read(database, "select source, count(*) from ga4.events group by all")
    assert Counter(dict(found)) == Counter(first)
    assert "newsletter" in first
