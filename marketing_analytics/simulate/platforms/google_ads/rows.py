"""The resources of Google Ads and their fields, filled from the world."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from marketing_analytics.simulate.emulation.delivery import EPOCH, Delivery
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.google_ads.gaql import GaqlError, Query

CUSTOMER = (
    "customer.id", "customer.descriptive_name", "customer.currency_code", "customer.time_zone",
    "customer.manager", "customer.status", "customer.resource_name",
)  # fmt: skip
CAMPAIGN = (
    "campaign.id", "campaign.name", "campaign.status", "campaign.advertising_channel_type",
    "campaign.resource_name", "campaign.start_date", "campaign_budget.id",
    "campaign_budget.amount_micros", "campaign_budget.resource_name",
)  # fmt: skip
AD_GROUP = ("ad_group.id", "ad_group.name", "ad_group.status", "ad_group.resource_name")
AD = (
    "ad_group_ad.ad.id", "ad_group_ad.ad.name", "ad_group_ad.status", "ad_group_ad.resource_name",
    "ad_group_ad.ad.type", "ad_group_ad.ad.resource_name",
)  # fmt: skip
METRICS = (
    "metrics.impressions", "metrics.clicks", "metrics.cost_micros", "metrics.conversions",
    "metrics.conversions_value", "metrics.view_through_conversions", "metrics.ctr",
    "metrics.average_cpc", "metrics.all_conversions", "metrics.all_conversions_value",
)  # fmt: skip
CLIENT = (
    "customer_client.id", "customer_client.descriptive_name", "customer_client.currency_code",
    "customer_client.time_zone", "customer_client.manager", "customer_client.status",
    "customer_client.level", "customer_client.client_customer", "customer_client.hidden",
    "customer_client.resource_name", "customer_client.test_account",
)  # fmt: skip
ACTION = (
    "conversion_action.id", "conversion_action.name", "conversion_action.status",
    "conversion_action.category", "conversion_action.click_through_lookback_window_days",
    "conversion_action.view_through_lookback_window_days", "conversion_action.resource_name",
)  # fmt: skip
RESOURCES: dict[str, tuple[str, ...]] = {
    "customer": (*CUSTOMER, *METRICS, "segments.date"),
    "customer_client": (*CUSTOMER, *CLIENT),
    "conversion_action": (*CUSTOMER, *ACTION),
    "campaign": (*CUSTOMER, *CAMPAIGN, *METRICS, "segments.date"),
    "ad_group": (*CUSTOMER, *CAMPAIGN, *AD_GROUP, *METRICS, "segments.date"),
    "ad_group_ad": (*CUSTOMER, *CAMPAIGN, *AD_GROUP, *AD, *METRICS, "segments.date"),
}
# what the rows of a report are per
KEYS = {
    "customer": (),
    "campaign": ("campaign_id",),
    "ad_group": ("ad_group_id",),
    "ad_group_ad": ("ad_id",),
}
CLICK_WINDOW_DAYS, VIEW_WINDOW_DAYS = 30, 1
Values = dict[str, Any]


def whole(value: int, scale: int) -> int | float:
    """Return value / scale as a JSON number: an integer when it is one, as Google does."""
    return value // scale if value % scale == 0 else value / scale


class GoogleRows:
    """Rows of every resource, as flat dictionaries of field and value."""

    def __init__(self, world: WorldFiles) -> None:
        self.accounts = {r["account_id"]: r for r in world.rows("accounts", "google_ads")}
        self.manager = next(i for i, a in self.accounts.items() if a["is_manager"])
        self.campaigns = {r["campaign_id"]: r for r in world.rows("campaigns", "google_ads")}
        self.groups = {r["ad_group_id"]: r for r in world.rows("ad_groups", "google_ads")}
        self.ads = {r["ad_id"]: r for r in world.rows("ads", "google_ads") if r["ad_id"]}
        self.delivery = Delivery(world, "google_ads")

    def customer(self, account_id: str, prefix: str = "customer") -> Values:
        """Return a customer's own fields."""
        account = self.accounts[account_id]
        return {
            f"{prefix}.resource_name": f"customers/{account_id}",
            f"{prefix}.id": int(account_id),
            f"{prefix}.descriptive_name": account["name"],
            f"{prefix}.currency_code": account["currency"],
            f"{prefix}.time_zone": account["timezone_name"],
            f"{prefix}.manager": account["is_manager"],
            f"{prefix}.status": account["status"],
        }

    def clients(self, account_id: str) -> Iterator[Values]:
        """Yield the tree below a customer, itself at level 0."""
        # only the manager sees a tree
        below = list(self.accounts) if account_id == self.manager else [account_id]
        for client in below:
            yield {
                **self.customer(account_id),
                **self.customer(client, "customer_client"),
                "customer_client.resource_name": f"customers/{account_id}/customerClients/{client}",
                "customer_client.client_customer": f"customers/{client}",
                "customer_client.level": 0 if client == account_id else 1,
                "customer_client.hidden": False,
                "customer_client.test_account": False,
            }

    def conversion_actions(self, account_id: str) -> Iterator[Values]:
        """Yield the one conversion action of a client."""
        if account_id != self.manager:
            number = int(account_id) % 1_000_000 + 700_000_000
            name = f"customers/{account_id}/conversionActions/{number}"
            yield {
                **self.customer(account_id),
                "conversion_action.resource_name": name,
                "conversion_action.id": number,
                "conversion_action.name": "Purchase",
                "conversion_action.status": "ENABLED",
                "conversion_action.category": "PURCHASE",
                "conversion_action.click_through_lookback_window_days": CLICK_WINDOW_DAYS,
                "conversion_action.view_through_lookback_window_days": VIEW_WINDOW_DAYS,
            }

    def campaign(self, campaign_id: str) -> Values:
        """Return a campaign with its budget and customer."""
        row = self.campaigns[campaign_id]
        account = row["account_id"]
        # a budget needs an id of its own; ids of campaigns are seven apart
        budget = int(campaign_id) + 1
        return {
            **self.customer(account),
            "campaign.resource_name": f"customers/{account}/campaigns/{campaign_id}",
            "campaign.id": int(campaign_id),
            "campaign.name": row["name"],
            "campaign.status": row["status"],
            "campaign.advertising_channel_type": row["kind"],
            "campaign.start_date": str(EPOCH + timedelta(days=row["first_day"])),
            "campaign_budget.resource_name": f"customers/{account}/campaignBudgets/{budget}",
            "campaign_budget.id": budget,
            "campaign_budget.amount_micros": row["daily_budget_cents"] * 10_000,
        }

    def ad_group(self, ad_group_id: str) -> Values:
        """Return an ad group with its campaign."""
        row = self.groups[ad_group_id]
        name = f"customers/{row['account_id']}/adGroups/{ad_group_id}"
        return {
            **self.campaign(row["campaign_id"]),
            "ad_group.resource_name": name,
            "ad_group.id": int(ad_group_id),
            "ad_group.name": row["name"],
            "ad_group.status": row["status"],
        }

    def ad(self, ad_id: str) -> Values:
        """Return an ad with its ad group."""
        row = self.ads[ad_id]
        account, group = row["account_id"], row["ad_group_id"]
        return {
            **self.ad_group(group),
            "ad_group_ad.resource_name": f"customers/{account}/adGroupAds/{group}~{ad_id}",
            "ad_group_ad.status": row["status"],
            "ad_group_ad.ad.resource_name": f"customers/{account}/ads/{ad_id}",
            "ad_group_ad.ad.id": int(ad_id),
            "ad_group_ad.ad.name": row["name"],
            "ad_group_ad.ad.type": "RESPONSIVE_SEARCH_AD",
        }

    def entities(self, resource: str, account_id: str) -> Iterator[Values]:
        """Yield the rows of a resource without metrics."""
        if resource == "customer":
            yield self.customer(account_id)
        elif resource == "customer_client":
            yield from self.clients(account_id)
        elif resource == "conversion_action":
            yield from self.conversion_actions(account_id)
        else:
            tables = {
                "campaign": (self.campaigns, self.campaign),
                "ad_group": (self.groups, self.ad_group),
                "ad_group_ad": (self.ads, self.ad),
            }
            rows, make = tables[resource]
            yield from (make(i) for i, row in rows.items() if row["account_id"] == account_id)

    def entity(self, resource: str, account_id: str, own_id: str) -> Values:
        """Return one row of a report's resource."""
        if resource == "customer":
            return self.customer(account_id)
        makers = {"campaign": self.campaign, "ad_group": self.ad_group, "ad_group_ad": self.ad}
        return makers[resource](own_id)

    def report(self, query: Query, account_id: str, now_us: int) -> Iterator[Values]:
        """Yield rows with metrics; rows in which all are zero do not exist."""
        # a date in WHERE alone bounds the sums, it does not split them
        is_daily = "segments.date" in query.fields
        since, until = date_span(query, is_daily=is_daily)
        zone = self.accounts[account_id]["timezone_name"]
        index = self.delivery.visible(account_id, since, until, now_us, zone)
        id_column = (KEYS[query.resource] or ("account_id",))[0]
        ids = self.delivery.ids[id_column][index].tolist()
        days = self.delivery.day[index].tolist() if is_daily else itertools.repeat(0)
        groups: dict[tuple[int, str], list[int]] = {}
        for day, own_id, row in zip(days, ids, index.tolist(), strict=False):
            if own_id:
                groups.setdefault((day, own_id), []).append(row)
        made: dict[str, Values] = {}
        for (day, own_id), members in sorted(groups.items()):
            if own_id not in made:
                made[own_id] = self.entity(query.resource, account_id, own_id)
            values = {**made[own_id], **self.metrics(members, now_us)}
            if is_daily:
                values["segments.date"] = str(EPOCH + timedelta(days=day))
            yield values

    def metrics(self, members: list[int], now_us: int) -> Values:
        """Return the metrics of some ad days: counts and micros as integers."""
        delivery, matured = self.delivery, self.delivery.at(now_us)
        impressions = int(delivery.impressions[members].sum())
        clicks = int(delivery.clicks[members].sum())
        # a cent is 10,000 micros
        micros = int(delivery.spend_cents[members].sum()) * 10_000
        conversions = whole(int(matured.conversions["click"][members].sum()), 1_000_000)
        value = whole(int(matured.values["click"][members].sum()), 1_000_000)
        views = int(matured.conversions["1d_view"][members].sum())
        return {
            "metrics.impressions": impressions,
            "metrics.clicks": clicks,
            "metrics.cost_micros": micros,
            "metrics.conversions": conversions,
            "metrics.conversions_value": value,
            "metrics.all_conversions": conversions,
            "metrics.all_conversions_value": value,
            # counted up: Google sends whole ones
            "metrics.view_through_conversions": -(-views // 1_000_000),
            "metrics.ctr": clicks / impressions,
            "metrics.average_cpc": micros / clicks if clicks else 0,
        }


def date_span(query: Query, *, is_daily: bool) -> tuple[int, int]:
    """Return the first and last day of a query. Raise GaqlError without a finite range."""
    # stands for no bound: no day is a million from 1970
    low, high = -(10**6), 10**6
    for condition in query.conditions:
        if condition.field != "segments.date":
            continue
        if condition.operator in {"!=", "IN", "NOT IN"}:
            message = f"Operator {condition.operator} is not supported for segments.date."
            raise GaqlError("BAD_OPERATOR", message)
        days = [(EPOCH.fromisoformat(v) - EPOCH).days for v in condition.values]
        if condition.operator in {"=", "BETWEEN", ">=", ">"}:
            # > and < are whole days apart from >= and <=
            low = max(low, days[0] + (condition.operator == ">"))
        if condition.operator in {"=", "BETWEEN", "<=", "<"}:
            high = min(high, days[-1] - (condition.operator == "<"))
    if is_daily and (low == -(10**6) or high == 10**6):
        raise GaqlError(
            "EXPECTED_FILTERS_ON_DATE_RANGE",
            "Expected filters on date range for the selected segments.date.",
        )
    return low, high


def check_fields(query: Query) -> None:
    """Raise GaqlError for a resource or field that does not exist or does not fit."""
    known = RESOURCES.get(query.resource)
    if known is None:
        message = f"Unrecognized resource in the FROM clause: '{query.resource}'."
        raise GaqlError("BAD_RESOURCE_TYPE_IN_FROM_CLAUSE", message)
    for field, _ in query.order_by:
        if field.startswith("segments.") and field not in query.fields:
            message = f"'{field}' in ORDER BY must also be in SELECT."
            raise GaqlError("EXPECTED_REFERENCED_FIELDS_IN_SELECT_CLAUSE", message)
    everything = set(itertools.chain.from_iterable(RESOURCES.values()))
    for field in sorted(query.all_fields):
        if field not in everything:
            raise GaqlError("UNRECOGNIZED_FIELD", f"Unrecognized field in the query: '{field}'.")
        if field not in known:
            message = f"Cannot select '{field}' with resource '{query.resource}'."
            raise GaqlError("PROHIBITED_RESOURCE_TYPE_IN_SELECT_CLAUSE", message)
