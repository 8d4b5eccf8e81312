"""Print the result of the demo and write its summary."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from marketing_analytics.core.console import Console
from marketing_analytics.demo.figures import MODELS, WINDOW_DAYS, Expected, Figures
from marketing_analytics.demo.runs import Outcome


def print_channels(console: Console, figures: Figures) -> None:
    """Print channel by model: spend and revenue in USD, then ROAS where there is spend."""
    revenue = {(row.channel, row.model): row.revenue_usd for row in figures.channels}
    spend = {row.channel: row.spend_usd or Decimal(0) for row in figures.channels}
    order = sorted(spend, key=lambda name: -revenue.get((name, "linear"), Decimal(0)))
    headings = ["channel", "spend", *(model.replace("_", " ") for model in MODELS)]
    rows = [
        [name, amount(spend[name]), *(amount(revenue.get((name, m))) for m in MODELS)]
        for name in order
    ]
    totals = [amount(figures.attributed_usd.get(model)) for model in MODELS]
    rows.append(["total", amount(sum(figures.spend_usd.values(), Decimal(0))), *totals])
    window = f"USD, {WINDOW_DAYS}-day window"
    right = range(1, len(headings))
    console.table(headings, rows, title=f"Revenue by channel and model, {window}", right=right)
    roas = [
        [name, amount(spend[name]), *(ratio(revenue.get((name, m)), spend[name]) for m in MODELS)]
        for name in order
        if spend[name]
    ]
    console.table(headings, roas, title=f"ROAS by channel and model, {window}", right=right)


def ratio(value: Decimal | None, by: Decimal) -> str:
    """Return a quotient with two decimals."""
    return f"{(value or Decimal(0)) / by:.2f}"


def amount(value: Decimal | None) -> str:
    """Return an amount, or a dash for nothing."""
    return money(value) if value else "-"


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
        "attributed_revenue": _floats(figures.attributed_usd),
        "spend": _floats({name: figures.spend_usd[name] for name in expected.spend_usd}),
        "ledger": {
            "revenue_total": float(expected.revenue_usd),
            "attributed_revenue": _floats(expected.attributed_usd),
            "spend": _floats(expected.spend_usd),
        },
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
    }


def _floats(values: dict[str, Decimal]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}


def write_summary(path: Path, summary: dict[str, Any]) -> None:
    """Write the summary in one step, so that nobody reads half of it."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(summary, indent=2) + "\n")
    temporary.replace(path)
