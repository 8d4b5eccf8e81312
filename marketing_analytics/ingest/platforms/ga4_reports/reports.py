"""The reports that are read: dimensions, metrics, for how long they change, their raw tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketing_analytics.ingest.engine.answers import Account
from marketing_analytics.ingest.engine.tables import Kind, Table
from marketing_analytics.ingest.engine.windows import Window

# what the answer says of the quality of its rows
QUALITY: Mapping[str, Kind] = {
    "is_sampled": "flag",
    "is_thresholded": "flag",
    "is_other": "flag",
    "has_other_row": "flag",
}
OTHER = "(other)"
# Google takes hits of up to 72 hours ago
TRAFFIC_DAYS = 3
# key events and revenue may be given to other sessions for about twelve days
ATTRIBUTION_DAYS = 14


@dataclass(frozen=True)
class Report:
    """A report by day; columns of `table` by the names of the API."""

    table: Table
    dimensions: Mapping[str, str]
    metrics: Mapping[str, str]
    lookback_days: int

    def body(self, window: Window, offset: int, limit: int) -> dict[str, Any]:
        """Return the request of a page. Pages are of one order only when all of it is sorted by."""
        names = ("date", *self.dimensions)
        return request(window, names, tuple(self.metrics)) | {
            "offset": str(offset),
            "limit": str(limit),
            "orderBys": [{"dimension": {"dimensionName": name}} for name in names],
            "keepEmptyRows": True,
        }


def request(window: Window, dimensions: Sequence[str], metrics: Sequence[str]) -> dict[str, Any]:
    """Return what is asked for some days, and what is left of the quota."""
    return {
        "dateRanges": [{"startDate": str(window.start), "endDate": str(window.end)}],
        "dimensions": [{"name": name} for name in dimensions],
        "metrics": [{"name": name} for name in metrics],
        "returnPropertyQuota": True,
    }


def report_table(name: str, key: Sequence[str], metrics: Mapping[str, Kind]) -> Table:
    """Return the raw table of a report: its first metric is one that a row is nothing without."""
    columns: dict[str, Kind] = {"property_id": "text", "date": "date"}
    columns |= dict.fromkeys(key, "text")
    columns |= {"currency": "text", "timezone_name": "text", **metrics, **QUALITY}
    return Table(
        name,
        columns,
        key=("property_id", "date", *key),
        mode="parts",
        part_by=("property_id", "date"),
        required=(next(iter(metrics)),),
    )


PROPERTIES = Table(
    "properties",
    {"property_id": "text", "currency": "text", "timezone_name": "text"},
    key=("property_id",),
)
TRAFFIC = Report(
    report_table(
        "traffic",
        (
            "session_source",
            "session_medium",
            "session_campaign_name",
            "session_default_channel_group",
        ),
        {
            "sessions": "count",
            "engaged_sessions": "count",
            "total_users": "count",
            "key_events": "fraction",
            "total_revenue": "fraction",
        },
    ),
    {
        "sessionSource": "session_source",
        "sessionMedium": "session_medium",
        "sessionCampaignName": "session_campaign_name",
        "sessionDefaultChannelGroup": "session_default_channel_group",
    },
    {
        "sessions": "sessions",
        "engagedSessions": "engaged_sessions",
        "totalUsers": "total_users",
        "keyEvents": "key_events",
        "totalRevenue": "total_revenue",
    },
    ATTRIBUTION_DAYS,
)
PAGES = Report(
    report_table(
        "pages",
        ("page_path",),
        {"views": "count", "total_users": "count", "engagement_seconds": "fraction"},
    ),
    {"pagePath": "page_path"},
    {
        "screenPageViews": "views",
        "totalUsers": "total_users",
        "userEngagementDuration": "engagement_seconds",
    },
    TRAFFIC_DAYS,
)
REPORTS = {report.table.name: report for report in (TRAFFIC, PAGES)}


@dataclass(frozen=True)
class Answer:
    """All rows of a report and what it says of their quality."""

    rows: Sequence[Mapping[str, Any]]
    is_sampled: bool
    is_thresholded: bool
    has_other_row: bool


def columns_of(report: Report, account: Account, answer: Answer) -> dict[str, list[Any]]:
    """Return the columns of the raw table."""
    rows = answer.rows
    count = len(rows)
    names = ["date", *report.dimensions.values()]
    dimensions = [cells(row, "dimensionValues", len(names)) for row in rows]
    metrics = [cells(row, "metricValues", len(report.metrics)) for row in rows]
    columns: dict[str, list[Any]] = {
        name: [row[index] for row in dimensions] for index, name in enumerate(names)
    }
    columns["date"] = [iso_date(text) for text in columns["date"]]
    for index, name in enumerate(report.metrics.values()):
        columns[name] = [row[index] for row in metrics]
    return columns | {
        "property_id": [account.account_id] * count,
        "currency": [account.currency] * count,
        "timezone_name": [account.zone.key] * count,
        "is_sampled": [answer.is_sampled] * count,
        "is_thresholded": [answer.is_thresholded] * count,
        "is_other": [OTHER in row for row in dimensions],
        "has_other_row": [answer.has_other_row] * count,
    }


def cells(row: Mapping[str, Any], name: str, count: int) -> list[Any]:
    """Return the values of a row; what is absent is None."""
    given = row.get(name)
    found = [
        cell.get("value") if isinstance(cell, dict) else None
        for cell in (given if isinstance(given, list) else ())
    ]
    return (found + [None] * count)[:count]


def iso_date(text: Any) -> Any:
    """Return YYYYMMDD with dashes; anything else, such as "(other)", stays, to be rejected."""
    if isinstance(text, str) and len(text) == 8 and text.isdigit():
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return text
