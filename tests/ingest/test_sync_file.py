"""The file of what to sync: what it asks for, and its mistakes with their places."""

import json
from datetime import date
from pathlib import Path

import pytest

from marketing_analytics.core.errors import FileError, FileErrors, UserError
from marketing_analytics.ingest.platforms import load_source, source_names
from marketing_analytics.ingest.request import request_of
from marketing_analytics.ingest.sync_file import read_sync_file, schema

from .commands import call, ingest, read

ROOT = Path(__file__).parents[2]


def written(tmp_path, text):
    path = tmp_path / "sync.toml"
    path.write_text(text)
    return path


def test_a_file_says_what_is_synced(tmp_path):
    text = 'since = 2026-05-01\n[meta_ads]\naccounts = ["101", 102]\n[shop]\nsince = "2026-06-01"\n'
    found = read_sync_file(written(tmp_path, text))
    assert found.sources == ("meta_ads", "shop")
    assert found.settings == {"META_ADS_ACCOUNT_IDS": "101,102"}
    assert (found.since, found.since_of) == ("2026-05-01", {"shop": date(2026, 6, 1)})


@pytest.mark.parametrize(
    ("text", "line", "column", "said", "hint"),
    [
        ("[meta_ads]\nacounts = []\n", 2, 1, "unknown key 'acounts'", "did you mean accounts?"),
        ("[meta_adz]\n", 1, 2, "unknown key 'meta_adz'", "did you mean meta_ads?"),
        ("[shop]\n  since = 5\n", 2, 11, "since is not a date", "2026-05-01"),
        ('[google_ads]\naccounts = "1"\n', 2, 12, "is not a list of names", "write a list"),
        ("[google_ads]\naccounts = [1.5]\n", 2, 12, "is not a list of names", "write a list"),
        (
            "[meta_ads]\naccounts = []\n",
            2,
            12,
            "accounts is empty",
            "leave accounts out to read all",
        ),
        ("shop = 1\n", 1, 8, "is a source, not a value", "[shop]"),
        ('META_ADS_ACCESS_TOKEN = "hush"\n', 1, 1, "unknown key", "in the environment"),
        ("[shop\n", 1, 6, "not TOML", ""),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, text, line, column, said, hint):
    with pytest.raises(FileError) as caught:
        read_sync_file(written(tmp_path, text))
    error = caught.value
    assert (error.line, error.column) == (line, column)
    assert said in error.message
    assert hint in error.hint
    assert "hush" not in error.render()


def test_all_mistakes_are_told_at_once(tmp_path):
    with pytest.raises(FileErrors) as caught:
        read_sync_file(written(tmp_path, "[shop]\nfirst = 1\n\n[ga4]\nsince = true\n"))
    assert [error.line for error in caught.value.errors] == [2, 5]


def test_a_file_without_a_source_is_none(tmp_path):
    with pytest.raises(UserError, match="names no source"):
        read_sync_file(written(tmp_path, "# nothing\n"))


def test_a_first_day_to_come_is_told(tmp_path):
    path = written(tmp_path, "[shop]\nsince = 9999-01-01\n")
    with pytest.raises(UserError, match="lies after today") as caught:
        request_of((), None, None, None, path)
    assert "since of [shop]" in caught.value.hint


def test_the_schema_in_the_repository_is_that_of_the_code():
    stored = json.loads((ROOT / "docs" / "sync.schema.json").read_text())
    assert stored == schema(), "run scripts/sync_schema.py"
    assert set(stored["properties"]) == {"since", *source_names()}


def test_options_are_settings_that_are_no_secrets():
    for name in source_names():
        source = load_source(name)
        assert set(source.options.values()) <= {*source.settings, *source.optional_settings}


@pytest.mark.system
def test_a_run_reads_what_the_file_names(shared_emulators, tmp_path):
    settings = shared_emulators.settings
    first, *_ = settings["META_ADS_ACCOUNT_IDS"].split(",")
    text = f"[meta_ads]\naccounts = [{first}]\nsince = 2026-10-25\n[shop]\n"
    chosen = ("--config", written(tmp_path, text), "--raw-database", tmp_path / "raw.duckdb")
    done = ingest(*chosen, "--json", **settings)
    assert done.code == 0, done.out
    assert [source["source"] for source in done.json["sources"]] == ["meta_ads", "shop"]
    query = "select distinct account_id, min(date) over () from meta_ads.ad_insights"
    assert read(tmp_path / "raw.duckdb", query) == [(first, date(2026, 10, 25))]
    other = ingest(*chosen, "--source", "ga4", **settings)
    assert (other.code, "does not name ga4" in other.err) == (2, True)


@pytest.mark.system
def test_doctor_and_backfill_take_the_same_file(shared_emulators, tmp_path):
    settings = shared_emulators.settings
    first, *_ = settings["META_ADS_ACCOUNT_IDS"].split(",")
    path = written(tmp_path, f"[meta_ads]\naccounts = [{first}]\n")
    chosen = ("--config", path, "--raw-database", tmp_path / "raw.duckdb", "--json")
    found = call("doctor", *chosen, **settings).json["findings"]
    asked = [one["message"] for one in found if one["subject"] == "meta_ads access"]
    assert len(asked) == 1
    assert first in asked[0]
    days = ("--source", "meta_ads", "--since", "2026-10-01", "--dry-run")
    planned = call("backfill", *chosen, *days, **settings).json["planned"]
    assert {one["account_id"] for one in planned} == {first}
    other = call("backfill", *chosen, "--source", "google_ads", "--since", "2026-10-01", **settings)
    assert (other.code, "does not name google_ads" in other.out) == (2, True)
