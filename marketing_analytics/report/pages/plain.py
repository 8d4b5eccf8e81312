"""The blocks of the overview for readers without scripts: a sentence and a small table each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marketing_analytics.report.numbers.changes import amounts
from marketing_analytics.report.numbers.definitions import METRICS, Filters, target_of, value_of
from marketing_analytics.report.numbers.words import money, number, platform_words, shown
from marketing_analytics.report.snapshots.snapshot import Snapshot

PACING_SQL = """
select platform, budget_usd, spend_usd, forecast_spend_usd, forecast_attainment
from rpt_budget_pacing
where is_platform_total and is_current_month
order by platform
"""
FUNNEL_SQL = """
select
    sum(sessions) as visits, sum(product_view_sessions) as views,
    sum(add_to_cart_sessions) as carts, sum(checkout_sessions) as checkouts,
    sum(purchase_sessions) as purchases
from fct_acquisition_funnel
where session_date between $from_date and $to_date
"""
STAGES = {"visits": "Visits", "views": "Product seen", "carts": "In the cart",
          "checkouts": "Checkout", "purchases": "Order"}  # fmt: skip


@dataclass(frozen=True)
class Plain:
    """A block as words: what it says, and a table whose first column names the row."""

    says: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def plain_blocks(snapshot: Snapshot, filters: Filters, names: dict[str, str]) -> dict[str, Plain]:
    """Return the blocks of the overview by their id."""
    return {
        "revenue-plan": revenue(snapshot, filters),
        "channels": channels(snapshot, filters, names),
        "pacing": pacing(snapshot),
        "funnel": funnel(snapshot, filters),
    }


def revenue(snapshot: Snapshot, filters: Filters) -> Plain:
    """Return revenue against its plan."""
    metric = next(metric for metric in METRICS if metric.name == "revenue_usd")
    value = value_of(snapshot.connection, metric, filters) or 0.0
    plan = target_of(snapshot.connection, metric, filters)
    amount = money(value, snapshot.currency)
    if not plan:
        return Plain(f"Revenue of {amount}; these days have no plan.")
    share = number(value / plan * 100)
    return Plain(
        f"Revenue of {amount} is {share} % of the plan for these days"
        f" ({money(plan, snapshot.currency)})."
    )


def channels(snapshot: Snapshot, filters: Filters, names: dict[str, str]) -> Plain:
    """Return spend, attributed revenue and ROAS of the channels with spend."""
    found = amounts(snapshot.connection, filters)
    rows = [
        (
            names.get(name, name),
            money(spend, snapshot.currency),
            money(credit, snapshot.currency),
            number(credit / spend, 2),
        )
        for name, (spend, credit) in sorted(found.items(), key=lambda item: -item[1][0])
        if spend
    ]
    says = "" if rows else "No paid channel has spend in these days."
    return Plain(says, ("Channel", "Spend", "Attributed revenue", "ROAS"), tuple(rows))


def pacing(snapshot: Snapshot) -> Plain:
    """Return budget, spend and forecast of the month by platform."""
    if not snapshot.has("rpt_budget_pacing"):
        return Plain("No budget is built yet: the job campaign-performance does it.")
    rows: list[tuple[str, ...]] = [
        (
            platform_words(row["platform"]),
            *(money(as_float(row[name]), snapshot.currency)
              for name in ("budget_usd", "spend_usd", "forecast_spend_usd")),
            shown(row["forecast_attainment"], "share"),
        )
        for row in snapshot.rows(PACING_SQL)
    ]  # fmt: skip
    says = "" if rows else "This month has neither budget nor spend."
    return Plain(says, ("Platform", "Budget", "Spent", "Forecast", "of the budget"), tuple(rows))


def funnel(snapshot: Snapshot, filters: Filters) -> Plain:
    """Return visits by how far they came, and the rate from stage to stage."""
    if not snapshot.has("fct_acquisition_funnel"):
        return Plain("No funnel is built yet: the job customer-acquisition-funnel does it.")
    (row,) = snapshot.rows(FUNNEL_SQL, from_date=filters.from_date, to_date=filters.to_date)
    if not row["visits"]:
        return Plain("No visits in these days.")
    rows, before = [], None
    for name, label in STAGES.items():
        count = int(row[name])
        rows.append((label, number(count), shown(count / before, "share") if before else ""))
        before = count
    share = shown(int(row["purchases"]) / int(row["visits"]), "share")
    return Plain(
        f"{share} of the visits end with an order.",
        ("Stage", "Visits", "of the stage before"),
        tuple(rows),
    )


def as_float(value: Any) -> float | None:
    """Return a decimal as the number that is shown."""
    return None if value is None else float(value)
