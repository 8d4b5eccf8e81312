"""What the Data API of GA4 says of its answers: quota, samples, thresholds, what became other."""

import json
from datetime import UTC, datetime

import orjson
import pytest

from marketing_analytics.ingest.platforms.ga4_reports.quota import (
    FEW_REQUESTS,
    HOUR_SECONDS,
    SLOW_SECONDS,
    seconds_of_bucket,
    seconds_of_day,
    seconds_to_wait,
)

from .commands import contents, ingest, read
from .scripted_platform import Answer, between
from .source_kit import slow

pytestmark = pytest.mark.system

NAME = "ga4_reports"
EARLY = "2026-10-20"


def load(database, settings, *arguments, **changes):
    chosen = ("--source", NAME, "--raw-database", database, "--json")
    done = ingest(*chosen, *arguments, **(settings | changes))
    return done, done.source(NAME)


def changed(settings, change):
    """Serve the emulator with `change(asked, body)` on the body of each answer."""

    def altered(asked, answer):
        body = orjson.loads(answer.body)
        return Answer(change(orjson.loads(asked.body), body) or body, answer.status)

    return between(settings, NAME, altered)


def asks_for_traffic(asked):
    return len(asked["dimensions"]) == 5


def test_sessions_and_revenue_are_those_of_the_export(loaded):
    query = """
        with events as (
            select e.*, device_key || '-' || ga_session_id as session from ga4.events as e
            where event_date < '2026-10-29'
        )
        select event_date, count(distinct session),
            count(*) filter (event_name = 'purchase')
        from events group by all order by all
    """
    reported = """
        select date, sum(sessions), sum(key_events)::int from ga4_reports.traffic
        where date < '2026-10-29' group by all order by all
    """
    assert read(loaded, reported) == read(loaded, query)
    flags = "bool_or(is_sampled or is_thresholded or is_other or has_other_row)"
    query = f"select {flags}, min(currency), min(timezone_name) from ga4_reports.traffic"
    assert read(loaded, query) == [(False, "USD", "Etc/UTC")]
    views = "select sum(views) from ga4_reports.pages where date < '2026-10-29'"
    query = """
        select count(*) from ga4.events where event_name = 'page_view'
        and event_date < '2026-10-29'
    """
    assert read(loaded, views) == read(loaded, query)


def test_the_last_days_are_read_again_as_they_grow(emulators, loaded, copy_of_loaded):
    emulators.control(NAME, "clock", {"advance_days": 3})
    later = {"MARKETING_NOW": "2026-11-04T06:00:00Z"}
    done, source = load(copy_of_loaded, emulators.settings, **later)
    assert done.code == 0, done.out
    query = "select sum(sessions) from ga4_reports.traffic where date >= '2026-10-29'"
    assert read(copy_of_loaded, query)[0][0] > read(loaded, query)[0][0]
    asked = emulators.control(NAME, "counters")["by_path"]
    (reports,) = [count for path, count in asked.items() if path.endswith(":runReport")]
    # the property, traffic, its totals, pages
    assert reports == 4
    assert source["windows"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sampled", *slow("other_row")])
def test_a_window_of_less_quality_is_read_again_in_halves(emulators, everything, tmp_path, kind):
    emulators.fault(NAME, kind, times=3)
    done, _ = load(tmp_path / "raw.duckdb", emulators.settings)
    assert done.code == 0, done.out
    assert emulators.control(NAME, "counters")["faults_injected"] == {kind: 3}
    expected = {name: rows for name, rows in everything.items() if name.startswith(NAME)}
    assert contents(tmp_path / "raw.duckdb") == expected


@pytest.mark.slow
def test_what_stays_sampled_is_kept_and_said_of_every_row(emulators, tmp_path):
    emulators.fault(NAME, "sampled", times=100_000)
    done, _ = load(tmp_path / "raw.duckdb", emulators.settings, "--since", "2026-10-30")
    assert done.code == 0, done.out
    query = "select count(*) > 20, bool_and(is_sampled), bool_or(is_thresholded) from {}"
    for table in ("ga4_reports.traffic", "ga4_reports.pages"):
        assert read(tmp_path / "raw.duckdb", query.format(table))[0][1:] == (True, False)


@pytest.mark.slow
def test_rows_that_google_withholds_are_a_difference_that_is_explained(emulators, tmp_path):
    emulators.fault(NAME, "thresholded", times=100_000)
    done, source = load(tmp_path / "raw.duckdb", emulators.settings)
    assert done.code == 0, done.out
    assert source["differences"]
    assert "sessions from the account's own total" in source["differences"][0]
    query = "select bool_and(is_thresholded) from ga4_reports.traffic"
    assert read(tmp_path / "raw.duckdb", query) == [(True,)]
    assert read(
        tmp_path / "raw.duckdb",
        "select count(*) > 0 from ga4_reports._totals where loaded_total < account_total",
    ) == [(True,)]


@pytest.mark.slow
def test_the_other_row_says_what_it_is(emulators, tmp_path):
    emulators.fault(NAME, "other_row", times=100_000)
    settings = emulators.settings
    assert load(tmp_path / "raw.duckdb", settings, "--since", "2026-10-31")[0].code == 0
    query = "select is_other, session_source = '(other)' from ga4_reports.traffic group by all"
    assert set(read(tmp_path / "raw.duckdb", query)) == {(True, True), (False, False)}


@pytest.mark.slow
def test_other_instead_of_a_date_is_rejected(shared_emulators, tmp_path):
    def other(asked, body):
        if asks_for_traffic(asked) and body.get("rows"):
            body["rows"][0]["dimensionValues"][0]["value"] = "(other)"

    with changed(shared_emulators.settings, other) as settings:
        done, source = load(tmp_path / "raw.duckdb", settings, "--since", EARLY)
    assert (done.code, source["rejected"]) == (5, 1)
    query = "select reason from ga4_reports._rejected"
    assert read(tmp_path / "raw.duckdb", query) == [("date is not a date: '(other)'",)]


@pytest.mark.slow
def test_pages_that_do_not_make_up_the_count_replace_nothing(
    shared_emulators, copy_of_loaded, everything
):
    def short(asked, body):
        if asks_for_traffic(asked) and body.get("rows"):
            body["rows"] = body["rows"][: len(body["rows"]) // 2] if asked["offset"] == "0" else []

    with changed(shared_emulators.settings, short) as settings:
        done, source = load(copy_of_loaded, settings)
    assert done.code == 5
    assert "rows and counts" in source["errors"][0]["message"]
    table = "ga4_reports.traffic"
    assert contents(copy_of_loaded, "ga4_reports")[table] == everything[table]


def test_sessions_that_do_not_add_up_are_doubted_once(shared_emulators, copy_of_loaded, everything):
    def doubled(asked, body):
        if [one["name"] for one in asked["dimensions"]] == ["date"]:
            for row in body["rows"]:
                cell = row["metricValues"][0]
                cell["value"] = str(2 * int(cell["value"]))

    with changed(shared_emulators.settings, doubled) as settings:
        done, source = load(copy_of_loaded, settings)
        assert done.code == 5
        assert "the account itself says" in source["errors"][0]["message"]
        assert load(copy_of_loaded, settings)[0].code == 0
    table = "ga4_reports.traffic"
    assert contents(copy_of_loaded, "ga4_reports")[table] == everything[table]


@pytest.mark.slow
def test_a_property_without_quota_is_an_island(shared_emulators, loaded, tmp_path):
    own = shared_emulators.settings["GA4_PROPERTY_IDS"]

    def spent(asked, body):
        body["propertyQuota"]["tokensPerDay"] = {"consumed": 3, "remaining": 2}

    with changed(shared_emulators.settings, spent) as settings:
        done, source = load(tmp_path / "raw.duckdb", settings)
    assert done.code == 5
    [error] = source["errors"]
    assert error["message"].startswith(f"account {own}: Google Analytics asks to wait")
    assert error["hint"].startswith("run again after 20")
    # the answer that told it was kept
    assert read(tmp_path / "raw.duckdb", "select count(*) from ga4_reports.properties") == [(1,)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("999", "sufficient permissions"),
        ("G-ABC", "it is not the number of a property"),
    ],
)
def test_a_property_that_cannot_be_read_stops_no_other(
    shared_emulators, everything, tmp_path, other, said
):
    settings = shared_emulators.settings
    ids = f"{other}, properties/{settings['GA4_PROPERTY_IDS']}"
    done, source = load(tmp_path / "raw.duckdb", settings, GA4_PROPERTY_IDS=ids)
    assert done.code == 5
    [error] = source["errors"]
    assert other in error["message"]
    assert said in error["message"]
    table = "ga4_reports.traffic"
    assert contents(tmp_path / "raw.duckdb", "ga4_reports")[table] == everything[table]


def test_a_refused_token_says_which_settings(shared_emulators, tmp_path):
    settings = shared_emulators.settings
    done, source = load(tmp_path / "raw.duckdb", settings, GA4_REPORTS_REFRESH_TOKEN="old")
    assert done.code == 4
    [error] = source["errors"]
    names = "GA4_REPORTS_CLIENT_ID, GA4_REPORTS_CLIENT_SECRET and GA4_REPORTS_REFRESH_TOKEN"
    assert error["hint"] == f"check {names}"


def test_a_credentials_file_takes_the_place_of_the_settings(shared_emulators, tmp_path):
    settings = dict(shared_emulators.settings)
    known = {"type": "authorized_user", "token_uri": settings["GA4_REPORTS_TOKEN_URL"]}
    for name in ("client_id", "client_secret", "refresh_token"):
        known[name] = settings.pop(f"GA4_REPORTS_{name.upper()}")
    done = ingest("--source", NAME, "--raw-database", tmp_path / "raw.duckdb", **settings)
    assert done.code == 2
    assert "GA4_REPORTS_REFRESH_TOKEN" in done.err
    (tmp_path / "key.json").write_text(json.dumps(known))
    path = tmp_path / "key.json"
    done, _ = load(tmp_path / "raw.duckdb", settings, GOOGLE_APPLICATION_CREDENTIALS=path)
    assert done.code == 0, done.out
    (tmp_path / "key.json").write_text(json.dumps(known | {"refresh_token": "old"}))
    done, source = load(tmp_path / "raw.duckdb", settings, GOOGLE_APPLICATION_CREDENTIALS=path)
    assert done.code == 4
    [error] = source["errors"]
    assert error["message"] == "Google gave no access token: invalid_grant"
    assert error["hint"] == "check GOOGLE_APPLICATION_CREDENTIALS"


def bucket(remaining, consumed=10):
    return {"remaining": remaining, "consumed": consumed}


@pytest.mark.parametrize(
    ("quota", "seconds"),
    [
        ({}, 0),
        ({"tokensPerHour": bucket(10_000), "concurrentRequests": {"remaining": 9}}, 0),
        ({"tokensPerHour": bucket(10 * FEW_REQUESTS - 1)}, SLOW_SECONDS),
        ({"tokensPerProjectPerHour": bucket(9)}, HOUR_SECONDS),
        ({"tokensPerHour": {"consumed": 10}}, HOUR_SECONDS),
        ({"tokensPerHour": "odd"}, 0),
        ({"concurrentRequests": {}}, 1),
    ],
)
def test_the_next_request_waits_as_the_quota_says(quota, seconds):
    assert seconds_to_wait(quota) == seconds


def test_a_day_of_the_quota_ends_at_midnight_in_california():
    before = datetime(2026, 11, 1, 5, 0, tzinfo=UTC)
    assert seconds_of_day(before) == 2 * 3600
    # the clocks go back in that night
    after = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
    assert seconds_of_day(after) == 24 * 3600
    assert seconds_of_bucket("Exhausted property tokens per hour.") == HOUR_SECONDS
    assert seconds_of_bucket("Exhausted concurrent requests quota.") is None
