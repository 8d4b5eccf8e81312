"""SendGrid's client, the Singer tap and Airbyte's source read all they know from the emulator."""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from marketing_analytics.simulate.platforms.sendgrid.webhook import Signer, body_of
from tests.ingest.commands import ingest, read

from .clients import Airbyte, messages_of, redirection, run

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


def root(settings):
    return settings["SENDGRID_BASE_URL"].removesuffix("/v3")


def redirected(settings):
    """Return the environment in which requests to SendGrid reach the emulator."""
    return redirection({"https://api.sendgrid.com": root(settings)})


def config_of(settings):
    """Return what the tap and the source of Airbyte are told."""
    return {"api_key": settings["SENDGRID_API_KEY"], "start_date": "2026-10-01T00:00:00Z"}


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
    config = tmp_path / "config.json"
    config.write_text(json.dumps(config_of(settings)))
    environment = redirected(settings)
    tap = client("tap-sendgrid") / "tap-sendgrid"
    catalog = json.loads(run(tap, "--config", config, "--discover", environment=environment))
    for stream in catalog["streams"]:
        stream["schema"]["selected"] = True
        for described in stream["schema"]["properties"].values():
            described["selected"] = True
    chosen = tmp_path / "catalog.json"
    chosen.write_text(json.dumps(catalog))
    printed = run(tap, "--config", config, "--properties", chosen, environment=environment)
    messages = messages_of(printed)
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
    command = client("airbyte-source-sendgrid") / "source-sendgrid"
    source = Airbyte(command, tmp_path, redirected(settings))
    found = source.read_all(config_of(settings)).counts
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
