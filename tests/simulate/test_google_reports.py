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


@pytest.mark.parametrize("resource", ["geographic_view", "user_location_view"])
def test_places_hold_all_that_was_delivered_and_their_clicks(rows, resource):
    fields = f"segments.date, {resource}.country_criterion_id"
    places = rows(f"SELECT {fields}, {METRICS} FROM {resource}")
    assert summed(places) == summed(rows(f"SELECT segments.date, {METRICS} FROM customer"))
    # Performance Max has no ad groups
    places = rows(f"SELECT {fields}, ad_group.id, segments.device, {METRICS} FROM {resource}")
    devices = rows(f"SELECT ad_group.id, segments.device, {METRICS} FROM ad_group")
    for name in ("MOBILE", "DESKTOP", "TABLET"):
        of_places, of_groups = (
            summed([row for row in found if row["segments"]["device"] == name])
            for found in (places, devices)
        )
        assert of_places == of_groups


def test_the_country_of_a_click_is_that_of_its_place(served):
    day = "2026-10-20"
    query = (
        "SELECT geographic_view.country_criterion_id, metrics.clicks FROM geographic_view "
        f"WHERE segments.date = '{day}'"
    )
    with served.google() as client:
        for customer in enabled(served, client):
            found = Counter(
                click["clickView"]["locationOfPresence"]["country"]
                for click in clicks_of(served, client, customer["id"], day)
            )
            assert found == {
                f"geoTargetConstants/{row['geographicView']['countryCriterionId']}": clicks
                for row in rows_of(client, customer["id"], query)
                if (clicks := int(row["metrics"]["clicks"]))
            }


@pytest.mark.parametrize("resource", ["customer", "campaign", "ad_group"])
def test_hours_split_the_same_totals(rows, resource):
    whole = rows(f"SELECT segments.date, {METRICS} FROM {resource}")
    hours = rows(f"SELECT segments.date, segments.hour, {METRICS} FROM {resource}")
    assert summed(hours) == summed(whole)
    assert {row["segments"]["hour"] for row in hours} <= set(range(24))
    assert len({row["segments"]["hour"] for row in hours}) > 12


def test_budgets_and_products_hold_what_their_campaigns_cost(rows):
    kinds = "campaign.advertising_channel_type"
    campaigns = rows(f"SELECT campaign.id, {kinds}, {METRICS} FROM campaign")
    status = "segments.budget_campaign_association_status"
    budgets = rows(
        f"SELECT campaign_budget.id, {status}.campaign, {status}.status, {METRICS} "
        "FROM campaign_budget"
    )
    assert summed(budgets) == summed(campaigns)
    assert len(budgets) == len({row["campaignBudget"]["id"] for row in budgets})
    products = rows(
        "SELECT campaign.id, segments.product_item_id, segments.click_type, "
        f"{METRICS} FROM shopping_performance_view"
    )
    shopping = [c for c in campaigns if c["campaign"]["advertisingChannelType"] == "SHOPPING"]
    assert summed(products) == summed(shopping)
    # the world has no products
    assert not any("productItemId" in row["segments"] for row in products)


def test_campaigns_are_shown_in_the_countries_of_their_market(served):
    query = (
        "SELECT campaign.id, campaign_criterion.type, "
        "campaign_criterion.location.geo_target_constant FROM campaign_criterion"
    )
    counts = []
    with served.google() as client:
        for customer in enabled(served, client):
            found = rows_of(client, customer["id"], query)
            places = {r["campaignCriterion"]["location"]["geoTargetConstant"] for r in found}
            campaigns = {row["campaign"]["id"] for row in found}
            assert len(found) == len(places) * len(campaigns)
            assert len(campaigns) == len(
                rows_of(client, customer["id"], "SELECT campaign.id FROM campaign")
            )
            counts.append(len(places))
    assert sorted(counts) == [2, 5]


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
