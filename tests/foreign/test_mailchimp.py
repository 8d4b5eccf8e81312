"""Mailchimp's client, the Singer tap and Airbyte's source read all they know from the emulator."""

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
    """Return the rows that our own source loads, by table."""
    database = tmp_path_factory.mktemp("own") / "raw.duckdb"
    chosen = ("--source", "mailchimp", "--raw-database", database)
    assert ingest(*chosen, **shared_emulators.settings).code == 0
    tables = (
        "audiences", "members", "campaigns", "reports", "sent_to", "email_activity",
        "unsubscribes", "automations", "automation_emails",
    )  # fmt: skip
    query = "select count(*) from mailchimp.{}"
    counts = {table: read(database, query.format(table))[0][0] for table in tables}
    steps = "campaign_id not in (select email_campaign_id from mailchimp.automation_emails)"
    for table in ("reports", "email_activity", "unsubscribes"):
        [(count,)] = read(database, f"{query.format(table)} where {steps}")
        counts[f"{table} of campaigns"] = count
    query = "select count(*) from mailchimp.campaigns where status = 'sent'"
    [(counts["sent campaigns"],)] = read(database, query)
    return counts


def redirected(settings):
    """Return the environment in which requests to Mailchimp reach the emulator."""
    address = settings["MAILCHIMP_BASE_URL"].removesuffix("/3.0")
    return redirection({"https://us21.api.mailchimp.com": address})


def test_the_official_client_reads_every_list(client, emulators, own):
    settings = emulators.settings
    python = client("mailchimp") / "python"
    key = settings["MAILCHIMP_API_KEY"]
    found = json.loads(
        run(python, HERE / "mailchimp_client.py", key, environment=redirected(settings))
    )
    same = {
        "lists": "audiences",
        "members": "members",
        "campaigns": "campaigns",
        "sent to": "sent_to",
        "unsubscribes": "unsubscribes",
        "batch of unsubscribes": "unsubscribes",
        "automations": "automations",
        "automation emails": "automation_emails",
    }
    for name, table in same.items():
        assert found[name] == own[table], name
    assert found["reports"] == found["titles"] >= own["reports"]
    # one row per recipient; one link per mail
    assert found["email activity"] == found["sent to"] > found["open details"] > 0
    # four links a mail
    assert found["click details"] == 4 * found["reports"]
    assert found["segments"] == own["audiences"]
    assert 0 < found["segment members"] <= own["members"]
    assert found["growth history"] > 0
    # the shop has none
    assert {found[name] for name in ("templates", "tags", "interest categories")} == {0}


def test_the_singer_tap_reads_every_stream(client, emulators, own, tmp_path):
    settings = emulators.settings
    config = tmp_path / "config.json"
    key = settings["MAILCHIMP_API_KEY"]
    asked = {"dc": key.rpartition("-")[2], "api_key": key, "start_date": "2026-01-01T00:00:00Z"}
    config.write_text(json.dumps(asked))
    environment = redirected(settings)
    tap = client("tap-mailchimp") / "tap-mailchimp"
    catalog = json.loads(run(tap, "--config", config, "--discover", environment=environment))
    for stream in catalog["streams"]:
        # every field, and the stream itself
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = True
        stream["metadata"].append({"breadcrumb": [], "metadata": {"selected": True}})
    chosen = tmp_path / "catalog.json"
    chosen.write_text(json.dumps(catalog))
    printed = run(tap, "--config", config, "--catalog", chosen, environment=environment)
    messages = messages_of(printed)
    assert {stream["stream"] for stream in catalog["streams"]} == {
        row["stream"] for row in messages if row["type"] == "SCHEMA"
    }
    found = Counter(row["stream"] for row in messages if row["type"] == "RECORD")
    assert found["lists"] == found["list_segments"] == own["audiences"]
    assert found["list_members"] == own["members"]
    assert 0 < found["list_segment_members"] <= own["members"]
    # drafts are not asked for
    assert found["campaigns"] == own["sent campaigns"]
    assert found["automations"] == own["automations"]
    assert found["unsubscribes"] == own["unsubscribes of campaigns"]
    # by the archive of a batch; ten recipients of a campaign are all that it asks for
    assert 0 < found["reports_email_activity"] <= own["email_activity of campaigns"]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="it needs Python 3.11")
def test_the_source_of_airbyte_reads_every_stream(client, emulators, own, tmp_path):
    settings = emulators.settings
    key = settings["MAILCHIMP_API_KEY"]
    access = {"auth_type": "apikey", "apikey": key}
    asked = {"credentials": access, "start_date": "2026-01-01T00:00:00.000Z"}
    command = client("airbyte-mailchimp") / "source-mailchimp"
    source = Airbyte(command, tmp_path, redirected(settings))
    found = source.read_all(asked).counts
    assert found["lists"] == found["segments"] == own["audiences"]
    assert found["list_members"] == own["members"]
    assert 0 < found["segment_members"] <= own["members"]
    assert found["campaigns"] == own["campaigns"]
    assert found["automations"] == own["automations"]
    assert found["email_activity"] == own["email_activity of campaigns"]
    assert found["unsubscribes"] == own["unsubscribes of campaigns"]
    assert found["reports"] > 0
    # the shop has none
    assert {found[name] for name in ("tags", "interest_categories", "interests")} == {0}
