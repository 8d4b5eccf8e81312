"""`marketing ingest status` tells what the raw database holds."""

import json

import pytest
from click.testing import CliRunner

from marketing_analytics.ingest.cli import group
from marketing_analytics.ingest.platforms.google_ads.reports import REPORTS

from .commands import ingest
from .scripted_platform import Answer, between

pytestmark = pytest.mark.system


def status(database, *arguments):
    done = CliRunner().invoke(group, ["status", "--raw-database", str(database), *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_every_source_has_a_line_and_a_day_that_it_was_read_through(loaded):
    code, out, _ = status(loaded)
    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "2026-11-01" in lines["meta_ads"]
    assert {"ga4", "google_ads", "mailchimp", "meta_ads", "shop"} <= lines.keys()
    _, told, _ = status(loaded, "--json")
    sources = {source["source"]: source for source in json.loads(told)["sources"]}
    readings = sources["google_ads"]["readings"]
    assert {reading["report"] for reading in readings} == set(REPORTS)
    assert all(reading["first_day"] <= reading["last_day"] for reading in readings)
    assert all(source["loaded_at"].endswith("+00:00") for source in sources.values())
    assert {source["held"] for source in sources.values()} == {0}


def test_a_source_that_was_never_loaded_says_so(shared_emulators, tmp_path):
    shop = shared_emulators.settings["SHOP_DATABASE_URL"]
    ingest("--raw-database", tmp_path / "raw.duckdb", SHOP_DATABASE_URL=shop)
    _, out, _ = status(tmp_path / "raw.duckdb")
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "never" in lines["meta_ads"]
    assert "never" not in lines["shop"]


def test_what_is_held_back_is_counted(shared_emulators, copy_of_loaded):
    def change(asked, answer):
        is_list = asked.method == "GET" and asked.path.endswith("/insights")
        return Answer({"data": []}) if is_list else answer

    with between(shared_emulators.settings, "meta_ads", change) as settings:
        chosen = ("--source", "meta_ads", "--raw-database", copy_of_loaded)
        held = ingest(*chosen, **settings)
    assert "the old ones stay" in held.err
    _, told, _ = status(copy_of_loaded, "--json")
    [meta] = [s for s in json.loads(told)["sources"] if s["source"] == "meta_ads"]
    assert meta["held"] > 0


def test_a_database_that_is_not_there_is_one_sentence(tmp_path):
    code, _, err = status(tmp_path / "none.duckdb")
    assert code == 1
    assert "there is no such file" in err
    assert "Traceback" not in err
