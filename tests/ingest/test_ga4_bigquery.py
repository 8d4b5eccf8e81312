"""The GA4 export in BigQuery gives the rows of its Parquet files."""

import json
import shutil
from datetime import date

import pytest

from .bigquery_fake import served
from .commands import contents, ingest, read
from .source_kit import slow

pytestmark = pytest.mark.system

SINCE = date(2026, 10, 22)


def load(database, settings, *more):
    done = ingest("--source", "ga4", "--raw-database", database, "--json", *more, **settings)
    return done, done.source("ga4")


def asked_rows(fake):
    return [asked.path for asked in fake.requests if asked.path.endswith("/data")]


def test_the_rows_are_those_of_the_files(world, everything, tmp_path):
    with served(world / "ga4", tmp_path / "key.json") as (fake, settings):
        done, _ = load(tmp_path / "raw.duckdb", settings, "--since", SINCE)
        assert done.code == 0, done.out
        assert len(set(asked_rows(fake))) == 10
        assert len(asked_rows(fake)) > 10
        fake.requests.clear()
        again, _ = load(tmp_path / "raw.duckdb", settings, "--since", SINCE)
        # the days that may still change
        assert {path.split("/")[-2] for path in asked_rows(fake)} == {
            f"events_202610{day}" for day in (29, 30, 31)
        }
    assert again.code == 0, again.out
    expected = {
        name: [row for row in rows if row[0] >= SINCE]
        for name, rows in everything.items()
        if name.startswith("ga4.")
    }
    assert contents(tmp_path / "raw.duckdb") == expected
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "key.json"]
    secret = json.loads((tmp_path / "key.json").read_text())["private_key"].splitlines()[1]
    for path in files:
        assert secret.encode() not in path.read_bytes()
    assert secret not in done.out + done.err


@pytest.fixture
def days(world, tmp_path):
    """Return a folder of two days of the export."""
    (tmp_path / "ga4").mkdir()
    for day in ("20261020", "20261030"):
        shutil.copy(world / "ga4" / f"events_{day}.parquet", tmp_path / "ga4")
    return tmp_path / "ga4"


@pytest.mark.slow
def test_intraday_tables_stand_until_the_day_is_there(days, tmp_path):
    shutil.copy(days / "events_20261030.parquet", days / "events_intraday_20261030.parquet")
    shutil.copy(days / "events_20261030.parquet", days / "events_intraday_20261031.parquet")
    shutil.copy(days / "events_20261030.parquet", days / "pseudonymous_users_20261031.parquet")
    with served(days, tmp_path / "key.json", list_rows=1) as (fake, settings):
        done, _ = load(tmp_path / "raw.duckdb", settings)
    assert done.code == 0, done.out
    assert {path.split("/")[-2] for path in asked_rows(fake)} == {
        "events_20261020",
        "events_20261030",
        "events_intraday_20261031",
    }


@pytest.mark.slow
def test_a_table_that_comes_short_fails_alone(days, tmp_path):
    database = tmp_path / "raw.duckdb"
    with served(days, tmp_path / "key.json") as (fake, settings):
        fake.lost = {"events_20261020": 1}
        done, source = load(database, settings)
        assert done.code == 5
        assert "events_20261020" in source["errors"][0]["message"]
        query = "select distinct event_date::text from ga4.events"
        assert read(database, query) == [("2026-10-30",)]
        fake.lost = {}
        assert load(database, settings)[0].code == 0
    assert len(read(database, query)) == 2


def test_a_dataset_without_a_day_is_an_error(tmp_path):
    (tmp_path / "ga4").mkdir()
    with served(tmp_path / "ga4", tmp_path / "key.json") as (_, settings):
        done, source = load(tmp_path / "raw.duckdb", settings)
    assert done.code == 1
    assert "there is no table of a day in" in source["errors"][0]["message"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"GA4_BIGQUERY_DATASET": "analytics_1"}, "is not the name of a dataset"),
        ({"GA4_BIGQUERY_DATASET": "shop-web.other"}, "BigQuery refused: Not found"),
        ({"GA4_EXPORT_PATH": "/tmp"}, "are both set"),
        ({"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere.json"}, "cannot read"),
        ({"GOOGLE_APPLICATION_CREDENTIALS": ""}, "GOOGLE_APPLICATION_CREDENTIALS is not set"),
    ],
)
def test_a_wrong_setting_is_told(days, tmp_path, change, message):
    with served(days, tmp_path / "key.json") as (_, settings):
        done, source = load(tmp_path / "raw.duckdb", settings | change)
    assert done.code not in {0, 5}
    [error] = source["errors"]
    assert message in error["message"]
    assert error["hint"]


@pytest.mark.parametrize("text", ['{"type": "external_account"}', *slow("", "[]", "{}", "\x00")])
def test_a_file_that_holds_no_credentials_is_told(days, tmp_path, text):
    with served(days, tmp_path / "key.json") as (_, settings):
        (tmp_path / "key.json").write_text(text)
        done, source = load(tmp_path / "raw.duckdb", settings)
    assert done.code not in {0, 5}
    assert "is no file of credentials" in source["errors"][0]["message"]


def test_a_key_that_cannot_sign_is_told(days, tmp_path):
    with served(days, tmp_path / "key.json") as (_, settings):
        known = json.loads((tmp_path / "key.json").read_text()) | {"private_key": "none"}
        (tmp_path / "key.json").write_text(json.dumps(known))
        _, source = load(tmp_path / "raw.duckdb", settings)
    assert "the private key in" in source["errors"][0]["message"]
