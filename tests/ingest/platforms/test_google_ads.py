"""Google Ads passes the source kit, and its reports can be chosen."""

from collections import Counter

import pytest

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.engine.trust.shrinkage import FEW_ROWS
from marketing_analytics.ingest.platforms.google_ads.reports import chosen_reports
from tests.ingest.commands import ingest, read
from tests.ingest.source_kit import ServedKit

pytestmark = pytest.mark.system


class TestGoogleAds(ServedKit):
    name = "google_ads"
    is_thorough = False
    facts_path = ":searchStream"
    odd_field = "metrics.costMicros"
    odd_reason = "cost_micros is not a count: 'n/a'"
    odd_value_field = "metrics.conversionsValue"
    odd_value_reason = (
        "conversions_value",
        "conversions_value is not a fraction: 'n/a', left empty",
    )

    def load(self, database, settings, *arguments):
        # clicks are asked for day by day, also of days before the world; its days are one window
        return super().load(database, settings, "--since", "2026-10-02", *arguments)

    def is_of_control(self, asked):
        return "customer_client" in asked.body

    def is_of_totals(self, asked):
        return "FROM customer " in asked.body

    def records(self, body):
        return [chunk["results"] for chunk in body if "results" in chunk]

    def is_taken_back(self, record):
        # clicks are read day by day: without all of a day's its answer would be refused
        is_click = "clickView" in record
        return record.get("segments", {}).get("date") == "2026-10-30" and not is_click

    def of_large_parts(self, name, rows, like=None):
        # too few conversions in a window to be missed
        if name == "google_ads.conversion_action_stats":
            return []
        # clicks are read day by day; days come second
        if name != "google_ads.clicks":
            return rows
        sizes = Counter(row[:2] for row in like or rows)
        return [row for row in rows if sizes[row[:2]] >= FEW_ROWS]


ALL = ["device_stats", "keyword_stats", "search_term_stats", "conversion_action_stats", "clicks"]


@pytest.mark.parametrize(
    ("text", "names"),
    [("", ALL), (" ", ALL), ("none", []), ("clicks, keyword_stats", ["clicks", "keyword_stats"])],
)
def test_reports_can_be_chosen(text, names):
    found = [report.table.name for report in chosen_reports(text)]
    assert found == ["campaign_stats", "ad_stats", *names]


def test_a_report_that_does_not_exist_is_told_with_those_that_do(shared_emulators, tmp_path):
    settings = shared_emulators.settings | {"GOOGLE_ADS_REPORTS": "clicks,weather"}
    done = ingest("--source", "google_ads", "--raw-database", tmp_path / "raw.duckdb", **settings)
    assert done.code != 0
    assert "GOOGLE_ADS_REPORTS names 'weather', which is no report" in done.err
    assert "choose among device_stats, keyword_stats" in done.err
    with pytest.raises(UserError):
        chosen_reports("none,clicks")


@pytest.mark.parametrize(
    ("name", "reason"), [("REFRESH_TOKEN", "invalid_grant"), ("CLIENT_SECRET", "invalid_client")]
)
def test_a_refused_token_says_why_and_which_settings(shared_emulators, tmp_path, name, reason):
    settings = shared_emulators.settings | {f"GOOGLE_ADS_{name}": "old"}
    chosen = ("--source", "google_ads", "--raw-database", tmp_path / "raw.duckdb", "--json")
    done = ingest(*chosen, **settings)
    assert done.code == 4
    [error] = done.source("google_ads")["errors"]
    assert error["message"] == f"Google gave no access token: {reason}"
    hint = "check GOOGLE_ADS_CLIENT_ID, GOOGLE_ADS_CLIENT_SECRET and GOOGLE_ADS_REFRESH_TOKEN"
    assert error["hint"] == hint


def test_reports_add_up_to_the_campaigns(loaded):
    def total(table, column="cost_micros", where="true"):
        query = f"select sum({column}) from google_ads.{table} where {where}"
        return read(loaded, query)[0][0]

    search = "campaign_id in (select campaign_id from google_ads.campaigns where channel_type = {})"
    assert total("device_stats") == total("campaign_stats")
    assert total("keyword_stats") == total("ad_stats", where=search.format("'SEARCH'"))
    assert 0 < total("search_term_stats") < total("ad_stats")
    for column in ("conversions", "conversions_value", "view_through_conversions"):
        assert total("conversion_action_stats", column) == total("campaign_stats", column)
    assert read(loaded, "select count(*) from google_ads.clicks") == [
        (total("campaign_stats", "clicks"),)
    ]


def test_click_ids_of_the_web_analytics_lead_to_their_campaign(loaded):
    query = (
        "select count(*), count(clicks.campaign_id), count(nullif(events.campaign_id, '')), "
        "count(*) filter (where clicks.campaign_id = events.campaign_id) "
        "from (select gclid, max(campaign_id) as campaign_id from ga4.events "
        "where gclid != '' group by gclid) as events "
        "left join google_ads.clicks using (gclid)"
    )
    [(sessions, found, said, same)] = read(loaded, query)
    assert 0 < said < sessions == found
    assert same == said


def test_a_click_knows_its_ad_unless_it_has_none(loaded):
    query = (
        "select channel_type, count(*) filter (where ad_id is null), count(*) "
        "from google_ads.clicks join google_ads.campaigns using (campaign_id) group by all"
    )
    found = {kind: (without, count) for kind, without, count in read(loaded, query)}
    assert found.pop("PERFORMANCE_MAX")[0] > 0
    assert {without for without, _ in found.values()} == {0}
    ads = "select count(*) from google_ads.clicks anti join google_ads.ads using (ad_id)"
    assert read(loaded, f"{ads} where ad_id is not null") == [(0,)]
