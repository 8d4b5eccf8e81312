"""The GAQL queries that fill the raw tables of Google Ads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.access.settings import names_in
from marketing_analytics.ingest.engine.tables import Table, pluck
from marketing_analytics.ingest.engine.windows import Window
from marketing_analytics.ingest.platforms.google_ads.tables import (
    AD_GROUPS,
    AD_STATS,
    ADS,
    CAMPAIGN_STATS,
    CAMPAIGNS,
    CLICKS,
    CONVERSION_ACTION_STATS,
    CONVERSION_ACTIONS,
    DEVICE_STATS,
    KEYWORD_STATS,
    SEARCH_TERM_STATS,
)

CHOICE_OF_REPORTS = "GOOGLE_ADS_REPORTS"
NO_REPORTS = "none"
RETENTION_DAYS = 37 * 30
WINDOW_DAYS = 30
# clicks are kept for 90 days, asked for one by one, and hardly change
CLICK_RETENTION_DAYS = 89
CLICK_LOOKBACK_DAYS = 3

TREE_QUERY = (
    "SELECT customer_client.id, customer_client.descriptive_name, "
    "customer_client.currency_code, customer_client.time_zone, customer_client.manager, "
    "customer_client.status, customer_client.level FROM customer_client"
)
TOTALS_QUERY = (
    "SELECT segments.date, metrics.cost_micros FROM customer "
    "WHERE segments.date BETWEEN '{start}' AND '{end}'"
)


@dataclass(frozen=True, eq=False)
class Report:
    """A GAQL query; `paths` is raw column: field of the answer.

    The days of a report are read again while the customer's conversions may still arrive, or for
    `lookback_days`. `named` are columns of which the answer holds a resource's name: its id ends
    it.
    """

    table: Table
    resource: str
    paths: Mapping[str, str]
    window_days: int = WINDOW_DAYS
    retention_days: int = RETENTION_DAYS
    lookback_days: int | None = None
    named: tuple[str, ...] = ()

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

    def columns(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
        """Return the columns of an answer."""
        found = pluck(rows, self.paths)
        for column, path in self.paths.items():
            # proto JSON leaves zeros and false out
            kind = self.table.columns[column]
            default = False if kind == "flag" else 0 if path.startswith("metrics.") else None
            found[column] = [default if value is None else value for value in found[column]]
        for column in self.named:
            found[column] = [id_of(name) for name in found[column]]
        return found


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
ACTION_REPORT = Report(
    CONVERSION_ACTIONS,
    "conversion_action",
    {
        "conversion_action_id": "conversionAction.id",
        "name": "conversionAction.name",
        "status": "conversionAction.status",
        "type": "conversionAction.type",
        "category": "conversionAction.category",
        "is_primary": "conversionAction.primaryForGoal",
        "is_counted": "conversionAction.includeInConversionsMetric",
        "click_lookback_days": "conversionAction.clickThroughLookbackWindowDays",
        "view_lookback_days": "conversionAction.viewThroughLookbackWindowDays",
    },
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
OPTIONAL_REPORTS = (
    Report(
        DEVICE_STATS,
        "campaign",
        {
            "date": "segments.date",
            "campaign_id": "campaign.id",
            "device": "segments.device",
            **METRICS,
        },
    ),
    Report(
        KEYWORD_STATS,
        "keyword_view",
        {
            "date": "segments.date",
            "campaign_id": "campaign.id",
            "ad_group_id": "adGroup.id",
            "criterion_id": "adGroupCriterion.criterionId",
            "keyword": "adGroupCriterion.keyword.text",
            "match_type": "adGroupCriterion.keyword.matchType",
            **METRICS,
        },
    ),
    Report(
        SEARCH_TERM_STATS,
        "search_term_view",
        {
            "date": "segments.date",
            "campaign_id": "campaign.id",
            "ad_group_id": "adGroup.id",
            "search_term": "searchTermView.searchTerm",
            "match_type": "segments.searchTermMatchType",
            **METRICS,
        },
    ),
    Report(
        CONVERSION_ACTION_STATS,
        "campaign",
        {
            "date": "segments.date",
            "campaign_id": "campaign.id",
            "conversion_action_id": "segments.conversionAction",
            "conversion_action": "segments.conversionActionName",
            "category": "segments.conversionActionCategory",
            "conversions": "metrics.conversions",
            "conversions_value": "metrics.conversionsValue",
            "all_conversions": "metrics.allConversions",
            "all_conversions_value": "metrics.allConversionsValue",
            "view_through_conversions": "metrics.viewThroughConversions",
        },
        named=("conversion_action_id",),
    ),
    Report(
        CLICKS,
        "click_view",
        {
            "date": "segments.date",
            "gclid": "clickView.gclid",
            "campaign_id": "campaign.id",
            "ad_group_id": "adGroup.id",
            "ad_id": "clickView.adGroupAd",
            "keyword": "clickView.keywordInfo.text",
            "match_type": "clickView.keywordInfo.matchType",
            "device": "segments.device",
            "network": "segments.adNetworkType",
            "country_id": "clickView.locationOfPresence.country",
        },
        window_days=1,
        retention_days=CLICK_RETENTION_DAYS,
        lookback_days=CLICK_LOOKBACK_DAYS,
        named=("ad_id", "country_id"),
    ),
)
REPORTS = {report.table.name: report for report in (*STATS_REPORTS, *OPTIONAL_REPORTS)}


def chosen_reports(text: str) -> list[Report]:
    """Return the reports to be read: the usual ones, and those of a comma list, by default all.

    Raise UserError for a name that none has.
    """
    names = names_in(text)
    offered = {report.table.name: report for report in OPTIONAL_REPORTS}
    if names == [NO_REPORTS]:
        return list(STATS_REPORTS)
    for name in names:
        if name not in offered:
            raise UserError(
                f"{CHOICE_OF_REPORTS} names {name!r}, which is no report",
                hint=f"choose among {', '.join(offered)}; or {NO_REPORTS}",
            )
    return [*STATS_REPORTS, *(offered[name] for name in names or offered)]


def id_of(resource_name: Any) -> Any:
    """Return the id at the end of a name like customers/1/adGroupAds/2~3; other values stay."""
    if not isinstance(resource_name, str):
        return resource_name
    return re.split(r"[/~]", resource_name)[-1]


def snake_case(path: str) -> str:
    """Return the GAQL name of a field of the answer: adGroup.id is ad_group.id."""
    return re.sub(r"(?<!^)(?<!\.)([A-Z])", r"_\1", path).lower()
