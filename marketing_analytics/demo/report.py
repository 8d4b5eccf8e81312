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
    """Print channel by model: revenue under each model, spend and linear ROAS, in USD."""
    revenue = {(row.channel, row.model): row.revenue_usd for row in figures.channels}
    spend = {row.channel: row.spend_usd for row in figures.channels}
    order = sorted(spend, key=lambda name: -revenue.get((name, "linear"), Decimal(0)))
    rows = [_channel_row(name, revenue, spend[name]) for name in order]
    rows.append(_total_row(figures))
    headings = ["channel", "spend", *(model.replace("_", " ") for model in MODELS), "ROAS linear"]
    console.table(
        headings,
        rows,
        title=f"Revenue by channel and attribution model, USD, {WINDOW_DAYS}-day window",
        right=range(1, len(headings)),
    )


def _channel_row(
    name: str, revenue: dict[tuple[str, str], Decimal], spend: Decimal | None
) -> list[str]:
    by_model = [revenue.get((name, model), Decimal(0)) for model in MODELS]
    linear = revenue.get((name, "linear"), Decimal(0))
    roas = f"{linear / spend:.2f}" if spend else "-"
    return [name, money(spend) if spend else "-", *(money(value) for value in by_model), roas]


def _total_row(figures: Figures) -> list[str]:
    spend = sum(figures.spend_usd.values(), Decimal(0))
    totals = [figures.attributed_usd.get(model, Decimal(0)) for model in MODELS]
    roas = f"{figures.revenue_usd / spend:.2f}" if spend else "-"
    return ["total", money(spend), *(money(value) for value in totals), roas]


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
