"""The raw tables of Google Ads."""

from __future__ import annotations

from marketing_analytics.ingest.engine.history import history_of
from marketing_analytics.ingest.engine.tables import Kind, Table
from marketing_analytics.ingest.engine.trust.totals import TOTALS

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
CAMPAIGN_HISTORY = history_of(
    "campaign_history",
    CAMPAIGNS,
    {
        "customer_id": "text",
        "name": "text",
        "status": "text",
        "daily_budget": "money",
        "currency": "text",
    },
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
CONVERSION_ACTIONS = Table(
    "conversion_actions",
    {
        "conversion_action_id": "text",
        "customer_id": "text",
        "name": "text",
        "status": "text",
        "type": "text",
        "category": "text",
        "is_primary": "flag",
        "is_counted": "flag",
        "click_lookback_days": "count",
        "view_lookback_days": "count",
    },
    key=("conversion_action_id",),
)
DELIVERY: dict[str, Kind] = {"impressions": "count", "clicks": "count", "cost_micros": "count"}
CONVERSIONS: dict[str, Kind] = {"conversions": "fraction", "conversions_value": "fraction"}


def of_days(
    name: str, key: tuple[str, ...], texts: tuple[str, ...], figures: dict[str, Kind]
) -> Table:
    """Return a table of figures by customer and day; what splits them is part of the key."""
    columns: dict[str, Kind] = {"customer_id": "text", "date": "date"}
    columns |= dict.fromkeys((*texts, "currency", "timezone_name"), "text")
    return Table(
        name,
        {**columns, **figures},
        key=("customer_id", "date", *key),
        mode="parts",
        part_by=("customer_id", "date"),
        required=tuple(column for column in ("cost_micros",) if column in figures),
    )


CAMPAIGN_STATS = of_days(
    "campaign_stats",
    ("campaign_id",),
    ("campaign_id",),
    {**DELIVERY, **CONVERSIONS, "view_through_conversions": "count"},
)
AD_STATS = of_days(
    "ad_stats",
    ("ad_group_id", "ad_id"),
    ("campaign_id", "ad_group_id", "ad_id"),
    {**DELIVERY, **CONVERSIONS},
)
DEVICE_STATS = of_days(
    "device_stats",
    ("campaign_id", "device"),
    ("campaign_id", "device"),
    {**DELIVERY, **CONVERSIONS},
)
# a keyword has the same id in every ad group that holds it
KEYWORD_STATS = of_days(
    "keyword_stats",
    ("ad_group_id", "criterion_id"),
    ("campaign_id", "ad_group_id", "criterion_id", "keyword", "match_type"),
    {**DELIVERY, **CONVERSIONS},
)
SEARCH_TERM_STATS = of_days(
    "search_term_stats",
    ("ad_group_id", "search_term", "match_type"),
    ("campaign_id", "ad_group_id", "search_term", "match_type"),
    {**DELIVERY, **CONVERSIONS},
)
CONVERSION_ACTION_STATS = of_days(
    "conversion_action_stats",
    ("campaign_id", "conversion_action_id"),
    ("campaign_id", "conversion_action_id", "conversion_action", "category"),
    {
        **CONVERSIONS,
        "all_conversions": "fraction",
        "all_conversions_value": "fraction",
        "view_through_conversions": "count",
    },
)
CLICKS = Table(
    "clicks",
    {
        "customer_id": "text",
        "date": "date",
        "gclid": "text",
        "campaign_id": "text",
        "ad_group_id": "text",
        "ad_id": "text",
        "keyword": "text",
        "match_type": "text",
        "device": "text",
        "network": "text",
        "country_id": "text",
        "timezone_name": "text",
    },
    key=("customer_id", "date", "gclid"),
    mode="parts",
    part_by=("customer_id", "date"),
)
TABLES = (
    CUSTOMERS,
    CAMPAIGNS,
    CAMPAIGN_HISTORY,
    AD_GROUPS,
    ADS,
    CONVERSION_ACTIONS,
    CAMPAIGN_STATS,
    AD_STATS,
    DEVICE_STATS,
    KEYWORD_STATS,
    SEARCH_TERM_STATS,
    CONVERSION_ACTION_STATS,
    CLICKS,
    TOTALS,
)
