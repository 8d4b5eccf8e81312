"""Clients of Google Ads that others wrote read the emulator to the end."""

import json
import subprocess
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
