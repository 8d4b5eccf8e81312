"""Mailchimp passes the source kit."""

from collections import Counter

import pytest

from marketing_analytics.ingest.engine.trust.shrinkage import FEW_ROWS
from tests.ingest.source_kit import ServedKit

pytestmark = pytest.mark.system


class TestMailchimp(ServedKit):
    name = "mailchimp"
    is_thorough = False
    facts_path = "/sent-to"
    odd_field = "email_id"
    odd_reason = "email_id is missing"
    odd_value_field = "open_count"
    odd_value_reason = ("open_count", "open_count is not a count: 'n/a', left empty")

    def is_of_control(self, asked):
        return not asked.path.rpartition("/reports/")[1]

    def records(self, body):
        return [rows for name, rows in body.items() if name != "_links" and is_records(rows)]

    def of_large_parts(self, name, rows, like=None):
        sizes = Counter(row[0] for row in like or rows)
        return [row for row in rows if sizes[row[0]] >= FEW_ROWS]

    def spoil(self, record, place):
        # recipients, of whom there are many
        if "open_count" not in record:
            return False
        record[place] = None if place == "email_id" else "n/a"
        return True

    def settle(self, body):
        if "total_items" in body:
            body["total_items"] = sum(map(len, self.records(body)))

    def is_taken_back(self, record):
        return record.get("email_id", "f").startswith("0")

    def make_taken_back(self, records, spoiled):
        super().make_taken_back(records, spoiled)
        change_reports(records)

    def make_other_type(self, records, spoiled):
        super().make_other_type(records, spoiled)
        change_reports(records)


def change_reports(records):
    """Let reports tell that something changed: without it recipients are not read again."""
    for record in records:
        if "bounces" in record:
            record["emails_sent"] -= 1


def is_records(rows):
    return isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
