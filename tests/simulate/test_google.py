"""Google Ads over real HTTP: tokens, headers, GAQL, chunks, and sums equal to the ledger."""

from __future__ import annotations

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal

import httpx
import pytest

pytestmark = pytest.mark.system

CENT = Decimal("0.01")
TREE = (
    "SELECT customer_client.id, customer_client.manager, customer_client.status, "
    "customer_client.currency_code, customer_client.time_zone FROM customer_client"
)


def search(client, customer, query):
    return client.post(f"/customers/{customer}/googleAds:searchStream", json={"query": query})


def rows_of(client, customer, query):
    answer = search(client, customer, query)
    assert answer.status_code == 200, answer.text
    chunks = answer.json()
    assert isinstance(chunks, list)
    assert ["queryResourceConsumption" in chunk for chunk in chunks].count(True) == 1
    assert "queryResourceConsumption" in chunks[-1]
    return [row for chunk in chunks for row in chunk.get("results", [])]


def manager(served):
    return served.settings["GOOGLE_ADS_LOGIN_CUSTOMER_ID"]


def clients(served, client):
    rows = rows_of(client, manager(served), TREE)
    return [row["customerClient"] for row in rows]


def enabled(served, client):
    return [c for c in clients(served, client) if not c["manager"] and c["status"] == "ENABLED"]


def error_of(answer):
    body = answer.json()
    failure = body[0]["error"] if isinstance(body, list) else body["error"]
    return failure["details"][0]["errors"][0]


def in_period(served, query):
    ledger = served.world.ledger
    return (
        f"{query} WHERE segments.date BETWEEN '{ledger['start_date']}' AND '{ledger['end_date']}'"
    )


def test_campaign_rows_add_up_to_the_ledger_to_the_cent(served):
    world = served.world
    query = in_period(
        served,
        "SELECT segments.date, campaign.id, metrics.impressions, metrics.clicks, "
        "metrics.cost_micros, metrics.conversions, metrics.conversions_value FROM campaign",
    )
    totals: Counter[str] = Counter()
    with served.google() as client:
        for customer in enabled(served, client):
            for row in rows_of(client, customer["id"], query):
                day, metrics = row["segments"]["date"], row["metrics"]
                rate = world.rate(customer["currencyCode"], day)
                cost = Decimal(metrics["costMicros"]) / 1_000_000
                value = Decimal(str(metrics["conversionsValue"]))
                totals["rows"] += 1
                totals["micros"] += int(metrics["costMicros"])
                totals["usd"] += (cost * rate).quantize(CENT, ROUND_HALF_UP)
                totals["value"] += (value * rate).quantize(CENT, ROUND_HALF_UP)
                totals["conversions"] += Decimal(str(metrics["conversions"]))
                totals["clicks"] += int(metrics["clicks"])
                totals["impressions"] += int(metrics["impressions"])
    ledger = world.ledger
    expected = ledger["raw_tables"]["google_ads.campaign_stats"]
    assert (totals["rows"], totals["micros"]) == (expected["rows"], expected["cost_micros"])
    spend, claimed = ledger["spend"]["google_ads"], ledger["claimed"]["google_ads"]
    assert str(totals["usd"]) == spend["usd"]
    assert (totals["impressions"], totals["clicks"]) == (spend["impressions"], spend["clicks"])
    assert totals["conversions"] == Decimal(claimed["conversions"])
    assert str(totals["value"]) == claimed["value_usd"]


def test_ads_add_up_to_less_than_campaigns_because_performance_max_has_none(served):
    query = "SELECT segments.date, ad_group_ad.ad.id, metrics.cost_micros FROM ad_group_ad"
    kinds = "SELECT campaign.id, campaign.advertising_channel_type FROM campaign"
    micros = count = 0
    channel_types = set()
    with served.google() as client:
        for customer in enabled(served, client):
            rows = rows_of(client, customer["id"], in_period(served, query))
            count += len(rows)
            micros += sum(int(row["metrics"]["costMicros"]) for row in rows)
            for row in rows_of(client, customer["id"], kinds):
                channel_types.add(row["campaign"]["advertisingChannelType"])
    ledger = served.world.ledger["raw_tables"]
    assert {"rows": count, "cost_micros": micros} == ledger["google_ads.ad_stats"]
    assert micros < ledger["google_ads.campaign_stats"]["cost_micros"]
    assert "PERFORMANCE_MAX" in channel_types


def test_rows_hold_only_what_was_selected_in_googles_types(served):
    query = in_period(served, "SELECT segments.date, campaign.name, metrics.clicks FROM campaign")
    with served.google() as client:
        customer = enabled(served, client)[0]["id"]
        row = rows_of(client, customer, f"{query} ORDER BY segments.date DESC LIMIT 1")[0]
        assert set(row) == {"segments", "campaign", "metrics"}
        assert set(row["campaign"]) == {"name", "resourceName"}
        assert set(row["metrics"]) == {"clicks"}
        assert isinstance(row["metrics"]["clicks"], str)
        assert row["segments"]["date"] == served.world.ledger["end_date"]
        values = rows_of(
            client,
            customer,
            in_period(served, "SELECT segments.date, metrics.conversions FROM campaign"),
        )
    numbers = {type(r["metrics"]["conversions"]) for r in values}
    assert numbers == {int, float}


def test_a_long_answer_comes_in_chunks(served):
    query = in_period(
        served, "SELECT segments.date, ad_group_ad.ad.id, metrics.clicks FROM ad_group_ad"
    )
    with served.google() as client:
        customer = enabled(served, client)[0]["id"]
        chunks = search(client, customer, query).json()
        assert sum(len(chunk.get("results", [])) for chunk in chunks) > 400
        assert chunks[0]["fieldMask"] == "segments.date,adGroupAd.ad.id,metrics.clicks"
        empty = search(client, customer, query.replace("2026", "2024")).json()
        assert len(empty) == 1
        assert "results" not in empty[0]
        paged = client.post(f"/customers/{customer}/googleAds:search", json={"query": query}).json()
        assert len(paged["results"]) == sum(len(chunk["results"]) for chunk in chunks)


def test_the_tree_has_a_manager_two_clients_and_a_cancelled_one(served):
    with served.google() as client:
        names = client.get("/customers:listAccessibleCustomers").json()["resourceNames"]
        assert names == [f"customers/{manager(served)}"]
        found = clients(served, client)
        assert Counter((c["manager"], c["status"]) for c in found) == {
            (True, "ENABLED"): 1,
            (False, "ENABLED"): 2,
            (False, "CANCELED"): 1,
        }
        assert {c["timeZone"] for c in found} == {"America/New_York", "Europe/Berlin"}
        gone = next(c["id"] for c in found if c["status"] == "CANCELED")
        answer = search(client, gone, "SELECT campaign.id FROM campaign")
        assert answer.status_code == 403
        assert error_of(answer)["errorCode"] == {"authorizationError": "CUSTOMER_NOT_ENABLED"}


def test_a_date_in_where_alone_does_not_split_the_sums(served):
    with served.google() as client:
        customer = enabled(served, client)[0]["id"]
        whole = rows_of(
            client, customer, in_period(served, "SELECT campaign.id, metrics.clicks FROM campaign")
        )
        daily = rows_of(
            client,
            customer,
            in_period(served, "SELECT segments.date, campaign.id, metrics.clicks FROM campaign"),
        )
    assert len({r["campaign"]["id"] for r in whole}) == len(whole) < len(daily)
    assert sum(int(r["metrics"]["clicks"]) for r in whole) == sum(
        int(r["metrics"]["clicks"]) for r in daily
    )


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b'{"query": 7}', b'{"query": "SELECT"}', b"\xff\xfe"]
)
def test_no_body_breaks_the_server(served, body):
    with served.google() as client:
        customer = enabled(served, client)[0]["id"]
        path = f"/customers/{customer}/googleAds:searchStream"
        answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()[0]["error"]["status"] == "INVALID_ARGUMENT"


def test_metrics_of_a_manager_are_refused(served):
    with served.google() as client:
        answer = search(
            client, manager(served), in_period(served, "SELECT metrics.clicks FROM campaign")
        )
        assert error_of(answer)["errorCode"] == {"queryError": "REQUESTED_METRICS_FOR_MANAGER"}


def test_conditions_filter_on_other_fields_too(served):
    with served.google() as client:
        customer = enabled(served, client)[0]["id"]
        query = "SELECT campaign.id, campaign.status FROM campaign WHERE campaign.status"
        removed = rows_of(client, customer, f"{query} = 'REMOVED'")
        others = rows_of(client, customer, f"{query} NOT IN ('REMOVED', 'PAUSED')")
        assert {r["campaign"]["status"] for r in removed} == {"REMOVED"}
        assert {r["campaign"]["status"] for r in others} == {"ENABLED"}
        recent = rows_of(
            client,
            customer,
            "SELECT segments.date, metrics.clicks FROM customer "
            "WHERE segments.date DURING LAST_7_DAYS AND metrics.clicks > 0",
        )
        assert {r["segments"]["date"] for r in recent} <= {f"2026-10-{d}" for d in range(25, 32)}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": "Bearer nonsense"}, 401, "OAUTH_TOKEN_INVALID"),
        ({"developer-token": ""}, 400, "DEVELOPER_TOKEN_PARAMETER_MISSING"),
        ({"developer-token": "wrong"}, 401, "DEVELOPER_TOKEN_INVALID"),
        ({"login-customer-id": "123-456-7890"}, 400, "INVALID_LOGIN_CUSTOMER_ID"),
        ({"login-customer-id": "1234567890"}, 403, "USER_PERMISSION_DENIED"),
    ],
)
def test_wrong_headers_are_refused(served, headers, status, code):
    with served.google() as client:
        client.headers.update(headers)
        answer = search(client, manager(served), TREE)
    assert answer.status_code == status
    assert list(error_of(answer)["errorCode"].values()) == [code]


def test_a_customer_id_with_dashes_is_refused(served):
    with served.google() as client:
        answer = search(client, "418-000-7919", TREE)
    assert error_of(answer)["errorCode"] == {"requestError": "INVALID_CUSTOMER_ID"}


def test_a_wrong_refresh_token_is_an_invalid_grant(served):
    form = {"grant_type": "refresh_token", "refresh_token": "1//wrong"}
    form["client_id"] = served.settings["GOOGLE_ADS_CLIENT_ID"]
    form["client_secret"] = served.settings["GOOGLE_ADS_CLIENT_SECRET"]
    answer = httpx.post(served.settings["GOOGLE_ADS_TOKEN_URL"], data=form)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"
    good = served.refresh().json()
    assert good["token_type"] == "Bearer"
    assert good["expires_in"] > 3000


def test_an_access_token_that_expires_mid_run_needs_a_new_one(served):
    with served.google() as client:
        served.control("GOOGLE_ADS", "fault", {"kind": "expired_token", "path": "searchStream"})
        answer = search(client, manager(served), TREE)
        assert answer.status_code == 401
        assert error_of(answer)["errorCode"] == {"authenticationError": "OAUTH_TOKEN_EXPIRED"}
        assert search(client, manager(served), TREE).status_code == 401
    with served.google() as client:
        assert search(client, manager(served), TREE).status_code == 200


def test_throttling_says_how_long_to_wait(served):
    with served.google() as client:
        fault = {"kind": "status_429", "retry_after_seconds": 7, "path_contains": "searchStream"}
        served.control("GOOGLE_ADS", "fault", fault)
        answer = search(client, manager(served), TREE)
        assert answer.status_code == 429
        error = error_of(answer)
        assert error["errorCode"] == {"quotaError": "RESOURCE_EXHAUSTED"}
        assert error["details"]["quotaErrorDetails"]["retryDelay"] == "7s"


def test_a_stream_can_break_in_the_middle(served):
    with served.google() as client:
        customer = enabled(served, client)[0]["id"]
        query = in_period(served, "SELECT segments.date, metrics.clicks FROM campaign")
        served.control("GOOGLE_ADS", "fault", {"kind": "cut_stream"})
        with pytest.raises(httpx.RemoteProtocolError):
            search(client, customer, query)
        served.control("GOOGLE_ADS", "fault", {"kind": "truncated_json"})
        with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
            search(client, customer, query).json()
        assert search(client, customer, query).status_code == 200
