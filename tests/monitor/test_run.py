"""A run over small marts: what is found, what is kept, and what is said."""

from __future__ import annotations

import re

import pytest

from marketing_analytics.monitor import history
from marketing_analytics.monitor.check import Finding
from marketing_analytics.monitor.checks import checks
from marketing_analytics.monitor.place import Place, opened
from marketing_analytics.monitor.results import Result
from marketing_analytics.monitor.run import Run, one_a_subject, run_monitors, watched


def run(place: Place, *names: str) -> Run:
    chosen = [one for one in watched(checks(), {}) if not names or one.check.name in names]
    return run_monitors(place, chosen)


def change(place: Place, *statements: str) -> None:
    with opened(place, is_read_only=False) as connection:
        for statement in statements:
            connection.execute(statement)


def wrong(found: Run) -> list[Result]:
    return [result for result in found.results if result.status in ("failing", "warning")]


def test_healthy_marts_are_fine_and_what_cannot_be_told_is_unknown(place: Place) -> None:
    first, second = run(place), run(place)
    assert wrong(first) == wrong(second) == []
    unknown = {result.monitor for result in second.results if result.status == "unknown"}
    assert unknown == {"job_runs"}
    moving = {result.subject for result in second.results if result.status == "moving"}
    assert {"google_ads/a1", "google_ads/a1/g1", "meta_ads/a1/m1"} <= moving


FAULTS = {
    "spend_reconciliation": "update marts.fct_ad_spend set spend = 5"
    " where report_date = '2026-10-30' and campaign_id = 'g1'",
    "reconciliation": "delete from marts.fct_conversions where conversion_id = 'c-2026-10-30-1'",
    "budget": "update marts.rpt_budget_pacing set spend_usd = 900, pacing = 1.6",
    "unmapped_channels": "insert into marts.rpt_unmapped_traffic values"
    " ('unassigned', 'newnet', 'cpc', 'no rule', 40, 0, '2026-10-28', '2026-10-31')",
    "volume": "delete from marts.int_web__sessions where session_date = '2026-10-31'",
    "schema": "alter table marts.dim_campaigns drop column campaign_name",
    "consent_rate": "update marts.fct_conversions set is_tracked = false"
    " where conversion_date = '2026-10-31'",
    "ltv_accuracy": "update marts.rpt_lifetime_value_accuracy set revenue_bias = 0.5",
    "campaign_freshness": "delete from marts.fct_ad_spend where campaign_id = 'g1'"
    " and report_date = '2026-10-31'",
    "attribution_drift": "update marts.fct_attribution set credit = 0.9 where model = 'linear'"
    " and touch_position = 1 and conversion_date = '2026-10-31'",
}


@pytest.mark.parametrize("monitor", FAULTS)
def test_a_fault_is_found_by_its_monitor_and_is_over_when_it_is_mended(
    place: Place, monitor: str
) -> None:
    (table,) = set(re.findall(r"marts\.(\w+)", FAULTS[monitor]))
    change(place, "create schema kept", f"create table kept.{table} as from marts.{table}")
    run(place, monitor)
    change(place, FAULTS[monitor])
    found = wrong(run(place, monitor))
    assert found
    assert all(result.monitor == monitor for result in found)
    assert all(", since 2026-1" in result.sentence for result in found)
    assert all(
        result.runbook == f"docs/runbooks/{monitor.replace('_', '-')}.md" for result in found
    )
    assert all(result.action for result in found)
    change(place, f"create or replace table marts.{table} as from kept.{table}")
    assert wrong(run(place, monitor)) == []


@pytest.mark.parametrize("currency", ["EUR", None])
def test_amounts_are_in_the_currency_that_is_reported(place: Place, currency: str | None) -> None:
    if currency:
        change(place, f"update marts.int_calendar__as_of set reporting_currency = '{currency}'")
    else:
        # marts of before
        change(place, "alter table marts.int_calendar__as_of drop column reporting_currency")
    change(place, FAULTS["budget"])
    change(place, FAULTS["unmapped_channels"])
    for monitor in ("budget", "unmapped_channels"):
        sentences = [result.sentence for result in wrong(run(place, monitor))]
        assert sentences
        assert all(f" {currency or 'USD'} " in sentence for sentence in sentences)


def test_orders_that_cost_nothing_are_counted_too(place: Place) -> None:
    change(place, "insert into marts.stg_shop__orders values ('gift', 'USD', 0, '2026-10-30')")
    (found,) = wrong(run(place, "reconciliation"))
    assert found.subject == "shop/orders"
    assert "1 fewer order than the shop, of the same total (10 of 11 on 1 day)" in found.sentence
    # one that is lost with its money is told with its money
    change(
        place,
        "delete from marts.stg_shop__orders where order_id = 'gift'",
        "delete from marts.fct_conversions where conversion_id = 'c-2026-10-29-1'",
    )
    subjects = {result.subject for result in wrong(run(place, "reconciliation"))}
    assert "shop" in subjects
    assert "shop/orders" not in subjects


def test_a_campaign_that_rests_by_plan_is_announced_and_missed_when_the_plan_is_over(
    place: Place,
) -> None:
    change(
        place,
        "delete from marts.fct_ad_spend where campaign_id = 'g1' and report_date >= '2026-10-30'",
        "insert into marts.stg_shop__planned_pauses values"
        " ('brand', 'google_ads', 'g1', '', '2026-10-30', '2026-10-31'),"
        # the others rest in one country, or are over
        " ('brand', 'google_ads', 'g2', 'Germany', '2026-10-01', '2026-10-31'),"
        " ('brand', 'meta_ads', 'm1', '', '2026-10-01', '2026-10-02')",
    )
    found = {result.subject: result for result in run(place, "campaign_freshness").results}
    assert found["google_ads/a1/g1"].status == "announced"
    assert "Brand rests by plan from 2026-10-30 to 2026-10-31 (brand)" in (
        found["google_ads/a1/g1"].sentence
    )
    assert found["google_ads/a1/g2"].status == found["meta_ads/a1/m1"].status == "moving"
    change(
        place,
        "update marts.stg_shop__planned_pauses set last_date = '2026-10-30'"
        " where campaign_id = 'g1'",
    )
    (late,) = wrong(run(place, "campaign_freshness"))
    assert (late.subject, late.status) == ("google_ads/a1/g1", "failing")


def test_since_is_kept_over_runs_and_ends_with_the_fault(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(place, FAULTS["ltv_accuracy"])
    (first,) = wrong(run(place, "ltv_accuracy"))
    monkeypatch.setenv("MARKETING_NOW", "2026-11-02T07:00:00Z")
    (second,) = wrong(run(place, "ltv_accuracy"))
    assert second.since_at == first.since_at
    assert second.checked_at > first.checked_at
    change(place, "update marts.rpt_lifetime_value_accuracy set revenue_bias = 0.02")
    assert wrong(run(place, "ltv_accuracy")) == []


def test_a_monitor_without_its_tables_is_unknown_with_the_reason(place: Place) -> None:
    change(place, "drop table marts.rpt_budget_pacing")
    (result,) = run(place, "budget").results
    assert result.status == "unknown"
    assert "there is no table rpt_budget_pacing in marts" in result.sentence


def test_a_table_that_cannot_be_read_is_unknown_with_the_reason(place: Place) -> None:
    change(
        place,
        "create view marts.broken as select 1 as campaign_id",
        "drop table marts.rpt_budget_pacing",
        "create view marts.rpt_budget_pacing as select * from marts.broken",
    )
    (result,) = run(place, "budget").results
    assert result.status == "unknown"
    assert "the warehouse cannot answer" in result.sentence


def test_a_monitor_that_breaks_leaves_the_others_their_say(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("marketing_analytics.monitor.checks.budget.over_budget", breaks)
    found = {result.monitor: result for result in run(place, "budget", "schema").results}
    assert found["budget"].status == "unknown"
    assert found["budget"].sentence.startswith("this is a bug in the monitor budget: ZeroDivision")
    assert found["schema"].status == "ok"


def test_of_two_findings_of_a_subject_the_worst_is_kept_and_the_other_is_in_it(
    place: Place,
) -> None:
    change(
        place,
        "insert into marts.rpt_unmapped_traffic values"
        " ('unassigned', 'newnet', 'cpc', 'no rule', 40, 0, '2026-10-28', '2026-10-31'),"
        " ('display', 'newnet', 'cpc', 'no platform', 90, 0, '2026-10-28', '2026-10-31')",
    )
    found = [each for each in run(place, "unmapped_channels").results if each.subject]
    assert [(each.subject, each.status) for each in found] == [("newnet / cpc", "failing")]
    assert "40 visits" in found[0].sentence
    assert "; also: 90 visits" in found[0].sentence


def test_the_worst_of_a_subject_leads_and_what_is_fine_is_left_out() -> None:
    given = [
        Finding("a", "announced", "changed"),
        Finding("a", "ok", "fine"),
        Finding("b", "ok", "fine"),
        Finding("a", "failing", "broken"),
    ]
    found = [(each.subject, each.status, each.sentence) for each in one_a_subject(given)]
    assert found == [("a", "failing", "broken; also: changed"), ("b", "ok", "fine")]


def test_spend_without_any_budget_is_overspent(place: Place) -> None:
    change(place, "update marts.rpt_budget_pacing set budget_usd = 0, spend_usd = 9, pacing = null")
    found = wrong(run(place, "budget"))
    assert {each.status for each in found} == {"failing"}
    assert "where 0 of the month's 0 are due, since" in found[0].sentence


def test_a_run_of_a_clock_that_was_ahead_is_not_the_last_one_for_ever(place: Place) -> None:
    run(place, "budget")
    change(place, "update marts_monitor.monitor_runs set run_id = '20360101T000000.000000-abc123'",
           "update marts_monitor.monitor_results set run_id = '20360101T000000.000000-abc123'",
           FAULTS["budget"])  # fmt: skip
    later = run(place, "budget")
    with opened(place) as connection:
        kept = history.latest_results(connection, place)
        last = history.latest_run(connection, place)
    assert last is not None
    assert last["run_id"] == later.run_id
    assert "failing" in {each.status for each in kept}


def test_a_change_of_definition_is_announced_with_what_follows(place: Place) -> None:
    change(place, "create table marts.channel_rules as select 1 as rule")
    run(place, "attribution_drift")
    change(place, "update marts.channel_rules set rule = 2", FAULTS["attribution_drift"])
    found = run(place, "attribution_drift").results
    announced = {result.subject for result in found if result.status == "announced"}
    assert "channel_rules" in announced
    # credit that is no longer one a conversion is wrong whatever was defined
    assert {result.subject for result in wrong(run(place, "attribution_drift"))} == {"linear"}


def test_campaigns_that_stop_together_without_visits_are_a_warning(place: Place) -> None:
    change(
        place,
        "delete from marts.fct_ad_spend where platform = 'google_ads'"
        " and report_date = '2026-10-31'",
        "delete from marts.fct_touchpoints where platform = 'google_ads'"
        " and touch_date = '2026-10-31'",
    )
    found = wrong(run(place, "campaign_freshness"))
    assert {(result.subject, result.status) for result in found} == {
        ("google_ads/a1/g1", "warning"),
        ("google_ads/a1/g2", "warning"),
    }


def test_a_source_that_was_not_read_is_told_with_its_age(place: Place) -> None:
    change(
        place,
        "update marts.stg_ingest__freshness set read_at = '2026-10-29 06:00:00'"
        " where source = 'shop'",
    )
    (result,) = wrong(run(place, "campaign_freshness"))
    assert (result.subject, result.value, result.upper_bound) == ("shop", 73.0, 26.0)


@pytest.mark.parametrize(
    ("statement", "subject", "said"),
    [
        ("update marts.stg_ingest__freshness set read_at = '2030-01-01' where source = 'shop'",
         "shop", "shop was read at 2030-01-01 00:00 UTC, which is to come"),
        ("update marts.stg_ingest__freshness set last_day = '2030-01-01' where account_id = 'a1'",
         "google_ads/a1", "google_ads/a1 was read to 2030-01-01, which is to come"),
        ("delete from marts.stg_ingest__freshness", "sources", "no source was ever read"),
    ],
)  # fmt: skip
def test_what_says_nothing_of_freshness_is_not_fresh(
    place: Place, statement: str, subject: str, said: str
) -> None:
    change(place, statement)
    found = {each.subject: each for each in run(place, "campaign_freshness").results}
    assert found[subject].status == "unknown"
    assert said in found[subject].sentence


def test_a_day_that_is_not_over_is_not_judged(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKETING_NOW", "2026-10-31T09:00:00Z")
    change(place, "delete from marts.int_web__sessions where session_date = '2026-10-31'")
    assert wrong(run(place, "volume")) == []


def test_the_executive_page_has_the_revenue_of_a_day_that_is_not_over(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKETING_NOW", "2026-10-31T20:00:00Z")
    change(
        place,
        "create table marts.rpt_executive_kpis (kpi_month date, metric varchar(40),"
        " actual_value decimal(18, 4))",
        "insert into marts.rpt_executive_kpis select cast(date_trunc('month', conversion_date)"
        " as date), 'revenue_usd', sum(revenue_usd) from marts.fct_conversions group by 1",
    )
    assert wrong(run(place, "reconciliation")) == []
    change(place, "update marts.rpt_executive_kpis set actual_value = actual_value + 1")
    assert [result.subject for result in wrong(run(place, "reconciliation"))] == ["executive"]


def test_a_run_is_kept_in_the_history(place: Place) -> None:
    done = run(place, "budget", "schema")
    with opened(place) as connection:
        last = history.latest_run(connection, place)
        kept = history.latest_results(connection, place)
    assert last is not None
    assert (last["run_id"], last["monitors"], last["failing"]) == (done.run_id, 2, 0)
    assert str(last["as_of_date"]) == "2026-10-31"
    assert sorted(kept, key=str) == sorted(done.results, key=str)


def test_history_of_an_earlier_release_gets_the_columns_it_lacks(place: Place) -> None:
    change(
        place,
        "create schema marts_monitor",
        "create table marts_monitor.monitor_runs (run_id text, started_at timestamp)",
    )
    run(place, "budget")
    with opened(place) as connection:
        assert history.latest_run(connection, place) is not None
