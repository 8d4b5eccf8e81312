"""HubSpot's own client and Airbyte's connector read all that they know from the emulator."""

import json
import os
import subprocess
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.ingest.commands import ingest, read

pytestmark = [pytest.mark.system, pytest.mark.slow]
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def own(shared_emulators, tmp_path_factory):
    """Return the number of rows that our own source loads, by table."""
    database = tmp_path_factory.mktemp("own") / "raw.duckdb"
    chosen = ("--source", "hubspot", "--raw-database", database)
    assert ingest(*chosen, **shared_emulators.settings).code == 0
    tables = "companies deals owners deal_stages campaigns emails workflows workflow_emails"
    counts = {
        table: read(database, f"select count(*) from hubspot.{table}")[0][0]
        for table in tables.split()
    }
    contacts = "select count(*) filter (not is_archived), count(*) from hubspot.contacts"
    [(counts["contacts"], counts["all contacts"])] = read(database, contacts)
    [(counts["sent"],)] = read(database, "select sum(sent) from hubspot.email_statistics")
    return counts


def run(settings, *command):
    """Run a client that finds the emulator where it looks for HubSpot; return what it printed."""
    found = {"EMULATOR": settings["HUBSPOT_BASE_URL"], "PYTHONPATH": str(HERE / "hubspot_redirect")}
    done = subprocess.run(
        list(map(str, command)),
        env=os.environ | found,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_official_client_reads_everything(client, emulators, own):
    settings = emulators.settings
    url, token = settings["HUBSPOT_BASE_URL"], settings["HUBSPOT_ACCESS_TOKEN"]
    python = client("hubspot") / "python"
    found = json.loads(run(settings, python, HERE / "hubspot_client.py", url, token))
    for kind in ("contacts", "companies", "deals"):
        assert found[kind] == found[f"{kind} found"] == own[kind], kind
    assert found["contacts archived"] == own["all contacts"] - own["contacts"] > 0
    assert found["deals with contacts"] == found["deals with companies"] == own["deals"]
    assert found["stages"] == own["deal_stages"]
    assert found["workflow emails"] == own["workflow_emails"]
    for kind in ("owners", "campaigns", "emails", "workflows", "sent"):
        assert found[kind] == own[kind], kind


def test_airbytes_connector_completes_every_stream(client, emulators, own, world, tmp_path):
    settings = emulators.settings
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    access = {
        "credentials_title": "Private App Credentials",
        "access_token": settings["HUBSPOT_ACCESS_TOKEN"],
    }
    config.write_text(json.dumps({"start_date": "2026-01-01T00:00:00Z", "credentials": access}))
    connector = client("airbyte-hubspot") / "source-hubspot"
    messages = lines(run(settings, connector, "discover", "--config", config))
    (found,) = [m["catalog"]["streams"] for m in messages if m["type"] == "CATALOG"]
    how = {"sync_mode": "full_refresh", "destination_sync_mode": "append"}
    catalog.write_text(json.dumps({"streams": [{"stream": one, **how} for one in found]}))
    asked = ("read", "--config", config, "--catalog", catalog)
    messages = lines(run(settings, connector, *asked))
    told = [m["trace"]["stream_status"] for m in messages if "stream_status" in m.get("trace", {})]
    status = {one["stream_descriptor"]["name"]: one["status"] for one in told}
    assert status == {stream["name"]: "COMPLETE" for stream in found}
    assert len(status) == 32
    counts = Counter(m["record"]["stream"] for m in messages if m["type"] == "RECORD")
    for kind in ("contacts", "companies", "deals", "owners", "workflows"):
        assert counts[kind] == own[kind], kind
    assert counts["campaigns"] == counts["marketing_emails"] == own["emails"]
    truth = [pq.read_table(world / "truth" / f"mail_{n}.parquet") for n in ("sends", "events")]
    assert counts["email_events"] == sum(table.num_rows for table in truth)


def lines(printed):
    """Return the messages that a connector prints, one a line."""
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
