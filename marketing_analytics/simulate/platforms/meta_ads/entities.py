"""Accounts, campaigns, ad sets and ads as Meta's Graph API shows them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.meta_ads.insights import (
    MetaError,
    read_fields,
    read_texts,
)

# field names per edge; everything is a string except what the SDK's specs give as a number
FIELDS: dict[str, tuple[str, ...]] = {
    "accounts": (
        "id", "account_id", "name", "currency", "timezone_name", "timezone_offset_hours_utc",
        "timezone_id", "account_status", "amount_spent", "balance", "created_time", "business_name",
    ),
    "campaigns": (
        "id", "account_id", "name", "status", "effective_status", "configured_status", "objective",
        "daily_budget", "lifetime_budget", "buying_type", "created_time", "updated_time",
        "start_time", "stop_time",
    ),
    "adsets": (
        "id", "account_id", "campaign_id", "name", "status", "effective_status",
        "configured_status", "daily_budget", "lifetime_budget", "optimization_goal",
        "billing_event", "created_time", "updated_time", "start_time", "end_time",
        "attribution_spec",
    ),
    "ads": (
        "id", "account_id", "campaign_id", "adset_id", "name", "status", "effective_status",
        "configured_status", "created_time", "updated_time",
    ),
}  # fmt: skip
HIDDEN_STATUSES = ("ARCHIVED", "DELETED")
PARAMETERS = (
    "fields",
    "limit",
    "after",
    "before",
    "filtering",
    "effective_status",
    "access_token",
    "summary",
)


def meta_time(moment_us: int) -> str:
    """Return a time without a colon in its offset, as Meta writes it."""
    moment = datetime.fromtimestamp(moment_us // 1_000_000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S+0000")


class MetaEntities:
    """Everything but numbers."""

    def __init__(self, world: WorldFiles) -> None:
        self.accounts = {r["account_id"]: r for r in world.rows("accounts", "meta_ads")}
        campaigns = world.rows("campaigns", "meta_ads")
        self.times = {r["campaign_id"]: r for r in campaigns}
        self.tables: dict[str, list[dict[str, Any]]] = {
            "campaigns": [self.campaign(r) for r in campaigns],
            "adsets": [self.ad_set(r) for r in world.rows("ad_groups", "meta_ads")],
            "ads": [self.ad(r) for r in world.rows("ads", "meta_ads")],
        }

    def names(self) -> dict[str, str]:
        """Return the name of every account, campaign, ad set and ad by id."""
        names = {r["id"]: r["name"] for rows in self.tables.values() for r in rows}
        return names | {i: a["name"] for i, a in self.accounts.items()}

    def shared(self, row: dict[str, Any], own_id: str) -> dict[str, Any]:
        """Return what all three kinds have."""
        campaign = self.times[row["campaign_id"]]
        return {
            "id": own_id,
            "account_id": row["account_id"],
            "name": row["name"],
            "status": row["status"],
            "effective_status": row["status"],
            "configured_status": row["status"],
            "created_time": meta_time(campaign["created_us"]),
            "updated_time": meta_time(row["updated_us"]),
            "updated_us": row["updated_us"],
        }

    def campaign(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a campaign; budgets are minor units as text."""
        return {
            **self.shared(row, row["campaign_id"]),
            "objective": row["kind"],
            "daily_budget": str(row["daily_budget_cents"]),
            "lifetime_budget": "0",
            "buying_type": "AUCTION",
            "start_time": meta_time(row["first_day"] * 86_400_000_000),
            "stop_time": meta_time((row["last_day"] + 1) * 86_400_000_000),
        }

    def ad_set(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return an ad set; the budget is the campaign's."""
        campaign = self.times[row["campaign_id"]]
        window = {"event_type": "CLICK_THROUGH", "window_days": 7}
        view = {"event_type": "VIEW_THROUGH", "window_days": 1}
        return {
            **self.shared(row, row["ad_group_id"]),
            "campaign_id": row["campaign_id"],
            "daily_budget": "0",
            "lifetime_budget": "0",
            "optimization_goal": "OFFSITE_CONVERSIONS",
            "billing_event": "IMPRESSIONS",
            "start_time": meta_time(campaign["first_day"] * 86_400_000_000),
            "end_time": meta_time((campaign["last_day"] + 1) * 86_400_000_000),
            "attribution_spec": [window, view],
        }

    def ad(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return an ad."""
        parents = {"campaign_id": row["campaign_id"], "adset_id": row["ad_group_id"]}
        return {**self.shared(row, row["ad_id"]), **parents}

    def account_rows(
        self, parameters: dict[str, str], spent: dict[str, int], only: str = ""
    ) -> list[dict[str, Any]]:
        """Return the accounts with the asked fields."""
        fields = read_fields(parameters, FIELDS["accounts"], default=("id", "account_id"))
        rows = []
        for account_id, account in self.accounts.items():
            if only and account_id != only:
                continue
            zone = ZoneInfo(account["timezone_name"])
            offset = datetime.fromtimestamp(0, UTC).astimezone(zone).utcoffset()
            values = {
                "id": f"act_{account_id}",
                "account_id": account_id,
                "name": account["name"],
                "currency": account["currency"],
                "timezone_name": account["timezone_name"],
                "timezone_offset_hours_utc": offset.total_seconds() / 3600 if offset else 0.0,
                "timezone_id": 7 if account["market"] == "US" else 47,
                "account_status": 1,
                "amount_spent": str(spent.get(account_id, 0)),
                "balance": "0",
                "created_time": "2024-01-15T09:00:00+0000",
                "business_name": "Shop",
            }
            rows.append({name: values[name] for name in ("id", *fields)})
        return rows

    def rows(
        self, edge: str, account: str, parameters: dict[str, str], now_us: int
    ) -> list[dict[str, Any]]:
        """Return one edge of an account with the asked fields. Raise MetaError."""
        if edge not in self.tables:
            message = f"(#100) Tried accessing nonexisting field ({edge}) on node type (AdAccount)"
            raise MetaError(message, code=100)
        unknown = sorted(set(parameters) - set(PARAMETERS))
        if unknown:
            raise MetaError(f"(#100) Unknown parameter {unknown[0]}", code=100)
        fields = read_fields(parameters, FIELDS[edge], default=("id",))
        wanted = read_statuses(parameters)
        after_seconds = read_updated_after(parameters)
        chosen = [
            row
            for row in self.tables[edge]
            if row["account_id"] == account
            and (row["status"] in wanted if wanted else row["status"] not in HIDDEN_STATUSES)
            and row["updated_us"] // 1_000_000 > after_seconds
        ]
        return [shown(row, fields) for row in chosen]

    def find(self, node: str, parameters: dict[str, str]) -> dict[str, Any] | None:
        """Return one campaign, ad set or ad by id."""
        for edge, rows in self.tables.items():
            for row in rows:
                if row["id"] == node:
                    return shown(row, read_fields(parameters, FIELDS[edge], default=("id",)))
        return None


def shown(row: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """Return the id and the asked fields; a budget of nothing is absent."""
    result = {"id": row["id"]}
    for name in fields:
        if name in row and not (name.endswith("_budget") and row[name] == "0"):
            result[name] = row[name]
    return result


def read_statuses(parameters: dict[str, str]) -> tuple[str, ...]:
    """Return the asked effective_status values. Raise MetaError."""
    return tuple(read_texts(parameters, "effective_status"))


def read_updated_after(parameters: dict[str, str]) -> int:
    """Return the epoch of an updated_time filter, or a number before all. Raise MetaError."""
    text = parameters.get("filtering")
    if not text:
        return -(2**62)
    try:
        filters = json.loads(text)
        (only,) = filters
        field, operator = str(only["field"]).split(".")[-1], only["operator"]
        value = int(only["value"])
    except (ValueError, TypeError, KeyError):
        raise MetaError("(#100) Param filtering is not understood.", code=100) from None
    if field != "updated_time" or operator != "GREATER_THAN":
        message = f"(#100) Filtering {field} with {operator} is not supported."
        raise MetaError(message, code=100)
    return value
