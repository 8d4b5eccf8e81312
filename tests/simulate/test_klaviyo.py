"""Klaviyo over real HTTP: JSON:API, refusals, cursors, bursts, sums equal to the truth."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest

pytestmark = pytest.mark.system

REVISION = "2026-07-15"


@pytest.fixture
def klaviyo(served):
    key = served.settings["KLAVIYO_API_KEY"]
    headers = {"Authorization": f"Klaviyo-API-Key {key}", "revision": REVISION}
    url = served.settings["KLAVIYO_BASE_URL"]
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        yield client


def read_all(client, path, **parameters):
    rows = []
    answer = client.get(path, params=parameters)
    while True:
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/vnd.api+json"
        body = answer.json()
        rows += body["data"]
        if not body["links"]["next"]:
            return rows
        answer = client.get(body["links"]["next"])


def refused(answer, status, parameter=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/vnd.api+json"
    [error] = answer.json()["errors"]
    assert {"id", "status", "code", "title", "detail", "source", "links", "meta"} <= set(error)
    assert error["status"] == status
    if parameter:
        assert error["source"] == {"parameter": parameter}
    return error["detail"]


def members(world):
    """Return the persons of the European shop who gave an address."""
    people = world.truth("people").to_pylist()
    return {row["person"]: row for row in people if row["is_eur"] and row["email"]}


def test_events_add_up_to_the_truth(served, klaviyo):
    metrics = {row["id"]: row["attributes"]["name"] for row in read_all(klaviyo, "/metrics")}
    # all late orders are written by then
    served.control("KLAVIYO", "clock", {"advance_days": 3})
    events = read_all(klaviyo, "/events", **{"page[size]": 1000})
    assert len({event["id"] for event in events}) == len(events)
    found = Counter(metrics[row["relationships"]["metric"]["data"]["id"]] for row in events)
    persons = members(served.world)
    sends = served.world.truth("mail_sends").to_pylist()
    sent = Counter(row["status"] for row in sends if row["person"] in persons)
    assert found["Received Email"] == sent["sent"]
    assert found["Bounced Email"] == sent["hard"] + sent["soft"]
    acts = served.world.truth("mail_events").to_pylist()
    acts = [row for row in acts if sends[row["send"]]["person"] in persons]
    assert found["Clicked Email"] == sum(row["action"] == "click" for row in acts)
    opens = [row["attributes"]["event_properties"].get("machine_open") for row in events]
    machine = [row["is_machine"] for row in acts if row["action"] == "open"]
    assert Counter(flag for flag in opens if flag is not None) == Counter(machine)
    left = sum(row["unsubscribed_at"] is not None and row["person"] in persons for row in sends)
    assert found["Unsubscribed from Email Marketing"] == left
    orders = served.world.truth("orders").to_pylist()
    cents = {row["order_id"]: row["total_cents"] for row in orders if row["currency"] == "EUR"}
    placed = [
        row["attributes"]["event_properties"]
        for row in events
        if metrics[row["relationships"]["metric"]["data"]["id"]] == "Placed Order"
    ]
    assert {row["$event_id"]: round(row["$value"] * 100) for row in placed} == cents
    assert {row["$currency_code"] for row in placed} == {"EUR"}


def test_an_event_says_its_time_twice_and_events_of_one_metric_are_in_order(klaviyo):
    [metric] = [
        row["id"]
        for row in read_all(klaviyo, "/metrics")
        if row["attributes"]["name"] == "Clicked Email"
    ]
    rows = read_all(klaviyo, "/events", filter=f'equals(metric_id,"{metric}")', sort="-datetime")
    times = [row["attributes"]["timestamp"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert all(row["attributes"]["event_properties"]["URL"] for row in rows)
    middle = times[len(times) // 2]
    since = f"and(equals(metric_id,'{metric}'),greater-than(timestamp,{middle}))"
    late = read_all(klaviyo, "/events", filter=since)
    assert len(late) == sum(time > middle for time in times)
    day = rows[0]["attributes"]["datetime"]
    one = read_all(klaviyo, "/events", filter=f"greater-or-equal(datetime,{day})", sort="datetime")
    assert one[0]["attributes"]["datetime"] == day


def test_sparse_fields_includes_and_optional_fields(klaviyo):
    asked = {"page[size]": 1, "fields[event]": "datetime", "include": "metric,profile"}
    body = klaviyo.get(
        "/events", params={**asked, "fields[profile]": "email,location.country"}
    ).json()
    assert list(body["data"][0]["attributes"]) == ["datetime"]
    kinds = {row["type"]: row["attributes"] for row in body["included"]}
    assert kinds.keys() == {"metric", "profile"}
    assert kinds["profile"].keys() == {"email", "location"}
    assert list(kinds["profile"]["location"]) == ["country"]
    plain = klaviyo.get("/profiles").json()["data"][0]
    assert "subscriptions" not in plain["attributes"]
    more = {"additional-fields[profile]": "subscriptions"}
    row = klaviyo.get(f"/profiles/{plain['id']}", params=more).json()["data"]
    assert row["attributes"]["subscriptions"]["email"]["marketing"]["consent"]


def test_campaigns_need_a_channel_and_have_a_message_each(klaviyo):
    told = refused(klaviyo.get("/campaigns"), 400, "filter")
    assert "channel filter is required" in told
    email = "equals(messages.channel,'email')"
    asked = {"filter": email, "include": "campaign-messages"}
    body = klaviyo.get("/campaigns", params=asked).json()
    assert len(body["data"]) == len(body["included"]) > 5
    assert {row["attributes"]["status"] for row in body["data"]} == {"Sent", "Draft"}
    drafts = read_all(klaviyo, "/campaigns", filter=f"and({email},equals(status,'Draft'))")
    assert [row["attributes"]["send_time"] for row in drafts] == [None]
    assert read_all(klaviyo, "/campaigns", filter="equals(messages.channel,'sms')") == []
    assert read_all(klaviyo, "/campaigns", filter=f"and({email},equals(archived,true))") == []


def test_a_merged_profile_leaves_the_list_and_is_found_by_its_old_id(served, klaviyo):
    before = read_all(klaviyo, "/profiles", **{"page[size]": 100})
    twins = [row for row in before if row["attributes"]["email"] is None]
    assert twins
    old, number = twins[0]["id"], twins[0]["attributes"]["external_id"]
    orders = read_all(klaviyo, "/events", filter=f"equals(profile_id,'{old}')")
    assert orders
    served.control("KLAVIYO", "clock", {"advance_days": 1})
    after = read_all(klaviyo, "/profiles", **{"page[size]": 100})
    assert len(after) == len(before) - len(twins)
    new = klaviyo.get(f"/profiles/{old}").json()["data"]
    assert new["id"] != old
    assert new["attributes"]["external_id"] == number
    moved = read_all(klaviyo, "/events", filter=f"equals(profile_id,'{new['id']}')")
    assert {row["id"] for row in orders} < {row["id"] for row in moved}


@pytest.mark.parametrize(
    ("path", "parameters", "parameter"),
    [
        ("/events", {"colour": "red"}, "colour"),
        ("/events", {"page[size]": "1001"}, "page[size]"),
        ("/events", {"page[cursor]": "bm9uZQ=="}, "page[cursor]"),
        ("/events", {"sort": "uuid"}, "sort"),
        ("/events", {"include": "campaign"}, "include"),
        ("/events", {"fields[event]": "colour"}, "fields[event]"),
        ("/events", {"fields[list]": "name"}, "fields[list]"),
        ("/events", {"filter": "equals(datetime,2026-10-01T00:00:00Z)"}, "filter"),
        ("/events", {"filter": "greater-than(datetime,soon)"}, "filter"),
        ("/events", {"filter": "greater-than(timestamp,soon)"}, "filter"),
        ("/events", {"filter": "equals(colour,'red')"}, "filter"),
        ("/events", {"filter": "equals(metric_id,'a'"}, "filter"),
        ("/events", {"filter": "or(equals(metric_id,'a'),equals(metric_id,'b'))"}, "filter"),
        ("/metrics", {"page[size]": "10"}, "page[size]"),
        ("/profiles", {"additional-fields[profile]": "colour"}, "additional-fields"),
        ("/accounts", {"filter": "equals(id,'a')"}, "filter"),
    ],
)
def test_what_is_not_on_offer_is_refused(klaviyo, path, parameters, parameter):
    refused(klaviyo.get(path, params=parameters), 400, parameter)


def test_a_cursor_is_of_one_list_alone(klaviyo):
    link = klaviyo.get("/events", params={"page[size]": 5}).json()["links"]["next"]
    cursor = httpx.URL(link).params["page[cursor]"]
    assert cursor
    refused(klaviyo.get("/profiles", params={"page[cursor]": cursor}), 400, "page[cursor]")


def test_key_revision_path_and_method_are_checked(served, klaviyo):
    url = f"{served.settings['KLAVIYO_BASE_URL']}/metrics"
    key = {"Authorization": klaviyo.headers["Authorization"]}
    told = refused(httpx.get(url, headers=key), 400, "revision")
    assert "revision header" in told
    refused(httpx.get(url, headers={**key, "revision": "2027-01-15"}), 400, "revision")
    refused(httpx.get(url, headers={"revision": REVISION}), 401)
    wrong = {"Authorization": "Klaviyo-API-Key pk_none", "revision": REVISION}
    refused(httpx.get(url, headers=wrong), 401)
    refused(klaviyo.get("/nothing"), 404)
    refused(klaviyo.get("/profiles/none"), 404)
    refused(klaviyo.post("/events", json={}), 405)


def test_a_burst_is_refused_with_the_time_to_wait(klaviyo):
    answers = [klaviyo.get("/flows") for _ in range(12)]
    assert answers[0].headers["ratelimit-limit"] == "3, 3;w=1"
    throttled = [answer for answer in answers if answer.status_code == 429]
    assert throttled
    refused(throttled[0], 429)
    assert throttled[0].headers["retry-after"] == "1"
