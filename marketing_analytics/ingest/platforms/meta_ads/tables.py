"""The raw tables of Meta Ads and the fields of the API that fill them."""

from __future__ import annotations

from collections.abc import Mapping

from marketing_analytics.ingest.engine.history import history_of
from marketing_analytics.ingest.engine.tables import Kind, Table
from marketing_analytics.ingest.engine.totals import TOTALS

ATTRIBUTION_WINDOWS = ("1d_click", "7d_click", "28d_click", "1d_view")

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
        "name": "text",
        "status": "text",
        "updated_at": "time",
    },
    key=("ad_id",),
)
PURCHASE_COLUMNS: dict[str, Kind] = {
    "purchases": "fraction",
    **{f"purchases_{name}": "fraction" for name in ATTRIBUTION_WINDOWS},
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
    },
    key=("account_id", "date", "ad_id"),
    mode="parts",
    part_by=("account_id", "date"),
    required=("spend",),
)
TABLES = (ACCOUNTS, CAMPAIGNS, CAMPAIGN_HISTORY, AD_SETS, ADS, AD_INSIGHTS, TOTALS)

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
            "name": "name",
            "status": "status",
            "updated_at": "updated_time",
        },
    ),
}
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
INSIGHT_FIELDS = (
    "account_id,campaign_id,adset_id,ad_id,impressions,clicks,inline_link_clicks,spend,"
    "actions,action_values"
)
