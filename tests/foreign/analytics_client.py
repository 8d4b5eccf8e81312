"""Google's own client of the Data API, as its documentation shows it, over REST.

Prints what it read as JSON. Arguments: address, token server, client id, secret, refresh token,
property, first day, last day.
"""

import json
import sys

from google.analytics.data_v1beta import BetaAnalyticsDataClient
from google.analytics.data_v1beta.types import (
    DateRange,
    Dimension,
    Filter,
    FilterExpression,
    GetMetadataRequest,
    Metric,
    MetricAggregation,
    OrderBy,
    RunReportRequest,
)
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPICallError
from google.oauth2.credentials import Credentials

address, token_uri, client_id, secret, refresh, property_id, first, last = sys.argv[1:]
client = BetaAnalyticsDataClient(
    transport="rest",
    client_options=ClientOptions(api_endpoint=address),
    credentials=Credentials(
        None,
        refresh_token=refresh,
        token_uri=token_uri,
        client_id=client_id,
        client_secret=secret,
    ),
)
name = f"properties/{property_id}"
days = [DateRange(start_date=first, end_date=last)]


def read(dimensions, metrics, limit=100, **more):
    """Return all rows of a report, and its last answer."""
    rows = []
    while True:
        answer = client.run_report(
            RunReportRequest(
                property=name,
                date_ranges=days,
                dimensions=[Dimension(name=one) for one in dimensions],
                metrics=[Metric(name=one) for one in metrics],
                order_bys=[
                    OrderBy(dimension=OrderBy.DimensionOrderBy(dimension_name=one))
                    for one in dimensions
                ],
                metric_aggregations=[MetricAggregation.TOTAL],
                return_property_quota=True,
                keep_empty_rows=True,
                limit=limit,
                offset=len(rows),
                **more,
            )
        )
        rows += answer.rows
        if len(rows) >= answer.row_count:
            return rows, answer


def refused(call):
    """Return the kind of error that a call ends with."""
    try:
        call()
    except GoogleAPICallError as error:
        return type(error).__name__
    return ""


metadata = client.get_metadata(GetMetadataRequest(name=f"{name}/metadata"))
traffic, answer = read(
    [
        "date",
        "sessionSource",
        "sessionMedium",
        "sessionCampaignName",
        "sessionDefaultChannelGroup",
    ],
    ["sessions", "engagedSessions", "totalUsers", "keyEvents", "totalRevenue"],
)
pages, _ = read(["date", "pagePath"], ["screenPageViews"])
paid, _ = read(
    ["date"],
    ["sessions"],
    dimension_filter=FilterExpression(
        filter=Filter(
            field_name="sessionMedium",
            string_filter=Filter.StringFilter(value="cpc"),
        )
    ),
)
other = RunReportRequest(property="properties/999", date_ranges=days, metrics=[Metric(name="a")])
print(
    json.dumps(
        {
            "metrics": len(metadata.metrics),
            "traffic": len(traffic),
            "pages": len(pages),
            "paid": len(paid),
            "sessions": sum(int(row.metric_values[0].value) for row in traffic),
            "total": int(answer.totals[0].metric_values[0].value),
            "types": [header.type_.name for header in answer.metric_headers],
            "currency": answer.metadata.currency_code,
            "time_zone": answer.metadata.time_zone,
            "tokens_left": answer.property_quota.tokens_per_day.remaining,
            "unknown_metric": refused(lambda: read(["date"], ["sesions"])),
            "other_property": refused(lambda: client.run_report(other)),
        }
    )
)
