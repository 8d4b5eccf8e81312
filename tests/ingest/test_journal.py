"""What ingestion tells dbt about itself: `_ingest.loads` and `_ingest.freshness`."""

import signal
import subprocess
import sys
from datetime import date, datetime

import pytest

from .commands import clean_environment, ingest, read
from .source_kit import KILLED, STAGES

pytestmark = pytest.mark.system

LOADS = "select source, status, row_count, window_count from _ingest.loads"
FRESHNESS = "select {} from _ingest.freshness where source = ? and report = ?"


def test_every_source_has_a_load_and_how_far_it_goes(loaded):
    loads = {source: rest for source, *rest in read(loaded, LOADS)}
    assert {"ga4", "google_ads", "mailchimp", "meta_ads", "shop"} <= loads.keys()
    assert {status for status, *_ in loads.values()} == {"ok"}
    assert loads["meta_ads"][1] > 0
    [(running,)] = read(loaded, "select count(*) from _ingest.loads where finished_at is null")
    assert running == 0
    columns = "account_id, campaign_id, first_day, last_day, last_row_day, read_at"
    found = read(loaded, FRESHNESS.format(columns), "meta_ads", "ad_insights")
    accounts = {account: rest for account, campaign, *rest in found if not campaign}
    query = "select account_id, max(date) from meta_ads.ad_insights group by 1"
    for account, last in read(loaded, query):
        first_day, last_day, last_row_day, read_at = accounts[account]
        assert last_row_day == last <= last_day
        assert last_day in {date(2026, 11, 1), date(2026, 10, 31)}
        assert (last_day - first_day).days > 150
        assert read_at.timestamp() == datetime.fromisoformat("2026-11-01T06:00:00Z").timestamp()
    campaigns = {campaign for _, campaign, *_ in found if campaign}
    query = "select distinct campaign_id from meta_ads.ad_insights"
    assert campaigns == {campaign for (campaign,) in read(loaded, query)}


def test_all_kinds_of_sources_say_when_they_were_read(loaded):
    query = "select source, count(*) from _ingest.freshness where report = '' group by 1"
    assert {"ga4", "mailchimp", "shop"} <= dict(read(loaded, query)).keys()
    query = FRESHNESS.format("count(*), count(read_at), count(nullif(campaign_id, ''))")
    [(rows, with_time, campaigns)] = read(loaded, query, "mailchimp", "mailings")
    assert rows == with_time == campaigns + 1 > 2
    [(last,)] = read(loaded, FRESHNESS.format("last_row_day"), "ga4", "events")
    assert [(last,)] == read(loaded, "select max(event_date) from ga4.events")
    keys = "source, report, account_id, campaign_id"
    query = f"select count(*), count(distinct ({keys})) from _ingest.freshness"
    [(rows, distinct)] = read(loaded, query)
    assert rows == distinct


def test_a_failure_is_told_without_a_secret_and_freshness_stays(emulators, copy_of_loaded):
    before = read(copy_of_loaded, FRESHNESS.format("*"), "meta_ads", "ad_insights")
    emulators.fault("meta_ads", "expired_token", times=100)
    chosen = ("--source", "meta_ads", "--raw-database", copy_of_loaded)
    ingest(*chosen, **emulators.settings)
    query = "select status, error_messages from _ingest.loads where source = 'meta_ads'"
    [*_, (status, messages)] = read(copy_of_loaded, query + " order by started_at")
    assert status == "failed"
    assert "Meta" in messages
    assert emulators.settings["META_ADS_ACCESS_TOKEN"] not in messages
    after = read(copy_of_loaded, FRESHNESS.format("*"), "meta_ads", "ad_insights")
    assert [row[:-1] for row in after] == [row[:-1] for row in before]


@pytest.mark.parametrize("stage", ["load", pytest.param("end of load", marks=pytest.mark.slow)])
def test_a_killed_run_is_called_interrupted_by_the_next(shared_emulators, tmp_path, stage):
    chosen = ["--raw-database", str(tmp_path / "raw.duckdb"), "--source", "ga4"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, STAGES[stage]), "ingest", "run", *chosen],
        env=clean_environment(**shared_emulators.settings),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert ingest(*chosen, **shared_emulators.settings).code == 0
    found = read(tmp_path / "raw.duckdb", "select status from _ingest.loads order by started_at")
    assert found == [("interrupted",), ("ok",)]
    query = FRESHNESS.format("last_row_day")
    [(last,)] = read(tmp_path / "raw.duckdb", query, "ga4", "events")
    assert last == date(2026, 10, 31)
