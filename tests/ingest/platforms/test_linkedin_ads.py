"""LinkedIn Ads passes the source kit."""

import pytest

from tests.ingest.source_kit import ServedKit

pytestmark = pytest.mark.system


class TestLinkedInAds(ServedKit):
    name = "linkedin_ads"
    facts_path = "/adAnalytics"
    odd_field = "costInLocalCurrency"
    odd_reason = "cost_in_local_currency is not a fraction: 'n/a'"
    odd_value_field = "clicks"
    odd_value_reason = ("clicks", "clicks is not a count: 'n/a', left empty")

    def is_of_control(self, asked):
        return asked.path.endswith("/adAccounts")

    def is_of_totals(self, asked):
        return "(value:ACCOUNT)" in asked.target

    def records(self, body):
        return [body["elements"]] if "elements" in body else []

    def is_taken_back(self, record):
        start = record.get("dateRange", {}).get("start")
        return start == {"year": 2026, "month": 10, "day": 25}
