"""Budgets: how months go by platform and campaign, and where the current one may end."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from typing import Any

from marketing_analytics.report.data.forecast import (
    LEVEL,
    PAST_DAYS,
    Band,
    band,
    factor,
    forecast,
    widened,
)
from marketing_analytics.report.data.series import cents
from marketing_analytics.report.snapshots.snapshot import Snapshot

ALL = "all"
# on these days of past months the forecast is made again, to say how often it held
LOOKED_BACK_DAYS = (10, 20)
LINES_SQL = """
select
    strftime(budget_month, '%Y-%m') as month,
    platform,
    campaign_id,
    campaign_name,
    is_platform_total,
    budget_usd,
    spend_usd,
    budget_due_usd,
    pacing,
    counted_until_date,
    forecast_spend_usd,
    daily_spend_to_budget_usd
from rpt_budget_pacing
where spend_usd is not null and (spend_usd > 0 or budget_usd is not null)
order by budget_month, platform, is_platform_total desc, spend_usd desc, campaign_id
"""
FATIGUE_SQL = """
select
    platform,
    coalesce(campaign_name, campaign_id) as campaign,
    coalesce(ad_name, ad_id) as name,
    showing_days,
    impressions,
    first_click_through_rate as first_rate,
    latest_click_through_rate as latest_rate,
    click_through_rate_change as rate_change,
    first_frequency,
    latest_frequency,
    is_fatigued
from rpt_ad_fatigue
where is_fatigued or is_click_rate_falling
order by is_fatigued desc, impressions desc, ad_id
limit $limit
"""
FATIGUED_ADS = 100
RETURNS_SQL = """
select
    platform,
    coalesce(campaign_name, campaign_id) as name,
    is_platform_total as is_total,
    fit_status as status,
    is_estimate,
    weeks,
    weekly_spend_usd as spend,
    roas,
    marginal_roas,
    cut_weekly_spend_usd as saved,
    cut_weekly_revenue_usd as lost,
    cut_weekly_revenue_lower_usd as lost_low,
    cut_weekly_revenue_upper_usd as lost_high
from rpt_marginal_returns
order by is_platform_total desc, weekly_spend_usd desc nulls last, campaign_id
"""
Days = dict[tuple[str, str], list[float]]


def budget_files(snapshot: Snapshot) -> Iterator[tuple[str, Any]]:
    """Yield `budget`, of platforms by month; a file a month, of its campaigns; and the rest."""
    rows = snapshot.rows(LINES_SQL) if snapshot.has("rpt_budget_pacing") else []
    spent = spend_days(snapshot)
    totals = [row for row in rows if row["is_platform_total"]]
    months = sorted({row["month"] for row in rows})
    lines = [line(row, spent.get((row["platform"], ""), []), snapshot) for row in totals]
    for month in months:
        lines.append(sum_of([one for one in lines if one["month"] == month], spent, snapshot))
    yield "budget", {
        "months": months,
        "level": LEVEL,
        "lines": lines,
        "looked_back": looked_back({key[0]: days for key, days in spent.items() if not key[1]},
                                   snapshot),
    }  # fmt: skip
    for month in months:
        yield (
            f"budget-{month}",
            [
                line(row, spent.get((row["platform"], row["campaign_id"]), []), snapshot)
                for row in rows
                if row["month"] == month and not row["is_platform_total"]
            ],
        )
    yield (
        "budget-days",
        {
            platform: [cents(value) for value in values]
            for (platform, campaign), values in spent.items()
            if not campaign
        },
    )
    yield "budget-page", {
        "returns": marginal_returns(snapshot),
        "fatigue": fatigue(snapshot),
    }  # fmt: skip


def spend_days(snapshot: Snapshot) -> Days:
    """Return spend by day of each platform, of all of them, and of each campaign."""
    found: Days = {}
    for row in snapshot.rows(
        "select platform, campaign_id, list(day_date order by day_date) as days,"
        " list(cast(spend_usd as double) order by day_date) as spend from campaign_days"
        " where spend_usd is not null and day_date between $first and $last group by all",
        first=snapshot.first_day,
        last=snapshot.last_day,
    ):
        lists = [
            found.setdefault(key, [0.0] * len(snapshot.days))
            for key in ((row["platform"], row["campaign_id"]), (row["platform"], ""), (ALL, ""))
        ]
        for day, value in zip(row["days"], row["spend"], strict=True):
            for values in lists:
                values[(day - snapshot.first_day).days] += value
    return found


def line(row: dict[str, Any], spent: list[float], snapshot: Snapshot) -> dict[str, Any]:
    """Return a month of a platform or campaign, in cents; a band where days are left."""
    until: date = row["counted_until_date"]
    end = until.replace(day=monthrange(until.year, until.month)[1])
    left = (end - until).days
    found = {
        "month": row["month"],
        "platform": row["platform"],
        "name": row["campaign_name"] or row["campaign_id"],
        "budget": row["budget_usd"] and cents(row["budget_usd"]),
        "spend": cents(row["spend_usd"]),
        "due": row["budget_due_usd"] and cents(row["budget_due_usd"]),
        "pacing": row["pacing"],
        "until": str(until),
        "days_left": left,
        "forecast": cents(row["forecast_spend_usd"]),
        "a_day": row["daily_spend_to_budget_usd"] and cents(row["daily_spend_to_budget_usd"]),
    }
    return {**found, **(banded(found, spent, until, snapshot) if left else {})}


def banded(
    found: dict[str, Any], spent: list[float], until: date, snapshot: Snapshot
) -> dict[str, Any]:
    """Return where the month may end, and the way there; the run rate lies inside."""
    known = spent[: (until - snapshot.first_day).days + 1]
    # a campaign that has just begun has no weeks before
    began = next((place for place, value in enumerate(known) if value), len(known))
    left = found["days_left"]
    by = factor(known[began:][-PAST_DAYS:], until, left)
    way = []
    for number in range(1, left + 1):
        part = band(known[began:], until, number)
        run_rate = (found["forecast"] - found["spend"]) * number / left
        way.append(reached(widened(part, by), found["spend"], run_rate) if part else None)
    return {"low": way[-1][0], "high": way[-1][1], "way": way} if way[-1] else {}


def reached(found: Band, spend: int, run_rate: float) -> list[int]:
    """Return the ends of a band on top of what is spent, in cents."""
    return [
        round(spend + min(found.low * 100, run_rate)),
        round(spend + max(found.high * 100, run_rate)),
    ]


def sum_of(lines: list[dict[str, Any]], spent: Days, snapshot: Snapshot) -> dict[str, Any]:
    """Return the month of all platforms that have a budget."""
    planned = [one for one in lines if one["budget"] is not None]
    every = {"month": lines[0]["month"], "platform": ALL, "name": "All platforms"}

    def total(name: str) -> int | None:
        return sum(one[name] or 0 for one in planned) if planned else None

    until = min(one["until"] for one in lines)
    left = max(one["days_left"] for one in lines)
    due, spend = total("due"), sum(one["spend"] for one in planned or lines)
    found = {
        **every,
        "budget": total("budget"),
        "spend": spend,
        "due": due,
        "pacing": spend / due if due else None,
        "until": until,
        "days_left": left,
        "forecast": sum(one["forecast"] for one in planned or lines),
        "a_day": total("a_day") if left else None,
    }
    is_even = len({one["until"] for one in lines}) == 1 and len(planned) == len(lines)
    if not (left and is_even and (ALL, "") in spent):
        return found
    return {**found, **banded(found, spent[ALL, ""], date.fromisoformat(until), snapshot)}


def looked_back(spent: dict[str, list[float]], snapshot: Snapshot) -> dict[str, int]:
    """Return how many forecasts of past months were made, and how many held what came."""
    made = held = 0
    for values in spent.values():
        for number, day in enumerate(snapshot.days):
            end = day.replace(day=monthrange(day.year, day.month)[1])
            if day.day not in LOOKED_BACK_DAYS or end > snapshot.last_day:
                continue
            left = (end - day).days
            found = forecast(values[: number + 1], day, left)
            if found:
                made += 1
                came = sum(values[number + 1 : number + 1 + left])
                held += found.low <= came <= found.high
    return {"made": made, "held": held}


def marginal_returns(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return what a cut by a fifth would lose, or why that is not estimated."""
    if not snapshot.has("rpt_marginal_returns"):
        return []
    ratios = ("roas", "marginal_roas")
    return [
        {
            name: value
            if value is None or isinstance(value, (str, bool, int))
            else float(value)
            if name in ratios
            else cents(value)
            for name, value in row.items()
        }
        for row in snapshot.rows(RETURNS_SQL)
    ]


def fatigue(snapshot: Snapshot) -> dict[str, Any]:
    """Return ads whose click rate falls, and how many ads could be judged."""
    if not snapshot.has("rpt_ad_fatigue"):
        return {"ads": [], "statuses": {}}
    counted = snapshot.rows(
        "select fatigue_status as status, count(*) as ads from rpt_ad_fatigue group by 1 order by 1"
    )
    return {
        "statuses": {row["status"]: row["ads"] for row in counted},
        "tired": snapshot.one("select count(*) from rpt_ad_fatigue where is_fatigued"),
        "falling": snapshot.one(
            "select count(*) from rpt_ad_fatigue where is_fatigued or is_click_rate_falling"
        ),
        "ads": snapshot.rows(FATIGUE_SQL, limit=FATIGUED_ADS),
    }
