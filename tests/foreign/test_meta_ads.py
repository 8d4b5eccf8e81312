"""Clients that others wrote read all that they know from the emulator of Meta Ads, unmodified.

What they read is compared with what our own ingestion loads: the same rows, the same spend.
"""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from tests.ingest.commands import ingest, read

from .clients import Airbyte, messages_of, redirection, run

pytestmark = [pytest.mark.slow, pytest.mark.system]

HERE = Path(__file__).parent
FIRST, LAST = "2026-10-30", "2026-10-31"
ALL_BREAKDOWNS = "country,age_gender,placement,device"
STATUSES = ["ACTIVE", "PAUSED", "ARCHIVED", "DELETED"]
# the world has no films and no audiences, and none of the actions that these tell apart
EMPTY = {"videos", "custom_audiences", "ads_insights_action_product_id"}


@pytest.fixture(scope="module")
def own(shared_emulators, tmp_path_factory):
    """Return a raw database that our own ingestion loaded, with all breakdowns."""
    database = tmp_path_factory.mktemp("own") / "raw.duckdb"
    chosen = ("--source", "meta_ads", "--raw-database", database)
    settings = shared_emulators.settings | {"META_ADS_BREAKDOWNS": ALL_BREAKDOWNS}
    assert ingest(*chosen, **settings).code == 0
    return database


@pytest.fixture
def account_id(shared_emulators):
    return shared_emulators.settings["META_ADS_ACCOUNT_IDS"].split(",")[0]


@pytest.fixture
def environment(shared_emulators):
    """Return the environment in which requests to Meta reach the emulator."""
    settings = shared_emulators.settings
    address = settings["META_ADS_BASE_URL"].rpartition("/")[0]
    token = {"META_ADS_ACCESS_TOKEN": settings["META_ADS_ACCESS_TOKEN"]}
    return redirection({"https://graph.facebook.com": address}, longest_sleep_seconds=0.01) | token


def own_figures(database, account_id, first=FIRST, last=LAST):
    """Return rows and spend by report, of some days."""
    suffixes = ("", "_country", "_age_gender", "_placement", "_device")
    found = {}
    for suffix in suffixes:
        query = (
            f"select count(*), sum(spend) from meta_ads.ad_insights{suffix} "
            "where account_id = ? and date between ? and ?"
        )
        [found[suffix.removeprefix("_")]] = read(database, query, account_id, first, last)
    return found


def own_rows(database, table, account_id):
    [(count,)] = read(
        database, f"select count(*) from meta_ads.{table} where account_id = ?", account_id
    )
    return count


def test_facebook_business_reads_every_list_and_report(client, environment, own, account_id):
    command = (client("facebook_business") / "python", "-W", "ignore")
    reader = HERE / "facebook_business_reader.py"
    printed = run(*command, reader, account_id, FIRST, LAST, environment=environment)
    found = json.loads(printed)
    rows = found["rows"]
    for name, table in (
        ("campaigns", "campaigns"),
        ("adsets", "ad_sets"),
        ("ads", "ads"),
        ("adcreatives", "ad_creatives"),
        ("campaigns in a batch", "campaigns"),
    ):
        assert rows[name] == own_rows(own, table, account_id)
    for name, (count, spend) in own_figures(own, account_id).items():
        report = f"insights, {name.replace('_', ' and ') or 'no breakdown'}"
        assert rows[report] == count
        assert Decimal(str(found["spend"][report])) == spend
    assert found["errors"] == {
        "unknown field": 100,
        "bogus status": 100,
        "write": 200,
        "unknown object": 100,
    }


def test_tap_facebook_reads_every_stream(client, environment, own, account_id, tmp_path):
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    asked = {
        "start_date": f"{LAST}T00:00:00Z",
        "end_date": LAST,
        # the day before the first is read again
        "insights_buffer_days": "1",
        "account_id": account_id,
        "access_token": environment["META_ADS_ACCESS_TOKEN"],
        "include_deleted": "true",
    }
    config.write_text(json.dumps(asked))
    command = (client("tap_facebook") / "tap-facebook", "--config", config)
    streams = json.loads(run(*command, "--discover", environment=environment))
    for stream in streams["streams"]:
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = True
    catalog.write_text(json.dumps(streams))
    said = run(*command, "--properties", catalog, environment=environment)
    records = [message for message in messages_of(said) if message["type"] == "RECORD"]
    rows = Counter(record["stream"] for record in records)
    assert rows.keys() == {stream["stream"] for stream in streams["streams"]}
    figures = own_figures(own, account_id)
    assert rows["ads_insights"] == figures[""][0]
    assert rows["ads_insights_country"] == figures["country"][0]
    assert rows["ads_insights_age_and_gender"] == figures["age_gender"][0]
    for stream in rows:
        if stream.startswith("ads_insights"):
            spend = sum(
                Decimal(str(record["record"]["spend"]))
                for record in records
                if record["stream"] == stream
            )
            assert round(spend, 2) == figures[""][1], stream
    lists = {"campaigns": "campaigns", "adsets": "ad_sets", "ads": "ads"}
    for stream, table in (lists | {"adcreative": "ad_creatives"}).items():
        assert rows[stream] == own_rows(own, table, account_id)


def test_airbyte_reads_every_stream(client, environment, own, account_id, tmp_path):
    token = environment["META_ADS_ACCESS_TOKEN"]
    asked = {
        "account_ids": [account_id],
        "credentials": {"auth_type": "Service", "access_token": token},
        "access_token": token,
        "end_date": f"{LAST}T00:00:00Z",
        "insights_lookback_window": 1,
        **{f"{kind}_statuses": STATUSES for kind in ("campaign", "adset", "ad")},
    }

    # lists hold what changed since the first day; reports are read day by day
    early, late = (asked | {"start_date": f"{day}T00:00:00Z"} for day in ("2026-01-01", FIRST))
    command = client("airbyte_facebook") / "source-facebook-marketing"
    source = Airbyte(command, tmp_path, environment)
    streams = source.streams(late)
    reports = [s for s in streams if s["name"].startswith("ads_insights")]
    lists = source.read(early, [s for s in streams if s not in reports])
    found = source.read(late, reports)
    names = {stream["name"] for stream in streams}
    assert lists.status | found.status == dict.fromkeys(names, "COMPLETE")
    rows = lists.counts + found.counts
    assert rows.keys() == names - EMPTY
    figures = own_figures(own, account_id)
    assert rows["ads_insights"] == figures[""][0]
    assert rows["ads_insights_country"] == figures["country"][0]
    assert rows["ads_insights_age_and_gender"] == figures["age_gender"][0]
    tables = ("campaigns", "ad_sets", "ads", "ad_creatives")
    for table in tables:
        assert rows[table] == own_rows(own, table, account_id)
