"""Return on investment: from what the platforms tell to spend and revenue in one row."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from marketing_analytics.diagnose.chains.shared import CAMPAIGN_MAPPING, ORDERS, judge_loads
from marketing_analytics.diagnose.link import (
    Link,
    Row,
    Verdict,
    broken,
    listed,
    money,
    ok,
    percent,
    share,
    unknown,
)
from marketing_analytics.web.words import plural

# a cent: sums of money are exact
CENT = Decimal("0.01")
# yesterday is complete, today may lack
MOST_DAYS_BEHIND = 1
# visits of a campaign on days without its spend: a few come by old links or across midnight
LEAST_VISITS_WITHOUT_SPEND, LEAST_DAYS_WITHOUT_SPEND = 5, 2
# of what platforms bill, visits are fewer (bounces, blockers); what matters is a fall
LEAST_CLICKS_SEEN, MOST_FALL = 0.2, 0.4
LEAST_CLICKS = 300
RUN_SPEND = "run its job: `marketing jobs run campaign-performance --follow`"


def judge_totals(rows: Sequence[Row]) -> Verdict:
    """Judge the accounts' own totals a day: 1 % apart, as when they are loaded."""
    off = [row for row in rows if row["days_off"]]
    if not rows:
        return unknown("no platform told totals")
    if off:
        worst = max(off, key=lambda row: row["days_off"])
        return broken(
            f"{worst['platform']}: {plural(worst['days_off'], 'day differs', 'days differ')} by"
            f" more than 1 % from the account's own total, the last on {worst['last_day_off']}:"
            f" {money(worst['loaded_total'])} loaded of {money(worst['account_total'])}"
        )
    return ok(f"{plural(len(rows), 'platform tells', 'platforms tell')} the totals that are loaded")


def judge_days(rows: Sequence[Row]) -> Verdict:
    """Judge days of accounts: none missing among the last 35, none behind."""
    if not rows:
        return broken("no account has a day of spend in the last 35 days")
    missing = [row for row in rows if row["days_missing"]]
    late = [row for row in rows if row["days_behind"] > MOST_DAYS_BEHIND]
    if missing:
        names = listed([f"{row['platform']} {row['account_id']}" for row in missing])
        return broken(f"{plural(missing[0]['days_missing'], 'day')} without a row: {names}")
    if late:
        names = listed([f"{row['platform']} {row['account_id']}" for row in late])
        return broken(
            f"spend ends on {late[0]['last_day']}, {plural(late[0]['days_behind'], 'day')}"
            f" before {late[0]['as_of_date']}: {names}"
        )
    accounts = plural(len(rows), "account has", "accounts have")
    return ok(f"{accounts} every day until {min(row['last_day'] for row in rows)}")


def judge_delivery(rows: Sequence[Row]) -> Verdict:
    """Judge visits of campaigns on days without their spend."""
    lost = [
        row
        for row in rows
        if row["sessions_without_spend"] >= LEAST_VISITS_WITHOUT_SPEND
        and row["days_without_spend"] >= LEAST_DAYS_WITHOUT_SPEND
    ]
    if lost:
        first = lost[0]
        return broken(
            f"{first['platform']} {first['campaign_name'] or first['campaign_id']}:"
            f" {plural(first['sessions_without_spend'], 'visit')} on"
            f" {plural(first['days_without_spend'], 'day')}"
            f" without spend, {first['first_day']} to {first['last_day']}"
            + (f", and {plural(len(lost) - 1, 'more campaign')}" if lost[1:] else "")
        )
    campaigns = plural(len(rows), "campaign with visits has", "campaigns with visits have")
    return ok(f"{campaigns} spend on their days")


def judge_rates(rows: Sequence[Row]) -> Verdict:
    """Judge rates: every currency has one that holds today."""
    absent = [row["currency"] for row in rows if row["valid_until_date"] is None]
    if absent:
        return broken(f"no exchange rate for {listed(absent)}")
    old = [row for row in rows if row["valid_until_date"] < row["as_of_date"]]
    if old:
        return broken(
            f"the rate of {old[0]['currency']} held until {old[0]['valid_until_date']},"
            f" and today is {old[0]['as_of_date']}"
        )
    return ok(f"{plural(len(rows), 'currency has', 'currencies have')} rates that hold")


def judge_import(rows: Sequence[Row]) -> Verdict:
    """Judge spend of the mart against what is loaded: to the cent."""
    if not rows:
        return broken("no day of spend is loaded")
    off = [row for row in rows if abs(row["loaded_spend"] - row["mart_spend"]) >= CENT]
    if off:
        first = off[0]
        return broken(
            f"{first['platform']}: {money(first['loaded_spend'])} is loaded and"
            f" {money(first['mart_spend'])} in the mart"
            f" ({plural(first['loaded_days'], 'day')} and {first['mart_days']})"
        )
    return ok(
        f"{money(sum(row['loaded_usd'] for row in rows))} of {plural(len(rows), 'platform')}, equal"
    )


def judge_booking(rows: Sequence[Row]) -> Verdict:
    """Judge spend beside the credit: to the cent."""
    off = [row for row in rows if abs(row["spend_usd"] - row["performance_usd"]) >= CENT]
    if off:
        return broken(
            f"{off[0]['platform']}: {money(off[0]['spend_usd'])} is spent and"
            f" {money(off[0]['performance_usd'])} stands beside the credit"
        )
    return ok("all spend stands beside the credit")


def judge_clicks(rows: Sequence[Row]) -> Verdict:
    """Judge visits seen for each click: a fifth at least, and no fall by 40 %."""
    for row in rows:
        now = share(row["sessions"], row["clicks"])
        before = share(row["sessions_before"], row["clicks_before"])
        if now is None or row["clicks"] < LEAST_CLICKS:
            continue
        if now < LEAST_CLICKS_SEEN:
            return broken(
                f"{row['platform']}: {percent(now)} of {plural(row['clicks'], 'click')} are seen"
                " as visits"
            )
        if before and row["clicks_before"] >= LEAST_CLICKS and now < (1 - MOST_FALL) * before:
            return broken(
                f"{row['platform']}: {percent(now)} of the clicks of four weeks are seen as"
                f" visits, {percent(before)} in those before"
            )
    seen = share(sum(row["sessions"] for row in rows), sum(row["clicks"] or 0 for row in rows))
    return ok(f"{percent(seen)} of the clicks are seen as visits")


def judge_set_aside(rows: Sequence[Row]) -> Verdict:
    """Judge orders dated after today: none."""
    if rows:
        return broken(
            f"{plural(sum(row['orders'] for row in rows), 'order is', 'orders are')} dated after"
            f" {rows[0]['as_of_date']}, until {max(row['last_date'] for row in rows)}"
        )
    return ok("no order is dated after today")


def judge_refunds(rows: Sequence[Row]) -> Verdict:
    """Judge refunds: each has its order and is taken off."""
    if not rows:
        return unknown("no refunds are loaded")
    orphans = sum(row["without_order"] for row in rows)
    if orphans:
        return broken(
            f"{plural(orphans, 'refund belongs', 'refunds belong')} to no order that is loaded"
        )
    kept = sum(row["not_taken_off"] for row in rows)
    if kept:
        return broken(
            f"{plural(kept, 'refund is', 'refunds are')} loaded and not taken off the revenue"
        )
    return ok(f"{plural(sum(r['refunds'] for r in rows), 'refund is', 'refunds are')} taken off")


def judge_plans(rows: Sequence[Row]) -> Verdict:
    """Judge budgets and targets of this month: one for each platform that spends."""
    absent = [row["plan"] for row in rows if not row["planned"]]
    if absent:
        return broken(f"none for {rows[0]['month']:%Y-%m}: {listed(absent)}")
    return ok(f"{plural(len(rows) - 1, 'budget')} and the targets of the month are there")


CHAIN = (
    Link(
        "source limits", "roi/loads",
        "Did the last sync of spend and orders end well?",
        "stg_ingest__loads", judge_loads,
        "run `marketing ingest doctor`, mend what it names, then `marketing ingest run`",
        "docs/runbooks/campaign-freshness.md",
    ),
    Link(
        "completeness", "roi/platform_totals",
        "Are the rows of each day what the account's own total says?",
        "raw.<platform>._totals", judge_totals,
        "read these days again: `marketing ingest backfill --source NAME --since DATE`",
        "docs/runbooks/spend-reconciliation.md",
    ),
    Link(
        "days", "roi/account_days",
        "Has every account a row on each day, until today?",
        "int_ads__daily, int_calendar__as_of", judge_days,
        "read the missing days: `marketing ingest backfill --source NAME --since DATE`",
        "docs/runbooks/campaign-freshness.md",
    ),
    Link(
        "exchange rates", "roi/exchange_rates",
        "Has every currency of accounts and orders a rate that holds today?",
        "int_calendar__exchange_rates, dim_campaigns, fct_conversions", judge_rates,
        "add rates to the shop's table exchange_rates, then `marketing ingest run --source shop`",
        "docs/runbooks/roi.md",
    ),
    Link(
        "spend import", "roi/spend_import",
        "Is all spend that is loaded in the mart?",
        "int_ads__daily, fct_ad_spend", judge_import,
        RUN_SPEND, "docs/runbooks/spend-reconciliation.md",
    ),
    Link(
        "spend booking", "roi/spend_booking",
        "Does all spend stand beside the credit of its campaign?",
        "fct_ad_spend, fct_campaign_performance", judge_booking,
        RUN_SPEND, "docs/runbooks/spend-reconciliation.md",
    ),
    Link(
        "campaign delivery", "roi/campaign_delivery",
        "Have campaigns with visits spend on the days of these visits?",
        "int_web__sessions, fct_ad_spend", judge_delivery,
        "look at the campaign at its platform; was it billed there, read the days again:"
        " `marketing ingest backfill --source NAME --since DATE`",
        "docs/runbooks/campaign-freshness.md",
    ),
    CAMPAIGN_MAPPING,
    Link(
        "clicks seen", "roi/clicks_seen",
        "How many clicks that are billed does the web analytics see as visits?",
        "fct_ad_spend, int_web__sessions", judge_clicks,
        "look at the landing pages' tag and consent banner, then at the tags of the ads",
        "docs/runbooks/attribution.md",
    ),
    Link(
        "orders of tomorrow", "roi/set_aside_orders",
        "Are orders left out, as they are dated after today?",
        "rpt_set_aside_orders", judge_set_aside,
        "mend the dates in the shop, then `marketing ingest run --source shop` and build again",
        "docs/runbooks/reconciliation.md",
    ),
    ORDERS,
    Link(
        "refunds", "roi/refunds",
        "Is every refund taken off its order?",
        "stg_<shop>__refunds, int_orders__revenue", judge_refunds,
        "run `marketing ingest run --source shop --reread`, then"
        " `marketing jobs run attribution-daily-refresh --follow`",
        "docs/runbooks/reconciliation.md",
    ),
    Link(
        "plans", "roi/plans",
        "Are the budgets and targets of this month there?",
        "stg_shop__budgets, stg_shop__targets", judge_plans,
        "enter them in the shop's tables budgets and targets, then"
        " `marketing ingest run --source shop`",
        "docs/runbooks/budget.md",
    ),
)  # fmt: skip
