"""The resources of Google Ads that do not change from day to day, filled from the world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from marketing_analytics.simulate.emulation.delivery import EPOCH
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.google_ads.clicks import (
    COUNTRIES,
    GEO_TARGETS,
    KEYWORDS_PER_GROUP,
    MARKETS,
    MATCH_TYPES,
    criterion_id,
    words_of,
)

CLICK_WINDOW_DAYS, VIEW_WINDOW_DAYS = 30, 1
Values = dict[str, Any]


@dataclass(frozen=True)
class Action:
    """A conversion action that every client has."""

    name: str
    category: str
    type: str


# orders that the shop knows, and what Google models or learns of later
ACTIONS = (
    Action("Purchase", "PURCHASE", "WEBPAGE"),
    Action("Purchase by phone", "PHONE_CALL_LEAD", "UPLOAD_CALLS"),
)


class GoogleRows:
    """Rows of every resource, as flat dictionaries of field and value."""

    def __init__(self, world: WorldFiles) -> None:
        self.accounts = {r["account_id"]: r for r in world.rows("accounts", "google_ads")}
        self.manager = next(i for i, a in self.accounts.items() if a["is_manager"])
        self.campaigns = {r["campaign_id"]: r for r in world.rows("campaigns", "google_ads")}
        self.groups = {r["ad_group_id"]: r for r in world.rows("ad_groups", "google_ads")}
        self.ads = {r["ad_id"]: r for r in world.rows("ads", "google_ads") if r["ad_id"]}

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
            f"{prefix}.test_account": False,
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
            }

    def action_name(self, account_id: str, number: int) -> str:
        """Return the resource name of a conversion action."""
        return f"customers/{account_id}/conversionActions/{action_id(account_id, number)}"

    def conversion_actions(self, account_id: str) -> Iterator[Values]:
        """Yield the conversion actions of a client."""
        for number, action in enumerate(ACTIONS if account_id != self.manager else ()):
            yield {
                **self.customer(account_id),
                "conversion_action.resource_name": self.action_name(account_id, number),
                "conversion_action.id": action_id(account_id, number),
                "conversion_action.name": action.name,
                "conversion_action.status": "ENABLED",
                "conversion_action.type": action.type,
                "conversion_action.category": action.category,
                "conversion_action.primary_for_goal": True,
                "conversion_action.include_in_conversions_metric": True,
                "conversion_action.owner_customer": f"customers/{account_id}",
                "conversion_action.counting_type": "MANY_PER_CLICK",
                "conversion_action.click_through_lookback_window_days": CLICK_WINDOW_DAYS,
                "conversion_action.view_through_lookback_window_days": VIEW_WINDOW_DAYS,
            }

    def budget(self, campaign_id: str) -> Values:
        """Return the budget of a campaign."""
        row = self.campaigns[campaign_id]
        # a budget needs an id of its own; ids of campaigns are seven apart
        number = int(campaign_id) + 1
        name = f"customers/{row['account_id']}/campaignBudgets/{number}"
        return {
            "campaign_budget.resource_name": name,
            "campaign_budget.id": number,
            "campaign_budget.name": row["name"],
            "campaign_budget.amount_micros": row["daily_budget_cents"] * 10_000,
            "campaign_budget.period": "DAILY",
            "campaign_budget.explicitly_shared": False,
            "campaign_budget.reference_count": int(row["status"] != "REMOVED"),
            "campaign_budget.status": "ENABLED",
            "campaign_budget.type": "STANDARD",
            "campaign_budget.delivery_method": "STANDARD",
        }

    def campaign(self, campaign_id: str) -> Values:
        """Return a campaign with its budget and customer."""
        row = self.campaigns[campaign_id]
        account, budget = row["account_id"], self.budget(campaign_id)
        return {
            **self.customer(account),
            **budget,
            "campaign.resource_name": f"customers/{account}/campaigns/{campaign_id}",
            "campaign.id": int(campaign_id),
            "campaign.name": row["name"],
            "campaign.status": row["status"],
            "campaign.advertising_channel_type": row["kind"],
            "campaign.campaign_budget": budget["campaign_budget.resource_name"],
            "campaign.start_date_time": f"{EPOCH + timedelta(days=row['first_day'])} 00:00:00",
        }

    def ad_group(self, ad_group_id: str) -> Values:
        """Return an ad group with its campaign."""
        row = self.groups[ad_group_id]
        values = self.campaign(row["campaign_id"])
        return {
            **values,
            "ad_group.resource_name": f"customers/{row['account_id']}/adGroups/{ad_group_id}",
            "ad_group.id": int(ad_group_id),
            "ad_group.name": row["name"],
            "ad_group.status": row["status"],
            "ad_group.campaign": values["campaign.resource_name"],
        }

    def ad(self, ad_id: str) -> Values:
        """Return an ad with its ad group."""
        row = self.ads[ad_id]
        account, group = row["account_id"], row["ad_group_id"]
        values = self.ad_group(group)
        return {
            **values,
            "ad_group_ad.resource_name": f"customers/{account}/adGroupAds/{group}~{ad_id}",
            "ad_group_ad.status": row["status"],
            "ad_group_ad.ad_group": values["ad_group.resource_name"],
            "ad_group_ad.ad.resource_name": f"customers/{account}/ads/{ad_id}",
            "ad_group_ad.ad.id": int(ad_id),
            "ad_group_ad.ad.name": row["name"],
            "ad_group_ad.ad.type": "RESPONSIVE_SEARCH_AD",
        }

    def kind_of(self, campaign_id: str) -> str:
        """Return the kind of a campaign."""
        return str(self.campaigns[campaign_id]["kind"])

    def criterion(self, ad_group_id: str, number: int) -> Values:
        """Return a keyword of an ad group, with the ad group."""
        group = self.ad_group(ad_group_id)
        text = words_of(group["campaign.name"])[number]
        match_type = MATCH_TYPES[number]
        found = criterion_id(text, match_type)
        account = self.groups[ad_group_id]["account_id"]
        place = f"{ad_group_id}~{found}"
        return {
            **group,
            "ad_group_criterion.resource_name": f"customers/{account}/adGroupCriteria/{place}",
            "ad_group_criterion.criterion_id": found,
            "ad_group_criterion.ad_group": group["ad_group.resource_name"],
            "ad_group_criterion.status": "ENABLED",
            "ad_group_criterion.type": "KEYWORD",
            "ad_group_criterion.negative": False,
            "ad_group_criterion.display_name": text,
            "ad_group_criterion.keyword.text": text,
            "ad_group_criterion.keyword.match_type": match_type,
            "keyword_view.resource_name": f"customers/{account}/keywordViews/{place}",
        }

    def keywords(self, account_id: str) -> Iterator[Values]:
        """Yield the keywords of a customer: only campaigns on the search network have some."""
        for ad_group_id, row in self.groups.items():
            if row["account_id"] == account_id and self.kind_of(row["campaign_id"]) == "SEARCH":
                for number in range(KEYWORDS_PER_GROUP):
                    yield self.criterion(ad_group_id, number)

    def criteria(self, account_id: str) -> Iterator[Values]:
        """Yield keywords, and of shopping campaigns the group of all products of an ad group."""
        yield from self.keywords(account_id)
        for ad_group_id, row in self.groups.items():
            if row["account_id"] == account_id and self.kind_of(row["campaign_id"]) == "SHOPPING":
                group = self.ad_group(ad_group_id)
                number = criterion_id("all products", "LISTING_GROUP")
                name = f"customers/{account_id}/adGroupCriteria/{ad_group_id}~{number}"
                yield {
                    **group,
                    "ad_group_criterion.resource_name": name,
                    "ad_group_criterion.criterion_id": number,
                    "ad_group_criterion.ad_group": group["ad_group.resource_name"],
                    "ad_group_criterion.status": "ENABLED",
                    "ad_group_criterion.type": "LISTING_GROUP",
                    "ad_group_criterion.negative": False,
                    "ad_group_criterion.listing_group.type": "UNIT",
                }

    def campaign_criteria(self, account_id: str) -> Iterator[Values]:
        """Yield where the campaigns of a customer are shown: the countries of its market."""
        countries = MARKETS.get(self.accounts[account_id]["market"], {})
        for campaign_id, row in self.campaigns.items():
            for country in countries if row["account_id"] == account_id else ():
                campaign, number = self.campaign(campaign_id), GEO_TARGETS[country]
                name = f"customers/{account_id}/campaignCriteria/{campaign_id}~{number}"
                yield {
                    **campaign,
                    "campaign_criterion.resource_name": name,
                    "campaign_criterion.campaign": campaign["campaign.resource_name"],
                    "campaign_criterion.criterion_id": number,
                    "campaign_criterion.display_name": country,
                    "campaign_criterion.type": "LOCATION",
                    "campaign_criterion.status": "ENABLED",
                    "campaign_criterion.negative": False,
                    "campaign_criterion.location.geo_target_constant": constant_of(number),
                }

    def view(self, resource: str, account_id: str, part: int) -> Values:
        """Return the fields of a view of places or products; `part` is the number of a country."""
        name = f"customers/{account_id}"
        if resource == "shopping_performance_view":
            return {f"{resource}.resource_name": f"{name}/shoppingPerformanceView"}
        country, number = COUNTRIES[part], GEO_TARGETS[COUNTRIES[part]]
        place = {"segments.geo_target_most_specific_location": constant_of(number)}
        if resource == "geographic_view":
            kind = "LOCATION_OF_PRESENCE"
            return place | {
                "geographic_view.resource_name": f"{name}/geographicViews/{number}~{kind}",
                "geographic_view.country_criterion_id": number,
                "geographic_view.location_type": kind,
            }
        is_target = country in MARKETS.get(self.accounts[account_id]["market"], {})
        text = str(is_target).lower()
        return place | {
            "user_location_view.resource_name": f"{name}/userLocationViews/{number}~{text}",
            "user_location_view.country_criterion_id": number,
            "user_location_view.targeting_location": is_target,
        }

    def entities(self, resource: str, account_id: str) -> Iterator[Values]:
        """Yield the rows of a resource without metrics."""
        own: dict[str, Callable[[], Iterator[Values]]] = {
            "customer": lambda: iter([self.customer(account_id)]),
            "customer_client": lambda: self.clients(account_id),
            "conversion_action": lambda: self.conversion_actions(account_id),
            "ad_group_criterion": lambda: self.criteria(account_id),
            "campaign_criterion": lambda: self.campaign_criteria(account_id),
            "keyword_view": lambda: self.keywords(account_id),
        }
        if resource in own:
            yield from own[resource]()
        tables: dict[str, Any] = {
            "campaign": (self.campaigns, self.campaign),
            "campaign_budget": (self.campaigns, self.campaign),
            "ad_group": (self.groups, self.ad_group),
            "ad_group_ad": (self.ads, self.ad),
        }
        if resource in tables:
            rows, make = tables[resource]
            yield from (make(i) for i, row in rows.items() if row["account_id"] == account_id)


def constant_of(number: int) -> str:
    """Return the resource name of a place."""
    return f"geoTargetConstants/{number}"


def action_id(account_id: str, number: int) -> int:
    """Return the id of a conversion action of a client."""
    return int(account_id) % 1_000_000 + 700_000_000 + number * 1_000_000
