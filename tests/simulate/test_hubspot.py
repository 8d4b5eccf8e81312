"""HubSpot over real HTTP: paging, search and its ceiling, associations, limits, refusals."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.system

CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture
def client(served):
    served.control("HUBSPOT", "reset", {})
    with served.hubspot() as client:
        yield client
    served.control("HUBSPOT", "reset", {})


def read_all(client, path, **parameters):
    rows, after = [], None
    while True:
        asked = parameters | ({"after": after} if after else {})
        answer = client.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        rows += answer.json()["results"]
        after = answer.json().get("paging", {}).get("next", {}).get("after")
        if not after:
            return rows


def search(client, kind="contacts", **body):
    answer = client.post(f"/crm/v3/objects/{kind}/search", json=body)
    return answer.status_code, answer.json()


def clause(name, operator, **values):
    return {"propertyName": name, "operator": operator, **values}


def test_a_list_is_paged_in_order_of_the_ids_and_holds_whom_the_shop_knows(client, world):
    rows = read_all(client, CONTACTS, limit=100, properties="email")
    ids = [int(row["id"]) for row in rows]
    assert ids == sorted(set(ids))
    people = {p["email"]: p for p in world.truth("people").to_pylist() if p["email"]}
    assert {row["properties"]["email"] for row in rows} <= set(people)
    archived = read_all(client, CONTACTS, archived="true")
    assert all(row["archived"] and row["archivedAt"] for row in archived)
    assert not {row["id"] for row in archived} & {row["id"] for row in rows}
    buyers = {p["email"] for p in people.values() if p["customer_id"]}
    assert len(rows) + len(archived) >= len(buyers)


def test_property_values_are_text_or_null_and_empty_is_not_null(client):
    names = ",".join(p["name"] for p in client.get("/crm/v3/properties/deals").json()["results"])
    deals = read_all(client, "/crm/v3/objects/deals", limit=100, properties=names)
    values = {type(value) for deal in deals for value in deal["properties"].values()}
    assert values == {str, type(None)}
    amounts = {deal["properties"]["amount"] for deal in deals}
    assert {"", None} <= amounts


def test_a_search_filters_sorts_and_stops_at_its_ceiling(client, served):
    everybody = read_all(client, CONTACTS, limit=100, properties="country,lastmodifieddate")
    german = [r for r in everybody if r["properties"]["country"] == "Germany"]
    status, body = search(
        client,
        filterGroups=[{"filters": [clause("country", "EQ", value="Germany")]}],
        sorts=[{"propertyName": "hs_object_id", "direction": "DESCENDING"}],
        limit=200,
    )
    assert (status, body["total"]) == (200, len(german))
    found = [int(row["id"]) for row in body["results"]]
    assert found == sorted((int(row["id"]) for row in german), reverse=True)
    served.control("HUBSPOT", "knobs", {"search_ceiling": 100, "search_limit": 100})
    status, body = search(client, limit=50, after="50")
    assert (status, len(body["results"])) == (200, 50)
    status, body = search(client, limit=50, after="51")
    assert (status, body["category"]) == (400, "VALIDATION_ERROR")


def test_a_search_does_not_see_the_last_seconds(client, served):
    rows = read_all(client, CONTACTS, limit=100, properties="lastmodifieddate")
    newest = max(row["properties"]["lastmodifieddate"] for row in rows)
    served.control("HUBSPOT", "clock", {"now": newest})
    exact = [{"filters": [clause("lastmodifieddate", "GTE", value=newest)]}]
    assert read_all(client, CONTACTS, limit=100)
    assert search(client, filterGroups=exact)[1]["total"] == 0
    served.control("HUBSPOT", "knobs", {"search_lag_seconds": 0})
    served.control("HUBSPOT", "clock", {"advance_days": 1})
    assert search(client, filterGroups=exact)[1]["total"] >= 1


@pytest.mark.parametrize(
    "body",
    [
        {"bogus": 1},
        {"limit": 201},
        {"after": "x"},
        {"filterGroups": [{"filters": [clause("no_such", "EQ", value="1")]}]},
        {"filterGroups": [{"filters": [clause("email", "LIKE", value="1")]}]},
        {"filterGroups": [{"filters": [clause("email", "IN", value="1")]}]},
        {"filterGroups": [{"filters": [clause("createdate", "GT", value="soon")]}]},
        {"filterGroups": [{"filters": []}] * 6},
        {"sorts": ["email", "createdate"]},
    ],
)
def test_a_search_that_hubspot_would_not_take_is_refused(client, served, body):
    served.control("HUBSPOT", "knobs", {"search_limit": 100})
    status, answer = search(client, **body)
    assert (status, answer["status"], answer["category"]) == (400, "error", "VALIDATION_ERROR")
    assert answer["correlationId"]


def test_associations_agree_in_both_directions_and_say_who_has_none(client):
    deals = [row["id"] for row in read_all(client, "/crm/v3/objects/deals", limit=100)]
    inputs = [{"id": deal} for deal in [*deals, "404"]]
    answer = client.post("/crm/v4/associations/deals/contacts/batch/read", json={"inputs": inputs})
    body = answer.json()
    assert (answer.status_code, body["numErrors"]) == (207, 1)
    assert len(body["results"]) == len(deals)
    contact = str(body["results"][0]["to"][0]["toObjectId"])
    back = client.get(f"/crm/v4/objects/contacts/{contact}/associations/deals").json()
    assert body["results"][0]["from"]["id"] in {str(o["toObjectId"]) for o in back["results"]}


def test_statistics_add_up_and_come_only_when_asked_for(client, world):
    assert "stats" not in client.get("/marketing/v3/emails").json()["results"][0]
    emails = read_all(client, "/marketing/v3/emails/", limit=100, includeStats="true")
    counters = [email["stats"]["counters"] for email in emails]
    assert sum(c["sent"] for c in counters) == world.truth("mail_sends").num_rows
    assert all(c["sent"] == c["delivered"] + c["hardbounced"] + c["softbounced"] for c in counters)
    campaigns = {row["id"] for row in read_all(client, "/marketing/v3/campaigns")}
    assert {email["campaign"] for email in emails if "campaign" in email} == campaigns


@pytest.mark.parametrize(
    "path",
    [
        f"{CONTACTS}?limit=101",
        f"{CONTACTS}?archived=maybe",
        f"{CONTACTS}?limit=51&propertiesWithHistory=email",
        f"{CONTACTS}?bogus=1",
        "/crm/v3/objects/unicorns",
        "/marketing/v3/campaigns?sort=hs_budget",
        "/marketing/v3/emails?createdAfter=2026-10-01T00:00:00Z",
        "/crm/v3/pipelines/deals?archived=true",
        "/email/public/v1/events?limit=1001",
    ],
)
def test_parameters_that_are_not_implemented_are_refused(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_unknown_addresses_methods_and_tokens_get_hubspots_own_errors(client, served):
    answer = client.get("/crm/v9/objects")
    assert (answer.status_code, answer.json()["category"]) == (404, "OBJECT_NOT_FOUND")
    assert client.delete(CONTACTS).status_code == 405
    answer = client.get(CONTACTS, headers={"Authorization": "Bearer other"})
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")
    served.control("HUBSPOT", "knobs", {"token_minutes": 30})
    assert client.get(CONTACTS).status_code == 200
    served.control("HUBSPOT", "clock", {"advance_days": 1})
    answer = client.get(CONTACTS)
    assert (answer.status_code, answer.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")


def test_each_limit_names_its_policy(client, served):
    served.control("HUBSPOT", "knobs", {"burst_limit": 2, "search_limit": 1, "daily_limit": 4})
    assert [client.get(CONTACTS).status_code for _ in range(3)] == [200, 200, 429]
    assert client.get(CONTACTS).json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert search(client)[0] == 200
    assert search(client)[1]["policyName"] == "SECONDLY"
    served.control("HUBSPOT", "knobs", {"burst_limit": 100})
    assert client.get(CONTACTS).status_code == 200
    assert client.get(CONTACTS).json()["policyName"] == "DAILY"
    served.control("HUBSPOT", "clock", {"advance_days": 1})
    assert client.get(CONTACTS).status_code == 200


def test_a_knob_that_does_not_exist_is_refused(served):
    import httpx

    url = f"{served.root('HUBSPOT')}/_control/knobs"
    answer = httpx.post(url, json={"no_such": 1})
    assert answer.status_code == 400
    assert "search_ceiling" in answer.json()["hint"]
    assert httpx.post(url, json={"search_limit": "many"}).status_code == 400


def test_older_calls_tell_the_same_as_the_newer_ones(client, world):
    rows, offset = [], None
    while True:
        asked = {"limit": 1000, "startTimestamp": 0} | ({"offset": offset} if offset else {})
        body = client.get("/email/public/v1/events", params=asked).json()
        rows += body["events"]
        if not body["hasMore"]:
            break
        offset = body["offset"]
    kinds = [row["type"] for row in rows]
    assert kinds.count("SENT") == world.truth("mail_sends").num_rows
    actions = world.truth("mail_events")["action"].to_pylist()
    assert kinds.count("CLICK") == actions.count("click")
    names = {row["name"] for row in client.get("/automation/v3/workflows").json()["workflows"]}
    assert names == {row["name"] for row in read_all(client, "/automation/v4/flows")}
    stages = client.get("/crm-pipelines/v1/pipelines/deals").json()["results"][0]["stages"]
    newer = client.get("/crm/v3/pipelines/deals").json()["results"][0]["stages"]
    assert [stage["stageId"] for stage in stages] == [stage["id"] for stage in newer]
