"""Klaviyo passes the source kit; late events, merged profiles, denied lists and odd pages."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from marketing_analytics.core.errors import TerminalError
from marketing_analytics.ingest.engine.answers import Account
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.platforms.klaviyo.lists import pluck_all
from marketing_analytics.ingest.platforms.klaviyo.profiles import resolve_gone
from marketing_analytics.ingest.platforms.klaviyo.source import with_derived
from marketing_analytics.ingest.platforms.klaviyo.tables import EVENT_PATHS
from tests.ingest.commands import ingest, read
from tests.ingest.scripted_platform import Answer, between
from tests.ingest.source_kit import ServedKit

pytestmark = pytest.mark.system


class TestKlaviyo(ServedKit):
    name = "klaviyo"
    is_thorough = False
    facts_path = "/events"
    odd_field = "attributes.datetime"
    odd_reason = "event_at is not a time: 'n/a'"
    odd_value_field = "attributes.event_properties.$value"
    odd_value_reason = ("value", "value is not a fraction: 'n/a', left empty")

    def is_of_control(self, asked):
        return asked.path.endswith("/accounts")

    def records(self, body):
        return [body["data"]] if isinstance(body.get("data"), list) else []

    def is_taken_back(self, record):
        return record["attributes"].get("datetime", "").startswith("2026-10-31")


def load(database, settings, *arguments):
    chosen = ("--source", "klaviyo", "--raw-database", database, "--json")
    done = ingest(*chosen, *arguments, **settings)
    return done, done.source("klaviyo")


def two_days_later(emulators):
    """Let the clock go on; return the settings of a run then."""
    emulators.control("klaviyo", "clock", {"advance_days": 2})
    return emulators.settings | {"MARKETING_NOW": "2026-11-03T06:00:00Z"}


def orders_of_europe(world):
    truth = pq.read_table(world / "truth" / "orders.parquet").to_pylist()
    return {row["order_id"]: row["total_cents"] for row in truth if row["currency"] == "EUR"}


def placed(database):
    query = (
        "select source_event_id, value, currency from klaviyo.events join klaviyo.metrics "
        "using (metric_id) where metric_name = 'Placed Order'"
    )
    return {order: (value, currency) for order, value, currency in read(database, query)}


def made_by(world, moment):
    truth = pq.read_table(world / "truth" / "orders.parquet").to_pylist()
    return {
        row["order_id"] for row in truth if row["currency"] == "EUR" and row["ordered_at"] <= moment
    }


def test_orders_written_late_are_found_and_all_of_them_agree_to_the_cent(
    world, emulators, tmp_path
):
    truth = orders_of_europe(world)
    moment, late = datetime(2026, 11, 1, 6, tzinfo=UTC), set()
    while not late:
        # back to a morning on which an order that was made is not written yet
        emulators.control("klaviyo", "clock", {"advance_days": -1})
        moment -= timedelta(days=1)
        assert moment.month == 10
        database = tmp_path / f"{moment:%d}.duckdb"
        then = emulators.settings | {"MARKETING_NOW": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
        assert load(database, then)[0].code == 0
        late = made_by(world, moment) - placed(database).keys()
    days = (datetime(2026, 11, 1, 6, tzinfo=UTC) - moment).days
    emulators.control("klaviyo", "clock", {"advance_days": days})
    done, _ = load(database, two_days_later(emulators))
    assert done.code == 0, done.out
    expected = {order: (Decimal(cents) / 100, "EUR") for order, cents in truth.items()}
    assert placed(database) == expected


@pytest.mark.slow
def test_a_merged_profile_is_gone_and_its_old_id_leads_to_the_new_one(emulators, copy_of_loaded):
    by_email = "select count(*) from klaviyo.profiles where email_key is {} null"
    [(twins,)] = read(copy_of_loaded, by_email.format(""))
    assert twins > 0
    settings = two_days_later(emulators)
    # what changed does not tell what is gone
    assert load(copy_of_loaded, settings)[0].code == 0
    assert read(copy_of_loaded, by_email.format("")) == [(twins,)]
    assert load(copy_of_loaded, settings, "--reread")[0].code == 0
    assert read(copy_of_loaded, by_email.format("")) == [(0,)]
    merged = read(copy_of_loaded, "select old_profile_id, profile_id from klaviyo.merged_profiles")
    known = {name for (name,) in read(copy_of_loaded, "select profile_id from klaviyo.profiles")}
    assert len(merged) == twins
    assert all(old not in known and new in known for old, new in merged)


@pytest.mark.slow
def test_a_week_after_the_last_whole_read_all_profiles_are_read(emulators, copy_of_loaded):
    emulators.control("klaviyo", "clock", {"advance_days": 7})
    later = emulators.settings | {"MARKETING_NOW": "2026-11-08T06:00:00Z"}
    assert load(copy_of_loaded, later)[0].code == 0
    assert read(copy_of_loaded, "select count(*) > 0 from klaviyo.merged_profiles") == [(True,)]


def changed(settings, path, body, status=200):
    """Answer requests to a path otherwise."""

    def change(asked, answer):
        return Answer(body, status) if asked.path.endswith(path) else answer

    return between(settings, "klaviyo", change)


@pytest.mark.slow
def test_a_list_that_the_key_may_not_read_costs_nothing_else(emulators, everything, tmp_path):
    denied = {"errors": [{"status": 403, "detail": "The key has no flows:read."}]}
    database = tmp_path / "raw.duckdb"
    with changed(emulators.settings, "/flows", denied, 403) as settings:
        done, source = load(database, settings)
    assert (done.code, source["status"]) == (5, "partial")
    [error] = source["errors"]
    assert error["message"] == "Klaviyo refused /api/flows: The key has no flows:read."
    assert "KLAVIYO_API_KEY" in error["hint"]
    [(events,)] = read(database, "select count(*) from klaviyo.events")
    assert events == len(everything["klaviyo.events"])
    assert read(database, "select count(*) > 0 from klaviyo.profiles") == [(True,)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("https://elsewhere.example/api/events?page[cursor]=x", "goes round in a circle"),
        ("https://elsewhere.example/api/events", "a next page without a cursor"),
    ],
)
def test_a_list_ends_and_its_links_are_never_followed_to_another_host(
    emulators, tmp_path, link, told
):
    body = {"data": [], "links": {"next": link}}
    asked_hosts = []

    def change(asked, answer):
        asked_hosts.append(asked.headers["Host"])
        return Answer(body) if asked.path.endswith("/events") else answer

    with between(emulators.settings, "klaviyo", change) as settings:
        done, source = load(tmp_path / "raw.duckdb", settings, "--since", "2026-10-30")
    assert done.code == 5
    assert any(told in error["message"] for error in source["errors"]), source["errors"]
    assert len(set(asked_hosts)) == 1
    assert read(tmp_path / "raw.duckdb", "select count(*) > 0 from klaviyo.profiles") == [(True,)]


@pytest.mark.slow
def test_an_account_without_a_currency_is_told_with_what_to_do(emulators, tmp_path):
    account = {"type": "account", "id": "A", "attributes": {"timezone": "UTC"}}
    with changed(emulators.settings, "/accounts", {"data": [account]}) as settings:
        done, source = load(tmp_path / "raw.duckdb", settings)
    assert done.code == 4
    assert source["errors"][0]["message"] == "account A: its currency is None"


class Answers:
    """Stands in for what asks Klaviyo for single profiles."""

    def __init__(self, became):
        self.became = became
        self.asked = []

    def get(self, path, params):
        old = path.removeprefix("/profiles/")
        self.asked.append(old)
        if old not in self.became:
            raise TerminalError("not found", status_code=404)
        return {"data": {"type": "profile", "id": self.became[old]}}


def test_a_profile_that_was_merged_twice_leads_to_the_last_one():
    known = {"gone": ["b", "deleted", "same"], "merged": {"a": "b", "x": "y"}}
    now = datetime(2026, 11, 1, tzinfo=UTC)
    job = Job("klaviyo", {}, date(2026, 10, 1), now, {"profiles": known})
    answers = Answers({"b": "c", "same": "same"})
    resolve_gone(job, answers)
    assert answers.asked == ["b", "deleted", "same"]
    assert job.state["profiles"] == {"gone": [], "merged": {"a": "c", "b": "c", "x": "y"}}
    [batch] = next(b for table, b in job.batches.items() if table.name == "merged_profiles")
    rows = zip(
        *(batch.column(n).to_pylist() for n in ("old_profile_id", "profile_id")), strict=True
    )
    assert sorted(rows) == [("a", "c"), ("b", "c")]


def test_an_event_without_a_time_in_words_has_its_seconds_and_days_are_utc_days():
    account = Account("A", "EUR", ZoneInfo("Europe/Berlin"))
    rows = [
        {"id": "1", "attributes": {"datetime": None, "timestamp": 1793491200}},
        {"id": "2", "attributes": {"datetime": "2026-11-01T01:30:00+02:00"}},
        {"id": "3", "attributes": {"event_properties": {"$value": "9.990001"}}},
        {"id": "4", "attributes": {"event_properties": {"$value": 5, "$currency_code": "USD"}}},
    ]
    columns = with_derived(pluck_all(rows, EVENT_PATHS), account)
    assert columns["event_at"][:2] == ["2026-11-01T00:00:00+00:00", "2026-11-01T01:30:00+02:00"]
    assert columns["event_date"] == [date(2026, 11, 1), date(2026, 10, 31), None, None]
    assert columns["currency"] == [None, None, "EUR", "USD"]
    assert columns["value"] == [None, None, "9.990001", 5]
