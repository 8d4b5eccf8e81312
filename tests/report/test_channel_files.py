"""What the pages of channels and budgets are given, from a few rows by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from math import exp, hypot, sqrt

import duckdb
import pytest

from marketing_analytics.report.data.attribution import RECENT_DAYS, credit_days, recent_from
from marketing_analytics.report.data.budget import budget_files
from marketing_analytics.report.data.campaigns import campaign_files
from marketing_analytics.report.data.channels import claims, path_models, paths
from marketing_analytics.report.data.hold_outs import flow_hold_outs, region_hold_outs
from marketing_analytics.report.snapshots.publish import copied
from marketing_analytics.report.snapshots.snapshot import Snapshot

FIRST = date(2026, 9, 1)


def day(number):
    return f"date '{FIRST + timedelta(days=number)}'"


class Made:
    """A snapshot of the tables that a test names."""

    def __init__(self):
        self.connection = duckdb.connect()
        self.tables: dict[str, object] = {}
        self.table("order_days", f"select {day(0)} as day_date")
        self.spend(("1", 0, 0, 0))
        self.connection.execute("delete from campaign_days")

    def table(self, name, select):
        self.connection.execute(f"create or replace table {name} as {select}")
        self.tables[name] = {}

    def sorted_table(self, name, select):
        """One of those whose texts are numbered when they are published."""
        copied(self.connection, name, f"{select}\norder by 1")
        self.tables[name] = {}

    def spend(self, *rows):
        """Rows of campaign, day, dollars, claimed conversions; all of one channel."""
        values = ", ".join(
            f"('google_ads', '{campaign}', 'Name {campaign}', 'paid_search', {day(number)},"
            f" 10::bigint, 1::bigint, {usd}::decimal(18, 2), {claimed}::decimal(18, 6),"
            f" {2 * usd}::decimal(18, 2))"
            for campaign, number, usd, claimed in rows
        )
        self.table(
            "campaign_days",
            f"from (values {values}) as days(platform, campaign_id, campaign_name, channel,"
            " day_date, impressions, clicks, spend_usd, claimed_conversions, claimed_value_usd)",
        )

    @property
    def snapshot(self):
        about = {"tables": self.tables, "snapshot_at": "2026-10-01T00:00:00+00:00"}
        return Snapshot(self.connection, about)


@pytest.fixture
def made():
    return Made()


def test_hundredths_add_up_over_any_days(made):
    """A third of a credit a day: 0.33, 0.34, 0.33, and one after three days."""
    made.table("order_days", f"select {day(5)} as day_date union all select {day(0)}")
    rows = ", ".join(f"({day(n)}, {1 / 3:.12f}::decimal(38, 12))" for n in range(6))
    made.sorted_table(
        "rpt_attribution_days",
        "select day_date, 'email' as channel, false as has_spend, 'first_order' as conversion_type,"
        " 'linear' as model, 7 as window_days, 'touch' as day_kind, credit,"
        f" 1.25::decimal(18, 2) as revenue_usd from (values {rows}) as days(day_date, credit)",
    )
    (found,) = credit_days(made.snapshot, "linear", 7, "touch")
    line = found["without"]["credit"]["email"]["first_order"]
    assert line == [33, 34, 33, 33, 34, 33]
    assert found["without"]["revenue"]["email"]["first_order"] == [125] * 6
    assert found["with"] == {"credit": {}, "revenue": {}}


def test_days_long_ago_stand_in_a_file_of_their_own(made):
    made.table("order_days", f"select {day(RECENT_DAYS + 9)} as day_date union all select {day(0)}")
    made.sorted_table(
        "rpt_attribution_days",
        "select day_date, 'display' as channel, true as has_spend, 'first_order' as"
        " conversion_type, 'linear' as model, 7 as window_days, 'touch' as day_kind,"
        " 1::decimal(38, 12) as credit, 2::decimal(18, 2) as revenue_usd"
        f" from (values ({day(9)}), ({day(10)})) as days(day_date)",
    )
    snapshot = made.snapshot
    assert recent_from(snapshot) == 10
    recent, before = credit_days(snapshot, "linear", 7, "touch")
    assert (recent["from"], before["from"]) == (10, 0)
    assert recent["with"]["revenue"]["display"]["first_order"] == [200] + [0] * (RECENT_DAYS - 1)
    assert before["with"]["revenue"]["display"]["first_order"] == [0] * 9 + [200]


def test_claims_are_by_platform_and_channel(made):
    made.spend(("1", 0, 5, 0.5), ("2", 0, 3, 0.25), ("1", 2, 1, 0.125))
    assert claims(made.snapshot) == [
        {
            "platform": "google_ads",
            "channel": "paid_search",
            "spend": [800, 0, 100],
            "value": [1600, 0, 200],
            "conversions": [75, 0, 13],
        }
    ]


def test_campaigns_begin_with_their_first_day_and_name_their_ads(made):
    made.spend(("1", 0, 5, 0), ("2", 1, 3, 0), ("2", 3, 4, 0))
    made.table(
        "ad_days",
        "select *, 'g' as ad_group_id, null::varchar as ad_group_name, 'a' as ad_id, 'Ad' as"
        " ad_name from campaign_days where campaign_id = '2'",
    )
    made.sorted_table(
        "rpt_campaign_attribution_days",
        "select 'touch' as day_kind, day_date, channel, platform, campaign_id, conversion_type,"
        " 'linear' as model, 0.5::decimal(38, 12) as credit, 9::decimal(18, 2) as revenue_usd from"
        f" (values ('paid_search', 'google_ads', '2', 'first_order', {day(1)}),"
        f" ('email', 'mailchimp', 'm', 'repeat_order', {day(2)}))"
        " as days(channel, platform, campaign_id, conversion_type, day_date)",
    )
    made.table(
        "fct_email_campaigns",
        "select 'mailchimp' as platform, 'm' as campaign_id, 'October' as campaign_title",
    )
    files = dict(campaign_files(made.snapshot, ["linear"]))
    one, two = files["campaigns-paid_search"]
    assert (one["name"], one["ads"], one["from"], one["spend"]) == ("Name 1", "", 0, [500])
    assert (two["ads"], two["from"], two["spend"]) == ("ads-0", 1, [300, 0, 400])
    assert files["ads-0"][0]["group_name"] == "g"
    assert files["campaigns-email"][0]["name"] == "October"
    assert files["campaigns-email"][0]["spend"] == []
    assert files["campaigns-paid_search-linear-touch"] == [
        {"platform": "google_ads", "id": "2", "type": "first_order", "from": 1,
         "revenue": [900], "credit": [50]},
    ]  # fmt: skip
    assert "campaigns-email-linear-conversion" not in files


def test_paths_of_few_conversions_are_left_out_and_counted(made):
    made.table(
        "rpt_conversion_paths",
        "select 'all' as conversion_type, 30 as window_days, path as channel_path,"
        " length as path_length, conversions::bigint as conversions, 0.5 as conversions_share,"
        " 0.1 as conversion_rate, 5::decimal(18, 2) as revenue_usd,"
        " days::decimal(18, 6) as mean_days_to_convert,"
        " 1::decimal(18, 6) as median_days_to_convert, 2::decimal(18, 6) as p90_days_to_convert"
        " from (values ('email', 1, 10, 2), ('direct', 1, 9, 4), ('email > direct', 2, 9, 1),"
        " ('a > b > a > b > a > b > a', 7, 6, 1), ('a > b > a > b > a > b', 6, 4, 6))"
        " as paths(path, length, conversions, days)",
    )
    found = paths(made.snapshot)["all"]["30"]
    assert [path["path"] for path in found["paths"]] == ["email"]
    assert (found["conversions"], found["rare"]) == (38, 28)
    # a length of nine conversions is left out, seven steps are merged with six
    lengths = {one["length"]: (one["conversions"], one["mean_days"]) for one in found["lengths"]}
    assert lengths == {1: (19, pytest.approx((10 * 2 + 9 * 4) / 19)), 6: (10, pytest.approx(3))}


def test_a_flow_with_few_held_out_says_nothing(made):
    made.table(
        "rpt_automation_flows",
        "select 'mailchimp' as platform, name as automation_id, name as automation_title,"
        " 100::bigint as members_written, held::bigint as members_held_out,"
        " 1::decimal(18, 2) as attributed_revenue_usd, uplift as uplift_per_member_usd,"
        " 0.5 as uplift_error_usd, uplift * 100 as uplift_usd"
        " from (values ('Welcome', 10, 1.5), ('Cart', 9, 1.5), ('Back', 20, null))"
        " as flows(name, held, uplift)",
    )
    assert [flow["name"] for flow in flow_hold_outs(made.snapshot)] == ["Welcome"]


def test_a_channel_causes_what_its_parts_do_together(made):
    """Without one part 0.8 is left, without the other 0.5: without both 0.4; repeats are pooled."""
    made.table(
        "hold_outs",
        f"select channel, name as pause_name, {day(0)} + place as first_date, {day(9)} as"
        " last_date, status as hold_out_status, true as is_over, 8 as regions_held_out,"
        " 12 as regions_kept, 20 as held_out_before, 20 as held_out_during, 20 as kept_before,"
        " 20 as kept_during, spend as spend_share, ln(remains) as log_change, reach as log_reach,"
        " 0 as caused_share, 0 as caused_share_lower, 0 as caused_share_upper"
        " from (values ('paid_social', 'video', 1, 'estimated', 0.3, 0.8, 0.3),"
        " ('paid_social', 'leads', 2, 'estimated', 0.2, 0.4, 0.5),"
        " ('paid_social', 'leads', 3, 'estimated', 0.2, 0.625, 0.5),"
        " ('paid_social', 'b2b', 4, 'too few orders', 0.5, null, null),"
        " ('display', 'all', 1, 'planned', 1.0, null, null))"
        " as tests(channel, name, place, status, spend, remains, reach)",
    )
    found = region_hold_outs(made.snapshot)
    assert [(one["name"], one["status"]) for one in found["tests"]] == [
        ("all", "planned"), ("b2b", "too few orders"), ("leads", "estimated"),
        ("leads", "estimated"), ("video", "estimated"),
    ]  # fmt: skip
    [social] = found["channels"]
    reach = hypot(0.3, 0.5 / sqrt(2))
    assert (social["channel"], social["tests"]) == ("paid_social", 3)
    assert social["spend_share"] == pytest.approx(0.5)
    assert [social[name] for name in ("share", "low", "high")] == pytest.approx(
        [1 - 0.4, 1 - 0.4 * exp(reach), 1 - 0.4 * exp(-reach)]
    )


def test_what_is_not_built_is_left_out(made):
    snapshot = made.snapshot
    assert (paths(snapshot), path_models(snapshot), flow_hold_outs(snapshot)) == ({}, [], [])
    assert region_hold_outs(snapshot) == {"tests": [], "channels": []}
    assert dict(campaign_files(snapshot, ["linear"])) == {}
    files = dict(budget_files(snapshot))
    assert files["budget"]["months"] == []
    assert files["budget-page"]["returns"] == []
    assert files["budget-days"] == {}


def pacing(made, *rows):
    """Rows of platform, campaign, month, until, budget, spent, due, forecast."""
    values = ", ".join(
        f"('{platform}', '{campaign}', date '{month}-01', date '{until}', {budget}::decimal(18, 2),"
        f" {spent}::decimal(18, 2), {due}::decimal(18, 2), {forecast}::decimal(18, 2))"
        for platform, campaign, month, until, budget, spent, due, forecast in rows
    )
    made.table(
        "rpt_budget_pacing",
        "select *, campaign_id as campaign_name, campaign_id = '(all)' as is_platform_total,"
        " spend_usd / budget_due_usd as pacing, 12.5 as daily_spend_to_budget_usd"
        f" from (values {values}) as lines(platform, campaign_id, budget_month,"
        " counted_until_date, budget_usd, spend_usd, budget_due_usd, forecast_spend_usd)",
    )


def test_a_month_under_way_has_a_band_around_its_run_rate(made):
    made.spend(*(("1", number, 10, 0) for number in range(45)))
    pacing(made, ("google_ads", "(all)", "2026-10", "2026-10-15", 400, 150, 200, 310))
    line, total = dict(budget_files(made.snapshot))["budget"]["lines"]
    assert (line["budget"], line["days_left"], line["a_day"]) == (40_000, 16, 1250)
    assert (line["low"], line["high"]) == (31_000, 31_000)
    assert len(line["way"]) == 16
    assert line["way"][0] == [16_000, 16_000]
    assert (total["platform"], total["pacing"], total["forecast"]) == ("all", 0.75, 31_000)


def test_a_platform_without_a_budget_is_not_in_the_sum(made):
    made.spend(("1", 0, 10, 0))
    pacing(
        made,
        ("google_ads", "(all)", "2026-09", "2026-09-30", 400, 150, 400, 150),
        ("meta_ads", "(all)", "2026-09", "2026-09-30", "null", 70, "null", 70),
        ("google_ads", "1", "2026-09", "2026-09-30", 40, 15, 40, 15),
    )
    files = dict(budget_files(made.snapshot))
    total = files["budget"]["lines"][-1]
    assert (total["budget"], total["spend"], total["pacing"]) == (40_000, 15_000, 0.375)
    assert [one["name"] for one in files["budget-2026-09"]] == ["1"]
    assert "low" not in total


def test_a_campaign_of_three_weeks_has_no_band(made):
    made.spend(*(("1", number, 10, 0) for number in range(20, 45)))
    pacing(made, ("google_ads", "1", "2026-10", "2026-10-15", 400, 150, 200, 310),
           ("google_ads", "(all)", "2026-10", "2026-10-15", 400, 150, 200, 310))  # fmt: skip
    found = dict(budget_files(made.snapshot))["budget-2026-10"]
    assert "low" not in found[0]
    assert Decimal(found[0]["forecast"]) == 31_000
