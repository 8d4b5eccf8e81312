"""LinkedIn's own client and the Singer tap read all that they know from the emulator."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from tests.ingest.commands import ingest, read

from .clients import messages_of, redirection, run

pytestmark = [pytest.mark.system, pytest.mark.slow]
HERE = Path(__file__).parent
TABLES = (
    "accounts",
    "campaign_groups",
    "campaigns",
    "creatives",
    "campaign_stats",
    "creative_stats",
)


@pytest.fixture(scope="module")
def own(shared_emulators, tmp_path_factory):
    """Return a database with what our own source loads."""
    database = tmp_path_factory.mktemp("own") / "raw.duckdb"
    chosen = ("--source", "linkedin_ads", "--raw-database", database)
    assert ingest(*chosen, **shared_emulators.settings).code == 0
    return database


@pytest.fixture(scope="module")
def counts(own):
    """Return the rows of every table of our own source."""
    query = "select count(*) from linkedin_ads.{}"
    return {table: read(own, query.format(table))[0][0] for table in TABLES}


def redirected(settings):
    """Return the environment in which requests to LinkedIn reach the emulator."""
    address = settings["LINKEDIN_ADS_BASE_URL"].removesuffix("/rest")
    return redirection(
        dict.fromkeys(("https://api.linkedin.com", "https://www.linkedin.com"), address)
    )


def test_the_official_client_reads_every_list(client, emulators, counts, ledger):
    settings = emulators.settings
    names = ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN", "ACCOUNT_IDS")
    given = [settings[f"LINKEDIN_ADS_{name}"] for name in names]
    printed = run(
        client("linkedin_api_client") / "python",
        HERE / "linkedin_client.py",
        *given,
        ledger["start_date"],
        ledger["end_date"],
        environment=redirected(settings),
    )
    found = json.loads(printed)
    assert {name: found[name] for name in TABLES} == counts
    assert found["creative_stats of campaigns"] == counts["creative_stats"]
    print(printed)
    assert found["account"] == found["conversions"] == found["users"] == 1
    asked = emulators.control("linkedin_ads", "counters")["by_path"]
    assert asked["POST /rest/adAnalytics"] == 1


def test_the_singer_tap_reads_every_stream(client, emulators, own, counts, ledger, tmp_path):
    settings = emulators.settings
    config, chosen = tmp_path / "config.json", tmp_path / "catalog.json"
    asked = {
        "access_token": settings["LINKEDIN_ADS_ACCESS_TOKEN"],
        "accounts": settings["LINKEDIN_ADS_ACCOUNT_IDS"],
        "start_date": "2024-01-01T00:00:00Z",
        "date_window_size": "90",
        "user_agent": "tap",
    }
    config.write_text(json.dumps(asked))
    tap = client("tap_linkedin_ads") / "tap-linkedin-ads"
    environment = redirected(settings)
    catalog = json.loads(run(tap, "--config", config, "--discover", environment=environment))
    assert len(catalog["streams"]) == 8
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = True
    chosen.write_text(json.dumps(catalog))
    printed = run(tap, "--config", config, "--catalog", chosen, environment=environment)
    messages = messages_of(printed)
    assert {row["stream"] for row in messages if row["type"] == "SCHEMA"} == {
        stream["stream"] for stream in catalog["streams"]
    }
    rows = [row for row in messages if row["type"] == "RECORD"]
    found = Counter(row["stream"] for row in rows)
    print(json.dumps(found))
    assert (found["accounts"], found["account_users"], found["campaign_groups"]) == (1, 1, 1)
    # it asks for no status, so what has ended is not listed; nor are its figures read then
    query = (
        "select count(*), sum(cost_in_local_currency) from linkedin_ads.{} "
        "join linkedin_ads.campaigns using (campaign_id) where status = 'ACTIVE'"
    )
    for stream, table in (
        ("ad_analytics_by_campaign", "campaign_stats"),
        ("ad_analytics_by_creative", "creative_stats"),
    ):
        expected = read(own, query.format(table))[0]
        costs = [
            Decimal(str(row["record"]["cost_in_local_currency"]))
            for row in rows
            if row["stream"] == stream
        ]
        assert (len(costs), sum(costs)) == expected
    active = "select count(*) from linkedin_ads.{} where {} = 'ACTIVE'"
    assert found["campaigns"] == read(own, active.format("campaigns", "status"))[0][0]
    assert found["creatives"] == read(own, active.format("creatives", "intended_status"))[0][0]
    # the world has no video that is advertised
    assert found["video_ads"] == 0
