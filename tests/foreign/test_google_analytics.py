"""Google's clients of Analytics and BigQuery read all that is offered, unmodified."""

import json
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.ingest.bigquery_fake import DATASET, PROJECT, TOKEN, served

pytestmark = [pytest.mark.slow, pytest.mark.system]

HERE = Path(__file__).parent


def run(python, script, *arguments):
    done = subprocess.run(
        [python, HERE / script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_client_of_the_data_api_reads_every_report(client, emulators, ledger):
    settings = emulators.settings
    emulators.control("ga4_reports", "clock", {"advance_days": 3})
    found = run(
        client("google_analytics_data") / "python",
        "analytics_client.py",
        settings["GA4_REPORTS_BASE_URL"].removesuffix("/v1beta"),
        settings["GA4_REPORTS_TOKEN_URL"],
        settings["GA4_REPORTS_CLIENT_ID"],
        settings["GA4_REPORTS_CLIENT_SECRET"],
        settings["GA4_REPORTS_REFRESH_TOKEN"],
        settings["GA4_PROPERTY_IDS"],
        ledger["start_date"],
        ledger["end_date"],
    )
    assert found["total"] == ledger["ga4"]["sessions"]
    # a session over midnight is one of two days
    assert 0 <= found["sessions"] - found["total"] < 20
    assert found["traffic"] > 200
    assert min(found["pages"], found["paid"], found["metrics"]) > 10
    assert found["types"] == ["TYPE_INTEGER"] * 3 + ["TYPE_FLOAT", "TYPE_CURRENCY"]
    assert (found["currency"], found["time_zone"]) == ("USD", "Etc/UTC")
    assert 0 < found["tokens_left"] < 200_000
    assert found["unknown_metric"] == "BadRequest"
    assert found["other_property"] == "Forbidden"


def test_the_client_of_bigquery_reads_what_our_source_reads(client, world, tmp_path):
    """The stand-in for BigQuery that our own tests face speaks to Google's client too."""
    (tmp_path / "ga4").mkdir()
    for day in ("20261029", "20261030"):
        shutil.copy(world / "ga4" / f"events_{day}.parquet", tmp_path / "ga4")
    with served(tmp_path / "ga4", tmp_path / "key.json", list_rows=1) as (_, settings):
        address = settings["GA4_BIGQUERY_BASE_URL"].removesuffix("/bigquery/v2")
        python = client("google_cloud_bigquery") / "python"
        found = run(python, "bigquery_client.py", address, TOKEN, PROJECT, DATASET)
    assert sorted(found) == ["events_20261029", "events_20261030"]
    for name, table in found.items():
        events = pq.read_table(tmp_path / "ga4" / f"{name}.parquet")
        assert table["counted"] == table["rows"] == table["with_session"] == events.num_rows
        assert set(table["names"]) == set(events["event_name"].to_pylist())
