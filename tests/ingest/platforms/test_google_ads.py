"""Google Ads passes the source kit."""

import pytest

from tests.ingest.source_kit import ServedKit

pytestmark = pytest.mark.system


class TestGoogleAds(ServedKit):
    name = "google_ads"
    facts_path = ":searchStream"
    odd_field = "metrics.costMicros"
    odd_reason = "cost_micros is not a count: 'n/a'"
    odd_value_field = "metrics.conversionsValue"
    odd_value_reason = (
        "conversions_value",
        "conversions_value is not a fraction: 'n/a', left empty",
    )

    def is_of_control(self, asked):
        return "customer_client" in asked.body

    def is_of_totals(self, asked):
        return "FROM customer " in asked.body

    def records(self, body):
        return [chunk["results"] for chunk in body if "results" in chunk]

    def is_taken_back(self, record):
        return record.get("segments", {}).get("date") == "2026-10-25"
