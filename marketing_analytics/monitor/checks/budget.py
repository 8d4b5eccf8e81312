"""Spend of the month against the budget that is due by now, by platform and campaign.

A campaign may run ahead in the first days of a month: what is over is measured against the budget
of the whole month too, so that a few dollars of a first day alarm nobody.
"""

from __future__ import annotations

from collections.abc import Iterator

from marketing_analytics.monitor.checks.check import Check, Finding, Look, Threshold

ACTION = "lower the daily budget of the campaign, or raise the budget of the month in the shop"


def look(seen: Look) -> Iterator[Finding]:
    """Yield platforms and campaigns that have spent more than is due."""
    rows = seen.rows("budget_pacing")
    limit = 1 + seen.thresholds["overspend_percent"] / 100
    share = seen.thresholds["month_percent"] / 100
    for row in rows:
        budget, spend = float(row["budget_usd"]), float(row["spend_usd"])
        due = spend / row["pacing"] if row["pacing"] else 0.0
        if spend > due * limit and spend - due > budget * share:
            whole = row["campaign_id"] == "(all)"
            name = "the platform" if whole else row["campaign_name"] or row["campaign_id"]
            yield Finding(
                row["platform"] if whole else f"{row['platform']}/{row['campaign_id']}",
                "failing",
                f"{name} has spent {spend:,.0f} USD where {due:,.0f} of the month's"
                f" {budget:,.0f} are due by {row['counted_until_date']}"
                f" ({100 * (spend / due - 1):.0f} % over)"
                if due
                else f"{name} has no budget due",
                ACTION,
                value=spend,
                lower=0.0,
                upper=due * limit,
                since=row["counted_until_date"],
            )
    yield Finding("", "ok", f"{len(rows)} budgets are kept")


CHECK = Check(
    name="budget",
    title="no platform or campaign spends more than is due",
    severity="ticket",
    tables=("rpt_budget_pacing",),
    look=look,
    thresholds={
        "overspend_percent": Threshold(25, "Spend above what is due that is allowed."),
        "month_percent": Threshold(5, "And above it by so much of the month's budget."),
    },
)
