"""Mailchimp over real HTTP: paging, problems, the connection cap, sums equal to the ledger."""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

pytestmark = pytest.mark.system


def read_all(client, path, name, count=1000, **parameters):
    rows = []
    while True:
        asked = {"count": count, "offset": len(rows), **parameters}
        answer = client.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        rows += body[name]
        if len(rows) >= body["total_items"]:
            assert len(rows) == body["total_items"]
            return rows


def steps(client):
    return [
        email
        for flow in read_all(client, "/automations", "automations")
        for email in read_all(client, f"/automations/{flow['id']}/emails", "emails")
    ]


def totals_of(client, campaign_ids):
    totals: Counter[str] = Counter()
    for campaign_id in campaign_ids:
        path = f"/reports/{campaign_id}"
        totals["sent"] += len(read_all(client, f"{path}/sent-to", "sent_to"))
        for row in read_all(client, f"{path}/unsubscribed", "unsubscribes"):
            assert row["campaign_id"] == campaign_id
            totals["unsubscribes"] += 1
        report = client.get(path).json()
        totals["reported"] += report["opens"]["opens_total"]
        totals["reported_human"] += report["opens"]["proxy_excluded_opens"]
        for row in read_all(client, f"{path}/email-activity", "emails"):
            for activity in row["activity"]:
                kind = activity["action"]
                # which opens are those of a proxy, Mailchimp does not say of single ones
                assert kind != "open" or "type" not in activity
                # nothing but the address tells a scanner's click
                totals["clicks_machine"] += activity.get("ip") == "203.0.113.25"
                totals[kind] += 1
    return totals


def check_totals(totals, expected):
    for name in ("sent", "unsubscribes", "clicks_machine"):
        assert totals[name] == expected[name], name
    assert totals["open"] == expected["opens_human"] + expected["opens_machine"]
    assert totals["click"] == expected["clicks"]
    assert totals["bounce"] == expected["hard_bounces"] + expected["soft_bounces"]
    assert totals["reported"] == totals["open"]
    assert totals["reported_human"] == expected["opens_human"]


def test_newsletters_add_up_to_the_ledger(served):
    with served.mailchimp() as client:
        campaigns = read_all(client, "/campaigns", "campaigns")
        sent = [c["id"] for c in campaigns if c["status"] == "sent"]
        expected = served.world.ledger["email"]
        assert len(sent) == expected["campaigns"]
        raw = served.world.ledger["raw_tables"]
        assert len(campaigns) == raw["mailchimp.campaigns"]["rows"]
        check_totals(totals_of(client, sent), expected)


def test_automations_add_up_to_the_ledger_and_people_drop_off(served):
    with served.mailchimp() as client:
        emails = steps(client)
        expected = served.world.ledger["automation"]
        assert len(emails) == expected["emails"]
        check_totals(totals_of(client, [e["id"] for e in emails]), expected)
    by_flow: dict[str, list[tuple[int, int]]] = {}
    for email in emails:
        by_flow.setdefault(email["workflow_id"], []).append(
            (email["position"], email["emails_sent"])
        )
    assert len(by_flow) == expected["flows"]
    for sent in by_flow.values():
        counts = [count for _, count in sorted(sent)]
        assert counts == sorted(counts, reverse=True)


def test_a_draft_has_no_send_time_and_no_report(served):
    with served.mailchimp() as client:
        campaigns = read_all(client, "/campaigns", "campaigns", status="save")
        assert campaigns
        assert {c["send_time"] for c in campaigns} == {""}
        answer = client.get(f"/reports/{campaigns[0]['id']}")
        assert answer.status_code == 404
        assert read_all(client, f"/reports/{campaigns[0]['id']}/sent-to", "sent_to") == []


def test_paging_defaults_to_ten_and_ends(served):
    with served.mailchimp() as client:
        body = client.get("/reports").json()
        assert len(body["reports"]) == 10
        total = body["total_items"]
        assert total > 20
        assert client.get("/reports", params={"offset": total}).json()["reports"] == []
        small = read_all(client, "/reports", "reports", count=7)
        assert len({r["id"] for r in small}) == total


def test_an_answer_holds_the_fields_that_are_asked_for(served):
    with served.mailchimp() as client:
        asked = {"fields": "reports.id,reports.opens.opens_total,reports.nothing,total_items"}
        body = client.get("/reports", params=asked).json()
        assert set(body) == {"reports", "total_items"}
        assert {tuple(row) for row in body["reports"]} == {("id", "opens")}
        assert {tuple(row["opens"]) for row in body["reports"]} == {("opens_total",)}
        path = f"/reports/{body['reports'][0]['id']}"
        report = client.get(path, params={"exclude_fields": "opens.open_rate,clicks"}).json()
        assert "clicks" not in report
        assert {"opens_total", "open_rate"} & set(report["opens"]) == {"opens_total"}
        rows = client.get(f"{path}/email-activity", params={"fields": "emails.activity"}).json()
        assert {tuple(row) for row in rows["emails"]} == {("activity",)}


def test_members_are_those_that_the_mails_and_the_audience_tell_of(served):
    with served.mailchimp() as client:
        for audience in read_all(client, "/lists", "lists"):
            path = f"/lists/{audience['id']}/members"
            members = read_all(client, path, "members")
            found = Counter(member["status"] for member in members)
            stats = audience["stats"]
            assert found["subscribed"] == stats["member_count"] > 0
            assert found["unsubscribed"] == stats["unsubscribe_count"]
            assert found["cleaned"] == stats["cleaned_count"]
            assert len({member["id"] for member in members}) == len(members)
            left = read_all(client, path, "members", status="unsubscribed")
            assert len(left) == stats["unsubscribe_count"]
            late = read_all(
                client, path, "members", since_last_changed="2026-10-15T00:00:00+00:00",
                sort_field="last_changed",
            )  # fmt: skip
            times = [member["last_changed"] for member in late]
            assert times == sorted(times)
            assert 0 < len(late) < len(members)
            assert min(times) > "2026-10-15"
            history = read_all(client, f"/lists/{audience['id']}/growth-history", "history")
            assert history[0]["subscribed"] == stats["member_count"]
            assert sum(row["optins"] for row in history) == len(members)


def test_whoever_left_through_a_mail_is_no_longer_subscribed(served):
    with served.mailchimp() as client:
        status = {
            member["id"]: member["status"]
            for audience in read_all(client, "/lists", "lists")
            for member in read_all(client, f"/lists/{audience['id']}/members", "members")
        }
        left = [
            row["email_id"]
            for report in read_all(client, "/reports", "reports")
            for row in read_all(client, f"/reports/{report['id']}/unsubscribed", "unsubscribes")
        ]
    assert left
    assert {status[member] for member in left} == {"unsubscribed"}


def test_a_batch_answers_with_an_archive(served):
    with served.mailchimp() as client:
        report = client.get("/reports").json()["reports"][0]["id"]
        paths = [f"/reports/{report}/email-activity", "/reports/0000000000", "/lists"]
        operations = [{"method": "GET", "path": path, "operation_id": path} for path in paths]
        operations[0]["params"] = {"count": 3}
        operations.append({"method": "DELETE", "path": "/lists/1", "operation_id": "delete"})
        batch = client.post("/batches", json={"operations": operations}).json()
        assert (batch["status"], batch["response_body_url"]) == ("pending", "")
        batch = client.get(f"/batches/{batch['id']}").json()
        assert (batch["status"], batch["total_operations"]) == ("finished", 4)
        assert (batch["finished_operations"], batch["errored_operations"]) == (4, 2)
        # without the key of the API, but not without that of the address
        archive = httpx.get(batch["response_body_url"])
        assert httpx.get(batch["response_body_url"].partition("?")[0]).status_code == 403
        with tarfile.open(fileobj=io.BytesIO(archive.content), mode="r:gz") as tar:
            answers = json.load(tar.extractfile(tar.getmembers()[0]))
        assert [answer["status_code"] for answer in answers] == [200, 404, 200, 405]
        assert len(json.loads(answers[0]["response"])["emails"]) == 3
        assert json.loads(answers[1]["response"])["title"] == "Resource Not Found"


@pytest.mark.parametrize("body", ["no", "{}", '{"operations": [{"method": "GET"}]}'])
def test_a_batch_that_is_none_is_refused(served, body):
    with served.mailchimp() as client:
        answer = client.post("/batches", content=body)
    assert answer.status_code == 400
    assert answer.json()["title"] in {"JSON Parse Error", "Invalid Resource"}


def test_a_method_that_a_path_does_not_have_is_a_problem(served):
    with served.mailchimp() as client:
        answer = client.post("/lists", json={})
    assert (answer.status_code, answer.json()["title"]) == (405, "Method Not Allowed")


def test_since_filters_narrow_the_lists(served):
    with served.mailchimp() as client:
        everything = read_all(client, "/campaigns", "campaigns")
        recent = read_all(
            client, "/campaigns", "campaigns", since_send_time="2026-10-15T00:00:00+00:00"
        )
        assert 0 < len(recent) < len(everything)
        assert all(c["send_time"] > "2026-10-15" for c in recent)
        path = f"/reports/{recent[0]['id']}/email-activity"
        late = recent[0]["send_time"].replace("T14:", "T16:")
        rows = read_all(client, path, "emails", since=late)
        times = [a["timestamp"] for row in rows for a in row["activity"]]
        assert all(time > late for time in times)


@pytest.mark.parametrize(
    ("path", "parameters", "status", "title"),
    [
        ("/campaigns", {"count": "1001"}, 400, "Invalid Resource"),
        ("/campaigns", {"offset": "-1"}, 400, "Invalid Resource"),
        ("/campaigns", {"colour": "red"}, 400, "Invalid Resource"),
        ("/campaigns", {"since_send_time": "soon"}, 400, "Invalid Resource"),
        ("/campaigns", {"sort_field": "title"}, 400, "Invalid Resource"),
        ("/campaigns", {"sort_field": "send_time", "sort_dir": "UP"}, 400, "Invalid Resource"),
        ("/lists/0000000000/members", {}, 404, "Resource Not Found"),
        ("/reports/0000000000/sent-to", {}, 404, "Resource Not Found"),
        ("/batches/0000000000", {}, 404, "Resource Not Found"),
        ("/reports/0000000000", {}, 404, "Resource Not Found"),
        ("/nothing", {}, 404, "Resource Not Found"),
    ],
)
def test_bad_requests_get_problem_documents(served, path, parameters, status, title):
    with served.mailchimp() as client:
        answer = client.get(path, params=parameters)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    body = answer.json()
    assert (body["title"], body["status"]) == (title, status)
    assert {"type", "detail", "instance"} <= set(body)


def test_the_key_works_as_basic_and_as_bearer_and_nothing_else_does(served):
    base, key = served.settings["MAILCHIMP_BASE_URL"], served.settings["MAILCHIMP_API_KEY"]
    bearer = httpx.get(f"{base}/ping", headers={"Authorization": f"Bearer {key}"})
    assert bearer.status_code == 200
    wrong = httpx.get(f"{base}/ping", auth=("any", "0123-us21"))
    assert (wrong.status_code, wrong.json()["title"]) == (401, "API Key Invalid")
    assert httpx.get(f"{base}/ping").status_code == 401
    elsewhere = httpx.get(f"{base}/ping", auth=("any", key.replace("us21", "us7")))
    assert elsewhere.status_code == 403


def test_more_than_ten_connections_at_once_are_too_many(served):
    served.control("MAILCHIMP", "reset", {})
    limits = httpx.Limits(max_connections=40)
    base, key = served.settings["MAILCHIMP_BASE_URL"], served.settings["MAILCHIMP_API_KEY"]
    with (
        httpx.Client(base_url=base, auth=("x", key), limits=limits, timeout=30) as client,
        ThreadPoolExecutor(40) as pool,
    ):
        served.control("MAILCHIMP", "fault", {"kind": "slow", "times": 40, "seconds": 0.4})
        codes = Counter(pool.map(lambda _: client.get("/ping").status_code, range(40)))
    assert codes[200] >= 10
    assert codes[429] >= 10
    assert codes[200] + codes[429] == 40
    with served.mailchimp() as client:
        one_by_one = [client.get("/ping").status_code for _ in range(12)]
    assert set(one_by_one) == {200}
