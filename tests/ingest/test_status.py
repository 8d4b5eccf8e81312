"""`marketing ingest status` tells what the raw database holds."""

import io
import json
import re
from datetime import UTC, date, datetime

import duckdb
import pytest
from click.testing import CliRunner

from marketing_analytics.core.console import Console
from marketing_analytics.ingest.cli import group
from marketing_analytics.ingest.platforms import source_names
from marketing_analytics.ingest.platforms.google_ads.reports import REPORTS
from marketing_analytics.ingest.raw.places import DuckDBFile
from marketing_analytics.ingest.status import LastLoad, Reading, SourceStatus, print_status

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


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_status_fits_into_80_columns_whatever_happened(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    at, day = datetime(2026, 11, 1, 6, tzinfo=UTC), date(2026, 10, 31)
    last = LastLoad("interrupted", at, None, ())
    read = tuple(Reading("r", f"{n}", day, day, day) for n in range(12_345))
    worst = [SourceStatus(name, at, 9_876_543, 12, read, last) for name in source_names()]
    out = Terminal()
    print_status(Console(out=out), worst)
    text = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    lines = text.splitlines()
    # a table, not a paragraph of every source
    cells = ["linkedin_ads", "2026-11-01", "06:00", "interrupted", "2026-10-31", "12345"]
    assert cells in [line.split() for line in lines]
    assert max(map(len, lines)) <= 80
    assert "meta_ads: 9,876,543 rows or values did not fit; table meta_ads._rejected has" in lines
    assert "meta_ads: the run of 2026-11-01 06:00 was killed" in lines
    assert "meta_ads: 12 answers are held back until the next read says the same" in lines


def test_how_the_last_run_of_a_source_ended_is_told(shared_emulators, copy_of_loaded):
    shared_emulators.reset()
    failed = ingest(
        "--source",
        "mailchimp",
        "--raw-database",
        copy_of_loaded,
        **shared_emulators.settings | {"MAILCHIMP_API_KEY": "0-us6"},
    )
    assert failed.code == 4
    code, out, _ = status(copy_of_loaded)
    assert code == 0
    [row] = [line for line in out.splitlines() if line.strip().startswith("mailchimp ")]
    assert row.split()[3] == "failed"
    [line] = [line for line in out.splitlines() if line.startswith("mailchimp: the run of ")]
    assert " failed: " in line
    assert not [line for line in out.splitlines() if line.startswith("shop: ")]
    _, told, _ = status(copy_of_loaded, "--json")
    sources = {source["source"]: source for source in json.loads(told)["sources"]}
    last = sources["mailchimp"]["last_load"]
    assert (last["status"], last["errors"][0] in line) == ("failed", True)
    assert last["started_at"] <= last["finished_at"]
    assert sources["shop"]["last_load"]["status"] == "ok"
    assert sources["shop"]["last_load"]["errors"] == []


def test_a_run_that_was_killed_is_not_said_to_go_on(copy_of_loaded):
    now = datetime.now(UTC)
    with duckdb.connect(str(copy_of_loaded)) as connection:
        connection.execute(
            "insert into _ingest.loads (load_id, source, status, started_at, _loaded_at) "
            "values ('1', 'shop', 'running', ?, ?), ('1', 'ga4', 'partial', ?, ?)",
            [now] * 4,
        )
    place = DuckDBFile(copy_of_loaded)
    with place.writer_lock(0):
        code, out, _ = status(copy_of_loaded)
    began = f"the run of {now:%Y-%m-%d %H:%M}"
    assert code == 0
    assert f"shop: {began} goes on\n" in out
    assert f"ga4: {began} was partial: some rows or values did not fit\n" in out
    _, out, _ = status(copy_of_loaded)
    assert f"shop: {began} was killed\n" in out
    _, told, _ = status(copy_of_loaded, "--json")
    [shop] = [source for source in json.loads(told)["sources"] if source["source"] == "shop"]
    assert shop["last_load"]["status"] == "interrupted"
    assert shop["last_load"]["finished_at"] is None


def test_a_database_from_before_runs_were_noted_has_a_status(copy_of_loaded):
    with duckdb.connect(str(copy_of_loaded)) as connection:
        connection.execute("drop table _ingest.loads")
    code, told, _ = status(copy_of_loaded, "--json")
    assert code == 0
    assert {source["last_load"] for source in json.loads(told)["sources"]} == {None}


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
