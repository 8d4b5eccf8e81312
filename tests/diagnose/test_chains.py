"""Each link: broken, it is named and no other; mended, the chain holds."""

from __future__ import annotations

import pytest

CHAINS = ("attribution", "roi", "ltv", "freshness", "consent")

# chain, link, what breaks it, what mends it
CASES = [
    ("attribution", "source limits",
     ("update stg_ingest__loads set status = 'failed', error_messages = 'token has expired'"
     " where source = 'ga4'"),
     "update stg_ingest__loads set status = 'ok', error_messages = null"),
    ("attribution", "visits",
     ("create table kept as select * from int_web__sessions where session_date > '2026-10-20';"
     " delete from int_web__sessions where session_date > '2026-10-20'"),
     "insert into int_web__sessions from kept"),
    ("attribution", "visits",
     ("create table kept as select * from int_web__sessions where session_date = '2026-10-20';"
     " delete from int_web__sessions where session_date = '2026-10-20'"),
     "insert into int_web__sessions from kept"),
    ("attribution", "orders",
     ("insert into stg_shop__orders (order_id, order_total, order_date)"
     " values ('late', 50, '2026-10-30')"),
     "delete from stg_shop__orders where order_id = 'late'"),
    ("attribution", "first orders",
     "update int_orders__revenue set is_first_order = true where order_id = 'o31'",
     "update int_orders__revenue set is_first_order = false where order_id = 'o31'"),
    ("attribution", "tracking",
     "update fct_conversions set is_tracked = false where conversion_date > '2026-10-20'",
     "update fct_conversions set is_tracked = true"),
    ("attribution", "order numbers",
     "update int_web__purchases set order_id = 'web-' || order_id",
     "update int_web__purchases set order_id = replace(order_id, 'web-', '')"),
    ("attribution", "touches",
     ("update int_attribution__credits set touch_position = 0"
     " where conversion_id between 'o40' and 'o49'"),
     "update int_attribution__credits set touch_position = 1"),
    ("attribution", "window",
     ("update int_attribution__credits set seconds_to_conversion = 45 * 86400"
      " where window_days = 90"),
     "update int_attribution__credits set seconds_to_conversion = 86400 where window_days = 90"),
    ("attribution", "channel rules",
     "insert into rpt_unmapped_traffic values ('blog', 'feed', 300, 20)",
     "delete from rpt_unmapped_traffic"),
    ("attribution", "campaign mapping",
     "update int_web__sessions set campaign_id = null where platform = 'meta_ads'",
     "update int_web__sessions set campaign_id = 'm1' where platform = 'meta_ads'"),
    ("attribution", "unattributed",
     "update int_attribution__default_model set channel = 'unattributed'",
     "update int_attribution__default_model set channel = 'paid_search'"),
    ("attribution", "credit",
     ("update fct_attribution set revenue_usd = revenue_usd - 1"
     " where conversion_id = 'o9' and model = 'last_touch' and window_days = 30"),
     "update fct_attribution set revenue_usd = 50 where conversion_id = 'o9'"),
    ("attribution", "credit",
     "update fct_attribution set credit = 0.5 where conversion_id = 'o9'",
     "update fct_attribution set credit = 1"),
    ("roi", "source limits",
     "update stg_ingest__loads set status = 'interrupted' where source = 'meta_ads'",
     "update stg_ingest__loads set status = 'ok'"),
    ("roi", "completeness",
     "update raw.meta_ads._totals set loaded_total = 12 where date = '2026-10-17'",
     "update raw.meta_ads._totals set loaded_total = 20"),
    ("roi", "days",
     ("create table kept as from int_ads__daily"
     " where report_date = '2026-10-17' and platform = 'meta_ads';"
     " delete from int_ads__daily where report_date = '2026-10-17' and platform = 'meta_ads'"),
     "insert into int_ads__daily from kept"),
    ("roi", "days",
     ("create table kept as from int_ads__daily where report_date > '2026-10-28';"
     " delete from int_ads__daily where report_date > '2026-10-28'"),
     "insert into int_ads__daily from kept"),
    ("roi", "exchange rates",
     "update int_calendar__exchange_rates set valid_until_date = '2026-10-20'",
     "update int_calendar__exchange_rates set valid_until_date = '2026-11-06'"),
    ("roi", "exchange rates",
     "update dim_campaigns set currency = 'SEK' where platform = 'meta_ads'",
     "update dim_campaigns set currency = 'EUR' where platform = 'meta_ads'"),
    ("roi", "spend import",
     ("update fct_ad_spend set spend = spend - 0.01 where report_date = '2026-10-17'"
     " and platform = 'meta_ads'"),
     "update fct_ad_spend set spend = 10"),
    ("roi", "spend booking",
     "update fct_campaign_performance set spend_usd = 0 where performance_date = '2026-10-17'",
     "update fct_campaign_performance set spend_usd = 10"),
    ("roi", "campaign delivery",
     ("update fct_ad_spend set spend_usd = 0 where platform = 'meta_ads'"
     " and report_date between '2026-10-17' and '2026-10-19';"
     " update int_ads__daily set spend_usd = 0 where platform = 'meta_ads'"
     " and report_date between '2026-10-17' and '2026-10-19';"
     " update fct_campaign_performance set spend_usd = 0 where platform = 'meta_ads'"
     " and performance_date between '2026-10-17' and '2026-10-19'"),
     ("update fct_ad_spend set spend_usd = 10; update int_ads__daily set spend_usd = 10;"
     " update fct_campaign_performance set spend_usd = 10")),
    ("roi", "campaign mapping",
     ("update int_web__sessions set campaign_id = null, campaign_match = null"
     " where platform = 'meta_ads'"),
     ("update int_web__sessions set campaign_id = 'm1', campaign_match = 'id'"
     " where platform = 'meta_ads'")),
    ("roi", "clicks seen",
     "update fct_ad_spend set clicks = 200 where report_date > '2026-10-03'",
     "update fct_ad_spend set clicks = 20"),
    ("roi", "orders of tomorrow",
     "insert into rpt_set_aside_orders values ('o99', 'USD', 50, '2027-10-01', '2026-10-31')",
     "delete from rpt_set_aside_orders"),
    ("roi", "orders",
     "update fct_conversions set order_total = 5 where conversion_id = 'o9'",
     "update fct_conversions set order_total = 50 where conversion_id = 'o9'"),
    ("roi", "refunds",
     "insert into stg_shop__refunds values ('r2', 'nobody', '2026-10-01')",
     "delete from stg_shop__refunds where refund_id = 'r2'"),
    ("roi", "refunds",
     "insert into stg_shop__refunds values ('r2', 'o9', '2026-10-01')",
     "update int_orders__revenue set refund_count = 1 where order_id = 'o9'"),
    ("roi", "plans",
     "delete from stg_shop__budgets where platform = 'meta_ads'",
     "insert into stg_shop__budgets values ('2026-10-01', 'meta_ads', 'm1', 500)"),
    ("ltv", "purchases",
     "delete from int_value__purchases where customer_key = 'c3'",
     ("insert into int_value__purchases select customer_key, order_date, revenue_usd"
     " from int_orders__revenue where customer_key = 'c3'")),
    ("ltv", "histories",
     "update int_value__histories set frequency = 0",
     "update int_value__histories set frequency = 2"),
    ("ltv", "fit",
     "update rpt_lifetime_value_fits set status = 'not_converged', reason = 'at a bound'",
     "update rpt_lifetime_value_fits set status = 'good'"),
    ("ltv", "fit in force",
     "update int_value__parameters set fit_date = '2026-10-01'",
     "update int_value__parameters set fit_date = '2026-10-31'"),
    ("ltv", "scores",
     "delete from fct_customer_lifetime_value where customer_key = 'h1'",
     "insert into fct_customer_lifetime_value values ('h1', '2026-10-31', 'bg_nbd', 0.7, 12)"),
    ("ltv", "predictions kept",
     "delete from int_value__predictions where prediction_date = '2026-10-24'",
     "insert into int_value__predictions values ('2026-10-24', 'h1', 'fit')"),
    ("ltv", "accuracy",
     "update rpt_lifetime_value_accuracy set revenue_bias = 0.4",
     "update rpt_lifetime_value_accuracy set revenue_bias = 0.02"),
    ("ltv", "accuracy",
     "update rpt_lifetime_value_accuracy set interval_coverage = 0.5",
     "update rpt_lifetime_value_accuracy set interval_coverage = 0.8"),
    ("ltv", "calibration",
     "update rpt_lifetime_value_accuracy set calibration_slope = 0.3",
     "update rpt_lifetime_value_accuracy set calibration_slope = 1.0"),
    ("ltv", "as-of",
     "update fct_customer_lifetime_value set prediction_date = '2026-10-20'",
     "update fct_customer_lifetime_value set prediction_date = '2026-10-31'"),
    ("freshness", "platform delay",
     "update stg_ingest__freshness set last_row_day = '2026-10-25' where source = 'meta_ads'",
     "update stg_ingest__freshness set last_row_day = '2026-10-31'"),
    ("freshness", "sync",
     "update stg_ingest__freshness set read_at = '2026-10-28 06:00' where source = 'meta_ads'",
     "update stg_ingest__freshness set read_at = '2026-11-01 06:00'"),
    ("freshness", "dbt run",
     "delete from fct_ad_spend where report_date = '2026-10-31' and platform = 'meta_ads'",
     ("insert into fct_ad_spend from int_ads__daily"
     " where report_date = '2026-10-31' and platform = 'meta_ads'")),
    ("freshness", "marts",
     "update rpt_executive_kpis set as_of_date = '2026-10-20'",
     "update rpt_executive_kpis set as_of_date = '2026-10-31'"),
    ("freshness", "sync",
     "update stg_ingest__freshness set read_at = '2030-01-01' where source = 'shop'",
     "update stg_ingest__freshness set read_at = '2026-11-01 06:00' where source = 'shop'"),
    ("freshness", "report",
     ("insert into marts_monitor.monitor_probes"
     " values ('report', '2026-11-01 07:45', false, false, null, 'connection refused')"),
     ("insert into marts_monitor.monitor_probes"
     " values ('report', '2026-11-01 07:50', true, true, 60, null)")),
    ("consent", "decisions",
     "insert into stg_shop__consents values ('c5', 'analytics', false, '2026-10-31')",
     ("insert into int_consent__decisions values ('shop', 'c5', 'analytics', false, '2026-10-31');"
     " update int_consent__customers set is_opted_out = true where customer_key = 'c5';"
     " update fct_conversions set person_key = null where person_key = 'c5';"
     " delete from fct_customer_value where customer_key = 'c5'")),
    ("consent", "ledger",
     ("delete from stg_shop__consents where customer_key < 'c2';"
     " delete from int_consent__decisions where person_key < 'c2'"),
     ("insert into int_consent__decisions select 'shop', customer_key, 'marketing', true,"
     " created_at from int_consent__customers where customer_key < 'c2'")),
    ("consent", "windows",
     ("update int_attribution__credits set seconds_to_conversion = 9 * 86400"
      " where conversion_id = 'o2'"),
     ("update int_attribution__credits set seconds_to_conversion = 86400"
      " where conversion_id = 'o2'")),
    ("consent", "opt-outs",
     "update int_consent__customers set is_opted_out = false where customer_key = 'c29'",
     "update int_consent__customers set is_opted_out = true where customer_key = 'c29'"),
    ("consent", "marts",
     "insert into fct_customer_value values ('c29')",
     "delete from fct_customer_value where customer_key = 'c29'"),
    ("consent", "audiences",
     "insert into raw._ingest.audience_members values ('x1', 'c28')",
     "delete from raw._ingest.audience_members where customer_key = 'c28'"),
]  # fmt: skip


@pytest.mark.parametrize("chain", CHAINS)
def test_every_link_of_a_sound_warehouse_holds(small, chain):
    found = small.walk(chain)
    assert {name: link.sentence for name, link in found.items() if link.status != "ok"} == {}


@pytest.mark.parametrize(
    ("chain", "link", "breaks", "mends"),
    CASES,
    ids=[f"{chain}-{link}-{number}" for number, (chain, link, _, _) in enumerate(CASES)],
)
def test_the_broken_link_is_named_until_it_is_mended(small, chain, link, breaks, mends):
    small.change(breaks)
    found = small.walk(chain)
    broken = [name for name, one in found.items() if one.status == "broken"]
    assert broken[:1] == [link], found[link].sentence
    small.change(mends)
    found = small.walk(chain)
    assert {name: one.sentence for name, one in found.items() if one.status == "broken"} == {}


def test_every_link_is_broken_by_a_case():
    from importlib import import_module

    links = {
        (chain, link.name)
        for chain in CHAINS
        for link in import_module(f"marketing_analytics.diagnose.chains.{chain}").CHAIN
    }
    assert {(chain, link) for chain, link, _, _ in CASES} == links


def test_a_look_of_long_ago_says_nothing_of_the_report_now(small):
    small.change("update marts_monitor.monitor_probes set probed_at = '2026-08-01 06:00'")
    found = small.walk("freshness")["report"]
    assert found.status == "unknown"
    assert "the last look at the report is of 2026-08-01 06:00" in found.sentence
    # nor does one of a target that nobody probes any more
    small.change(
        "update marts_monitor.monitor_probes set target = 'old', is_available = false;"
        " insert into marts_monitor.monitor_probes"
        " values ('report', '2026-11-01 07:50', true, true, 60, null)"
    )
    assert small.walk("freshness")["report"].status == "ok"
