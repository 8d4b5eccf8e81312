"""The raw tables of Meta Ads and the fields of the API that fill them."""

from __future__ import annotations

from collections.abc import Mapping

from marketing_analytics.ingest.engine.history import history_of
from marketing_analytics.ingest.engine.tables import Kind, Table
from marketing_analytics.ingest.engine.trust.totals import TOTALS

# 7d_view and 28d_view came to an end in January 2026
ACTION_WINDOWS = ("1d_click", "7d_click", "28d_click", "1d_view", "1d_ev")
PURCHASE_WINDOWS = ACTION_WINDOWS[:4]

ACCOUNTS = Table(
    "accounts",
    {
        "account_id": "text",
        "name": "text",
        "currency": "text",
        "timezone_name": "text",
        "account_status": "count",
    },
    key=("account_id",),
)
CAMPAIGNS = Table(
    "campaigns",
    {
        "campaign_id": "text",
        "account_id": "text",
        "name": "text",
        "status": "text",
        "objective": "text",
        "daily_budget": "money",
        "lifetime_budget": "money",
        "created_at": "time",
        "updated_at": "time",
    },
    key=("campaign_id",),
)
CAMPAIGN_HISTORY = history_of(
    "campaign_history",
    CAMPAIGNS,
    {
        "account_id": "text",
        "name": "text",
        "status": "text",
        "daily_budget": "money",
        "lifetime_budget": "money",
        "currency": "text",
    },
)
AD_SETS = Table(
    "ad_sets",
    {
        "ad_set_id": "text",
        "campaign_id": "text",
        "account_id": "text",
        "name": "text",
        "status": "text",
        "daily_budget": "money",
        "updated_at": "time",
    },
    key=("ad_set_id",),
)
ADS = Table(
    "ads",
    {
        "ad_id": "text",
        "ad_set_id": "text",
        "campaign_id": "text",
        "account_id": "text",
        "creative_id": "text",
        "name": "text",
        "status": "text",
        "updated_at": "time",
    },
    key=("ad_id",),
)
PURCHASE_COLUMNS: dict[str, Kind] = {
    "purchases": "fraction",
    **{f"purchases_{name}": "fraction" for name in PURCHASE_WINDOWS},
}
AD_INSIGHTS = Table(
    "ad_insights",
    {
        "account_id": "text",
        "date": "date",
        "campaign_id": "text",
        "ad_set_id": "text",
        "ad_id": "text",
        "currency": "text",
        "timezone_name": "text",
        "impressions": "count",
        "clicks": "count",
        "inline_link_clicks": "count",
        "spend": "money",
        **PURCHASE_COLUMNS,
        "purchase_value": "money",
        "reach": "count",
    },
    key=("account_id", "date", "ad_id"),
    mode="parts",
    part_by=("account_id", "date"),
    required=("spend",),
)
AD_ACTIONS = Table(
    "ad_actions",
    {
        "account_id": "text",
        "date": "date",
        "ad_id": "text",
        "action_type": "text",
        "currency": "text",
        "actions": "fraction",
        **{f"actions_{name}": "fraction" for name in ACTION_WINDOWS},
        "action_value": "fraction",
        **{f"action_value_{name}": "fraction" for name in ACTION_WINDOWS},
    },
    key=("account_id", "date", "ad_id", "action_type"),
    mode="parts",
    part_by=("account_id", "date"),
)


def broken_down(name: str, *breakdowns: str) -> Table:
    """Return the table of a report that is broken down; the breakdown is part of the key."""
    return Table(
        name,
        {
            "account_id": "text",
            "date": "date",
            "campaign_id": "text",
            "ad_id": "text",
            **dict.fromkeys(breakdowns, "text"),
            "currency": "text",
            "impressions": "count",
            "clicks": "count",
            "spend": "money",
            "purchases": "fraction",
            "purchase_value": "money",
        },
        key=("account_id", "date", "ad_id", *breakdowns),
        mode="parts",
        part_by=("account_id", "date"),
        required=("spend",),
    )


# name in the setting: table
BREAKDOWNS: Mapping[str, Table] = {
    "country": broken_down("ad_insights_country", "country"),
    "age_gender": broken_down("ad_insights_age_gender", "age", "gender"),
    "placement": broken_down("ad_insights_placement", "publisher_platform", "platform_position"),
    "device": broken_down("ad_insights_device", "impression_device"),
}
AD_CREATIVES = Table(
    "ad_creatives",
    {
        "creative_id": "text",
        "account_id": "text",
        "name": "text",
        "title": "text",
        "body": "text",
        "call_to_action_type": "text",
        "link": "text",
        "url_tags": "text",
        "status": "text",
    },
    key=("creative_id",),
)
TABLES = (
    ACCOUNTS,
    CAMPAIGNS,
    CAMPAIGN_HISTORY,
    AD_SETS,
    ADS,
    AD_CREATIVES,
    AD_INSIGHTS,
    AD_ACTIONS,
    *BREAKDOWNS.values(),
    TOTALS,
)

# raw column: field of the API
ENTITIES: Mapping[Table, tuple[str, dict[str, str]]] = {
    CAMPAIGNS: (
        "campaigns",
        {
            "campaign_id": "id",
            "name": "name",
            "status": "status",
            "objective": "objective",
            "daily_budget": "daily_budget",
            "lifetime_budget": "lifetime_budget",
            "created_at": "created_time",
            "updated_at": "updated_time",
        },
    ),
    AD_SETS: (
        "adsets",
        {
            "ad_set_id": "id",
            "campaign_id": "campaign_id",
            "name": "name",
            "status": "status",
            "daily_budget": "daily_budget",
            "updated_at": "updated_time",
        },
    ),
    ADS: (
        "ads",
        {
            "ad_id": "id",
            "ad_set_id": "adset_id",
            "campaign_id": "campaign_id",
            "creative_id": "creative.id",
            "name": "name",
            "status": "status",
            "updated_at": "updated_time",
        },
    ),
    AD_CREATIVES: (
        "adcreatives",
        {
            "creative_id": "id",
            "name": "name",
            "title": "title",
            "body": "body",
            "call_to_action_type": "call_to_action_type",
            "link": "link_url",
            "url_tags": "url_tags",
            "status": "status",
        },
    ),
}
# fields that are looked into
MORE_FIELDS = {AD_CREATIVES: ("object_story_spec",)}
LINKS = (
    ("link_data", "link"),
    ("video_data", "call_to_action", "value", "link"),
    ("template_data", "link"),
)
# creatives are large: Meta refuses to answer with 500 of them
PAGE_SIZES = {AD_CREATIVES: 100}
# without this Meta leaves archived and deleted ones out, and their spend has no name
ANY_STATUS = ("ACTIVE", "PAUSED", "ARCHIVED", "DELETED", "IN_PROCESS", "WITH_ISSUES")
STATUSES = {
    CAMPAIGNS: ANY_STATUS,
    AD_SETS: (*ANY_STATUS, "CAMPAIGN_PAUSED"),
    ADS: (
        *ANY_STATUS,
        "CAMPAIGN_PAUSED",
        "ADSET_PAUSED",
        "PENDING_REVIEW",
        "PREAPPROVED",
        "DISAPPROVED",
        "PENDING_BILLING_INFO",
    ),
}
