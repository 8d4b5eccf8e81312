"""Spend of the month against its budget, and of the last day against the days before.

Who has spent more than the whole budget fails. A platform that is far ahead of what is due by now
is a warning, and of a campaign that says nothing: those that end within the month have to be ahead.
A day that costs far more than the days before and its share of the budget fails at once.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from statistics import median
from typing import Any

from marketing_analytics.monitor.check import Check, Finding, Look, Note, Threshold
from marketing_analytics.web.words import plural

HISTORY_DAYS, DAYS, WEEK = 28, 14, 7
# a day has to cost so many times the dearest of the last days too
MORE_THAN_EVER = 1.25
ACTION = "lower the daily budget of the campaign, or raise the budget of the month in the shop"
Spend = Mapping[tuple[str, str], Mapping[date, float]]


def look(seen: Look) -> Iterator[Finding]:
    """Yield platforms and campaigns that spend too much."""
    rows = seen.rows("budget_pacing")
    spend = daily_spend(seen) if "fct_ad_spend" in seen.tables else {}
    for row in rows:
        since = spent_since(seen, row)
        finding = over_budget(seen, row) or costly_day(seen, row, spend, since)
        if finding:
            yield finding
    yield Finding("", "ok", f"{plural(len(rows), 'budget is', 'budgets are')} kept")


def subject_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return what a budget is called in the history, and by people."""
    if row["campaign_id"] == "(all)":
        return str(row["platform"]), f"{row['platform']} as a whole"
    return f"{row['platform']}/{row['campaign_id']}", row["campaign_name"] or row["campaign_id"]


def over_budget(seen: Look, row: Mapping[str, Any]) -> Finding | None:
    """Return the finding for a month that has cost too much."""
    budget, spend = float(row["budget_usd"]), float(row["spend_usd"])
    subject, name = subject_of(row)
    limit = seen.thresholds["overspend_percent"] / 100
    due = spend / row["pacing"] if row["pacing"] else budget
    ahead = seen.thresholds["ahead_percent"] / 100
    is_ahead = spend > due * (1 + ahead) and spend - due > budget * ahead / 3
    is_spent = spend > budget * (1 + limit)
    if not is_spent and not (is_ahead and row["campaign_id"] == "(all)"):
        return None
    over = f" ({spend / due - 1:.0%} over)" if due > 0 else ""
    return Finding(
        subject,
        "failing" if is_spent else "warning",
        f"{name} has spent {spend:,.0f} {seen.currency} by {row['counted_until_date']}, where"
        f" {due:,.0f} of the month's {budget:,.0f} are due{over}",
        ACTION,
        value=spend,
        lower=0.0,
        upper=due * (1 + limit),
        since=row["counted_until_date"],
    )


def daily_spend(seen: Look) -> Spend:
    """Return spend by platform, campaign and day; `(all)` stands for the platform."""
    found: dict[tuple[str, str], dict[date, float]] = defaultdict(lambda: defaultdict(float))
    first = seen.as_of - timedelta(days=HISTORY_DAYS)
    for row in seen.rows("spend_by_campaign_day", first, seen.as_of):
        for campaign in (str(row["campaign_id"]), "(all)"):
            found[row["platform"], campaign][row["day"]] += float(row["spend_usd"])
    return found


def spent_since(seen: Look, row: Mapping[str, Any]) -> float:
    """Return what was spent since the last run, where that was a day before; and note it."""
    subject, _ = subject_of(row)
    spend = float(row["spend_usd"])
    seen.note(Note(subject, seen.as_of.isoformat(), spend))
    yesterday = (seen.as_of - timedelta(days=1)).isoformat()
    known = [n.value for n in seen.memory if n.subject == subject and n.name == yesterday]
    return spend - known[0] if known and known[0] is not None and seen.as_of.day > 1 else 0.0


def costly_day(seen: Look, row: Mapping[str, Any], spend: Spend, since: float) -> Finding | None:
    """Return the finding for a last day that cost far more than usual."""
    days = spend.get((row["platform"], row["campaign_id"]), {})
    day, value = costliest(days, seen.as_of, since)
    month_days = calendar.monthrange(seen.as_of.year, seen.as_of.month)[1]
    daily = float(row["budget_usd"]) / month_days
    ran = [cost for at, cost in sorted(days.items()) if at not in (day, seen.as_of) and cost > 0]
    # a new campaign finds its level first
    if len(ran) < DAYS:
        return None
    is_platform = row["campaign_id"] == "(all)"
    times = seen.thresholds["platform_times" if is_platform else "day_times"]
    usual = median(ran[-WEEK:])
    upper = max(times * usual, times * daily, MORE_THAN_EVER * max(ran[-DAYS:]))
    if value <= upper:
        return None
    subject, name = subject_of(row)
    return Finding(
        subject,
        "failing",
        f"{name} cost {value:,.0f} {seen.currency} on {day}, where {usual:,.0f} is usual and"
        f" {daily:,.0f} a day is its budget",
        ACTION,
        value=value,
        lower=0.0,
        upper=upper,
        since=day,
    )


def costliest(days: Mapping[date, float], as_of: date, since: float) -> tuple[date, float]:
    """Return the last day and its cost, or an earlier one whose cost became known since.

    Several days that were told late have cost what they have cost each, not their sum.
    """
    value = days.get(as_of, 0.0)
    week = [day for day in days if as_of - timedelta(days=WEEK) < day <= as_of]
    dearest = max(week, key=lambda day: days[day], default=as_of)
    late = min(since, days.get(dearest, 0.0))
    return (dearest, late) if late > value else (as_of, value)


CHECK = Check(
    name="budget",
    title="no platform or campaign spends more than it should",
    severity="ticket",
    tables=("rpt_budget_pacing",),
    look=look,
    thresholds={
        "overspend_percent": Threshold(20, "Spend above the budget of the month that may be."),
        "ahead_percent": Threshold(35, "What a platform may be ahead of what is due."),
        "day_times": Threshold(2.6, "Times the usual, and the budget, of a day.", minimum=1),
        "platform_times": Threshold(2.2, "And of a day of a platform as a whole.", minimum=1),
    },
)
