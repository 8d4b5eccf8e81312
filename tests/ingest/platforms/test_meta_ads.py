"""Meta Ads passes the source kit."""

import pytest

from tests.ingest.source_kit import ServedKit

pytestmark = pytest.mark.system


class TestMetaAds(ServedKit):
    name = "meta_ads"
    facts_path = "/insights"
    odd_field = "spend"
    odd_reason = "spend is not a money: 'n/a'"
    odd_value_field = "clicks"
    odd_value_reason = ("clicks", "clicks is not a count: 'n/a', left empty")

    def is_of_control(self, asked):
        return asked.path.endswith("/me/adaccounts")

    def is_of_totals(self, asked):
        return asked.query.get("level") == "account"

    def records(self, body):
        return [body["data"]] if "data" in body else []

    def is_taken_back(self, record):
        return record.get("date_start") == "2026-10-25"
