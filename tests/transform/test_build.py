"""The whole project over a small world, held against plain Python and against the raw rows."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from raw_tables import TABLES, Rows, small_world, usd
from rule_based import MODELS, WINDOWS_DAYS, Conversion, Touch, attribute
from small_warehouse import PROJECT, SCHEMA, Warehouse, make_warehouse

pytestmark = pytest.mark.system
MARTS = (
    "dim_campaigns", "dim_channels", "dim_customers", "fct_acquisition_funnel", "fct_ad_spend",
    "fct_attribution", "fct_automation_steps", "fct_campaign_performance", "fct_conversions",
    "fct_customer_rfm", "fct_customer_value", "fct_email_campaigns", "fct_path_attribution",
    "fct_touchpoints", "rpt_channel_attribution", "rpt_conversion_paths", "rpt_executive_kpis",
    "rpt_unmapped_traffic",
)  # fmt: skip
MODELS_ALONE = ("build", "--resource-type", "seed", "--resource-type", "model")
ATTRIBUTION_CHAIN = ("int_attribution__paths", "int_attribution__credits", "fct_attribution")


def pseudonym(kind: str, value: str) -> str:
    """Return the pseudonym as ingestion must make it."""
    digest = hmac.new(b"key of the tests", f"{kind}:{value}".encode(), hashlib.sha256)
    return f"1-{digest.hexdigest()[:32]}"


def rates(rows: Rows) -> dict[tuple[str, Any], Decimal]:
    """Return the rate by currency and date."""
    return {(row[0], row[1]): row[2] for row in rows["shop.exchange_rates"]}


def net_revenue(rows: Rows) -> dict[str, Decimal]:
    """Return net revenue in dollars by order."""
    rate = rates(rows)
    net = {
        order: usd(Decimal(cents) / 100, rate[currency, on])
        for order, _, _, on, currency, cents, _, _ in rows["shop.orders"]
    }
    for _, order, at, currency, cents, _ in rows["shop.refunds"]:
        net[order] -= usd(Decimal(cents) / 100, rate[currency, at.date()])
    return net


def test_every_model_and_test_of_the_project_passes(built: Warehouse) -> None:
    results = json.loads((built.target / "run_results.json").read_text())["results"]
    assert {result["status"] for result in results} <= {"success", "pass"}
    kinds = [result["unique_id"].split(".")[0] for result in results]
    assert kinds.count("model") >= 51
    assert kinds.count("test") >= 80
    assert kinds.count("unit_test") >= 28


def test_credits_equal_an_independent_calculation(built: Warehouse) -> None:
    touches = [
        Touch(*row)
        for row in built.query(
            "select touchpoint_id, person_key, ga_session_number, touched_at from fct_touchpoints"
        )
    ]
    conversions = [
        Conversion(*row)
        for row in built.query(
            "select conversion_id, person_key, converted_at, revenue_usd from fct_conversions"
        )
    ]
    rows = built.query(
        "select conversion_id, model, window_days, touchpoint_id, credit, revenue_usd"
        " from fct_attribution"
    )
    assert_same(attribute(touches, conversions), conversions, rows)


def assert_same(
    expected: dict[Any, float], conversions: list[Conversion], rows: list[tuple[Any, ...]]
) -> None:
    """Compare credits to 1e-9, and hold credit and revenue conserved exactly."""
    found = {row[:4]: row[4] for row in rows}
    assert len(found) == len(rows)
    assert found.keys() == expected.keys()
    assert all(abs(float(found[key]) - expected[key]) <= 1e-9 for key in expected)
    credit: dict[Any, Decimal] = defaultdict(Decimal)
    revenue: dict[Any, Decimal] = defaultdict(Decimal)
    for conversion_id, model, days, _, share, money in rows:
        credit[conversion_id, model, days] += share
        revenue[conversion_id, model, days] += money
    for conversion in conversions:
        for model in MODELS:
            for days in WINDOWS_DAYS:
                assert credit[conversion.conversion_id, model, days] == 1
                total = revenue[conversion.conversion_id, model, days]
                assert total == conversion.revenue_usd
    by_id = {c.conversion_id: c.revenue_usd for c in conversions}
    for row in rows:
        assert abs(row[5] - by_id[row[0]] * row[4]) <= Decimal("0.01")


def random_case(rng: random.Random) -> tuple[list[Touch], list[Conversion]]:
    """Return touches and conversions with ties, exact window ends, refunds and opt-outs."""
    noon = datetime(2026, 6, 30, 12)
    conversions = [
        Conversion(
            f"c{number}",
            rng.choice(["p", "q", None]),
            noon + timedelta(hours=rng.randint(0, 400)),
            Decimal(rng.choice([0, 1, 2, 99, -7, rng.randint(-500, 100_000)])) / 100,
        )
        for number in range(rng.randint(1, 5))
    ]
    touches = []
    for number in range(rng.randint(0, 14)):
        end = rng.choice(conversions).converted_at
        days = rng.choice([0, 7, 30, 90, rng.uniform(0, 120)])
        near = timedelta(seconds=rng.choice([-1, 0, 0, 1, 0.25]))
        touches.append(
            Touch(
                f"t{number}", rng.choice("pq"), rng.randint(1, 3), end - timedelta(days=days) + near
            )
        )
    return touches, conversions


def test_random_touch_sets_are_credited_like_the_independent_calculation(
    built: Warehouse,
) -> None:
    rng = random.Random(20261031)
    for _ in range(30):
        touches, conversions = random_case(rng)
        rows = run_chain(built.target, touches, conversions)
        assert_same(attribute(touches, conversions), conversions, rows)


def run_chain(
    target: Path, touches: list[Touch], conversions: list[Conversion]
) -> list[tuple[Any, ...]]:
    """Run the compiled SQL of the attribution models over given touches and conversions."""
    connection = duckdb.connect()
    connection.execute(f"attach ':memory:' as wh; create schema wh.{SCHEMA}; use wh.{SCHEMA}")
    connection.execute(
        "create table fct_touchpoints (touchpoint_id text, person_key text,"
        " ga_session_number bigint, touched_at timestamp, channel text, platform text,"
        " campaign_id text, touch_date date)"
    )
    connection.execute(
        "create table fct_conversions (conversion_id text, person_key text,"
        " converted_at timestamp, revenue_usd decimal(18, 2), conversion_date date)"
    )
    for t in touches:
        connection.execute(
            "insert into fct_touchpoints values (?, ?, ?, ?, 'email', null, null, null)",
            [t.touchpoint_id, t.person_key, t.session_number, t.touched_at],
        )
    for c in conversions:
        connection.execute(
            "insert into fct_conversions values (?, ?, ?, ?, null)",
            [c.conversion_id, c.person_key, c.converted_at, c.revenue_usd],
        )
    for model in ATTRIBUTION_CHAIN:
        found = (target / "compiled").rglob(f"{model}.sql")
        (path,) = [file for file in found if ".yml" not in str(file)]
        connection.execute(f"create table {model} as {path.read_text()}")
    return connection.execute(
        "select conversion_id, model, window_days, touchpoint_id, credit, revenue_usd"
        " from fct_attribution"
    ).fetchall()


def test_revenue_equals_orders_less_refunds_to_the_cent(built: Warehouse) -> None:
    expected = net_revenue(built.rows)
    assert dict(built.query("select conversion_id, revenue_usd from fct_conversions")) == expected
    totals = built.query(
        "select sum(revenue_usd) from rpt_channel_attribution group by model, window_days"
    )
    assert len(totals) == len(MODELS) * len(WINDOWS_DAYS)
    assert {total for (total,) in totals} == {sum(expected.values())}


def test_spend_equals_the_platforms_rows_to_the_cent(built: Warehouse) -> None:
    rate, currency = rates(built.rows), {"10": "USD", "11": "EUR", "20": "EUR", "30": "EUR"}
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for row in built.rows["meta_ads.ad_insights"]:
        expected["meta_ads"] += usd(row[10], rate[currency[row[0]], row[1]])
    for row in built.rows["google_ads.campaign_stats"]:
        spend = Decimal(row[7]) / 1_000_000
        expected["google_ads"] += usd(spend, rate[currency[row[0]], row[1]])
    for row in built.rows["linkedin_ads.campaign_stats"]:
        expected["linkedin_ads"] += usd(row[8], rate[currency[row[0]], row[1]])
    found = dict(built.query("select platform, sum(spend_usd) from fct_ad_spend group by platform"))
    assert found == dict(expected)
    by_channel = dict(
        built.query(
            "select channel, spend_usd from rpt_channel_attribution"
            " where model = 'linear' and window_days = 30 and spend_usd > 0"
        )
    )
    social = found["meta_ads"] + found["linkedin_ads"]
    assert by_channel == {"paid_social": social, "paid_search": found["google_ads"]}


def test_opted_out_customers_are_in_no_mart_but_their_orders_count(built: Warehouse) -> None:
    refused = {row[1] for row in built.rows["shop.consents"] if row[3] == 0}
    keys = {pseudonym("customer", customer) for customer in refused}
    orders = {row[0] for row in built.rows["shop.orders"] if row[1] in refused}
    assert orders
    for mart, column in (
        ("fct_touchpoints", "person_key"),
        ("fct_conversions", "person_key"),
        ("dim_customers", "customer_key"),
        ("fct_customer_value", "customer_key"),
        ("fct_customer_rfm", "customer_key"),
    ):
        assert not keys & {key for (key,) in built.query(f"select {column} from {mart}")}
    channels = built.query(
        "select distinct conversion_id, channel from fct_attribution join fct_conversions"
        " using (conversion_id) where is_opted_out"
    )
    assert {row[0] for row in channels} == orders
    assert {row[1] for row in channels} == {"unattributed"}


def test_no_table_holds_a_person_in_clear(built: Warehouse) -> None:
    columns: dict[str, list[str]] = defaultdict(list)
    for table, column in built.query(
        "select table_name, column_name from information_schema.columns"
        f" where table_schema = '{SCHEMA}' and data_type = 'VARCHAR'"
    ):
        columns[table].append(column)
    assert len(columns) > 45
    clear = "@|^cust-[0-9]|^dev-|^anon-|^md5-"
    for table, names in columns.items():
        text = "concat_ws(chr(10), " + ", ".join(names) + ")"
        hits = built.query(
            f"select {text} from {table} where regexp_matches({text}, '{clear}', 'm') limit 1"
        )
        assert hits == [], table


def test_bots_touch_nothing_and_unknown_devices_stay(built: Warehouse) -> None:
    persons = {key for (key,) in built.query("select person_key from fct_touchpoints")}
    assert not persons & {pseudonym("device", "bot-1"), pseudonym("device", "bot-2")}
    assert pseudonym("device", "anon-0") in persons


def test_mail_counts_equal_the_rows(built: Warehouse) -> None:
    activity = [row for row in built.rows["mailchimp.email_activity"] if row[0] == "c1"]
    expected = (
        sum(row[0] == "c1" for row in built.rows["mailchimp.sent_to"]),
        sum(row[3] == "open" and row[4] == "" for row in activity),
        sum(row[4] == "proxy" for row in activity),
        sum(row[3] == "click" for row in activity),
    )
    found = built.query("select sent, human_opens, machine_opens, clicks from fct_email_campaigns")
    assert found == [expected]


def test_every_tag_the_jobs_select_has_models_or_tests(built: Warehouse) -> None:
    manifest = json.loads((built.target / "manifest.json").read_text())
    tags = {tag for node in manifest["nodes"].values() for tag in node["tags"]}
    assert tags >= {
        "staging",
        "ads",
        "campaigns",
        "attribution",
        "funnel",
        "customers",
        "email",
        "automation",
        "executive",
        "conservation",
        "reconciliation",
        "consent",
        "customer_consent",
        "business_logic",
        *(folder.name for folder in (PROJECT / "models" / "staging").iterdir()),
    } - {"shopify"}  # its models take the place of the shop's when a variable says so


def fingerprints(warehouse: Warehouse) -> dict[str, Any]:
    """Return row count and an order-free checksum of each mart."""
    return {
        mart: warehouse.query(f"select count(*), bit_xor(hash(m)), sum(hash(m)) from {mart} m")
        for mart in MARTS
    }


@pytest.mark.slow
def test_a_second_build_gives_the_same_rows(tmp_path: Path) -> None:
    warehouse = make_warehouse(tmp_path, small_world(seed=5))
    assert warehouse.run_dbt(*MODELS_ALONE).returncode == 0
    first = fingerprints(warehouse)
    assert warehouse.run_dbt(*MODELS_ALONE, "--threads", "1").returncode == 0
    assert fingerprints(warehouse) == first


@pytest.mark.slow
def test_empty_raw_tables_build(tmp_path: Path) -> None:
    rows: Rows = {name: [] for name in TABLES}
    result = make_warehouse(tmp_path, rows).run_dbt(*MODELS_ALONE)
    assert result.returncode == 0, result.stdout[-3000:]


@pytest.mark.slow
def test_a_refund_without_a_rate_is_refused_not_lost(tmp_path: Path) -> None:
    rows = small_world(seed=1)
    order = rows["shop.orders"][0]
    at = datetime(2027, 6, 1, tzinfo=UTC)
    rows["shop.refunds"].append(("r-late", order[0], at, "EUR", 5, at))
    result = make_warehouse(tmp_path, rows).run_dbt("run", "--select", "+fct_conversions")
    assert result.returncode == 1
    assert "NOT NULL constraint failed: fct_conversions" in result.stdout


DOMAINS = (
    "ads", "campaigns", "attribution", "funnel", "customers", "email", "automation", "executive",
    "conservation", "reconciliation", "consent", "customer_consent",
    "business_logic",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("tag", DOMAINS)
def test_a_tag_and_its_parents_build_on_an_empty_schema(tmp_path: Path, tag: str) -> None:
    warehouse = make_warehouse(tmp_path, small_world(seed=1))
    result = warehouse.run_dbt("build", "--select", f"+tag:{tag}")
    assert result.returncode == 0, result.stdout[-3000:]
    assert "SKIP=0" in result.stdout
