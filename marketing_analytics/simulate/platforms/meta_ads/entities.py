"""Everything but numbers: accounts, campaigns, ad sets, ads, and what hangs on them.

Objects by kind, as rows with every field the world knows; `listing` answers an edge with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.meta_ads.creatives import (
    activities_of,
    creative_of,
    custom_conversion_of,
    image_of,
)
from marketing_analytics.simulate.platforms.meta_ads.graph import FIELDS
from marketing_analytics.simulate.platforms.meta_ads.parameters import (
    Fields,
    Parameters,
    read_fields,
)

Row = dict[str, Any]

# kind: its name in messages, and the field of other objects that holds one of its ids
TYPES: Mapping[str, tuple[str, str]] = {
    "account": ("AdAccount", "account_id"),
    "campaigns": ("Campaign", "campaign_id"),
    "adsets": ("AdSet", "adset_id"),
    "ads": ("Ad", "ad_id"),
    "adcreatives": ("AdCreative", "creative_id"),
    "customconversions": ("CustomConversion", ""),
    "adimages": ("AdImage", ""),
    "activities": ("AdActivity", ""),
    # of these the world has none
    "advideos": ("AdVideo", ""),
    "customaudiences": ("CustomAudience", ""),
}
# kind: the lists below an object of it
EDGES: Mapping[str, tuple[str, ...]] = {
    "account": tuple(kind for kind in TYPES if kind != "account"),
    "campaigns": ("adsets", "ads"),
    "adsets": ("ads", "adcreatives"),
    "ads": ("adcreatives",),
}
# field: kind of the object that it holds
REFERENCES = {"creative": "adcreatives", "campaign": "campaigns", "adset": "adsets"}
DAY_US = 86_400_000_000


def meta_time(moment_us: int) -> str:
    """Return a time without a colon in its offset, as Meta writes it."""
    moment = datetime.fromtimestamp(moment_us // 1_000_000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S+0000")


class Entities:
    """The objects of a world."""

    def __init__(self, world: WorldFiles) -> None:
        self.accounts = {r["account_id"]: r for r in world.rows("accounts", "meta_ads")}
        campaigns = world.rows("campaigns", "meta_ads")
        self.campaigns = {r["campaign_id"]: r for r in campaigns}
        ads = [self.ad(r) for r in world.rows("ads", "meta_ads")]
        creatives = [creative_of(ad, self.campaigns[ad["campaign_id"]]) for ad in ads]
        self.tables: dict[str, list[Row]] = {
            "campaigns": [self.campaign(r) for r in campaigns],
            "adsets": [self.ad_set(r) for r in world.rows("ad_groups", "meta_ads")],
            "ads": ads,
            "adcreatives": creatives,
            "customconversions": [custom_conversion_of(account) for account in self.accounts],
            "adimages": [image_of(creative) for creative in creatives],
            "advideos": [],
            "customaudiences": [],
        }
        self.tables["activities"] = activities_of(self.tables["campaigns"])
        self.by_id = {
            row["id"]: (kind, row)
            for kind, rows in self.tables.items()
            for row in rows
            if "id" in row
        }

    def names(self) -> dict[str, str]:
        """Return the name of every account, campaign, ad set and ad by id."""
        kinds = ("campaigns", "adsets", "ads")
        names = {r["id"]: r["name"] for kind in kinds for r in self.tables[kind]}
        return names | {i: a["name"] for i, a in self.accounts.items()}

    def shared(self, row: Row, own_id: str) -> Row:
        """Return what campaigns, ad sets and ads have."""
        campaign = self.campaigns[row["campaign_id"]]
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
            "created_us": campaign["created_us"],
        }

    def campaign(self, row: Row) -> Row:
        """Return a campaign; budgets are minor units as text."""
        return {
            **self.shared(row, row["campaign_id"]),
            "objective": row["kind"],
            "daily_budget": str(row["daily_budget_cents"]),
            "buying_type": "AUCTION",
            "start_time": meta_time(row["first_day"] * DAY_US),
            "stop_time": meta_time((row["last_day"] + 1) * DAY_US),
            "special_ad_categories": [],
        }

    def ad_set(self, row: Row) -> Row:
        """Return an ad set; the budget is the campaign's."""
        campaign = self.campaigns[row["campaign_id"]]
        window = {"event_type": "CLICK_THROUGH", "window_days": 7}
        view = {"event_type": "VIEW_THROUGH", "window_days": 1}
        return {
            **self.shared(row, row["ad_group_id"]),
            "campaign_id": row["campaign_id"],
            "campaign": {"id": row["campaign_id"]},
            "daily_budget": "0",
            "lifetime_budget": "0",
            "optimization_goal": "OFFSITE_CONVERSIONS",
            "billing_event": "IMPRESSIONS",
            "start_time": meta_time(campaign["first_day"] * DAY_US),
            "end_time": meta_time((campaign["last_day"] + 1) * DAY_US),
            "attribution_spec": [window, view],
        }

    def ad(self, row: Row) -> Row:
        """Return an ad."""
        return {
            **self.shared(row, row["ad_id"]),
            "campaign_id": row["campaign_id"],
            "campaign": {"id": row["campaign_id"]},
            "adset_id": row["ad_group_id"],
            "adset": {"id": row["ad_group_id"]},
            # as long as the ids of ads, which are its last digits
            "creative": {"id": f"6{row['ad_id'][1:]}"},
        }

    def account_rows(
        self, parameters: Parameters, spent: Mapping[str, int], only: str = ""
    ) -> list[Row]:
        """Return the accounts with the asked fields."""
        fields = read_fields(parameters, FIELDS["account"], default=("id", "account_id"))
        chosen = [only] if only else list(self.accounts)
        return [self.shown(self.account(one, spent), {"id": {}, **fields}) for one in chosen]

    def account(self, account_id: str, spent: Mapping[str, int]) -> Row:
        """Return an account with all that is known of it."""
        account = self.accounts[account_id]
        zone = ZoneInfo(account["timezone_name"])
        offset = datetime.fromtimestamp(0, UTC).astimezone(zone).utcoffset()
        return {
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

    def below(self, kind: str, own_id: str, edge: str) -> list[Row]:
        """Return the objects of an edge of an object."""
        if kind == "account":
            return [row for row in self.tables[edge] if row["account_id"] == own_id]
        if edge == "adcreatives":
            ads = [self.by_id[own_id][1]] if kind == "ads" else self.below(kind, own_id, "ads")
            return [self.by_id[ad["creative"]["id"]][1] for ad in ads]
        return [row for row in self.tables[edge] if row[TYPES[kind][1]] == own_id]

    def shown(self, row: Row, fields: Fields) -> Row:
        """Return the asked fields that are known; a budget of nothing is absent."""
        result: Row = {}
        for name, asked in fields.items():
            if name not in row or (name.endswith("_budget") and row[name] == "0"):
                continue
            value = row[name]
            if asked and name in REFERENCES:
                value = self.shown(self.by_id[value["id"]][1], {"id": {}, **asked})
            result[name] = value
        return result
