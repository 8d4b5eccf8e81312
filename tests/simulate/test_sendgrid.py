"""SendGrid over real HTTP: what is refused, what adds up, and how the webhook signs."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from starlette.testclient import TestClient

from marketing_analytics.simulate.emulation.control import SimulatedClock
from marketing_analytics.simulate.emulation.world_files import open_world
from marketing_analytics.simulate.platforms.sendgrid import emulator

pytestmark = pytest.mark.system

LISTS = ("bounces", "blocks", "invalid_emails", "spam_reports", "unsubscribes")
DAYS = {"start_date": "2026-08-01", "end_date": "2026-10-31"}


@pytest.fixture
def client(served):
    with httpx.Client(
        base_url=served.settings["SENDGRID_BASE_URL"],
        headers={"Authorization": f"Bearer {served.settings['SENDGRID_API_KEY']}"},
        timeout=30,
    ) as client:
        yield client


def get(client, path, **parameters):
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def metrics(rows):
    return [stat["metrics"] for row in rows for stat in row["stats"]]


def test_days_without_mail_are_zero_rows_and_none_lies_in_the_future(client):
    rows = get(client, "/stats", start_date="2026-01-01", end_date="2026-12-31")
    assert [row["date"] for row in rows][:2] == ["2026-01-01", "2026-01-02"]
    assert rows[-1]["date"] == "2026-11-01"
    assert set(metrics(rows)[0].values()) == {0}
    assert len(metrics(rows)[0]) == 16


def test_weeks_and_months_are_sums_of_days(client):
    days = metrics(get(client, "/stats", **DAYS))
    for unit in ("week", "month"):
        sums = metrics(get(client, "/stats", **DAYS, aggregated_by=unit))
        assert len(sums) < len(days)
        for name in days[0]:
            assert sum(m[name] for m in sums) == sum(m[name] for m in days)
    assert sum(m["delivered"] for m in days) > 0


def test_requests_are_what_was_processed_and_what_was_dropped(client, served):
    for account in ({}, {"on-behalf-of": "shop-eu"}):
        client.headers.update(account)
        for day in metrics(get(client, "/stats", **DAYS)):
            drops = sum(number for name, number in day.items() if name.endswith("_drops"))
            assert day["requests"] == day["processed"] + drops + day["invalid_emails"]
            assert day["unique_opens"] <= day["opens"]


def test_every_order_is_confirmed_or_the_confirmation_dropped(client, served):
    asked = {**DAYS, "categories": "order_confirmation"}
    confirmed = 0
    for account in ({}, {"on-behalf-of": "shop-eu"}):
        client.headers.update(account)
        confirmed += sum(m["requests"] for m in metrics(get(client, "/categories/stats", **asked)))
    assert confirmed == served.world.truth("orders").num_rows


def test_lists_are_paged_filtered_and_agree_with_the_statistics(client):
    for name in LISTS:
        rows = get(client, f"/suppression/{name}")
        pages = [get(client, f"/suppression/{name}", limit=2, offset=n) for n in (0, 2)]
        assert [*pages[0], *pages[1]] == rows[:4]
        if rows:
            [found] = get(client, f"/suppression/{name}", email=rows[0]["email"])
            assert found == rows[0]
            at = rows[0]["created"]
            assert rows[0] in get(client, f"/suppression/{name}", start_time=at, end_time=at)
            assert rows[0] not in get(client, f"/suppression/{name}", end_time=at - 1)
    blocks = sum(m["blocks"] for m in metrics(get(client, "/stats", **DAYS)))
    assert len(get(client, "/suppression/blocks")) == blocks > 0


def test_members_of_groups_are_told_in_three_ways(client):
    [group] = get(client, "/asm/groups")
    members = get(client, "/asm/suppressions")
    assert group["unsubscribes"] == len(members) > 0
    addresses = get(client, f"/asm/groups/{group['id']}/suppressions")
    assert addresses == [member["email"] for member in members]
    assert get(client, "/asm/suppressions", limit=1, offset=1) == members[1:2]


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        ("/stats", {}, "start_date"),
        ("/stats", {"start_date": "2026-02-30"}, "start_date"),
        ("/stats", {"start_date": "1.2.2026"}, "start_date"),
        ("/stats", {"start_date": "2026-02-02", "end_date": "2026-02-01"}, "end_date"),
        ("/stats", {"start_date": "2026-02-02", "aggregated_by": "hour"}, "aggregated_by"),
        ("/stats", {"start_date": "2026-02-02", "filter": "x"}, "filter"),
        ("/categories/stats", {"start_date": "2026-02-02"}, "categories"),
        (
            "/categories/stats",
            {"start_date": "2026-02-02", "categories": list("abcdefghijk")},
            "categories",
        ),
        ("/suppression/bounces", {"limit": 501}, "limit"),
        ("/suppression/bounces", {"limit": 0}, "limit"),
        ("/suppression/bounces", {"offset": -1}, "offset"),
        ("/suppression/bounces", {"start_time": "2026-01-01"}, "start_time"),
        ("/suppression/bounces", {"page": 2}, "page"),
    ],
)
def test_a_parameter_is_implemented_or_refused(client, path, parameters, field):
    answer = client.get(path, params=parameters)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert error["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer SG.wrong"}, 401),
        ({"Authorization": "Basic abc"}, 401),
        ({"on-behalf-of": "nobody"}, 403),
    ],
)
def test_who_may_not_ask_is_refused(client, headers, status):
    answer = client.get("/stats", params=DAYS, headers=headers)
    assert answer.status_code == status
    assert set(answer.json()["errors"][0]) == {"message", "field", "help"}


def test_a_key_may_lack_a_scope(client):
    key = client.headers["Authorization"]
    client.headers["Authorization"] = f"{key}-without-suppression.blocks.read"
    assert client.get("/suppression/blocks").status_code == 403
    assert client.get("/suppression/bounces").status_code == 200
    assert "suppression.blocks.read" not in get(client, "/scopes")["scopes"]


def test_unknown_paths_and_methods_answer_in_the_shape_of_the_platform(client):
    assert client.get("/nowhere").status_code == 404
    assert client.post("/stats").status_code == 405
    assert client.get("/nowhere").json()["errors"][0]["message"]


def test_the_budget_of_an_endpoint_is_told_and_kept_until_its_reset(world, monkeypatch, replaced):
    now = [1_800_000_010.0]
    monkeypatch.setattr(emulator, "RATE_LIMIT", 2)
    replaced(emulator, "time", time=lambda: now[0])
    opened = open_world(world.folder)
    sendgrid = emulator.Sendgrid(opened, SimulatedClock(opened.as_of_us))
    headers = {"Authorization": f"Bearer {sendgrid.api_key}"}
    client = TestClient(sendgrid.app, headers=headers)
    answers = [client.get("/v3/scopes") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert {answer.headers["X-RateLimit-Reset"] for answer in answers} == {"1800000060"}
    assert answers[-1].json()["errors"][0]["message"] == "too many requests"
    assert client.get("/v3/asm/groups").status_code == 200
    now[0] = 1_800_000_060.0
    assert client.get("/v3/scopes").status_code == 200


class Inbox(BaseHTTPRequestHandler):
    """Keeps what is posted."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.kept.append((dict(self.headers), body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def test_the_webhook_posts_signed_events_that_add_up(client, served):
    server = HTTPServer(("127.0.0.1", 0), Inbox)
    server.kept = []
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"{served.root('SENDGRID')}/_webhook/deliver"
    told = httpx.post(url, json={"url": f"http://127.0.0.1:{server.server_port}/"}, timeout=60)
    server.shutdown()
    server.server_close()
    public_key = get(client, "/user/webhooks/event/settings/signed")["public_key"]
    assert public_key == served.settings["SENDGRID_WEBHOOK_PUBLIC_KEY"]
    key = load_der_public_key(base64.b64decode(public_key))
    events = []
    for headers, body in server.kept:
        made = base64.b64decode(headers["X-Twilio-Email-Event-Webhook-Signature"])
        at = headers["X-Twilio-Email-Event-Webhook-Timestamp"].encode()
        key.verify(made, at + body, ECDSA(SHA256()))
        with pytest.raises(InvalidSignature):
            key.verify(made, at + body[:-1], ECDSA(SHA256()))
        events += json.loads(body)
    assert told.json()["events"] == len(events) > 0
    assert len({event["sg_event_id"] for event in events}) == len(events)
    opens = 0
    for account in ({}, {"on-behalf-of": "shop-eu"}):
        client.headers.update(account)
        asked = {"start_date": "2026-08-01", "end_date": "2026-11-01"}
        opens += sum(m["opens"] for m in metrics(get(client, "/stats", **asked)))
    found = [event for event in events if event["event"] == "open"]
    assert len(found) == opens
    assert {event["sg_machine_open"] for event in found} == {True, False}


def test_a_removed_bounce_is_gone_after_a_while(client, served):
    served.control("SENDGRID", "clock", {"advance_days": -50})
    seen = []
    for _ in range(11):
        served.control("SENDGRID", "clock", {"advance_days": 5})
        seen.append({row["email"] for row in get(client, "/suppression/bounces")})
    assert any(before - after for before, after in pairwise(seen))
    assert any(after - before for before, after in pairwise(seen))
