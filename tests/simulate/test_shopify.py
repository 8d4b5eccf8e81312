"""Shopify over real HTTP: paging, filters, refusals in its own words, sums equal to the ledger."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import httpx
import pytest

from marketing_analytics.simulate.platforms.shopify import emulator
from marketing_analytics.simulate.platforms.shopify.emulator import Bucket

pytestmark = pytest.mark.system


@pytest.fixture
def client(served):
    settings = served.settings
    headers = {"X-Shopify-Access-Token": settings["SHOPIFY_SECRET"]}
    with httpx.Client(base_url=settings["SHOPIFY_BASE_URL"], headers=headers, timeout=30) as found:
        yield found


def pages(client, path, **parameters):
    """Follow the Link header as clients do; yield bodies."""
    answer = client.get(path, params=parameters)
    while True:
        assert answer.status_code == 200, answer.text
        yield answer.json()
        following = answer.links.get("next")
        if not following:
            return
        answer = client.get(following["url"])


def read_all(client, name, **parameters):
    return [row for body in pages(client, f"{name}.json", **parameters) for row in body[name]]


def test_money_equals_the_ledger_in_the_currency_it_was_paid_in(client, served):
    orders = read_all(client, "orders", status="any", limit=250)
    gross, refunds = defaultdict(Decimal), defaultdict(Decimal)
    for order in orders:
        paid = order["total_price_set"]["presentment_money"]
        gross[paid["currency_code"]] += Decimal(paid["amount"])
        for refund in order["refunds"]:
            for transaction in refund["transactions"]:
                refunds[transaction["currency"]] += Decimal(transaction["amount"])
    ledger = served.world.ledger["orders"]
    for currency, expected in ledger["by_currency"].items():
        assert gross[currency] == Decimal(expected["gross"])
        assert refunds[currency] == Decimal(expected["refunds"])
    assert sum(Decimal(order["total_price"]) for order in orders) == Decimal(ledger["gross_usd"])
    assert len(read_all(client, "customers")) == served.world.ledger["customers"]["count"]


def test_small_pages_give_every_record_once_and_the_way_back(client):
    whole = read_all(client, "orders", status="any", limit=250)
    found = list(pages(client, "orders.json", status="any", limit=40, fields="id"))
    ids = [row["id"] for body in found for row in body["orders"]]
    assert ids == [row["id"] for row in whole]
    assert {tuple(row) for body in found for row in body["orders"]} == {("id",)}
    assert len(found) > 2
    second = client.get(client.get("orders.json?status=any&limit=40").links["next"]["url"])
    back = client.get(second.links["previous"]["url"]).json()["orders"]
    assert [row["id"] for row in back] == ids[:40]


def test_filters_are_obeyed(client):
    orders = read_all(client, "orders", status="any", limit=250)
    newest = [row["created_at"] for row in orders]
    assert newest == sorted(newest, reverse=True)
    middle = newest[len(newest) // 2]
    later = read_all(client, "orders", status="any", created_at_min=middle)
    earlier = read_all(client, "orders", status="any", created_at_max=middle)
    assert len(later) + len(earlier) == len(orders) + newest.count(middle)
    changed = read_all(client, "orders", status="any", updated_at_min=middle)
    assert {row["id"] for row in changed} == {r["id"] for r in orders if r["updated_at"] >= middle}
    refunded = read_all(client, "orders", financial_status="refunded")
    assert {row["id"] for row in refunded} == {
        row["id"] for row in orders if row["financial_status"] == "refunded"
    }
    assert read_all(client, "orders", status="cancelled") == []
    after = read_all(client, "orders", status="any", since_id=orders[-1]["id"], limit=7)
    assert [row["id"] for row in after] == sorted(row["id"] for row in orders[:-1])
    wanted = f"{orders[0]['id']},{orders[5]['id']}"
    assert len(read_all(client, "orders", ids=wanted)) == 2
    rising = read_all(client, "orders", status="any", order="updated_at asc")
    assert [r["updated_at"] for r in rising] == sorted(r["updated_at"] for r in orders)
    assert client.get("orders/count.json?status=any").json() == {"count": len(orders)}


def test_one_record_and_its_refunds(client):
    [order] = client.get("orders.json?financial_status=partially_refunded&limit=1").json()["orders"]
    assert client.get(f"orders/{order['id']}.json").json()["order"] == order
    path = f"orders/{order['id']}/refunds.json"
    assert client.get(path).json()["refunds"] == order["refunds"]
    customer = order["customer"]["id"]
    found = client.get(f"customers/{customer}.json").json()["customer"]
    assert found["email"] == order["email"]
    assert found["orders_count"] >= 1


@pytest.mark.parametrize(
    ("path", "status", "errors"),
    [
        ("orders.json?limit=251", 400, {"limit": "Invalid value."}),
        ("orders.json?limit=0", 400, {"limit": "Invalid value."}),
        ("orders.json?created_at_min=yesterday", 400, {"created_at_min": "Invalid value."}),
        ("orders.json?status=odd", 400, {"status": "Invalid value."}),
        ("orders.json?financial_status=odd", 400, {"financial_status": "Invalid value."}),
        ("orders.json?order=name", 400, {"order": "Invalid value."}),
        ("orders.json?brand_new=1", 400, {"brand_new": "Invalid value."}),
        ("customers.json?status=any", 400, {"status": "Invalid value."}),
        ("shop.json?limit=1", 400, {"limit": "Invalid value."}),
        ("orders.json?page_info=made-up", 400, {"page_info": "Invalid value."}),
        (
            "orders.json?page_info=x&status=any",
            400,
            {"status": "status cannot be passed when page_info is present."},
        ),
        ("orders/1.json", 404, "Not Found"),
        ("nothing.json", 404, "Not Found"),
    ],
)
def test_what_is_not_implemented_is_refused_in_its_own_shape(client, path, status, errors):
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (status, {"errors": errors})


def test_without_a_token_and_under_an_odd_version_nothing_is_answered(client, served):
    answer = httpx.get(f"{served.settings['SHOPIFY_BASE_URL']}/shop.json")
    assert (answer.status_code, answer.json()) == (401, {"errors": emulator.NO_ACCESS})
    url = served.settings["SHOPIFY_BASE_URL"].replace("2026-10", "2026-11")
    assert client.get(f"{url}/shop.json").status_code == 404
    assert client.post("orders.json", json={}).status_code == 404


def test_every_answer_tells_version_and_bucket(client):
    headers = client.get("shop.json").headers
    assert headers["X-Shopify-API-Version"] == "2026-10"
    used, size = headers["X-Shopify-Shop-Api-Call-Limit"].split("/")
    assert 1 <= int(used) <= int(size) == 400


def test_a_full_bucket_refuses_and_leaks(replaced):
    now = [100.0]
    replaced(emulator, "time", monotonic=lambda: now[0])
    bucket = Bucket()
    assert all(bucket.pour() for _ in range(400))
    assert not bucket.pour()
    now[0] += 0.5
    assert [bucket.pour() for _ in range(11)] == [True] * 10 + [False]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "wrong"}, "application_cannot_be_found"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_credentials_are_exchanged_for_a_token(served, changed, error):
    url = f"{served.root('SHOPIFY')}/admin/oauth/access_token"
    seed = 3
    given = {
        "grant_type": "client_credentials",
        "client_id": f"{seed + 1:032x}",
        "client_secret": f"shpss_{seed + 2:032x}",
    }
    token = httpx.post(url, data=given).json()["access_token"]
    headers = {"X-Shopify-Access-Token": token}
    assert httpx.get(f"{served.settings['SHOPIFY_BASE_URL']}/shop.json", headers=headers).is_success
    scopes = httpx.get(f"{served.root('SHOPIFY')}/admin/oauth/access_scopes.json", headers=headers)
    assert {"handle": "read_orders"} in scopes.json()["access_scopes"]
    refused = httpx.post(url, json=given | changed)
    assert (refused.status_code, refused.json()["error"]) == (400, error)
