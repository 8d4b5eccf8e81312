"""Clients of Google Ads that others wrote read the emulator to the end."""

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from marketing_analytics.ingest.engine.windows import Window
from marketing_analytics.ingest.platforms.google_ads.reports import (
    ACTION_REPORT,
    ENTITY_REPORTS,
    OPTIONAL_REPORTS,
    STATS_REPORTS,
)

from .clients import Airbyte, redirection, run

pytestmark = [pytest.mark.system, pytest.mark.slow]

HERE = Path(__file__).parent
TOKEN_SERVERS = (
    "https://accounts.google.com/o/oauth2/token",
    "https://oauth2.googleapis.com/token",
    "https://www.googleapis.com/oauth2/v3/token",
)
MONTH = Window(date(2026, 10, 2), date(2026, 10, 31))
REFUSED = {
    "SELECT campaign.colour FROM campaign": "UNRECOGNIZED_FIELD",
    "SELECT segments.date, metrics.clicks FROM campaign": "EXPECTED_FILTERS_ON_DATE_RANGE",
}
MONTHLY = f"WHERE segments.date BETWEEN '{MONTH.start}' AND '{MONTH.end}'"
COSTS = "segments.date, metrics.clicks, metrics.cost_micros, metrics.conversions"
# what our own ingestion does not read
BEYOND = {
    "hours": f"SELECT campaign.id, segments.hour, {COSTS} FROM campaign {MONTHLY}",
    "budgets": "SELECT campaign_budget.id, segments.budget_campaign_association_status.campaign, "
    f"segments.budget_campaign_association_status.status, {COSTS} FROM campaign_budget {MONTHLY}",
    "places": "SELECT geographic_view.country_criterion_id, geographic_view.location_type, "
    f"segments.geo_target_most_specific_location, {COSTS} FROM geographic_view {MONTHLY}",
    "places of people": "SELECT user_location_view.country_criterion_id, "
    f"user_location_view.targeting_location, {COSTS} FROM user_location_view {MONTHLY}",
    "criteria of campaigns": "SELECT campaign_criterion.type, campaign_criterion.display_name, "
    "campaign_criterion.location.geo_target_constant FROM campaign_criterion",
    "criteria of ad groups": "SELECT ad_group_criterion.type, "
    "ad_group_criterion.listing_group.type FROM ad_group_criterion",
    "changes": "SELECT change_status.resource_type, change_status.resource_status, "
    "change_status.last_change_date_time, change_status.campaign, change_status.ad_group_ad "
    "FROM change_status WHERE change_status.last_change_date_time "
    "BETWEEN '2026-09-01' AND '2026-10-31' LIMIT 10000",
}


def address_of(settings):
    """Return where the emulator is."""
    return settings["GOOGLE_ADS_BASE_URL"].rpartition("/")[0]


def redirected(settings):
    """Return the environment in which requests to Google reach the emulator."""
    address = address_of(settings)
    addresses = {"https://googleads.googleapis.com": address}
    return redirection(addresses | dict.fromkeys(TOKEN_SERVERS, f"{address}/token"))


def queries():
    """Return our own queries by table: what Google's protocol makes of them is what we read."""
    found = {report.table.name: [report.query()] for report in (*ENTITY_REPORTS, ACTION_REPORT)}
    for report in (*STATS_REPORTS, *OPTIONAL_REPORTS):
        windows = [MONTH]
        if report.window_days == 1:
            windows = [Window(day, day) for day in MONTH.days()]
        found[report.table.name] = [report.query(window) for window in windows]
    return found


def test_googles_own_client_reads_every_report(client, shared_emulators, ledger, tmp_path):
    settings = shared_emulators.settings
    asked = queries() | {name: [query] for name, query in BEYOND.items()}
    given = json.dumps({"settings": settings, "queries": asked, "refused": list(REFUSED)})
    python = client("google_ads") / "python"
    script = HERE / "google_ads_client.py"
    command = (python, script, tmp_path, address_of(settings))
    found = json.loads(run(*command, environment=redirected(settings), given=given))
    assert found["accessible"] == [f"customers/{settings['GOOGLE_ADS_LOGIN_CUSTOMER_ID']}"]
    print(found["rows"])
    assert found["errors"] == REFUSED
    raw = ledger["raw_tables"]
    for table in ("campaigns", "ad_groups", "ads", "campaign_stats", "ad_stats"):
        assert found["rows"][table] == raw[f"google_ads.{table}"]["rows"]
    assert found["cost_micros"] == raw["google_ads.campaign_stats"]["cost_micros"]
    assert found["conversions"] == pytest.approx(
        float(ledger["claimed"]["google_ads"]["conversions"]), abs=1e-3
    )
    assert found["clicks"] == found["rows"]["clicks"] == ledger["spend"]["google_ads"]["clicks"]
    assert all(found["rows"].values())


# streams of Airbyte's connector that find nothing: labels, audiences, topics and keywords of
# display campaigns, of which the world has none, and Google's own list of interests
EMPTY = {
    "ad_group_ad_label",
    "ad_group_criterion_label",
    "ad_group_label",
    "audience",
    "campaign_label",
    "customer_label",
    "display_keyword_view",
    "label",
    "topic_view",
    "user_interest",
}
# streams that add up to the cost of campaigns, and of ads: those that name an ad group leave out
# Performance Max
CAMPAIGN_COST = ("account_performance_report", "campaign", "campaign_budget")
AD_COST = (
    "ad_group_ad_legacy", "ad_performance", "geo_performance", "geographic_view_with_metrics",
    "user_location_view",
)  # fmt: skip


def config_of(settings):
    """Return what Airbyte's connector is told."""
    names = ("developer_token", "client_id", "client_secret", "refresh_token")
    return {
        "credentials": {name: settings[f"GOOGLE_ADS_{name.upper()}"] for name in names},
        "start_date": str(MONTH.start),
        "end_date": str(MONTH.end),
    }


def test_airbytes_connector_reads_all_its_streams(client, shared_emulators, ledger, tmp_path):
    settings = shared_emulators.settings
    command = client("airbyte_google_ads") / "source-google-ads"
    source = Airbyte(command, tmp_path, redirected(settings))
    reading = source.read_all(config_of(settings))
    print(sorted(reading.counts.items()), len(reading.records))
    assert len(reading.status) == 30
    assert set(reading.counts) == reading.status.keys() - EMPTY
    cost = Counter()
    for record in reading.records:
        cost[record["stream"]] += int(record["data"].get("metrics.cost_micros", 0))
    raw = ledger["raw_tables"]
    for names, table in ((CAMPAIGN_COST, "campaign_stats"), (AD_COST, "ad_stats")):
        expected = raw[f"google_ads.{table}"]["cost_micros"]
        assert {name: cost[name] for name in names} == dict.fromkeys(names, expected)
    assert cost["shopping_performance_view"] > 0
    gclids = {r["data"]["click_view.gclid"] for r in reading.records if r["stream"] == "click_view"}
    assert len(gclids) == ledger["spend"]["google_ads"]["clicks"]


def test_airbytes_connector_reads_the_criteria_that_changed(
    client, shared_emulators, world, tmp_path
):
    settings = shared_emulators.settings
    config = config_of(settings)
    source = Airbyte(
        client("airbyte_google_ads") / "source-google-ads", tmp_path, redirected(settings)
    )
    names = {"ad_group_criterion", "ad_listing_group_criterion", "campaign_criterion"}
    streams = [stream for stream in source.streams(config) if stream["name"] in names]
    accounts = pq.read_table(world / "truth" / "accounts.parquet").to_pylist()
    since = {"change_status.last_change_date_time": "2026-09-01 00:00:00.000000"}
    known = {one["account_id"]: since for one in accounts if one["platform"] == "google_ads"}
    state = [
        {
            "type": "STREAM",
            "stream": {"stream_descriptor": {"name": name}, "stream_state": known},
        }
        for name in sorted(names)
    ]
    reading = source.read(config, streams, state=state)
    assert reading.status == dict.fromkeys(names, "COMPLETE")
    # it asks until its own today: nothing where that is before the world
    if date.today() >= MONTH.end:
        assert set(reading.counts) == names
