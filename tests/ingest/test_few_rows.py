"""Plain values of persons: few are stored by a statement, many by dlt, and both end alike."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from marketing_analytics.ingest.engine.job import Package
from marketing_analytics.ingest.engine.persons import PERSONS
from marketing_analytics.ingest.raw.database import RawDatabase
from marketing_analytics.ingest.raw.few_rows import FEW_ROWS
from marketing_analytics.ingest.raw.places import DuckDBFile

from .commands import read

FIRST, SECOND = (datetime(2026, 10, day, 6, tzinfo=UTC) for day in (1, 2))
ALL = "select person_key, kind, value, _loaded_at from tiny_restricted.persons order by all"


def package(*persons):
    rows = pa.table(dict(zip(PERSONS.columns, zip(*persons, strict=True), strict=True)))
    return Package("tiny_restricted", {PERSONS: [rows]}, {}, 0, 0)


@pytest.fixture
def raw(tmp_path):
    return RawDatabase(DuckDBFile(tmp_path / "raw_restricted.duckdb"), wait_seconds=0)


def many(count):
    return [(f"1-{number:06}", "email", f"{number}@x.org") for number in range(count)]


@pytest.mark.parametrize("count", [2, FEW_ROWS, FEW_ROWS + 1])
def test_a_changed_value_replaces_the_one_before_and_no_other(raw, count):
    raw.load_new(package(*many(count)), FIRST)
    changed = ("1-000001", "email", "1@new.org")
    raw.load_new(package(("1-000000", "email", "0@x.org"), changed), SECOND)
    found = read(raw.place.path, ALL)
    assert len(found) == count
    assert found[:2] == [("1-000000", "email", "0@x.org", FIRST), (*changed, SECOND)]


def test_many_rows_after_a_few_replace_them(raw):
    raw.load_new(package(("1-000001", "email", "1@old.org")), FIRST)
    raw.load_new(package(*many(FEW_ROWS + 1)), SECOND)
    found = read(raw.place.path, ALL)
    assert len(found) == FEW_ROWS + 1
    assert found[1] == ("1-000001", "email", "1@x.org", SECOND)


def test_one_key_twice_in_a_package_is_stored_once(raw):
    raw.load_new(package(("1-1", "email", "a@x.org"), ("1-1", "email", "b@x.org")), FIRST)
    assert read(raw.place.path, ALL) == [("1-1", "email", "b@x.org", FIRST)]
