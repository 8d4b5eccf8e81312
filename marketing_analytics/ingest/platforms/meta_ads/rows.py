"""From the rows of a report to the columns of its raw tables; a metric that is absent is zero."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from marketing_analytics.ingest.engine.answers import Account
from marketing_analytics.ingest.engine.job import Piece
from marketing_analytics.ingest.engine.tables import Part, Table
from marketing_analytics.ingest.platforms.meta_ads.tables import (
    ACTION_WINDOWS,
    AD_ACTIONS,
    AD_INSIGHTS,
    PURCHASE_WINDOWS,
)

Row = Mapping[str, Any]
Columns = dict[str, list[Any]]

# one purchase is reported under several names; the first one present is taken
PURCHASE_ACTIONS = ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase")
# where Meta does not know to which part of a breakdown something belongs
UNKNOWN = "unknown"


def pieces_of(
    table: Table, account: Account, rows: Sequence[Row], parts: tuple[Part, ...]
) -> list[Piece]:
    """Return what a report holds: its table first, and beside the plain one all actions."""
    if table is not AD_INSIGHTS:
        return [Piece(table, breakdown_columns(table, account, rows), rows, parts)]
    actions = list(actions_of(rows))
    return [
        Piece(table, insight_columns(account, rows), rows, parts),
        Piece(AD_ACTIONS, action_columns(account, actions), actions, parts),
    ]


def insight_columns(account: Account, rows: Sequence[Row]) -> Columns:
    """Return the columns of AD_INSIGHTS."""
    purchases = [purchase_of(row.get("actions")) for row in rows]
    return {
        **figures(account, rows),
        "ad_set_id": [row.get("adset_id") for row in rows],
        "timezone_name": [account.zone.key] * len(rows),
        "inline_link_clicks": [row.get("inline_link_clicks", "0") for row in rows],
        "reach": [row.get("reach") for row in rows],
        **{
            f"purchases_{name}": [action.get(name, "0") for action in purchases]
            for name in PURCHASE_WINDOWS
        },
    }


def breakdown_columns(table: Table, account: Account, rows: Sequence[Row]) -> Columns:
    """Return the columns of a table that is broken down."""
    named = breakdowns_of(table)
    return figures(account, rows) | {
        name: [row.get(name) or UNKNOWN for row in rows] for name in named
    }


def breakdowns_of(table: Table) -> tuple[str, ...]:
    """Return by what a report is broken down: what its key has more than that of ads by day."""
    return tuple(name for name in table.key if name not in AD_INSIGHTS.key)


def figures(account: Account, rows: Sequence[Row]) -> Columns:
    """Return the columns that all reports have."""
    values = [purchase_of(row.get("action_values")) for row in rows]
    return {
        "account_id": [row.get("account_id") for row in rows],
        "date": [row.get("date_start") for row in rows],
        "campaign_id": [row.get("campaign_id") for row in rows],
        "ad_id": [row.get("ad_id") for row in rows],
        "currency": [account.currency] * len(rows),
        **{
            name: [row.get(name, "0") for row in rows]
            for name in ("impressions", "clicks", "spend")
        },
        "purchases": [purchase_of(row.get("actions")).get("value", "0") for row in rows],
        "purchase_value": [action.get("value", "0") for action in values],
    }


def purchase_of(actions: Sequence[Mapping[str, str]] | None) -> Mapping[str, str]:
    """Return the purchase among the actions of a row, empty when there is none."""
    by_type = {action.get("action_type"): action for action in actions or ()}
    return next((by_type[name] for name in PURCHASE_ACTIONS if name in by_type), {})


def actions_of(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield every kind of action of every row: how many, and what they are worth."""
    for row in rows:
        counts, values = (
            {action.get("action_type"): action for action in row.get(name) or ()}
            for name in ("actions", "action_values")
        )
        for kind in dict.fromkeys([*counts, *values]):
            yield {
                "account_id": row.get("account_id"),
                "date": row.get("date_start"),
                "ad_id": row.get("ad_id"),
                "action_type": kind,
                "counts": counts.get(kind, {}),
                "values": values.get(kind, {}),
            }


def action_columns(account: Account, actions: Sequence[Row]) -> Columns:
    """Return the columns of AD_ACTIONS; `value` is Meta's name for the default attribution."""
    columns: Columns = {
        name: [action[name] for action in actions]
        for name in ("account_id", "date", "ad_id", "action_type")
    }
    columns["currency"] = [account.currency] * len(actions)
    for window in ("value", *ACTION_WINDOWS):
        suffix = "" if window == "value" else f"_{window}"
        columns[f"actions{suffix}"] = [one["counts"].get(window, "0") for one in actions]
        columns[f"action_value{suffix}"] = [one["values"].get(window, "0") for one in actions]
    return columns
