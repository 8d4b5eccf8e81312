"""LinkedIn over real HTTP: documented shapes, strict requests, sums equal to the ledger."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import httpx
import pytest
from starlette.testclient import TestClient

from marketing_analytics.simulate.emulation.control import SimulatedClock
from marketing_analytics.simulate.emulation.world_files import open_world
from marketing_analytics.simulate.platforms.linkedin_ads.emulator import LinkedInAds
from marketing_analytics.simulate.platforms.linkedin_ads.metrics import ZERO

pytestmark = pytest.mark.system

FIELDS = (
    "dateRange,pivotValues,impressions,clicks,costInLocalCurrency,costInUsd,"
    "externalWebsiteConversions,conversionValueInLocalCurrency"
)
ALL_STATUSES = "List(ACTIVE,ARCHIVED,PAUSED)"


def account_id(served):
    return served.settings["LINKEDIN_ADS_ACCOUNT_IDS"]


def day_text(text):
    day = date.fromisoformat(text)
    return f"(year:{day.year},month:{day.month},day:{day.day})"


def analytics_query(served, **changes):
    ledger = served.world.ledger
    start, end = day_text(ledger["start_date"]), day_text(ledger["end_date"])
    asked = {
        "q": "analytics",
        "pivot": "(value:CREATIVE)",
        "timeGranularity": "(value:DAILY)",
        "dateRange": f"(start:{start},end:{end})",
        "accounts": f"List(urn%3Ali%3AsponsoredAccount%3A{account_id(served)})",
        "fields": FIELDS,
        **changes,
    }
    return "&".join(f"{name}={value}" for name, value in asked.items() if value is not None)


def analytics(served, **changes):
    with served.linkedin() as client:
        return client.get(f"/adAnalytics?{analytics_query(served, **changes)}")


def elements(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["elements"]


@pytest.mark.parametrize("pivot", ["ACCOUNT", "CAMPAIGN_GROUP", "CAMPAIGN", "CREATIVE"])
def test_every_pivot_adds_up_to_the_ledger_to_the_cent(served, pivot):
    ledger = served.world.ledger
    rows = elements(analytics(served, pivot=f"(value:{pivot})"))
    totals = Counter()
    for row in rows:
        totals["cost"] += Decimal(row["costInLocalCurrency"])
        totals["usd"] += Decimal(row["costInUsd"])
        totals["value"] += Decimal(row["conversionValueInLocalCurrency"])
        for name in ("impressions", "clicks", "externalWebsiteConversions"):
            totals[name] += row[name]
    spend, claimed = ledger["spend"]["linkedin_ads"], ledger["claimed"]["linkedin_ads"]
    assert str(totals["cost"]) == str(totals["usd"]) == spend["by_currency"]["USD"]
    assert (totals["impressions"], totals["clicks"]) == (spend["impressions"], spend["clicks"])
    assert totals["externalWebsiteConversions"] == Decimal(claimed["conversions"])
    assert str(totals["value"]) == claimed["value_usd"]
    keys = {(*row["dateRange"]["start"].values(), *row["pivotValues"]) for row in rows}
    assert len(keys) == len(rows)
    if pivot == "CREATIVE":
        assert len(rows) == ledger["raw_tables"]["linkedin_ads.creative_stats"]["rows"]


@pytest.mark.parametrize("granularity", ["MONTHLY", "YEARLY", "ALL"])
def test_longer_periods_hold_the_same_spend(served, granularity):
    rows = elements(analytics(served, timeGranularity=granularity, pivot="ACCOUNT"))
    spend = served.world.ledger["spend"]["linkedin_ads"]["usd"]
    assert str(sum(Decimal(row["costInLocalCurrency"]) for row in rows)) == spend
    assert len(rows) == {"MONTHLY": 2, "YEARLY": 1, "ALL": 1}[granularity]
    first = min(tuple(row["dateRange"]["start"].values()) for row in rows)
    assert date(*first).isoformat() == served.world.ledger["start_date"]


def test_statistics_group_by_several_pivots(served):
    changes = {"q": "statistics", "pivot": None, "timeGranularity": "ALL"}
    rows = elements(analytics(served, **changes, pivots="List(CAMPAIGN,CREATIVE)"))
    kinds = {tuple(value.split(":")[2] for value in row["pivotValues"]) for row in rows}
    assert kinds == {("sponsoredCampaign", "sponsoredCreative")}


def test_an_element_of_which_all_asked_figures_are_zero_is_left_out(served):
    fields = ",".join(("dateRange", "pivotValues", *ZERO[:5]))
    assert elements(analytics(served, fields=fields)) == []
    assert elements(analytics(served, fields="dateRange,pivotValues"))


def test_without_fields_there_are_impressions_and_clicks_alone(served):
    assert {tuple(row) for row in elements(analytics(served, fields=None))} == {
        ("impressions", "clicks")
    }


def test_a_foreign_account_is_empty_and_its_lists_are_refused(served):
    foreign = "List(urn%3Ali%3AsponsoredAccount%3A1)"
    assert elements(analytics(served, accounts=foreign)) == []
    with served.linkedin() as client:
        refused = client.get("/adAccounts/1/adCampaigns?q=search")
    assert (refused.status_code, refused.json()["code"]) == (403, "ACCESS_DENIED")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"fields": "impressions,bogus"}, "bogus"),
        ({"fields": ",".join(ZERO[:21])}, "21 fields"),
        ({"fields": "impressions%2Cclicks"}, "impressions%2Cclicks"),
        ({"pivot": "%28value%3ACREATIVE%29"}, "pivot"),
        ({"pivot": "(value:MEMBER_COMPANY)"}, "pivot"),
        ({"dateRange": "%28start%3A1%29"}, "dateRange"),
        ({"dateRange": "(start:(year:2026,month:13,day:1))"}, "no day"),
        ({"dateRange": "(start:(year:2026,month:1,day:1)"}, "expected"),
        ({"accounts": "List(urn:li:sponsoredAccount:7)"}, "expected"),
        ({"accounts": "urn%3Ali%3AsponsoredAccount%3A7"}, "List"),
        ({"accounts": None}, "at least one"),
        ({"accounts": "List(urn%3Ali%3AsponsoredCampaign%3A7)"}, "URN"),
        ({"timeGranularity": "(value:HOURLY)"}, "timeGranularity"),
        ({"q": "bogus"}, "q is one of"),
        ({"start": "5"}, "no pages"),
        ({"sortBy": "(field:IMPRESSIONS)"}, "Invalid param key"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(served, changes, word):
    answer = analytics(served, **changes)
    assert answer.status_code == 400
    [error] = answer.json()["errorDetails"]["inputErrors"]
    assert word in error["description"]
    assert error["input"]["inputPath"]["fieldPath"]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 401, "EMPTY_ACCESS_TOKEN"),
        ({"Authorization": "Bearer no"}, 401, "INVALID_ACCESS_TOKEN"),
        ({"LinkedIn-Version": ""}, 400, "VERSION_MISSING"),
        ({"LinkedIn-Version": "v2"}, 400, "INVALID_VERSION"),
        ({"LinkedIn-Version": "202404"}, 426, "NONEXISTENT_VERSION"),
        ({"X-Restli-Protocol-Version": "9.0.0"}, 400, "INVALID_PROTOCOL_VERSION"),
    ],
)
def test_headers_are_checked(served, headers, status, code):
    with served.linkedin(**headers) as client:
        answer = client.get("/adAccounts?q=search")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["status"] == status


def test_without_a_protocol_version_queries_are_those_of_protocol_1(served):
    start = served.world.ledger["end_date"]
    year, month, day = map(int, start.split("-"))
    query = (
        f"q=analytics&pivot=CAMPAIGN&timeGranularity=DAILY&dateRange.start.year={year}"
        f"&dateRange.start.month={month}&dateRange.start.day={day}"
        f"&accounts[0]=urn:li:sponsoredAccount:{account_id(served)}&fields={FIELDS}"
    )
    with served.linkedin(**{"X-Restli-Protocol-Version": "1.0.0"}) as client:
        old = elements(client.get(f"/adAnalytics?{query}"))
    new = analytics(served, pivot="CAMPAIGN", dateRange=f"(start:{day_text(start)})")
    assert old == elements(new) != []


def test_a_long_query_is_refused_in_an_address_and_answered_in_a_body(served):
    with served.linkedin() as client:
        path = f"/adAccounts/{account_id(served)}/adCampaigns"
        listed = client.get(f"{path}?q=search&search=(status:(values:{ALL_STATUSES}))")
        ids = ",".join(f"urn%3Ali%3AsponsoredCampaign%3A{row['id']}" for row in elements(listed))
        padding = ",".join(f"urn%3Ali%3AsponsoredCampaign%3A{n}" for n in range(1, 150))
        query = analytics_query(served, accounts=None, campaigns=f"List({ids},{padding})")
        assert client.get(f"/adAnalytics?{query}").status_code == 414
        form = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-HTTP-Method-Override": "GET",
        }
        tunnelled = client.post("/adAnalytics", content=query, headers=form)
        plain = client.post("/adAnalytics", content=query)
    assert elements(tunnelled) == elements(analytics(served))
    assert plain.status_code == 405


def test_lists_have_pages_and_hide_what_has_ended(served):
    ledger = served.world.ledger["raw_tables"]
    with served.linkedin() as client:
        path = f"/adAccounts/{account_id(served)}/creatives?q=criteria"
        running = elements(client.get(path))
        found, token = [], ""
        while token is not None:
            more = f"&pageToken={token}" if token else ""
            body = client.get(f"{path}&intendedStatuses={ALL_STATUSES}&pageSize=4{more}").json()
            found += body["elements"]
            token = body["metadata"].get("nextPageToken")
        no_method = client.get(path, headers={"X-RestLi-Method": ""})
        too_many = client.get(f"{path}&pageSize=101")
        no_such = client.get("/adAccounts/7/adSets?q=search")
    assert len({row["id"] for row in found}) == ledger["linkedin_ads.creatives"]["rows"]
    assert {row["intendedStatus"] for row in found} > {row["intendedStatus"] for row in running}
    assert (no_method.status_code, too_many.status_code, no_such.status_code) == (400, 400, 404)
    assert no_such.json()["code"] == "RESOURCE_NOT_FOUND"


def test_conversions_mature_with_the_clock(served):
    def conversions():
        rows = elements(analytics(served))
        return {
            (str(row["dateRange"]), str(row["pivotValues"])): row["externalWebsiteConversions"]
            for row in rows
        }

    served.control("LINKEDIN_ADS", "clock", {"advance_days": -45})
    before, matured = conversions(), 0
    for _ in range(15):
        served.control("LINKEDIN_ADS", "clock", {"advance_days": 3})
        now = conversions()
        grown = [now[key] - before[key] for key in before]
        assert min(grown) >= 0
        matured += sum(grown)
        before = now
    assert matured > 0


def test_a_token_is_renewed_with_the_right_secrets_alone(served):
    names = ("client_id", "client_secret", "refresh_token")
    form = {name: served.settings[f"LINKEDIN_ADS_{name.upper()}"] for name in names}
    url = served.settings["LINKEDIN_ADS_TOKEN_URL"]
    good = httpx.post(url, data=form | {"grant_type": "refresh_token"})
    assert good.json()["access_token"] == served.settings["LINKEDIN_ADS_ACCESS_TOKEN"]
    wrong = {"grant_type": "refresh_token", "client_secret": "no"}
    bad = httpx.post(url, data=form | wrong)
    assert (bad.status_code, bad.json()["error"]) == (400, "invalid_request")


@pytest.fixture
def own(served):
    """An emulator of this process, to be made smaller, and a client of it."""
    world = open_world(served.world.folder)
    emulator = LinkedInAds(world, SimulatedClock(world.as_of_us))
    headers = {
        "Authorization": f"Bearer {emulator.token}",
        "LinkedIn-Version": "202606",
        "X-Restli-Protocol-Version": "2.0.0",
    }
    return emulator, TestClient(emulator.app, headers=headers)


def test_what_is_above_the_cap_is_dropped_without_a_word(served, own):
    emulator, client = own
    emulator.analytics.most_elements = 10
    body = client.get(f"/rest/adAnalytics?{analytics_query(served)}").json()
    assert len(body["elements"]) == 10
    assert body["paging"] == {"start": 0, "count": 10, "links": []}


def test_too_many_metric_values_and_too_many_calls_are_two_refusals(served, own):
    emulator, client = own
    path = f"/rest/adAnalytics?{analytics_query(served)}"
    emulator.values_in_five_minutes = 100
    by_values = client.get(path)
    emulator.forget()
    emulator.values_in_five_minutes, emulator.calls_a_day = 45_000_000, 2
    codes = [client.get(path).status_code for _ in range(3)]
    by_day = client.get(path)
    assert codes == [200, 200, 429]
    assert (by_values.status_code, by_day.status_code) == (429, 429)
    assert "45 million metric values" in by_values.json()["message"]
    assert "DAY limit" in by_day.json()["message"]
    emulator.clock.now_us += 86_400_000_000
    assert client.get(path).status_code == 200
