"""Reports of Google Ads: every split adds up to the same totals, and clicks are those of GA4."""

from collections import Counter
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from .test_google import enabled, in_period, rows_of

pytestmark = pytest.mark.system

COUNTS = ("impressions", "clicks", "costMicros")
METRICS = (
    "metrics.impressions, metrics.clicks, metrics.cost_micros, metrics.conversions, "
    "metrics.conversions_value"
)
CONVERSIONS = "metrics.conversions, metrics.conversions_value, metrics.view_through_conversions"


def summed(rows, names=(*COUNTS, "conversions", "conversionsValue")):
    """Return the sums of metrics."""
    return {name: sum(Decimal(str(row["metrics"][name])) for row in rows) for name in names}


@pytest.fixture(params=[0, 1])
def rows(served, request):
    with served.google() as client:
        customer = enabled(served, client)[request.param]["id"]
        yield lambda query: rows_of(client, customer, in_period(served, query))


@pytest.mark.parametrize("segment", ["device", "ad_network_type"])
@pytest.mark.parametrize("resource", ["customer", "campaign", "ad_group_ad"])
def test_segments_split_the_same_totals(rows, segment, resource):
    whole = rows(f"SELECT segments.date, {METRICS} FROM {resource}")
    parts = rows(f"SELECT segments.date, segments.{segment}, {METRICS} FROM {resource}")
    assert len(parts) > len(whole)
    assert summed(parts) == summed(whole)
    assert all(int(row["metrics"]["impressions"]) for row in parts)


def test_keywords_hold_all_of_the_search_campaigns_and_nothing_else(rows):
    fields = "segments.date, ad_group.id, ad_group_criterion.criterion_id"
    keywords = rows(
        f"SELECT {fields}, ad_group_criterion.keyword.text, {METRICS} FROM keyword_view"
    )
    groups = rows(f"SELECT campaign.advertising_channel_type, {METRICS} FROM ad_group")
    search = [g for g in groups if g["campaign"]["advertisingChannelType"] == "SEARCH"]
    assert summed(keywords) == summed(search)
    keys = Counter(
        (r["segments"]["date"], r["adGroup"]["id"], r["adGroupCriterion"]["criterionId"])
        for r in keywords
    )
    assert set(keys.values()) == {1}
    # a keyword has one id in all ad groups that hold it
    texts = {
        (r["adGroupCriterion"]["criterionId"], r["adGroupCriterion"]["keyword"]["text"])
        for r in keywords
    }
    assert len(texts) == len({criterion for criterion, _ in texts})
    assert len({(r["adGroup"]["id"], r["adGroupCriterion"]["criterionId"]) for r in keywords}) > (
        len(texts)
    )


def test_search_terms_hold_less_than_keywords_as_few_searches_are_not_shown(rows):
    query = (
        "SELECT segments.date, ad_group.id, search_term_view.search_term, "
        "segments.search_term_match_type, {} FROM search_term_view"
    )
    terms = rows(query.format(METRICS))
    shown = rows(f"SELECT campaign.advertising_channel_type, {METRICS} FROM ad_group")
    kinds = {"SEARCH", "SHOPPING"}
    groups = [g for g in shown if g["campaign"]["advertisingChannelType"] in kinds]
    assert 0 < summed(terms)["costMicros"] < summed(groups)["costMicros"]
    assert not any("near me" in row["searchTermView"]["searchTerm"] for row in terms)


def test_conversion_actions_split_the_same_conversions(rows):
    names = ("conversions", "conversionsValue")
    fields = "segments.date, campaign.id, segments.conversion_action"
    parts = rows(f"SELECT {fields}, segments.conversion_action_name, {CONVERSIONS} FROM campaign")
    whole = rows(f"SELECT segments.date, campaign.id, {CONVERSIONS} FROM campaign")
    assert summed(parts, names) == summed(whole, names)
    found = {row["segments"]["conversionActionName"] for row in parts}
    assert found == {"Purchase", "Purchase by phone"}


def clicks_of(served, client, customer, day):
    query = (
        "SELECT click_view.gclid, campaign.id, ad_group.id, click_view.ad_group_ad, "
        "click_view.keyword_info.text, click_view.location_of_presence.country, "
        f"segments.device, segments.date FROM click_view WHERE segments.date = '{day}'"
    )
    return rows_of(client, customer, query)


def test_clicks_are_as_many_as_the_campaigns_count_on_each_device(served):
    day = "2026-10-20"
    where = f"WHERE segments.date = '{day}'"
    fields = "campaign.id, segments.device, metrics.clicks"
    with served.google() as client:
        for customer in enabled(served, client):
            clicks = clicks_of(served, client, customer["id"], day)
            found = Counter((c["campaign"]["id"], c["segments"]["device"]) for c in clicks)
            report = rows_of(client, customer["id"], f"SELECT {fields} FROM campaign {where}")
            assert found == {
                (r["campaign"]["id"], r["segments"]["device"]): int(r["metrics"]["clicks"])
                for r in report
                if int(r["metrics"]["clicks"])
            }
            assert len({c["clickView"]["gclid"] for c in clicks}) == len(clicks)
            # Performance Max has clicks of no ad
            assert {"adGroup" in c for c in clicks} >= {True}


def test_click_ids_of_the_web_analytics_are_clicks_of_their_campaign(served):
    sessions = served.world.truth("sessions").to_pylist()
    campaign_of = {s["click_id"]: s["campaign_id"] for s in sessions if s["click_id"]}
    day = "2026-10-20"
    events = pq.read_table(served.world.folder / "ga4" / f"events_{day.replace('-', '')}.parquet")
    traffic = [t for t in events["collected_traffic_source"].to_pylist() if t["gclid"]]
    seen = {t["gclid"]: t["manual_campaign_id"] for t in traffic}
    assert seen
    found = {}
    with served.google() as client:
        for customer in enabled(served, client):
            for near in ("2026-10-19", day, "2026-10-21"):
                for click in clicks_of(served, client, customer["id"], near):
                    found[click["clickView"]["gclid"]] = click["campaign"]["id"]
    # the campaign that the link said, where it said one
    assert {gclid: found[gclid] for gclid, campaign in seen.items() if campaign} == {
        gclid: campaign for gclid, campaign in seen.items() if campaign
    }
    assert {gclid: found[gclid] for gclid in seen} == {gclid: campaign_of[gclid] for gclid in seen}


def test_clicks_of_a_day_stay_the_same(served):
    with served.google() as client:
        customer = enabled(served, client)[0]["id"]
        before = clicks_of(served, client, customer, "2026-10-20")
        served.control("GOOGLE_ADS", "clock", {"advance_days": 9})
        try:
            assert clicks_of(served, client, customer, "2026-10-20") == before
        finally:
            served.control("GOOGLE_ADS", "reset", {})
