"""Clients of Google Ads that others wrote read the emulator to the end."""

import json
import subprocess
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from marketing_analytics.ingest.engine.windows import Window
from marketing_analytics.ingest.platforms.google_ads.reports import (
    ACTION_REPORT,
    ENTITY_REPORTS,
    OPTIONAL_REPORTS,
    STATS_REPORTS,
)

pytestmark = [pytest.mark.system, pytest.mark.slow]

HERE = Path(__file__).parent
MONTH = Window(date(2026, 10, 2), date(2026, 10, 31))
REFUSED = {
    "SELECT campaign.colour FROM campaign": "UNRECOGNIZED_FIELD",
    "SELECT segments.date, metrics.clicks FROM campaign": "EXPECTED_FILTERS_ON_DATE_RANGE",
}


def run(python, script, settings, given, *arguments):
    """Run a script with the client's Python, its requests redirected."""
    return subprocess.run(
        [python, script, *arguments],
        input=given,
        env={
            "PYTHONPATH": str(HERE / "google_redirect"),
            "EMULATOR": settings["GOOGLE_ADS_BASE_URL"].rpartition("/")[0],
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


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
    given = json.dumps({"settings": settings, "queries": queries(), "refused": list(REFUSED)})
    python = client("google_ads") / "python"
    done = run(python, HERE / "google_ads_client.py", settings, given, str(tmp_path))
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout)
    assert found["accessible"] == [f"customers/{settings['GOOGLE_ADS_LOGIN_CUSTOMER_ID']}"]
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


def messages(text, kind):
    """Return the messages of one kind in the output of a connector."""
    found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [message for message in found if message["type"] == kind]


def test_airbytes_connector_reads_all_its_streams(client, shared_emulators, ledger, tmp_path):
    settings = shared_emulators.settings
    names = ("developer_token", "client_id", "client_secret", "refresh_token")
    config = {
        "credentials": {name: settings[f"GOOGLE_ADS_{name.upper()}"] for name in names},
        "start_date": str(MONTH.start),
        "end_date": str(MONTH.end),
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    command = client("airbyte_google_ads") / "source-google-ads"
    asked = ["--config", str(tmp_path / "config.json")]
    done = run(command, "discover", settings, "", *asked)
    [catalog] = messages(done.stdout, "CATALOG")
    chosen = [
        {"stream": one, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
        for one in catalog["catalog"]["streams"]
    ]
    (tmp_path / "catalog.json").write_text(json.dumps({"streams": chosen}))
    done = run(command, "read", settings, "", *asked, "--catalog", str(tmp_path / "catalog.json"))
    statuses = [
        trace["trace"]["stream_status"]
        for trace in messages(done.stdout, "TRACE")
        if trace["trace"]["type"] == "STREAM_STATUS"
    ]
    finished = {one["stream_descriptor"]["name"]: one["status"] for one in statuses}
    streams = {one["stream"]["name"] for one in chosen}
    assert finished == dict.fromkeys(streams, "COMPLETE"), done.stdout[-3000:]
    assert len(streams) == 30
    records = [message["record"] for message in messages(done.stdout, "RECORD")]
    print(sorted(Counter(record["stream"] for record in records).items()), len(records))
    assert {record["stream"] for record in records} == streams - EMPTY
    cost = Counter()
    for record in records:
        cost[record["stream"]] += int(record["data"].get("metrics.cost_micros", 0))
    raw = ledger["raw_tables"]
    for names, table in ((CAMPAIGN_COST, "campaign_stats"), (AD_COST, "ad_stats")):
        expected = raw[f"google_ads.{table}"]["cost_micros"]
        assert {name: cost[name] for name in names} == dict.fromkeys(names, expected)
    assert cost["shopping_performance_view"] > 0
    gclids = {r["data"]["click_view.gclid"] for r in records if r["stream"] == "click_view"}
    assert len(gclids) == ledger["spend"]["google_ads"]["clicks"]
