"""The whole project over a small world, held against plain Python and against the raw rows."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from histories import credited, random_history
from raw_tables import TABLES, Rows, moment, small_world, usd
from rule_based import MODELS, WINDOWS_DAYS, Conversion, Touch, assert_same, attribute
from small_warehouse import PROJECT, SCHEMA, Warehouse, make_warehouse

from marketing_analytics.jobs.model import load_job_file

pytestmark = pytest.mark.system
# not rpt_lifetime_value_fits: it says when each fit was made
MARTS = (
    "dim_campaigns", "dim_channels", "dim_customers", "fct_acquisition_funnel",
    "fct_ad_group_performance", "fct_ad_performance", "fct_ad_spend", "fct_attribution",
    "fct_automation_steps", "fct_campaign_performance", "fct_conversions",
    "fct_customer_lifetime_value", "fct_customer_rfm",
    "fct_customer_value", "fct_email_campaigns", "fct_path_attribution", "fct_touchpoints",
    "rpt_ad_fatigue", "rpt_attribution_days", "rpt_budget_pacing", "rpt_campaign_attribution_days",
    "rpt_channel_attribution", "rpt_channel_performance",
    "rpt_conversion_paths", "rpt_executive_kpis", "rpt_lifetime_value",
    "rpt_lifetime_value_accuracy", "rpt_lifetime_value_calibration", "rpt_marginal_returns",
    "rpt_set_aside_orders",
    "rpt_unmapped_traffic",
)  # fmt: skip
MODELS_ALONE = ("build", "--resource-type", "seed", "--resource-type", "model")


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
    # an exposure is nothing to do
    done = [one for one in results if not one["unique_id"].startswith("exposure.")]
    assert {one["status"] for one in done} == {"success", "pass"}
    kinds = [result["unique_id"].split(".")[0] for result in results]
    assert kinds.count("model") >= 51
    assert kinds.count("test") >= 80
    assert kinds.count("unit_test") >= 28


def test_credits_equal_an_independent_calculation(built: Warehouse) -> None:
    touches = [
        Touch(*row)
        for row in built.query(
            "select touchpoint_id, person_key, ga_session_number, touched_at, channel"
            " from fct_touchpoints"
        )
    ]
    conversions = [
        Conversion(*row)
        for row in built.query(
            "select conversion_id, person_key, converted_at, revenue_usd, is_refunded"
            " from fct_conversions"
        )
    ]
    rows = built.query(
        "select conversion_id, model, window_days, touchpoint_id, credit, revenue_usd"
        " from fct_attribution"
    )
    assert_same(attribute(touches, conversions), conversions, rows)


def test_random_touch_sets_are_credited_like_the_independent_calculation(
    built: Warehouse,
) -> None:
    rng = random.Random(20261031)
    for _ in range(30):
        touches, conversions = random_history(rng)
        rows = credited(built.target, touches, conversions)
        assert_same(attribute(touches, conversions), conversions, rows)


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
    assert {row[1] for row in channels} <= {"unattributed", "refunded"}


def test_no_table_holds_a_person_in_clear(built: Warehouse) -> None:
    columns: dict[str, list[str]] = defaultdict(list)
    for table, column in built.query(
        "select table_name, column_name from information_schema.columns"
        f" where table_schema = '{SCHEMA}' and data_type = 'VARCHAR'"
    ):
        columns[table].append(column)
    assert len(columns) > 45
    clear = "@|^cust-[0-9]|^dev-|^anon-|^md5-"
    texts = (
        f"select '{table}' as place, concat_ws(chr(10), {', '.join(names)}) as held from {table}"
        for table, names in columns.items()
    )
    looks = (
        f"(select * from ({text}) where regexp_matches(held, '{clear}', 'm') limit 1)"
        for text in texts
    )
    assert built.query(" union all ".join(looks)) == []


def test_bots_touch_nothing_and_unknown_devices_stay(built: Warehouse) -> None:
    persons = {key for (key,) in built.query("select person_key from fct_touchpoints")}
    assert not persons & {pseudonym("device", "bot-1"), pseudonym("device", "bot-2")}
    assert pseudonym("device", "anon-0") in persons


def test_mail_counts_equal_the_rows(built: Warehouse) -> None:
    activity = [row for row in built.rows["mailchimp.email_activity"] if row[0] == "c1"]
    expected = (
        sum(row[0] == "c1" for row in built.rows["mailchimp.sent_to"]),
        sum(row[3] == "open" and row[5] >= moment(6) for row in activity),
        sum(row[3] == "open" and row[5] < moment(6) for row in activity),
        sum(row[3] == "click" for row in activity),
    )
    found = built.query(
        "select sent, human_opens, machine_opens, human_clicks + machine_clicks "
        "from fct_email_campaigns where platform = 'mailchimp'"
    )
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
@pytest.mark.parametrize("refunds", [1, 2])
def test_money_without_a_rate_stops_the_build_with_currency_and_day(
    tmp_path: Path, refunds: int
) -> None:
    rows = small_world(seed=1)
    order = rows["shop.orders"][0]
    at = datetime(2027, 6, 1, tzinfo=UTC)
    for number in range(refunds):
        rows["shop.refunds"].append((f"late-{number}", order[0], at, "GBP", 5, at))
    result = make_warehouse(tmp_path, rows).run_dbt(*MODELS_ALONE, "--select", "+fct_conversions")
    assert result.returncode == 1
    assert "no exchange rate for GBP on 2027-06-01" in result.stdout


@pytest.mark.slow
def test_euros_are_reported_where_they_are_asked_for(tmp_path: Path) -> None:
    rows = small_world(seed=1)
    warehouse = make_warehouse(tmp_path, rows)
    result = warehouse.run_dbt(*MODELS_ALONE, "--vars", "{reporting_currency: EUR}")
    assert result.returncode == 0, result.stdout[-3000:]
    rate = rates(rows)
    expected = {
        order: (
            Decimal(cents) / 100
            if currency == "EUR"
            else (Decimal(cents) / 100 / rate["EUR", on]).quantize(Decimal("0.01"), ROUND_HALF_UP)
        )
        for order, _, _, on, currency, cents, _, _ in rows["shop.orders"]
    }
    assert dict(warehouse.query("select conversion_id, gross_usd from fct_conversions")) == expected
    assert warehouse.query("select reporting_currency from int_calendar__as_of") == [("EUR",)]


@pytest.mark.slow
def test_orders_of_the_future_are_set_aside_and_counted(tmp_path: Path) -> None:
    rows = small_world(seed=1)
    future = datetime(2099, 1, 1, tzinfo=UTC)
    rows["shop.orders"].append(
        ("o-future", "cust-1", future, future.date(), "USD", 100, 0, moment(1))
    )
    warehouse = make_warehouse(tmp_path, rows)
    result = warehouse.run_dbt(*MODELS_ALONE)
    assert result.returncode == 0, result.stdout[-3000:]
    assert warehouse.query("select order_id from rpt_set_aside_orders") == [("o-future",)]
    (count,) = warehouse.query("select count(*) from fct_conversions")
    assert count == (len(rows["shop.orders"]) - 1,)


SETTINGS = {
    "default_attribution_window_days: 45": "one of attribution_windows_days",
    "default_attribution_model: lienar": "one of attribution_models, first_touch",
    "attribution_models: [linear, lienar]": "some of first_touch",
    "default_attribution_model: linear, attribution_models: [j_shaped]": (
        "attribution_models, j_shaped"
    ),
    "time_decay_half_life_days: 0": "days above zero",
    "time_decay_half_life_days: '7'": "days above zero",
    "attribution_windows_days: [7, 7]": "each once",
    "attribution_windows_days: 30": "whole days",
    "consent_windows_days: {analytics: 7}": "marketing and profiling",
    "consent_windows_days: {profiling: 0}": "from 1 to 3650",
    "path_windows_days: [7, 8]": "some of attribution_windows_days",
    "attribution_own_windows: [{model: linear, window_days: 8}]": "window_days of",
    "attribution_own_windows: [{conversion_type: lead, window_days: 7}]": "types first_order",
    "attribution_own_windows: {model: last_touch, window_days: 7}": "a list of",
    "attribution_own_windows: [last_touch]": "a list of",
    "attribution_own_windows: [{model: linear, window_days: 7}, {model: linear, window_days: 1}]": (
        "each model and type once"
    ),
    "markov_orders: {channel: [1], 2: [1]}": "a map of channel and campaign",
    "consent_windows_days: {profiling: 7, 5: 1}": "marketing and profiling",
    "position_percents: {position_based: {first: 60, last: 60}}": "all of position_based, j_shaped",
    "position_percents: '40'": "at most 100",
    "reporting_currency: euro": "ISO 4217",
    "as_of_date: '2026-13-01'": "YYYY-MM-DD",
    "orders_source: magento": "shop or shopify",
    "max_touches_per_person: 0": "from 1 to",
    "ad_fatigue_days: 0": "from 1 to",
    "markov_steps: 132": "that 8 divides",
    "response_curve_min_weeks: 4": "from 5 to",
    "as_of_date: '2026-02-31'": "YYYY-MM-DD",
    "shapley_max_players: 0": "from 1 to 16",
    "shapley_max_players: -3": "from 1 to 16",
    "markov_orders: {channel: [1, 4], campaign: [1]}": "lists of 1, 2 and 3",
    "markov_orders: [1, 2]": "a map of channel and campaign",
    "markov_orders: {channel: [2]}": "channel with 1",
    "markov_steps: abc": "that 8 divides",
    "machine_click_links: abc": "from 1 to",
    "machine_click_seconds: -1": "from 0 to",
    "machine_click_delivery_seconds: null": "from 0 to",
    "machine_open_seconds: -1": "from 0 to",
    "machine_open_percent: 0": "from 1 to",
    "email_frequency_most: 0": "from 1 to",
    "flow_uplift_days: 0": "from 1 to",
    "minimum_cell_customers: 0": "from 1 to",
    "identity_reach_days: null": "from 1 to",
    "time_decay_half_life_days: null": "days above zero",
    "path_windows_days: null": "some of attribution_windows_days",
    "raw_databases: abc": "a map of names",
    "raw_schemas: {shop: 7}": "a map of names",
    "raw_tables: null": "a map of names",
    "raw_schemas: {shops: sales}": "; shops is none",
    "raw_tables: {shop.order: sales}": "; shop.order is none",
    "text_types: [string]": "a map of names",
    "double_types: abc": "a map of names",
    "platforms: abc": "a list of {name, channel",
    "platforms: [{name: tiktok, channel: paid_social, days: days}]": "lacks or has accounts",
    "rfm_scoring: deciles": "thresholds or quantiles",
    "rfm_history_months: 0": "from 1 to",
    "ltv_hold_out_days: 29": "the shortest horizon on, 30",
    "ltv_margin: 40": "at most 1",
    "ltv_discount_rate: 10": "from 0 to 1",
}


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda text: text.split(":")[0])
def test_a_setting_that_would_give_wrong_numbers_is_refused(
    built: Warehouse, tmp_path: Path, setting: str
) -> None:
    warehouse = make_warehouse(tmp_path, built.rows)
    result = warehouse.run_dbt("run", "--select", "dim_channels", "--vars", f"{{{setting}}}")
    assert result.returncode == 2
    assert f"the variable {setting.split(':')[0]} is " in result.stdout
    assert SETTINGS[setting] in result.stdout
    assert "OK created" not in result.stdout


def steps_that_build() -> list[str]:
    """Return the steps of all jobs that build tables."""
    files = [load_job_file(path) for path in (PROJECT.parent / "env_file").glob("*_env.tfvars")]
    steps = {step for file in files for job in file.jobs for step in job.execute_steps}
    return sorted(step for step in steps if step.startswith("dbt build"))


# the tests of these tags need what several jobs build
TAGS_ACROSS_JOBS = ("conservation", "consent", "customer_consent")


@pytest.mark.slow
@pytest.mark.parametrize(
    "step",
    [*steps_that_build(), *(f"dbt build --select +tag:{tag}" for tag in TAGS_ACROSS_JOBS)],
)
def test_every_job_builds_alone_on_an_empty_schema(tmp_path: Path, step: str) -> None:
    warehouse = make_warehouse(tmp_path, small_world(seed=1))
    result = warehouse.run_dbt(*step.split()[1:])
    assert result.returncode == 0, result.stdout[-3000:]
    assert "SKIP=0" in result.stdout


# plans of months to come, horizons of predictions, and fits that were made before
LATER = {"budget_month", "horizon_date", "as_of_date"}


@pytest.mark.slow
def test_a_day_of_the_past_hides_what_came_after(tmp_path: Path) -> None:
    warehouse = make_warehouse(tmp_path, small_world(seed=1))
    built = warehouse.run_dbt(*MODELS_ALONE)
    assert built.returncode == 0, built.stdout[-3000:]
    (latest,) = warehouse.query("select as_of_date from int_calendar__as_of")[0]
    asked = latest - timedelta(days=20)
    again = warehouse.run_dbt(
        "build", "--full-refresh", "--exclude-resource-type", "unit_test",
        "--vars", f"as_of_date: '{asked}'",
    )  # fmt: skip
    assert again.returncode == 0, again.stdout[-3000:]
    later = [
        (table, column)
        for table, column in warehouse.query(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = 'built' and data_type in ('DATE', 'TIMESTAMP')"
            " and regexp_matches(table_name, '^(fct|rpt)_') and not ends_with(column_name, '_at')"
            " or column_name in ('touched_at', 'converted_at')"
        )
        if column not in LATER and table != "rpt_set_aside_orders"
        and warehouse.query(f"select max({column})::date > date '{asked}' from {table}")
        == [(True,)]
    ]  # fmt: skip
    assert later == []
