"""The raw tables of LinkedIn Ads and the fields of the API that fill them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from marketing_analytics.ingest.engine.history import history_of
from marketing_analytics.ingest.engine.tables import Kind, Table
from marketing_analytics.ingest.engine.trust.totals import TOTALS

ACCOUNTS = Table(
    "accounts",
    {
        "account_id": "text",
        "name": "text",
        "currency": "text",
        "timezone_name": "text",
        "status": "text",
        "type": "text",
        "is_test": "flag",
        "created_at": "time",
        "updated_at": "time",
    },
    key=("account_id",),
)
CAMPAIGN_GROUPS = Table(
    "campaign_groups",
    {
        "campaign_group_id": "text",
        "account_id": "text",
        "name": "text",
        "status": "text",
        "total_budget": "money",
        "created_at": "time",
        "updated_at": "time",
    },
    key=("campaign_group_id",),
)
CAMPAIGNS = Table(
    "campaigns",
    {
        "campaign_id": "text",
        "campaign_group_id": "text",
        "account_id": "text",
        "name": "text",
        "status": "text",
        "objective_type": "text",
        "cost_type": "text",
        "daily_budget": "money",
        "total_budget": "money",
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
        "total_budget": "money",
        "currency": "text",
    },
)
CREATIVES = Table(
    "creatives",
    {
        "creative_id": "text",
        "campaign_id": "text",
        "account_id": "text",
        "name": "text",
        "intended_status": "text",
        "is_serving": "flag",
        "content_reference": "text",
        "created_at": "time",
        "updated_at": "time",
    },
    key=("creative_id",),
)

# raw column: field of the API; LinkedIn's costs have more decimals than money
METRICS: Mapping[str, str] = {
    "impressions": "impressions",
    "clicks": "clicks",
    "landing_page_clicks": "landingPageClicks",
    "cost_in_local_currency": "costInLocalCurrency",
    "cost_in_usd": "costInUsd",
    "external_website_conversions": "externalWebsiteConversions",
    "post_click_conversions": "externalWebsitePostClickConversions",
    "post_view_conversions": "externalWebsitePostViewConversions",
    "conversion_value_in_local_currency": "conversionValueInLocalCurrency",
    "one_click_leads": "oneClickLeads",
    "one_click_lead_form_opens": "oneClickLeadFormOpens",
    "total_engagements": "totalEngagements",
    "likes": "likes",
    "reactions": "reactions",
    "comments": "comments",
    "shares": "shares",
    "follows": "follows",
    "company_page_clicks": "companyPageClicks",
    "sends": "sends",
    "opens": "opens",
    "video_starts": "videoStarts",
    "video_views": "videoViews",
    "video_completions": "videoCompletions",
}
MONEY_COLUMNS = ("cost_in_local_currency", "cost_in_usd", "conversion_value_in_local_currency")
METRIC_KINDS: dict[str, Kind] = {
    name: "fraction" if name in MONEY_COLUMNS else "count" for name in METRICS
}
DAY_COLUMNS: dict[str, Kind] = {
    "account_id": "text",
    "date": "date",
    "campaign_id": "text",
    "currency": "text",
    "timezone_name": "text",
    **METRIC_KINDS,
}
CAMPAIGN_STATS = Table(
    "campaign_stats",
    DAY_COLUMNS,
    key=("account_id", "date", "campaign_id"),
    mode="parts",
    part_by=("account_id", "date"),
    required=("cost_in_local_currency",),
)
CREATIVE_STATS = Table(
    "creative_stats",
    {**DAY_COLUMNS, "creative_id": "text"},
    key=("account_id", "date", "creative_id"),
    mode="parts",
    part_by=("account_id", "date"),
    required=("cost_in_local_currency",),
)
TABLES = (
    ACCOUNTS,
    CAMPAIGN_GROUPS,
    CAMPAIGNS,
    CAMPAIGN_HISTORY,
    CREATIVES,
    CAMPAIGN_STATS,
    CREATIVE_STATS,
    TOTALS,
)

ACCOUNT_PATHS = {
    "account_id": "id",
    "name": "name",
    "currency": "currency",
    "status": "status",
    "type": "type",
    "is_test": "test",
    "created_at": "changeAuditStamps.created.time",
    "updated_at": "changeAuditStamps.lastModified.time",
}
# epoch milliseconds, URNs where an id is meant
TIME_COLUMNS = ("created_at", "updated_at")
URN_COLUMNS = ("account_id", "campaign_group_id", "campaign_id", "creative_id")

# without these LinkedIn leaves out what has ended, and its spend has no name
ENDED = ("ARCHIVED", "CANCELED", "PENDING_DELETION", "REMOVED")
GROUP_STATUSES = ("ACTIVE", "DRAFT", "PAUSED", *ENDED)


@dataclass(frozen=True, eq=False)
class Entity:
    """A list below an account: finder, statuses asked for, and raw column: field of the API."""

    table: Table
    edge: str
    finder: str
    statuses: tuple[str, ...]
    page_size: int
    paths: Mapping[str, str]


ENTITIES = (
    Entity(
        CAMPAIGN_GROUPS,
        "adCampaignGroups",
        "search",
        GROUP_STATUSES,
        1_000,
        {
            "campaign_group_id": "id",
            "name": "name",
            "status": "status",
            "total_budget": "totalBudget.amount",
            "created_at": "changeAuditStamps.created.time",
            "updated_at": "changeAuditStamps.lastModified.time",
        },
    ),
    Entity(
        CAMPAIGNS,
        "adCampaigns",
        "search",
        (*GROUP_STATUSES, "COMPLETED"),
        1_000,
        {
            "campaign_id": "id",
            "campaign_group_id": "campaignGroup",
            "name": "name",
            "status": "status",
            "objective_type": "objectiveType",
            "cost_type": "costType",
            "daily_budget": "dailyBudget.amount",
            "total_budget": "totalBudget.amount",
            "created_at": "changeAuditStamps.created.time",
            "updated_at": "changeAuditStamps.lastModified.time",
        },
    ),
    Entity(
        CREATIVES,
        "creatives",
        "criteria",
        GROUP_STATUSES,
        100,
        {
            "creative_id": "id",
            "campaign_id": "campaign",
            "name": "name",
            "intended_status": "intendedStatus",
            "is_serving": "isServing",
            "content_reference": "content.reference",
            "created_at": "createdAt",
            "updated_at": "lastModifiedAt",
        },
    ),
)
