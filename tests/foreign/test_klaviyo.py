"""Klaviyo's client, the Singer tap and Airbyte's source read all they know from the emulator."""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.ingest.commands import ingest, read

from .clients import Airbyte, messages_of, redirection, run

pytestmark = [pytest.mark.system, pytest.mark.slow]
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def own(shared_emulators, tmp_path_factory):
    """Return the rows that our own source loads, by table and by metric."""
    database = tmp_path_factory.mktemp("own") / "raw.duckdb"
    chosen = ("--source", "klaviyo", "--raw-database", database)
    assert ingest(*chosen, **shared_emulators.settings).code == 0
    tables = ("accounts", "metrics", "profiles", "campaigns", "flows", "flow_actions", "events")
    counts = {
        table: read(database, f"select count(*) from klaviyo.{table}")[0][0] for table in tables
    }
    by_metric = read(
        database,
        "select metric_name, count(*) from klaviyo.events join klaviyo.metrics using (metric_id) "
        "group by all",
    )
    return counts, dict(by_metric)


def config_of(settings):
    """Return what the tap and the source of Airbyte are told."""
    return {"api_key": settings["KLAVIYO_API_KEY"], "start_date": "2026-01-01T00:00:00Z"}


def redirected(settings):
    """Return the environment in which requests to Klaviyo reach the emulator."""
    return redirection({"https://a.klaviyo.com": settings["KLAVIYO_BASE_URL"].removesuffix("/api")})


def test_the_official_client_reads_every_list(client, emulators, own):
    settings = emulators.settings
    host = settings["KLAVIYO_BASE_URL"].removesuffix("/api")
    python = client("klaviyo") / "python"
    printed = run(python, HERE / "klaviyo_client.py", host, settings["KLAVIYO_API_KEY"])
    found = json.loads(printed)
    counts, _ = own
    for name in ("accounts", "metrics", "profiles", "flows", "events"):
        assert found[name] == counts[name], name
    assert found["flow actions"] == counts["flow_actions"]
    assert found["email campaigns"] == found["email messages"] == counts["campaigns"]
    assert found["lists"] == 1
    # the shop has none
    assert {found[n] for n in ("sms campaigns", "sms messages", "segments", "templates")} == {0}
    assert 0 < found["profiles of events"] <= counts["profiles"]
    assert found["messages of a campaign"] == found["one profile"] == 1
    assert found["actions of a flow"] == found["messages of its actions"] > 0


def test_the_singer_tap_reads_every_stream(client, emulators, own, tmp_path):
    settings = emulators.settings
    config = tmp_path / "config.json"
    config.write_text(json.dumps(config_of(settings)))
    environment = redirected(settings)
    tap = client("tap-klaviyo") / "tap-klaviyo"
    catalog = json.loads(run(tap, "--config", config, "--discover", environment=environment))
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = True
    chosen = tmp_path / "catalog.json"
    chosen.write_text(json.dumps(catalog))
    printed = run(tap, "--config", config, "--catalog", chosen, environment=environment)
    messages = messages_of(printed)
    found = Counter(row["stream"] for row in messages if row["type"] == "RECORD")
    assert {stream["stream"] for stream in catalog["streams"]} == {
        row["stream"] for row in messages if row["type"] == "SCHEMA"
    }
    counts, by_metric = own
    streams = {
        "receive": "Received Email",
        "open": "Opened Email",
        "click": "Clicked Email",
        "bounce": "Bounced Email",
        "unsubscribe": "Unsubscribed from Email Marketing",
        "subscribed_to_email": "Subscribed to Email Marketing",
    }
    for stream, metric in streams.items():
        assert found[stream] == by_metric.get(metric, 0), stream
    assert found["campaigns"] == counts["campaigns"]
    # people who left, objected or whose address is dead
    assert found["global_exclusions"] > 0
    assert found["lists"] == 1


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="it needs Python 3.11")
def test_the_source_of_airbyte_reads_every_stream(client, emulators, own, tmp_path):
    settings = emulators.settings
    command = client("airbyte-klaviyo") / "source-klaviyo"
    source = Airbyte(command, tmp_path, redirected(settings))
    found = source.read_all(config_of(settings)).counts
    counts, _ = own
    for name in ("profiles", "events", "campaigns", "flows", "metrics"):
        assert found[name] == counts[name], name
    assert found["events_detailed"] == counts["events"]
    assert found["campaigns_detailed"] == counts["campaigns"]
    assert found["lists"] == found["lists_detailed"] == 1
    assert found["global_exclusions"] > 0
    assert found["email_templates"] == 0
