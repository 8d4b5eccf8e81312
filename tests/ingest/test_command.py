"""Bad usage of `marketing ingest run`: one sentence, the next step, the exit code."""

import json

import pytest
from click.testing import CliRunner

from marketing_analytics.cli import main
from marketing_analytics.core.env_file import read_env_file
from marketing_analytics.ingest.platforms import load_source, source_names

from .commands import ingest

SHOP = {"SHOP_DATABASE_URL": "sqlite:////nowhere.sqlite"}


def test_an_unknown_source_is_answered_with_the_nearest_one(tmp_path):
    done = ingest("--source", "meta", "--raw-database", tmp_path / "raw.duckdb")
    assert done.code == 2
    assert "there is no source 'meta'" in done.err
    assert "did you mean meta_ads?" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_setting_is_named_and_nothing_is_written(tmp_path):
    done = ingest("--source", "meta_ads", "--raw-database", tmp_path / "raw.duckdb", "--json")
    assert done.code == 2
    missing = "META_ADS_ACCESS_TOKEN is not set (needed by meta_ads)"
    assert done.json["error"]["message"] == missing
    assert list(tmp_path.iterdir()) == []


def test_the_settings_of_a_source_are_printed_as_a_file_to_fill_in(tmp_path):
    done = CliRunner().invoke(main, ["ingest", "settings", "--source", "meta_ads"])
    path = tmp_path / "meta.env"
    path.write_text(done.stdout)
    assert read_env_file(path) == dict.fromkeys(load_source("meta_ads").settings, "")
    told = CliRunner().invoke(main, ["ingest", "settings", "--json"])
    assert list(json.loads(told.stdout)["settings"]) == source_names()
    assert "# META_ADS_ACCOUNT_IDS=\n" in done.stdout
    assert json.loads(told.stdout)["optional_settings"]["meta_ads"] == [
        "META_ADS_BASE_URL",
        "META_ADS_ACCOUNT_IDS",
        "META_ADS_BREAKDOWNS",
    ]


@pytest.mark.parametrize("since", ["tomorrow", "2030-01-01"])
def test_a_first_day_that_cannot_be_is_refused(tmp_path, since):
    done = ingest("--source", "shop", "--since", since, "--raw-database", tmp_path / "r", **SHOP)
    assert done.code == 2
    assert "Traceback" not in done.err


def test_a_waiting_time_that_is_no_number_is_refused(tmp_path):
    wrong = {"INGEST_MAX_WAIT_SECONDS": "long"}
    done = ingest("--source", "shop", "--raw-database", tmp_path / "r", **SHOP, **wrong)
    assert done.code == 2
    assert "INGEST_MAX_WAIT_SECONDS" in done.err


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "raw.duckdb"
    path.write_text("hello " * 10_000)
    done = ingest("--source", "shop", "--raw-database", path, **SHOP)
    assert done.code == 2
    assert "is not a DuckDB file" in done.err
    assert path.read_text().startswith("hello")


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    done = ingest("--source", "shop", "--raw-database", tmp_path / "file" / "raw.duckdb", **SHOP)
    assert done.code == 1
    assert f"cannot write {tmp_path / 'file' / 'raw.duckdb.lock'}" in done.err
    assert "or give another place" in done.err


def test_settings_come_from_a_file_and_the_environment_wins(tmp_path):
    file = tmp_path / "connections.env"
    file.write_text("SHOP_DATABASE_URL=sqlite:////from-file.sqlite\n")
    arguments = ["--source", "shop", "--raw-database", tmp_path / "raw.duckdb", "--env-file", file]
    assert "/from-file.sqlite" in ingest(*arguments).err
    assert "/nowhere.sqlite" in ingest(*arguments, **SHOP).err


def test_the_json_document_has_these_fields(tmp_path):
    done = ingest("--source", "shop", "--raw-database", tmp_path / "raw.duckdb", "--json", **SHOP)
    document = done.json
    assert list(document) == [
        "schema_version",
        "raw_database",
        "business_date",
        "since",
        "seconds",
        "exit_code",
        "sources",
        "left_out",
    ]
    assert list(document["sources"][0]) == [
        "source",
        "status",
        "rows",
        "rejected",
        "windows",
        "windows_planned",
        "seconds",
        "differences",
        "errors",
    ]
    assert document["exit_code"] == done.code == 2


def test_without_a_name_the_sources_that_are_set_up_are_synced_and_the_others_told(
    shared_emulators, tmp_path
):
    shop = shared_emulators.settings["SHOP_DATABASE_URL"]
    given = {"SHOP_DATABASE_URL": shop, "GOOGLE_ADS_CLIENT_ID": "half"}
    done = ingest("--raw-database", tmp_path / "raw.duckdb", **given)
    assert done.code == 0, done.err
    assert "shop" in done.out
    assert "mailchimp is not set up: MAILCHIMP_API_KEY" in done.err
    assert "google_ads is not set up: GOOGLE_ADS_DEVELOPER_TOKEN, GOOGLE_ADS_CLIENT_S" in done.err
    assert "half" not in done.out + done.err
    told = ingest("--raw-database", tmp_path / "raw.duckdb", "--json", **given).json
    assert [source["source"] for source in told["sources"]] == ["shop"]
    assert told["left_out"]["ga4"] == ["GA4_EXPORT_PATH"]


def test_where_nothing_is_set_up_everything_that_is_missing_is_named(tmp_path):
    done = ingest("--raw-database", tmp_path / "raw.duckdb")
    assert done.code == 2
    for name in ("META_ADS_ACCESS_TOKEN", "MAILCHIMP_API_KEY", "GA4_EXPORT_PATH"):
        assert name in done.err
    assert list(tmp_path.iterdir()) == []


def test_raw_rows_are_for_their_owner_alone(shared_emulators, tmp_path):
    shop = shared_emulators.settings["SHOP_DATABASE_URL"]
    database = tmp_path / "new" / "raw.duckdb"
    assert ingest("--raw-database", database, SHOP_DATABASE_URL=shop).code == 0
    made = [database.parent, *database.parent.rglob("*")]
    assert {path.name for path in made} >= {"new", "raw.duckdb", "raw.duckdb.dlt"}
    assert [path for path in made if path.stat().st_mode & 0o077] == []
