"""Each column of the staging models takes what it says from its raw table, and no more."""

from __future__ import annotations

import re

import pytest
from small_warehouse import Warehouse
from staged import recorded, staged

pytestmark = pytest.mark.system
AGAIN = "python tests/transform/staged.py records it anew; read the difference before"
# counts and amounts that a platform reports for a day, a mail or an audience
REPORTS = re.compile(
    r"stg_(google_ads__\w+_stats|linkedin_ads__\w+_stats|meta_ads__ad_(insights\w*|actions)"
    r"|mailchimp__(reports|audiences)|hubspot__email_statistics|ga4_reports__\w+)"
)
# the first two cannot be added up, the others are in every row
UNKNOWN = {"reach", "cost_in_usd", "sessions", "page_view_count"}
ZERO_UNLESS_SAID = {"emails_sent", "open_count", "engagement_ms"}
FALSE_UNLESS_SAID = {
    "can_receive_email", "is_archived", "is_closed", "is_deleted", "is_enabled", "is_machine",
    "is_opted_out", "is_published", "is_session_engaged", "is_test_account", "is_won",
}  # fmt: skip
EMPTY_TEXTS = {("stg_shop__budgets", "campaign_id")}


def test_what_a_source_leaves_out_is_nothing_false_or_unknown(built: Warehouse) -> None:
    for (model, column), (kind, cells) in staged(built, "empty").items():
        is_number = kind.startswith(("BIGINT", "INTEGER", "DECIMAL", "DOUBLE", "HUGEINT"))
        is_reported = is_number and REPORTS.fullmatch(model) and column not in UNKNOWN
        if is_reported or column in ZERO_UNLESS_SAID:
            assert float(cells) == 0, (model, column)
        elif column in FALSE_UNLESS_SAID:
            assert cells == "false", (model, column)
        elif (model, column) in EMPTY_TEXTS:
            assert cells == "", (model, column)


def test_every_staging_column_takes_what_was_recorded(built: Warehouse) -> None:
    found, expected = staged(built), recorded()
    moved = [key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)]
    assert sorted(moved) == [], AGAIN
