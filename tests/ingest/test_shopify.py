"""Shopify: what the source kit does not ask of it."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import duckdb
import httpx
import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.tables import build
from marketing_analytics.ingest.platforms.shopify import access, source
from marketing_analytics.ingest.platforms.shopify.tables import order_pieces

from .commands import clean_environment, contents, ingest, read
from .scripted_platform import Answer, between

PROJECT = Path(__file__).resolve().parents[2] / "transform"
# of the world's seed 11
CLIENT = {"SHOPIFY_CLIENT_ID": f"{12:032x}", "SHOPIFY_SECRET": f"shpss_{13:032x}"}
ORDER = {
    "id": 5,
    "name": "#1001",
    "created_at": "2026-10-01T22:30:00-04:00",
    "processed_at": "2026-10-01T22:29:00-04:00",
    "total_price": "30.00",
    "currency": "USD",
    "customer": {"id": 7, "email": "anna@example.com"},
}


def load(database, settings, *arguments, **more):
    chosen = ("--source", "shopify", "--raw-database", database, "--json")
    done = ingest(*chosen, *arguments, **(settings | more))
    return done, done.source("shopify")


def own(database):
    return contents(database, "shopify")


def built(order):
    pieces = order_pieces([order], [date(2026, 10, 2)])
    return {piece.table.name: build(piece.table, piece.columns, piece.raw) for piece in pieces}


def test_a_day_is_the_shops_own_and_a_part_is_a_day_of_utc():
    [row] = built(dict(ORDER))["orders"][0].to_pylist()
    assert (row["order_date"], row["created_date"]) == (date(2026, 10, 1), date(2026, 10, 2))
    assert row["created_at"] == datetime(2026, 10, 2, 2, 30, tzinfo=UTC)
    assert (row["presentment_currency"], str(row["presentment_total_price"])) == (
        "USD",
        "30.000000",
    )


def test_of_its_customer_an_order_keeps_the_id_alone():
    order = dict(ORDER)
    order_pieces([order], [])
    assert order["customer"] == {"id": 7}


def test_a_refund_is_the_money_that_went_back_in_the_currency_it_was_paid_in():
    def transaction(kind, status, amount):
        return {"kind": kind, "status": status, "amount": amount, "currency": "EUR"}

    refund = {
        "id": 9,
        "created_at": "2026-10-05T23:00:00-04:00",
        "transactions": [
            transaction("refund", "success", "10.10"),
            transaction("refund", "success", "0.05"),
            transaction("refund", "failure", "10.10"),
            transaction("refund", "pending", "99.00"),
            transaction("void", "success", "30.00"),
        ],
    }
    restocked = {"id": 10, "created_at": "2026-10-06T10:00:00-04:00", "transactions": []}
    rows = built(ORDER | {"refunds": [refund, restocked]})["refunds"][0].to_pylist()
    assert [(str(r["amount"]), r["currency"], r["refund_date"].day) for r in rows] == [
        ("10.150000", "EUR", 5),
        ("0.000000", "USD", 6),
    ]
    refund["transactions"][0]["amount"] = "n/a"
    table, rejected = built(ORDER | {"refunds": [refund, restocked]})["refunds"]
    assert (table.num_rows, rejected[0].reason) == (1, "amount is not a fraction: 'n/a'")


def test_every_discount_code_of_an_order_is_a_row():
    codes = [
        {"code": "SPRING", "amount": "5.00", "type": "fixed_amount"},
        {"code": "FREE", "amount": "4.90", "type": "shipping"},
    ]
    rows = built(ORDER | {"discount_codes": codes})["discount_codes"][0].to_pylist()
    assert [(r["position"], r["code"], str(r["amount"])) for r in rows] == [
        (0, "SPRING", "5.000000"),
        (1, "FREE", "4.900000"),
    ]


def job_of(**settings):
    return Job(
        "shopify", settings, date(2026, 5, 1), datetime(2026, 6, 1, tzinfo=UTC), stop=Event()
    )


@pytest.mark.parametrize(
    "shop", ["my-shop", "my-shop.myshopify.com", "https://My-Shop.myshopify.com/"]
)
def test_the_address_follows_from_the_shop(shop):
    url = access.base_url_of({"SHOPIFY_SHOP": shop})
    assert url == f"https://my-shop.myshopify.com/admin/api/{access.API_VERSION}"


@pytest.mark.parametrize("shop", ["www.my-shop.com", "https://evil.example/x", "a b"])
def test_what_is_no_shop_is_refused(shop):
    with pytest.raises(UserError, match="SHOPIFY_SHOP is not a shop"):
        access.base_url_of({"SHOPIFY_SHOP": shop})


@pytest.mark.parametrize(
    ("used", "seconds"), [("1/40", 0), ("32/40", 0), ("40/40", 4), ("400/400", 4), ("odd", 0)]
)
def test_a_bucket_that_is_nearly_full_is_waited_for(used, seconds):
    answer = SimpleNamespace(headers={access.CALLS_HEADER: used})
    assert access.pace(answer) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("status", "path", "words"),
    [
        (401, "/admin/api/2026-10/shop.json", "SHOPIFY_SECRET"),
        (400, "/admin/oauth/access_token", "SHOPIFY_SECRET"),
        (403, "/admin/api/2026-10/orders.json", "read_orders"),
        (402, "/admin/api/2026-10/shop.json", "frozen"),
        (423, "/admin/api/2026-10/shop.json", "locked"),
        (404, "/admin/api/2026-10/shop.json", "SHOPIFY_SHOP"),
    ],
)
def test_every_refusal_says_what_to_do(status, path, words):
    request = httpx.Request("GET", f"https://x.myshopify.com{path}")
    error = access.classify(httpx.Response(status, json={"errors": {"a": "b"}}, request=request))
    assert "Shopify refused: a: b" in error.message
    assert words in error.hint


@pytest.mark.system
def test_many_pages_give_the_same_rows_as_one(shared_emulators, everything, tmp_path, monkeypatch):
    monkeypatch.setattr(source, "PAGE_ROWS", 20)
    done, _ = load(tmp_path / "raw.duckdb", shared_emulators.settings)
    assert done.code == 0, done.out
    expected = {n: rows for n, rows in everything.items() if n.startswith("shopify.")}
    assert own(tmp_path / "raw.duckdb") == expected
    assert len(expected["shopify.orders"]) > 60


@pytest.mark.slow
@pytest.mark.system
def test_a_late_refund_of_an_old_order_is_found_by_its_change(
    emulators, everything, tmp_path, monkeypatch
):
    monkeypatch.setattr(source, "RECENT_DAYS", 0)
    emulators.control("shopify", "clock", {"advance_days": -9})
    database = tmp_path / "raw.duckdb"
    assert load(database, emulators.settings, MARKETING_NOW="2026-10-23T06:00:00Z")[0].code == 0
    before = read(
        database, "select count(*) from shopify.refunds where created_date < '2026-10-20'"
    )
    emulators.reset()
    done, _ = load(database, emulators.settings)
    assert done.code == 0, done.out
    after = read(database, "select count(*) from shopify.refunds where created_date < '2026-10-20'")
    assert after > before
    assert own(database) == {n: r for n, r in everything.items() if n.startswith("shopify.")}


@pytest.mark.system
def test_an_app_of_the_dev_dashboard_exchanges_its_credentials(
    shared_emulators, everything, tmp_path
):
    done, _ = load(tmp_path / "raw.duckdb", shared_emulators.settings, **CLIENT)
    assert done.code == 0, done.out
    wrong = CLIENT | {"SHOPIFY_SECRET": "shpss_not-the-secret-4711"}
    done, found = load(tmp_path / "raw.duckdb", shared_emulators.settings, **wrong)
    assert done.code == 4
    assert "SHOPIFY_CLIENT_ID" in found["errors"][0]["hint"]
    assert "4711" not in done.out + done.err


def without_scopes(*absent):
    def change(asked, answer):
        if not asked.path.endswith("access_scopes.json"):
            return answer
        names = {"read_orders", "read_all_orders", "read_customers"} - set(absent)
        return Answer({"access_scopes": [{"handle": name} for name in names]})

    return change


@pytest.mark.slow
@pytest.mark.system
def test_without_the_scope_of_all_orders_sixty_days_are_read_and_that_is_said(
    shared_emulators, tmp_path
):
    with between(shared_emulators.settings, "shopify", without_scopes("read_all_orders")) as given:
        done, found = load(tmp_path / "raw.duckdb", given)
    assert (done.code, found["windows"]) == (0, 3)
    assert "orders before 2026-09-03 need the scope read_all_orders" in done.err


@pytest.mark.system
def test_a_scope_that_is_missing_is_named(shared_emulators, tmp_path):
    with between(shared_emulators.settings, "shopify", without_scopes("read_customers")) as given:
        done, found = load(tmp_path / "raw.duckdb", given)
    assert done.code == 4
    assert found["errors"][0]["message"] == "the app lacks the scopes read_customers"


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://evil.example/admin/api/x/orders.json?page_info=1", "another host"),
        ("{own}?page_info=1&limit=250", "goes round in a circle"),
    ],
)
def test_a_next_page_elsewhere_or_seen_before_is_not_followed(
    shared_emulators, tmp_path, link, words
):
    def change(asked, answer):
        if asked.path.endswith("/orders.json"):
            own = f"http://{asked.headers['Host']}{asked.path}"
            answer.headers["Link"] = f'<{link.format(own=own)}>; rel="next"'
        if "page_info" in asked.query:
            return Answer({"orders": []}, headers=answer.headers)
        return answer

    with between(shared_emulators.settings, "shopify", change) as given:
        done, found = load(tmp_path / "raw.duckdb", given)
    assert done.code in {1, 5}
    assert any(words in error["message"] for error in found["errors"]), found["errors"]
    # the customers are read all the same
    assert read(tmp_path / "raw.duckdb", "select count(*) > 100 from shopify.customers") == [
        (True,)
    ]


@pytest.mark.system
@pytest.mark.slow
def test_the_marts_orders_are_the_same_from_shopify_as_from_the_database(
    copy_of_loaded, ledger, tmp_path
):
    environment = clean_environment(
        MARKETING_RAW_DATABASE=copy_of_loaded,
        MARKETING_DEV_DATABASE=tmp_path / "wh.duckdb",
        DBT_SCHEMA="built",
        DBT_SEND_ANONYMOUS_USAGE_STATS="false",
    )
    place = ["--project-dir", PROJECT, "--profiles-dir", PROJECT]
    place += ["--target-path", tmp_path / "target", "--log-path", tmp_path / "logs"]
    chosen = "tag:shopify stg_shop__orders stg_shop__customers stg_shop__refunds"
    command = ["build", "--select", *chosen.split(), "stg_shop__exchange_rates"]
    command += ["int_calendar__exchange_rates", "int_calendar__as_of"]
    # their unit tests are written for the shop's own orders
    command += [
        "+int_consent__customers",
        "int_orders__revenue",
        "--exclude",
        "int_orders__revenue,resource_type:unit_test",
    ]
    command += ["int_calendar__as_of,resource_type:unit_test"]
    command += ["int_consent__customers,resource_type:unit_test"]
    command += ["--vars", "{orders_source: shopify}", *place]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *map(str, command)],
        env=environment | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    with duckdb.connect(str(tmp_path / "wh.duckdb"), read_only=True) as connection:
        connection.execute(f"attach '{copy_of_loaded}' as raw (read_only)")
        connection.execute("use wh.built")

        def rows(query):
            return sorted(connection.execute(query).fetchall())

        of_orders = "currency, order_total, is_first_order, order_date, ordered_at, updated_at"
        same(
            rows(f"select order_id, {of_orders} from stg_shop__orders"),
            rows(f"select order_name, {of_orders} from stg_shopify__orders"),
        )
        of_customers = "select email_key, country, created_at, updated_at from"
        same(
            rows(f"{of_customers} stg_shop__customers"),
            rows(f"{of_customers} stg_shopify__customers"),
        )
        of_refunds = "r.currency, refund_amount, refund_date, refunded_at"
        same(
            rows(f"select order_id, {of_refunds} from stg_shop__refunds r"),
            rows(
                f"select order_name, {of_refunds} from stg_shopify__refunds r "
                "join stg_shopify__orders using (order_id)"
            ),
        )
        [(total,)] = rows("select sum(revenue_usd)::varchar from int_orders__revenue")
        assert total == ledger["orders"]["net_usd"]


def same(first, second):
    assert first == second
    assert first
