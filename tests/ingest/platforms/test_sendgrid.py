"""SendGrid passes the source kit, and keeps what one missing right would spoil."""

from collections import Counter

import pytest

from marketing_analytics.ingest.engine.trust.shrinkage import FEW_ROWS
from tests.ingest.source_kit import ServedKit

pytestmark = pytest.mark.system


class TestSendgrid(ServedKit):
    name = "sendgrid"
    is_thorough = False
    facts_path = "/stats"
    odd_field = "date"
    odd_reason = "report_date is not a date: 'n/a'"
    odd_value_field = "opens"
    odd_value_reason = ("opens", "opens is not a count: 'n/a', left empty")

    def is_of_control(self, asked):
        return False

    def is_of_totals(self, asked):
        # one day of them is many rows
        return "/categories" in asked.path

    def records(self, body):
        # the scopes of a subuser are an object
        return [body] if isinstance(body, list) else []

    def spoil(self, record, place):
        if place in record:
            record[place] = "n/a"
            return True
        return place == "opens" and any(
            super(TestSendgrid, self).spoil(stat, "metrics.opens") for stat in record["stats"]
        )

    def is_taken_back(self, record):
        return record.get("date") == "2026-10-25" or record.get("created", 1) % 5 == 0

    def of_large_parts(self, name, rows, like=None):
        # a list of addresses is one part, days are read by the window
        sizes = Counter(row[:2] for row in like or rows)
        is_list = name.endswith("suppressions")
        return [row for row in rows if not is_list or sizes[row[:2]] >= FEW_ROWS]
