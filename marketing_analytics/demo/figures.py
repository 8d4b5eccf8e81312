"""Read the figures of the demo from the marts, and compare them with the world's ledger."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import MachineError
from marketing_analytics.warehouse.duckdb import connect

WINDOW_DAYS = 30
# those that the terminal has room for, and the others
SHOWN_MODELS = ("first_touch", "last_touch", "linear", "time_decay", "position_based")
MODELS = (*SHOWN_MODELS, "last_non_direct", "last_paid", "j_shaped", "inverse_j_shaped")
LOCK_WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class ChannelFigures:
    """One channel under one model: revenue and spend in USD, ROAS; None where none is loaded."""

    channel: str
    model: str
    revenue_usd: Decimal
    spend_usd: Decimal | None
    roas: float | None


@dataclass(frozen=True)
class Figures:
    """What the marts say, in USD."""

    revenue_usd: Decimal
    attributed_usd: dict[str, Decimal]
    spend_usd: dict[str, Decimal]
    channels: list[ChannelFigures]
    without_spend_usd: dict[str, Decimal]
    without_campaign_usd: dict[str, Decimal]


def read_figures(warehouse: Path) -> Figures:
    """Read the marts of the one schema in the warehouse that holds them."""
    connection = connect(warehouse, is_read_only=True, wait_seconds=LOCK_WAIT_SECONDS)
    try:
        schema = schema_of(connection, "rpt_channel_attribution")
        connection.execute(f'use "{schema}"')
        return Figures(
            revenue_usd=one(connection, "select sum(revenue_usd) from fct_conversions"),
            attributed_usd=by_key(
                connection,
                "select model, sum(revenue_usd) from fct_attribution"  # noqa: S608
                f" where window_days = {WINDOW_DAYS} group by model order by model",
            ),
            spend_usd=by_key(
                connection,
                "select platform, sum(spend_usd) from fct_ad_spend group by platform order by 1",
            ),
            channels=read_channels(connection),
            without_spend_usd=platforms_without_spend(connection),
            without_campaign_usd=channels_without_campaign(connection),
        )
    finally:
        connection.close()


def schema_of(connection: Any, table: str) -> str:
    """Return the schema that holds a mart."""
    found = connection.execute(
        "select table_schema from information_schema.tables where table_name = ?", [table]
    ).fetchall()
    if not found:
        raise MachineError(f"the warehouse has no table {table}")
    return str(found[0][0])


def one(connection: Any, sql: str) -> Decimal:
    """Return the one number that a statement gives."""
    return Decimal(connection.execute(sql).fetchone()[0] or 0)


def by_key(connection: Any, sql: str) -> dict[str, Decimal]:
    """Return the numbers of a statement by its first column."""
    return {str(key): Decimal(value or 0) for key, value in connection.execute(sql).fetchall()}


def read_channels(connection: Any) -> list[ChannelFigures]:
    """Return revenue, spend and ROAS by channel and model, in USD."""
    rows = connection.execute(
        "select channel, model, revenue_usd, spend_usd, roas"  # noqa: S608
        f" from rpt_channel_attribution where window_days = {WINDOW_DAYS}"
        " order by channel, model"
    ).fetchall()
    return [ChannelFigures(*row) for row in rows]


def platforms_without_spend(connection: Any) -> dict[str, Decimal]:
    """Return paid platforms whose spend is not loaded, with their linear revenue in USD."""
    return by_key(
        connection,
        "select platform, sum(revenue_usd) from fct_attribution"  # noqa: S608
        f" where window_days = {WINDOW_DAYS} and model = 'linear' and platform like '%_ads'"
        " and platform not in (select platform from fct_ad_spend) group by platform",
    )


def channels_without_campaign(connection: Any) -> dict[str, Decimal]:
    """Return paid channels with the linear revenue that no campaign can be named for, in USD."""
    return by_key(
        connection,
        "select channel, sum(revenue_usd) from fct_attribution"  # noqa: S608
        f" where window_days = {WINDOW_DAYS} and model = 'linear' and platform like '%_ads'"
        " and campaign_id is null group by channel order by channel",
    )


@dataclass(frozen=True)
class Expected:
    """The same figures from the world's ledger, in USD."""

    revenue_usd: Decimal
    attributed_usd: dict[str, Decimal]
    spend_usd: dict[str, Decimal]


def expected_figures(ledger: dict[str, Any], sources: list[str]) -> Expected:
    """Return what the marts must say: every model hands out the whole net revenue.

    The world may hold platforms that are not ingested; spend is expected of `sources` alone.
    """
    revenue = Decimal(ledger["orders"]["net_usd"])
    return Expected(
        revenue_usd=revenue,
        attributed_usd=dict.fromkeys(MODELS, revenue),
        spend_usd={
            name: Decimal(totals["usd"])
            for name, totals in ledger["spend"].items()
            if name in sources
        },
    )


def differences(figures: Figures, expected: Expected) -> list[str]:
    """Return a sentence for every figure that is off by a cent or more."""
    pairs: list[tuple[str, Decimal | None, Decimal]] = [
        ("revenue", figures.revenue_usd, expected.revenue_usd)
    ]
    for model, wanted in expected.attributed_usd.items():
        pairs.append((f"revenue under {model}", figures.attributed_usd.get(model), wanted))
    for platform, wanted in expected.spend_usd.items():
        pairs.append((f"spend of {platform}", figures.spend_usd.get(platform), wanted))
    return [
        f"{name}: the marts say {found}, the ledger says {wanted}"
        for name, found, wanted in pairs
        if found is None or abs(found - wanted) >= Decimal("0.01")
    ]
