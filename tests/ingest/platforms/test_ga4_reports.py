"""The Data API of GA4 passes the source kit."""

import pytest

from tests.ingest.source_kit import ServedKit

pytestmark = pytest.mark.system

# date and the four of the table `traffic`
TRAFFIC_DIMENSIONS = 5


class TestGa4Reports(ServedKit):
    name = "ga4_reports"
    is_thorough = False
    facts_path = ":runReport"
    odd_field = "0"
    odd_reason = "sessions is not a count: 'n/a'"
    odd_value_field = "4"
    odd_value_reason = ("total_revenue", "total_revenue is not a fraction: 'n/a', left empty")

    def is_of_control(self, asked):
        return '"dimensions":[]' in asked.body

    def is_of_totals(self, asked):
        return '"dimensions":[{"name":"date"}]' in asked.body

    def records(self, body):
        return [body["rows"]] if "rows" in body else []

    def settle(self, body):
        if "rowCount" in body:
            body["rowCount"] = len(body["rows"])

    def is_taken_back(self, record):
        return record["dimensionValues"][0]["value"] == "20261030"

    def spoil(self, record, place):
        if len(record["dimensionValues"]) != TRAFFIC_DIMENSIONS:
            return False
        record["metricValues"][int(place)]["value"] = "n/a"
        return True
