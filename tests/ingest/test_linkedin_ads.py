"""LinkedIn's own ways: a silent cap, calls of 20 fields, two kinds of 429, empty lists."""

from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import orjson
import pyarrow.parquet as pq
import pytest

from marketing_analytics.core.errors import AuthError, TerminalError, TransientError
from marketing_analytics.ingest.engine.governor import AccountError
from marketing_analytics.ingest.platforms.linkedin_ads.analytics import day_of
from marketing_analytics.ingest.platforms.linkedin_ads.api import (
    LONGEST_QUERY,
    classify,
    encoded_query,
    seconds_to_midnight,
)

from .commands import contents, ingest, read
from .scripted_platform import Answer, between

DAY_LIMIT = (
    "Resource level throttle APPLICATION_AND_MEMBER DAY limit for calls to this resource is "
    "reached."
)
VALUES_LIMIT = "Data request limit reached: 45 million metric values over a five minute interval."
LIST, ANALYTICS, CAMPAIGNS = "/rest/adAccounts", "/rest/adAnalytics", "/rest/adAccounts/7/creatives"
LAST_DAYS = ("--since", "2026-10-28")
OF_THE_WORLD = ("--since", "2026-10-02")


def answer(path, status, body, headers=None):
    request = httpx.Request("GET", f"https://api.example{path}")
    return httpx.Response(status, json=body, headers=headers, request=request)


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        (LIST, 401, AuthError),
        (LIST, 403, AuthError),
        (ANALYTICS, 403, AuthError),
        (CAMPAIGNS, 403, AccountError),
        (CAMPAIGNS, 404, AccountError),
        (LIST, 400, TerminalError),
        (LIST, 426, TerminalError),
        (ANALYTICS, 429, TransientError),
    ],
)
def test_a_refusal_hits_the_token_one_account_or_one_request(path, status, kind):
    assert type(classify(answer(path, status, {"message": "no", "status": status}))) is kind


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[" * 3000])
def test_an_error_that_cannot_be_read_is_judged_by_its_status(body):
    request = httpx.Request("GET", f"https://api.example{LIST}")
    assert classify(httpx.Response(400, content=body, request=request)) is None


def wait(message, headers=None):
    return classify(answer(ANALYTICS, 429, {"message": message}, headers)).retry_after_seconds


def test_both_kinds_of_429_are_told_apart():
    assert wait(VALUES_LIMIT) == 330
    left = seconds_to_midnight(datetime.now(UTC))
    assert abs(wait(DAY_LIMIT) - left) < 5
    assert wait("Too many requests") is None
    assert wait(DAY_LIMIT, {"Retry-After": "7"}) == 7


def test_the_next_day_begins_at_midnight_utc():
    assert seconds_to_midnight(datetime(2026, 10, 31, 23, 0, tzinfo=UTC)) == 3600
    assert seconds_to_midnight(datetime(2026, 12, 31, 0, 0, tzinfo=UTC)) == 86_400


def test_structure_is_written_plain_and_values_are_encoded():
    query = {
        "q": "analytics",
        "dateRange": {"start": {"year": 2026, "month": 1}},
        "accounts": ["urn:li:sponsoredAccount:1", "a(b),c"],
        "fields": ("impressions", "clicks"),
    }
    assert encoded_query(query) == (
        "q=analytics&dateRange=(start:(year:2026,month:1))"
        "&accounts=List(urn%3Ali%3AsponsoredAccount%3A1,a%28b%29%2Cc)&fields=impressions,clicks"
    )


@pytest.mark.parametrize(
    "found", [None, 7, {}, {"start": 1}, {"start": {"year": 2026, "month": 13, "day": 1}}]
)
def test_an_element_without_a_day_has_none(found):
    assert day_of({"dateRange": found}) is None


def load(database, settings, *arguments):
    chosen = ("--source", "linkedin_ads", "--raw-database", database, "--json")
    done = ingest(*chosen, *arguments, **settings)
    return done, done.source("linkedin_ads")


def own(tables):
    return {name: rows for name, rows in tables.items() if name.startswith("linkedin_ads.")}


@pytest.mark.system
@pytest.mark.parametrize("table", ["campaign_stats", "creative_stats"])
def test_spend_clicks_and_claims_equal_the_ledger(loaded, ledger, table):
    spend, claimed = ledger["spend"]["linkedin_ads"], ledger["claimed"]["linkedin_ads"]
    query = (
        "select sum(cost_in_local_currency), sum(cost_in_usd), sum(impressions), sum(clicks), "
        "sum(external_website_conversions), sum(conversion_value_in_local_currency) "
        f"from linkedin_ads.{table} where currency = 'USD'"
    )
    cost, value = Decimal(spend["usd"]), Decimal(claimed["value_usd"])
    counts = (spend["impressions"], spend["clicks"], Decimal(claimed["conversions"]))
    assert read(loaded, query) == [(cost, cost, *counts, value)]
    identity = "campaign_id" if table == "campaign_stats" else "creative_id"
    keys = f"select count(*) - count(distinct (account_id, date, {identity})) from linkedin_ads."
    assert read(loaded, keys + table) == [(0,)]


@pytest.mark.system
def test_times_budgets_and_references_are_read(loaded, world):
    query = (
        "select c.name, daily_budget, c.created_at < c.updated_at, g.name, a.name "
        "from linkedin_ads.campaigns c join linkedin_ads.campaign_groups g "
        "using (campaign_group_id) join linkedin_ads.accounts a on a.account_id = c.account_id"
    )
    truth = pq.read_table(world / "truth" / "campaigns.parquet").to_pylist()
    expected = {
        (row["name"], Decimal(row["daily_budget_cents"]) / 100)
        for row in truth
        if row["platform"] == "linkedin_ads"
    }
    rows = read(loaded, query)
    assert {row[:2] for row in rows} == expected
    assert {row[2:] for row in rows} == {(True, "Default Campaign Group", "Shop B2B")}
    ads = "select count(*) from linkedin_ads.creatives join linkedin_ads.campaigns using "
    assert read(loaded, f"{ads} (campaign_id)") == read(
        loaded, "select count(*) from linkedin_ads.creatives"
    )


@contextmanager
def capped(settings, most):
    """Yield the settings of an emulator that drops what is above a cap, and its facets counted."""
    facets = Counter()

    def cut(asked, came):
        body = orjson.loads(came.body)
        if asked.path.endswith("/adAnalytics"):
            facets["campaigns" if "campaigns=" in asked.target else "accounts"] += 1
            body["elements"] = body["elements"][:most]
        return Answer(body, came.status)

    with between(settings, "linkedin_ads", cut) as changed:
        yield changed | {"LINKEDIN_ADS_MAX_ELEMENTS": most}, facets


def of_last_days(rows):
    return [row for row in rows if str(row[1]) >= LAST_DAYS[1]]


@pytest.mark.system
def test_what_the_silent_cap_drops_is_asked_for_in_parts(shared_emulators, everything, tmp_path):
    # a day has seven creatives, a campaign four at most
    with capped(shared_emulators.settings, 5) as (settings, facets):
        done, _ = load(tmp_path / "raw.duckdb", settings, *LAST_DAYS)
    assert done.code == 0, done.out
    for table in ("linkedin_ads.campaign_stats", "linkedin_ads.creative_stats"):
        assert contents(tmp_path / "raw.duckdb")[table] == of_last_days(everything[table])
    assert facets["accounts"] > 2 * 3
    assert facets["campaigns"] > 0


@pytest.mark.system
def test_one_day_of_one_campaign_that_is_full_is_named_and_not_loaded(
    shared_emulators, everything, tmp_path
):
    with capped(shared_emulators.settings, 4) as (settings, _):
        done, source = load(tmp_path / "raw.duckdb", settings, *LAST_DAYS)
    assert done.code == 5
    assert "creative_stats" in source["errors"][0]["message"]
    assert "LinkedIn's answer is full" in source["errors"][0]["message"]
    found = contents(tmp_path / "raw.duckdb")
    rows = of_last_days(everything["linkedin_ads.creative_stats"])
    of_campaigns = Counter((row[1], row[2]) for row in rows)
    full = {day for (day, _), count in of_campaigns.items() if count >= 4}
    assert full
    assert found["linkedin_ads.creative_stats"] == [row for row in rows if row[1] not in full]
    campaigns = of_last_days(everything["linkedin_ads.campaign_stats"])
    assert found["linkedin_ads.campaign_stats"] == campaigns


@pytest.mark.slow
@pytest.mark.system
def test_a_long_query_of_campaigns_goes_as_a_body(shared_emulators, everything, tmp_path):
    """Ids of deleted campaigns make the list long; the first day alone is too much."""
    first = min(row[1] for row in everything["linkedin_ads.campaign_stats"])
    methods = Counter()

    def crowd(asked, came):
        body = orjson.loads(came.body)
        if asked.path.endswith("/adCampaigns"):
            gone = {"name": "gone", "status": "REMOVED"}
            body["elements"] += [{"id": number, **gone} for number in range(1, 301)]
        if asked.path.endswith("/adAnalytics"):
            methods[asked.method, "campaigns=" in asked.target + asked.body] += 1
            assert len(asked.target) <= LONGEST_QUERY + len(asked.path) + 1
            if "accounts=" in asked.target and "ACCOUNT)" not in asked.target:
                body["elements"] = [{}] * 15_000
        return Answer(body, came.status)

    with between(shared_emulators.settings, "linkedin_ads", crowd) as settings:
        done, _ = load(tmp_path / "raw.duckdb", settings, "--since", "2026-10-31")
    assert done.code == 0, done.out
    assert (
        first < min(read(tmp_path / "raw.duckdb", "select min(date) from linkedin_ads._totals"))[0]
    )
    assert methods["POST", True] > 0
    query = (
        "select * exclude (_loaded_at, _dlt_load_id) from linkedin_ads.campaign_stats order by all"
    )
    rows = [row for row in everything["linkedin_ads.campaign_stats"] if str(row[1]) >= "2026-10-31"]
    assert read(tmp_path / "raw.duckdb", query) == rows


@pytest.mark.system
def test_a_window_takes_five_calls_for_a_whole_account(emulators, everything, tmp_path):
    emulators.control("linkedin_ads", "reset", {})
    load(tmp_path / "raw.duckdb", emulators.settings, "--since", "2026-10-10")
    counted = emulators.control("linkedin_ads", "counters")["by_path"]
    # two of campaigns, two of creatives, the totals
    assert counted["GET /rest/adAnalytics"] == 5
    query = "select sum(impressions), sum(total_engagements), sum(likes) from linkedin_ads.{}"
    for table in ("campaign_stats", "creative_stats"):
        impressions, engagements, likes = read(tmp_path / "raw.duckdb", query.format(table))[0]
        assert impressions > engagements > 0 == likes


@pytest.mark.slow
@pytest.mark.system
def test_an_account_that_is_not_in_the_list_is_named_and_the_others_are_loaded(
    shared_emulators, everything, tmp_path
):
    ids = shared_emulators.settings["LINKEDIN_ADS_ACCOUNT_IDS"] + ", urn:li:sponsoredAccount:404"
    settings = shared_emulators.settings | {"LINKEDIN_ADS_ACCOUNT_IDS": ids}
    done, source = load(tmp_path / "raw.duckdb", settings)
    assert (done.code, source["status"]) == (5, "partial")
    [error] = source["errors"]
    assert error["message"] == "account 404: the LinkedIn token has no access to it"
    assert "LINKEDIN_ADS_ACCOUNT_IDS" in error["hint"]
    assert own(contents(tmp_path / "raw.duckdb")) == own(everything)


@pytest.mark.slow
@pytest.mark.system
def test_an_expired_token_is_renewed_where_that_is_set_up(emulators, everything, tmp_path):
    emulators.fault("linkedin_ads", "expired_token", times=1, path="/adAnalytics")
    assert load(tmp_path / "raw.duckdb", emulators.settings)[0].code == 0
    assert own(contents(tmp_path / "raw.duckdb")) == own(everything)
    emulators.fault("linkedin_ads", "expired_token", times=100)
    bare = emulators.settings | {"LINKEDIN_ADS_REFRESH_TOKEN": ""}
    refused, source = load(tmp_path / "bare.duckdb", bare)
    assert refused.code == 4
    assert "set LINKEDIN_ADS_ACCESS_TOKEN" in source["errors"][0]["hint"]


@pytest.mark.system
def test_a_limit_of_the_day_ends_with_the_time_to_come_back(emulators, tmp_path):
    def limit(asked, came):
        if asked.path.endswith("/adAnalytics"):
            return Answer({"message": DAY_LIMIT, "serviceErrorCode": 101, "status": 429}, 429)
        return came

    with between(emulators.settings, "linkedin_ads", limit) as settings:
        done, source = load(tmp_path / "raw.duckdb", settings)
    assert done.code == 5
    assert "00:00 UTC" in source["errors"][0]["hint"]
    assert emulators.control("linkedin_ads", "counters")["by_path"]["GET /rest/adAnalytics"] <= 8


@pytest.mark.slow
@pytest.mark.system
def test_a_campaign_that_is_not_in_the_answer_is_a_difference(shared_emulators, loaded, tmp_path):
    def lose(asked, came):
        body = orjson.loads(came.body)
        if "(value:CAMPAIGN)" in asked.target:
            del body["elements"][::4]
        return Answer(body, came.status)

    database = tmp_path / "raw.duckdb"
    database.write_bytes(loaded.read_bytes())
    before = own(contents(database))
    with between(shared_emulators.settings, "linkedin_ads", lose) as settings:
        done, source = load(database, settings, "--reread", *OF_THE_WORLD)
    assert done.code == 5
    assert any("what was loaded stays" in error["message"] for error in source["errors"])
    assert own(contents(database)) == before


@pytest.mark.system
def test_costs_with_many_decimals_are_rounded_and_differ_from_no_total(
    shared_emulators, everything, tmp_path
):
    def lengthen(asked, came):
        body = orjson.loads(came.body)
        for element in body.get("elements", ()):
            for name in ("costInLocalCurrency", "costInUsd"):
                if name in element:
                    element[name] += "00004358437298"
        return Answer(body, came.status)

    with between(shared_emulators.settings, "linkedin_ads", lengthen) as settings:
        done, source = load(tmp_path / "raw.duckdb", settings, *OF_THE_WORLD)
    assert (done.code, source["differences"], source["rejected"]) == (0, [], 0), done.out
    table = "linkedin_ads.campaign_stats"
    assert contents(tmp_path / "raw.duckdb")[table] == everything[table]


@pytest.mark.system
def test_a_version_that_has_ended_is_told(shared_emulators, tmp_path):
    settings = shared_emulators.settings | {"LINKEDIN_ADS_VERSION": "202404"}
    done, source = load(tmp_path / "raw.duckdb", settings)
    assert done.code != 0
    assert "is not active" in source["errors"][0]["message"]


@pytest.mark.slow
def test_days_read_without_the_list_of_creatives_are_read_again(
    shared_emulators, everything, tmp_path
):
    def change(asked, answer):
        return Answer({}, 500) if asked.path.endswith("/creatives") else answer

    chosen = ("--source", "linkedin_ads", "--raw-database", tmp_path / "raw.duckdb", "--json")
    with between(shared_emulators.settings, "linkedin_ads", change) as settings:
        assert ingest(*chosen, **settings).code == 5
    later = shared_emulators.settings | {"MARKETING_NOW": "2027-06-01T06:00:00Z"}
    assert ingest(*chosen, "--since", "2026-05-01", **later).code == 0
    found = contents(tmp_path / "raw.duckdb")["linkedin_ads.creative_stats"]
    assert found == everything["linkedin_ads.creative_stats"]
