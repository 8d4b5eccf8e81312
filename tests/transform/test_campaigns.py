"""Campaign marts held against raw rows, and against touches and conversions, in plain Python."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from campaign_figures import (
    CHANNEL,
    Credit,
    Figures,
    ad_days,
    attributed,
    campaign_days,
    default_credits,
    in_usd,
    month_end,
    named,
    rates_of,
    ratio,
)
from raw_tables import usd
from small_warehouse import Warehouse

pytestmark = pytest.mark.system
MILLIONTH = Decimal("0.000001")


def assert_close(found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Compare values: money and counts exactly, ratios and credit to what is stored of them."""
    for value, wanted in zip(found, expected, strict=True):
        if value is None or wanted is None:
            assert value is wanted, (found, expected)
        elif isinstance(wanted, float | Fraction):
            places = 1e-4 if isinstance(wanted, Fraction) else 1e-12
            assert math.isclose(value, wanted, rel_tol=1e-4, abs_tol=places), (found, expected)
        else:
            assert value == wanted, (found, expected)


def test_ads_and_what_none_explains_are_their_campaign(built: Warehouse) -> None:
    campaigns = campaign_days(built.rows)
    rates = rates_of(built.rows)
    own: dict[tuple[str, str, date], Figures] = defaultdict(Figures)
    ads = {}
    for day in ad_days(built.rows):
        cost = in_usd(rates, day, day.spend)
        own[day.platform, day.campaign, day.on] += Figures(day.impressions, day.clicks, cost)
        ads[day.platform, day.campaign, day.group, day.ad, day.on] = (
            day.impressions, day.clicks, day.spend.quantize(MILLIONTH), cost,
        )  # fmt: skip
    found = built.query(
        "select platform, campaign_id, ad_group_id, ad_id, report_date, impressions, clicks,"
        " spend, spend_usd, is_remainder from fct_ad_performance"
    )
    # one ad a campaign here: its cents are those of its own amount
    assert {row[:5]: row[5:9] for row in found if not row[9]} == ads
    remainders = {(row[0], row[1], row[4]): (*row[5:7], row[8]) for row in found if row[9]}
    expected = {
        key: (
            figures.impressions - own[key].impressions,
            figures.clicks - own[key].clicks,
            figures.spend_usd - own[key].spend_usd,
        )
        for key, figures in campaigns.items()
    }
    assert remainders == {key: value for key, value in expected.items() if any(value)}
    assert {key[0] for key in remainders} == {"google_ads"}
    for mart in ("fct_ad_performance", "fct_ad_group_performance"):
        sums = built.query(
            f"select platform, campaign_id, report_date, sum(spend_usd), sum(impressions)"
            f" from {mart} group by all"
        )
        assert {row[:3]: row[3:] for row in sums} == {
            key: (figures.spend_usd, figures.impressions) for key, figures in campaigns.items()
        }


def test_every_campaign_day_has_its_figures_and_ratios(built: Warehouse) -> None:
    spent, touched, booked = campaign_days(built.rows), defaultdict(list), defaultdict(list)
    for part in default_credits(built):
        if part.platform in CHANNEL and part.touched_on:
            campaign = part.campaign or "(unknown)"
            touched[part.platform, campaign, part.touched_on].append(part)
            booked[part.platform, campaign, part.converted_on].append(part)
    loaded = {platform: [key[2] for key in spent if key[0] == platform] for platform in CHANNEL}
    rows = built.query(
        "select platform, campaign_id, performance_date, impressions, clicks, spend_usd,"
        " claimed_conversions, claimed_value_usd, attributed_conversions,"
        " attributed_new_customers, attributed_revenue_usd,"
        " attributed_revenue_by_conversion_date_usd, click_through_rate, cost_per_click_usd,"
        " cost_per_thousand_impressions_usd, cost_per_conversion_usd,"
        " cost_per_new_customer_usd, roas, return_on_investment, claimed_roas,"
        " over_claim_ratio, channel from fct_campaign_performance"
    )
    assert {row[:3] for row in rows} == {*spent, *touched, *booked}
    for row in rows:
        platform, _, on = key = row[:3]
        conversions, customers, revenue = attributed(touched[key])
        is_known = min(loaded[platform]) <= on <= max(loaded[platform])
        figures = spent.get(key, Figures())
        told = (
            figures.impressions, figures.clicks, figures.spend_usd, figures.claimed,
            figures.claimed_usd,
        )  # fmt: skip
        gain = revenue - figures.spend_usd
        spend = figures.spend_usd if is_known else None
        expected = (
            *(told if is_known else [None] * 5),
            conversions, customers, revenue, attributed(booked[key])[2],
            ratio(figures.clicks, figures.impressions), ratio(spend, figures.clicks),
            ratio(1000 * figures.spend_usd, figures.impressions), ratio(spend, conversions),
            ratio(spend, customers), ratio(revenue, spend), ratio(gain, spend),
            ratio(figures.claimed_usd, spend),
            ratio(figures.claimed if is_known else None, conversions), CHANNEL[platform],
        )  # fmt: skip
        assert_close(row[3:], expected)


def test_channels_are_compared_by_month(built: Warehouse) -> None:
    spent: dict[tuple[date, str], Figures] = defaultdict(Figures)
    days = campaign_days(built.rows)
    for (platform, _, on), figures in days.items():
        spent[on.replace(day=1), CHANNEL[platform]] += figures
    parts: dict[tuple[date, str], list[Credit]] = defaultdict(list)
    for part in default_credits(built):
        on = part.touched_on or part.converted_on
        parts[on.replace(day=1), part.channel].append(part)
    last_day = max(key[2] for key in days)
    rows = built.query(
        "select performance_month, channel, spend_usd, spend_share, attributed_conversions,"
        " attributed_new_customers, attributed_revenue_usd, revenue_share,"
        " cost_per_new_customer_usd, roas, return_on_investment, over_claim_ratio"
        " from rpt_channel_performance"
    )
    assert {row[:2] for row in rows} >= {*spent, *parts}
    for row in rows:
        month, _ = key = row[:2]
        figures = spent.get(key)
        spend = figures and figures.spend_usd
        conversions, customers, revenue = attributed(parts[key])
        known = attributed(
            part
            for part in parts[key]
            if part.platform in CHANNEL and part.touched_on and part.touched_on <= last_day
        )
        all_spend = sum(f.spend_usd for (m, _), f in spent.items() if m == month)
        all_revenue = attributed(p for (m, _), some in parts.items() if m == month for p in some)[2]
        expected = (
            spend, ratio(spend, all_spend), conversions, customers, revenue,
            ratio(revenue, all_revenue), ratio(spend, known[1]),
            ratio(spend and known[2], spend), ratio(spend and known[2] - spend, spend),
            ratio(figures and figures.claimed, known[0]),
        )  # fmt: skip
        assert_close(row[2:], expected)


def test_budgets_are_paced_and_forecast(built: Warehouse) -> None:
    today = max(row[3] for row in built.rows["shop.orders"])
    spent: dict[tuple[str, str], dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for (platform, campaign, on), figures in campaign_days(built.rows).items():
        if on <= today:
            spent[platform, campaign][on] += figures.spend_usd
            spent[platform, "(all)"][on] += figures.spend_usd
    rates = rates_of(built.rows)
    budgets = {}
    for row in named(built.rows, "shop.budgets"):
        month = date.fromisoformat(f"{row['budget_month']}-01")
        amount = usd(Decimal(row["amount_cents"]) / 100, rates[row["currency"], month])
        budgets[month, row["platform"], row["campaign_id"] or "(all)"] = amount
    lines = {(on.replace(day=1), *key) for key, days in spent.items() for on in days}
    rows = built.query(
        "select budget_month, platform, campaign_id, budget_usd, spend_usd, counted_until_date,"
        " attainment, pacing, forecast_spend_usd, is_current_month from rpt_budget_pacing"
    )
    assert {row[:3] for row in rows} == {*budgets, *lines}
    for row in rows:
        month, platform, campaign = row[:3]
        budget, days = budgets.get(row[:3]), spent[platform, campaign]
        last = max(spent[platform, "(all)"])
        until = min(last, month_end(month))
        spend = sum((days[on] for on in days if month <= on <= until), Decimal(0))
        week = sum((days[last - timedelta(days=n)] for n in range(7)), Decimal(0))
        left = (month_end(month) - until).days
        share = Fraction(until.day, month_end(month).day)
        expected = (
            budget, spend, until, ratio(spend, budget),
            ratio(spend, None if budget is None else Fraction(budget) * share),
            usd(week * left, 1 / Decimal(7)) + spend, month == today.replace(day=1),
        )  # fmt: skip
        assert_close(row[3:], expected)
    assert sum(row[9] for row in rows) >= 6
