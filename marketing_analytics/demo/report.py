"""Print the result of the demo and write its summary."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from marketing_analytics.core.console import Console
from marketing_analytics.demo.figures import SHOWN_MODELS, WINDOW_DAYS, Expected, Figures
from marketing_analytics.demo.runs import Outcome


def print_channels(console: Console, figures: Figures) -> None:
    """Print channel by model: spend and revenue in USD, then ROAS where there is spend."""
    rows = {(row.channel, row.model): row for row in figures.channels}
    by_revenue = sorted(rows.values(), key=lambda row: -row.revenue_usd)
    spend = {row.channel: row.spend_usd for row in figures.channels}
    # channels of which the world has nothing would hide the others
    is_met = {row.channel for row in figures.channels if row.revenue_usd or row.spend_usd}
    linear = [row.channel for row in by_revenue if row.model == "linear"]
    order = [name for name in linear if name in is_met]
    revenue = [
        [name, dollars(spend[name]), *(dollars(rows[name, m].revenue_usd) for m in SHOWN_MODELS)]
        for name in order
    ]
    totals = [dollars(figures.attributed_usd.get(model)) for model in SHOWN_MODELS]
    revenue.append(["total", dollars(sum(figures.spend_usd.values(), Decimal(0))), *totals])
    roas = [
        [name, dollars(spend[name]), *(quotient(rows[name, m].roas) for m in SHOWN_MODELS)]
        for name in order
        if spend[name]
    ]
    headings = ["channel", "spend", "first", "last", "linear", "decay", "position"]
    right = range(1, len(headings))
    window = f"USD, {WINDOW_DAYS}-day window"
    console.line()
    console.table(headings, revenue, title=f"Revenue by channel and model, {window}", right=right)
    console.table(headings, roas, title=f"ROAS by channel and model, {window}", right=right)
    for platform, value in figures.without_spend_usd.items():
        console.prose(
            f"{platform} is not ingested: its {money(value)} USD (linear) count as revenue of"
            " their channel, not in its ROAS."
        )
    for channel, value in figures.without_campaign_usd.items():
        console.prose(
            f"{money(value)} USD of {channel} (linear) stand on no campaign: auto-tagged links"
            " carry a click id alone, and their platform does not tell whose it was."
        )


def quotient(value: float | None) -> str:
    """Return a ratio with two decimals, or a dash."""
    return "-" if value is None else f"{value:.2f}"


def dollars(value: Decimal | None) -> str:
    """Return an amount in whole units, so that the table fits 80 columns; a dash for nothing."""
    return f"{value:,.0f}" if value else "-"


def money(value: Decimal) -> str:
    """Return an amount with thousands separators and cents."""
    return f"{value:,.2f}"


def summary_of(
    figures: Figures, expected: Expected, outcomes: list[Outcome], seconds: dict[str, float]
) -> dict[str, Any]:
    """Return the content of summary.json: money in USD, as numbers with two decimals."""
    return {
        "schema_version": 1,
        "jobs_deployed": len(outcomes),
        "runs": {outcome.key: outcome.status for outcome in outcomes},
        "revenue_total": float(figures.revenue_usd),
        "attributed_revenue": floats(figures.attributed_usd),
        "spend": floats({name: figures.spend_usd[name] for name in expected.spend_usd}),
        "ledger": {
            "revenue_total": float(expected.revenue_usd),
            "attributed_revenue": floats(expected.attributed_usd),
            "spend": floats(expected.spend_usd),
        },
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
    }


def floats(values: dict[str, Decimal]) -> dict[str, float]:
    """Return money as JSON numbers."""
    return {name: float(value) for name, value in values.items()}


def write_summary(path: Path, summary: dict[str, Any]) -> None:
    """Write the summary in one step, so that nobody reads half of it."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(summary, indent=2) + "\n")
    temporary.replace(path)
