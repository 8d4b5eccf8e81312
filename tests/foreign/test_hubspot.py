"""HubSpot's own client and Airbyte's connector read all that they know from the emulator."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.ingest.commands import ingest, read

from .clients import Airbyte, redirection, run

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


def redirected(settings):
    """Return the environment in which requests to HubSpot reach the emulator."""
    return redirection({"https://api.hubapi.com": settings["HUBSPOT_BASE_URL"]})


def test_the_official_client_reads_everything(client, emulators, own):
    settings = emulators.settings
    url, token = settings["HUBSPOT_BASE_URL"], settings["HUBSPOT_ACCESS_TOKEN"]
    python = client("hubspot") / "python"
    command = (python, HERE / "hubspot_client.py", url, token)
    found = json.loads(run(*command, environment=redirected(settings)))
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
    access = {
        "credentials_title": "Private App Credentials",
        "access_token": settings["HUBSPOT_ACCESS_TOKEN"],
    }
    config = {"start_date": "2026-01-01T00:00:00Z", "credentials": access}
    command = client("airbyte-hubspot") / "source-hubspot"
    reading = Airbyte(command, tmp_path, redirected(settings)).read_all(config)
    assert len(reading.status) == 32
    counts = reading.counts
    for kind in ("contacts", "companies", "deals", "owners", "workflows"):
        assert counts[kind] == own[kind], kind
    assert counts["campaigns"] == counts["marketing_emails"] == own["emails"]
    truth = [pq.read_table(world / "truth" / f"mail_{n}.parquet") for n in ("sends", "events")]
    assert counts["email_events"] == sum(table.num_rows for table in truth)
