"""SendGrid's client, the Singer tap and Airbyte's source read all they know from the emulator."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from marketing_analytics.simulate.platforms.sendgrid.webhook import Signer, body_of
from tests.ingest.commands import ingest, read

pytestmark = [pytest.mark.system, pytest.mark.slow]
HERE = Path(__file__).parent
KINDS = {
    "bounces": "bounce",
    "blocks": "block",
    "invalid_emails": "invalid_email",
    "spam_reports": "spam_report",
    "unsubscribes": "unsubscribe",
    "group members": "group_unsubscribe",
}


@pytest.fixture(scope="module")
def database(shared_emulators, tmp_path_factory):
    """Return a database that our own source loaded."""
    database = tmp_path_factory.mktemp("own") / "raw.duckdb"
    chosen = ("--source", "sendgrid", "--raw-database", database)
    assert ingest(*chosen, **shared_emulators.settings).code == 0
    return database


@pytest.fixture(scope="module")
def own(database):
    """Return how many addresses our own source loaded, by account and list."""
    query = "select account_id, suppression_type, count(*) from sendgrid.suppressions group by all"
    return Counter({(account, kind): count for account, kind, count in read(database, query)})


def run(*command, given="", folder=HERE, **environment):
    """Run a client; return what it printed."""
    done = subprocess.run(
        list(map(str, command)),
        env=os.environ | environment,
        input=given,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-2000:]
    return done.stdout


def root(settings):
    return settings["SENDGRID_BASE_URL"].removesuffix("/v3")


def redirected(settings):
    """Return the environment in which requests to SendGrid reach the emulator."""
    return {
        "EMULATOR": root(settings),
        "PYTHONPATH": str(HERE / "sendgrid_redirect"),
        "TZ": "UTC",
    }


def config_file(settings, folder):
    """Write what the tap and the source of Airbyte are told; return where."""
    config = folder / "config.json"
    asked = {"api_key": settings["SENDGRID_API_KEY"], "start_date": "2026-10-01T00:00:00Z"}
    config.write_text(json.dumps(asked))
    return config


def test_the_official_client_reads_every_list(client, emulators, own, database):
    settings = emulators.settings
    python = client("sendgrid") / "python"
    key = settings["SENDGRID_API_KEY"]
    found = json.loads(run(python, HERE / "sendgrid_client.py", root(settings), key))
    for who, lists in found["lists"].items():
        account = who or "main"
        for name, kind in KINDS.items():
            assert len(lists[name]) == own[account, kind], (account, name)
        query = (
            "select sum(delivered), sum(opens) from sendgrid.daily_stats "
            "where account_id = ? and report_date between '2026-10-01' and '2026-10-31'"
        )
        for unit in ("days", "months"):
            metrics = [row["stats"][0]["metrics"] for row in lists[unit]]
            sums = tuple(sum(one[name] for one in metrics) for name in ("delivered", "opens"))
            assert [sums] == read(database, query, account)
        assert len(lists["days"]) == len(lists["category days"]) == 31
        assert len(lists["category days"][0]["stats"]) == len(lists["categories"]) == 4
        assert lists["groups"][0]["unsubscribes"] == len(lists["group members"])
        assert "stats.read" in lists["scopes"]
    refusals = found["refusals"]
    assert refusals["bad key"][0] == "UnauthorizedError"
    assert refusals["no scope"] == ["ForbiddenError", ["access forbidden"]]
    assert refusals["no date"][0] == "BadRequestsError"


def test_the_official_client_verifies_what_the_emulator_signs(client):
    signer = Signer(11)
    body = body_of([{"account": "main", "email": "ö@example.com", "sg_event_id": "1"}])
    headers = signer.headers(body, 1_793_512_800)
    good = {
        "payload": body.decode(),
        "signature": headers["X-Twilio-Email-Event-Webhook-Signature"],
        "timestamp": headers["X-Twilio-Email-Event-Webhook-Timestamp"],
    }
    given = [good, good | {"timestamp": "1793512801"}, good | {"payload": "[]"}]
    python = client("sendgrid") / "python"
    printed = run(
        *(python, HERE / "sendgrid_client.py", "verify", signer.public_key),
        given="\n".join(map(json.dumps, given)),
    )
    assert printed.split() == ["True", "False", "False"]


def test_the_singer_tap_reads_every_stream(client, emulators, own, tmp_path):
    settings = emulators.settings
    config = config_file(settings, tmp_path)
    environment = redirected(settings)
    tap = client("tap-sendgrid") / "tap-sendgrid"
    catalog = json.loads(run(tap, "--config", config, "--discover", **environment))
    for stream in catalog["streams"]:
        stream["schema"]["selected"] = True
        for described in stream["schema"]["properties"].values():
            described["selected"] = True
    chosen = tmp_path / "catalog.json"
    chosen.write_text(json.dumps(catalog))
    printed = run(tap, "--config", config, "--properties", chosen, **environment)
    messages = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    found = Counter(row["stream"] for row in messages if row["type"] == "RECORD")
    assert {stream["stream"] for stream in catalog["streams"]} == {
        row["stream"] for row in messages if row["type"] == "SCHEMA"
    }
    streams = {
        "bounces": "bounce",
        "blocks": "block",
        "invalids": "invalid_email",
        "spam_reports": "spam_report",
        "global_suppressions": "unsubscribe",
        "groups_members": "group_unsubscribe",
    }
    for stream, kind in streams.items():
        assert found[stream] == own["main", kind], stream
    assert found["groups_all"] == 1
    assert set(found) <= {*streams, "groups_all"}


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="it needs Python 3.11")
def test_the_source_of_airbyte_reads_every_stream(client, emulators, own, tmp_path):
    settings = emulators.settings
    config = config_file(settings, tmp_path)
    environment = redirected(settings)
    source = client("airbyte-source-sendgrid") / "source-sendgrid"

    def said(*command):
        printed = run(source, *command, "--config", config, folder=tmp_path, **environment)
        return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]

    [catalog] = [row["catalog"] for row in said("discover") if row["type"] == "CATALOG"]
    how = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    chosen = tmp_path / "catalog.json"
    streams = [{"stream": stream, **how} for stream in catalog["streams"]]
    chosen.write_text(json.dumps({"streams": streams}))
    messages = said("read", "--catalog", chosen)
    complete = {
        row["trace"]["stream_status"]["stream_descriptor"]["name"]
        for row in messages
        if row["type"] == "TRACE"
        and row["trace"].get("stream_status", {}).get("status") == "COMPLETE"
    }
    assert complete == {stream["name"] for stream in catalog["streams"]}
    found = Counter(row["record"]["stream"] for row in messages if row["type"] == "RECORD")
    streams = {
        "bounces": "bounce",
        "blocks": "block",
        "invalid_emails": "invalid_email",
        "spam_reports": "spam_report",
        "global_suppressions": "unsubscribe",
        "suppression_group_members": "group_unsubscribe",
    }
    for stream, kind in streams.items():
        assert found[stream] == own["main", kind], stream
    assert found["suppression_groups"] == 1
    assert set(found) <= {*streams, "suppression_groups"}
