"""The raw tables of Google Ads and the GAQL queries that fill them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from marketing_analytics.ingest.engine.tables import Table
from marketing_analytics.ingest.engine.totals import TOTALS
from marketing_analytics.ingest.engine.windows import Window

CUSTOMERS = Table(
    "customers",
    {
        "customer_id": "text",
        "name": "text",
        "currency": "text",
        "timezone_name": "text",
        "is_manager": "flag",
        "status": "text",
    },
    key=("customer_id",),
)
CAMPAIGNS = Table(
    "campaigns",
    {
        "campaign_id": "text",
        "customer_id": "text",
        "name": "text",
        "status": "text",
        "channel_type": "text",
        "daily_budget": "money",
    },
    key=("campaign_id",),
)
AD_GROUPS = Table(
    "ad_groups",
    {
        "ad_group_id": "text",
        "campaign_id": "text",
        "customer_id": "text",
        "name": "text",
        "status": "text",
    },
    key=("ad_group_id",),
)
ADS = Table(
    "ads",
    {
        "ad_id": "text",
        "ad_group_id": "text",
        "campaign_id": "text",
        "customer_id": "text",
        "name": "text",
        "status": "text",
    },
    # the same ad may run in several ad groups
    key=("ad_group_id", "ad_id"),
)
CAMPAIGN_STATS = Table(
    "campaign_stats",
    {
        "customer_id": "text",
        "date": "date",
        "campaign_id": "text",
        "currency": "text",
        "timezone_name": "text",
        "impressions": "count",
        "clicks": "count",
        "cost_micros": "count",
        "conversions": "fraction",
        "conversions_value": "fraction",
        "view_through_conversions": "count",
    },
    key=("customer_id", "date", "campaign_id"),
    mode="parts",
    part_by=("customer_id", "date"),
    required=("cost_micros",),
)
AD_STATS = Table(
    "ad_stats",
    {
        "customer_id": "text",
        "date": "date",
        "campaign_id": "text",
        "ad_group_id": "text",
        "ad_id": "text",
        "currency": "text",
        "timezone_name": "text",
        "impressions": "count",
        "clicks": "count",
        "cost_micros": "count",
        "conversions": "fraction",
        "conversions_value": "fraction",
    },
    key=("customer_id", "date", "ad_group_id", "ad_id"),
    mode="parts",
    part_by=("customer_id", "date"),
    required=("cost_micros",),
)
TABLES = (CUSTOMERS, CAMPAIGNS, AD_GROUPS, ADS, CAMPAIGN_STATS, AD_STATS, TOTALS)

TREE_QUERY = (
    "SELECT customer_client.id, customer_client.descriptive_name, "
    "customer_client.currency_code, customer_client.time_zone, customer_client.manager, "
    "customer_client.status, customer_client.level FROM customer_client"
)
TOTALS_QUERY = (
    "SELECT segments.date, metrics.cost_micros FROM customer "
    "WHERE segments.date BETWEEN '{start}' AND '{end}'"
)
CONVERSION_WINDOW_QUERY = (
    "SELECT conversion_action.id, conversion_action.click_through_lookback_window_days, "
    "conversion_action.view_through_lookback_window_days FROM conversion_action"
)


@dataclass(frozen=True, eq=False)
class Report:
    """A GAQL query; `paths` is raw column: field of the answer, "" is the customer itself."""

    table: Table
    resource: str
    paths: Mapping[str, str]

    @property
    def is_of_campaigns(self) -> bool:
        """Return whether the report holds all that a customer spends."""
        return self.table is CAMPAIGN_STATS

    def query(self, window: Window | None = None) -> str:
        """Return the query, of a window of days for statistics."""
        fields = ", ".join(snake_case(path) for path in self.paths.values())
        text = f"SELECT {fields} FROM {self.resource}"  # noqa: S608
        if window:
            text += f" WHERE segments.date BETWEEN '{window.start}' AND '{window.end}'"
        return text


ENTITY_REPORTS = (
    Report(
        CAMPAIGNS,
        "campaign",
        {
            "campaign_id": "campaign.id",
            "name": "campaign.name",
            "status": "campaign.status",
            "channel_type": "campaign.advertisingChannelType",
            "daily_budget": "campaignBudget.amountMicros",
        },
    ),
    Report(
        AD_GROUPS,
        "ad_group",
        {
            "ad_group_id": "adGroup.id",
            "campaign_id": "campaign.id",
            "name": "adGroup.name",
            "status": "adGroup.status",
        },
    ),
    Report(
        ADS,
        "ad_group_ad",
        {
            "ad_id": "adGroupAd.ad.id",
            "ad_group_id": "adGroup.id",
            "campaign_id": "campaign.id",
            "name": "adGroupAd.ad.name",
            "status": "adGroupAd.status",
        },
    ),
)
METRICS = {
    "impressions": "metrics.impressions",
    "clicks": "metrics.clicks",
    "cost_micros": "metrics.costMicros",
    "conversions": "metrics.conversions",
    "conversions_value": "metrics.conversionsValue",
}
STATS_REPORTS = (
    Report(
        CAMPAIGN_STATS,
        "campaign",
        {
            "date": "segments.date",
            "campaign_id": "campaign.id",
            **METRICS,
            "view_through_conversions": "metrics.viewThroughConversions",
        },
    ),
    Report(
        AD_STATS,
        "ad_group_ad",
        {
            "date": "segments.date",
            "campaign_id": "campaign.id",
            "ad_group_id": "adGroup.id",
            "ad_id": "adGroupAd.ad.id",
            **METRICS,
        },
    ),
)


def snake_case(path: str) -> str:
    """Return the GAQL name of a field of the answer: adGroup.id is ad_group.id."""
    return re.sub(r"(?<!^)(?<!\.)([A-Z])", r"_\1", path).lower()
