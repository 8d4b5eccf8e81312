"""HubSpot passes the source kit, and finds what changed, was archived, or is gone for good."""

from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
import pytest

from marketing_analytics.ingest.engine.trust.shrinkage import FEW_ROWS
from marketing_analytics.ingest.platforms.hubspot import limits, objects
from marketing_analytics.ingest.platforms.hubspot.tables import typed
from tests.ingest.commands import contents, ingest, read
from tests.ingest.scripted_platform import Answer, between, serve
from tests.ingest.source_kit import ServedKit

pytestmark = pytest.mark.system


class TestHubSpot(ServedKit):
    name = "hubspot"
    is_thorough = False
    facts_path = "/objects/"
    odd_field = "id"
    odd_reason = "contact_id is missing"
    odd_value_field = "properties.amount"
    odd_value_reason = ("amount", "amount is not a fraction: 'n/a', left empty")

    def is_of_control(self, asked):
        return False

    def records(self, body):
        return [body["results"]] if isinstance(body.get("results"), list) else []

    def settle(self, body):
        if "total" in body and "paging" not in body:
            body["total"] = len(body["results"])

    def of_large_parts(self, name, rows, like=None):
        return rows if len(rows if like is None else like) >= FEW_ROWS else []

    def make_empty(self, records, spoiled):
        records.clear()

    def spoil(self, record, place):
        values = record.get("properties") or {}
        # a contact without an id; a won deal, since that has an amount
        if place == "id" and "email" in values:
            record["id"] = None
            return True
        return values.get("dealstage") == "closedwon" and super().spoil(record, place)

    def make_other_type(self, records, spoiled):
        for record in records:
            record["properties" if "properties" in record else "id"] = [7]

    def is_taken_back(self, record):
        # short lists are read as a whole each time; of objects see below
        return record.get("flowId") == "1600000000" or record.get("id") == "1600000000"


def load(database, settings, *arguments):
    chosen = ("--source", "hubspot", "--raw-database", database, "--json")
    done = ingest(*chosen, *arguments, **settings)
    return done, done.source("hubspot")


def own(database, *without):
    tables = contents(database, "hubspot")
    return {n: rows for n, rows in tables.items() if n not in without}


@pytest.fixture
def early(emulators, tmp_path):
    """A database that was loaded two weeks before the world's last day."""
    emulators.control("hubspot", "clock", {"now": "2026-10-18T06:00:00Z"})
    settings = emulators.settings | {"MARKETING_NOW": "2026-10-18T06:00:00Z"}
    done, _ = load(tmp_path / "early.duckdb", settings)
    assert done.code == 0, done.out
    emulators.reset()
    return tmp_path / "early.duckdb"


@pytest.mark.slow
def test_two_weeks_of_changes_are_found_beyond_the_ceiling_of_a_search(
    early, emulators, everything, monkeypatch
):
    # a search may be paged through up to 20 results, and 80 contacts have changed
    monkeypatch.setattr(objects, "SEARCH_PAGE", 20)
    emulators.control("hubspot", "knobs", {"search_ceiling": 20, "search_limit": 100})
    changed = read(early, "select count(*) from hubspot.contacts where updated_at < '2026-10-18'")
    settings = emulators.settings | {"HUBSPOT_REREAD_DAYS": 100}
    done, _ = load(early, settings)
    assert done.code == 0, done.out
    counters = emulators.control("hubspot", "counters")
    assert counters["by_path"]["POST /crm/v3/objects/contacts/search"] >= 5
    # the one list of contacts is that of the archived ones
    assert counters["by_path"]["GET /crm/v3/objects/contacts"] == 1
    # statistics hold the snapshot of the earlier day too
    expected = {n: r for n, r in everything.items() if n.startswith("hubspot.")}
    snapshots = "hubspot.email_statistics"
    found = own(early)
    assert set(expected.pop(snapshots)) < set(found.pop(snapshots))
    assert found == expected
    assert changed[0][0] < len(expected["hubspot.contacts"]) - 80


@pytest.mark.slow
def test_a_week_later_checkouts_are_lost_and_who_objected_is_archived(
    emulators, copy_of_loaded, tmp_path
):
    emulators.control("hubspot", "clock", {"advance_days": 8})
    settings = emulators.settings | {"MARKETING_NOW": "2026-11-09T06:00:00Z"}
    for database, more in ((copy_of_loaded, {"HUBSPOT_REREAD_DAYS": 100}), (tmp_path / "new", {})):
        assert load(database, settings | more)[0].code == 0
    snapshots = "hubspot.email_statistics"
    assert own(copy_of_loaded, snapshots) == own(tmp_path / "new", snapshots)
    counts = "select count(*) filter (is_archived), count(archived_at) from hubspot.contacts"
    archived, dated = read(copy_of_loaded, counts)[0]
    assert archived == dated > 0
    stages = "select distinct stage_id, is_closed, is_won, amount is null from hubspot.deals"
    assert set(read(copy_of_loaded, stages)) >= {
        ("closedwon", True, True, False),
        ("closedlost", True, False, True),
    }


def test_what_is_gone_for_good_is_found_by_a_whole_list(
    shared_emulators, copy_of_loaded, everything
):
    gone = everything["hubspot.deals"][0][0]

    def forget(asked, answer):
        body = orjson.loads(answer.body)
        if "/objects/deals" in asked.path:
            body["results"] = [row for row in body["results"] if row["id"] != gone]
        return Answer(body, answer.status)

    ids = f"select count(*) from hubspot.deals where deal_id = '{gone}'"
    related = f"select count(*) from hubspot.deal_associations where deal_id = '{gone}'"
    with between(shared_emulators.settings, "hubspot", forget) as settings:
        assert load(copy_of_loaded, settings)[0].code == 0
        assert read(copy_of_loaded, ids) == [(1,)]
        assert load(copy_of_loaded, settings | {"HUBSPOT_REREAD_DAYS": 0})[0].code == 0
    assert read(copy_of_loaded, ids) == read(copy_of_loaded, related) == [(0,)]


@pytest.mark.slow
def test_a_first_list_that_is_cut_short_goes_on_where_it_was(
    emulators, everything, tmp_path, monkeypatch
):
    monkeypatch.setattr(objects, "BATCH_RECORDS", 50)
    monkeypatch.setattr(objects, "LIST_PAGE", 50)
    asked_for = []

    def break_third_page(asked, answer):
        if asked.path.endswith("/objects/contacts") and asked.query["archived"] == "false":
            asked_for.append(asked.query.get("after"))
            if len(asked_for) == 3:
                return Answer({"status": "error", "message": "no"}, 400)
        return answer

    database = tmp_path / "raw.duckdb"
    with between(emulators.settings, "hubspot", break_third_page) as settings:
        assert load(database, settings)[0].code == 5
        assert read(database, "select count(*) from hubspot.contacts") == [(100,)]
        assert load(database, settings)[0].code == 0
    assert asked_for[3] == asked_for[2] is not None
    assert own(database) == {n: r for n, r in everything.items() if n.startswith("hubspot.")}


def test_a_token_without_a_scope_reads_everything_else(shared_emulators, everything, tmp_path):
    refused = {
        "status": "error",
        "category": "MISSING_SCOPES",
        "message": "This app hasn't been granted all required scopes: automation",
    }

    def deny(asked, answer):
        return Answer(refused, 403) if asked.path.startswith("/automation") else answer

    with between(shared_emulators.settings, "hubspot", deny) as settings:
        done, source = load(tmp_path / "raw.duckdb", settings)
    assert (done.code, source["status"]) == (5, "partial")
    assert "all required scopes: automation" in source["errors"][0]["message"]
    assert "HUBSPOT_OBJECTS" in source["errors"][0]["hint"]
    found = own(tmp_path / "raw.duckdb")
    expected = {n: r for n, r in everything.items() if n.startswith("hubspot.")}
    empty = {"hubspot.workflows": [], "hubspot.workflow_emails": []}
    assert found == expected | empty


def test_only_the_objects_that_are_chosen_are_read(emulators, tmp_path):
    settings = emulators.settings | {"HUBSPOT_OBJECTS": "owners, pipelines"}
    assert load(tmp_path / "raw.duckdb", settings)[0].code == 0
    paths = emulators.control("hubspot", "counters")["by_path"]
    assert set(paths) == {"GET /crm/v3/owners", "GET /crm/v3/pipelines/deals"}


@pytest.mark.slow
def test_the_calls_of_a_day_are_not_waited_for(emulators, tmp_path):
    emulators.control("hubspot", "knobs", {"daily_limit": 5})
    _, source = load(tmp_path / "raw.duckdb", emulators.settings)
    assert "HubSpot's calls of the day are used up" in source["errors"][0]["message"]
    assert source["errors"][0]["hint"].startswith("run again after 20")


@pytest.mark.parametrize(
    ("policy", "headers", "seconds"),
    [
        ("TEN_SECONDLY_ROLLING", {}, 10),
        ("SECONDLY", {}, 1),
        ("SECONDLY", {"Retry-After": "3"}, 3),
        ("DAILY", {"Retry-After": "40591"}, 40591),
    ],
)
def test_each_limit_has_its_own_wait(policy, headers, seconds):
    import httpx

    body = {"status": "error", "policyName": policy, "errorType": "RATE_LIMIT"}
    error = limits.classify(httpx.Response(429, headers=headers, json=body))
    assert error.retry_after_seconds == seconds


@pytest.mark.slow
def test_a_list_that_goes_round_ends(tmp_path):
    page = {"results": [], "paging": {"next": {"after": "1"}}}
    with serve(lambda _: Answer(page)) as (url, requests):
        settings = {"HUBSPOT_BASE_URL": url, "HUBSPOT_ACCESS_TOKEN": "t"}
        _, source = load(tmp_path / "raw.duckdb", settings)
    assert all("goes round in a circle" in error["message"] for error in source["errors"])
    assert len(requests) < 40


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("", "text", ""),
        (None, "text", None),
        ("", "fraction", None),
        ("12.50", "fraction", "12.50"),
        ("true", "flag", True),
        ("", "flag", None),
        ("1793491200000", "date", "2026-11-01"),
        ("2026-11-01", "date", "2026-11-01"),
        ("1793512800000", "time", datetime(2026, 11, 1, 6, tzinfo=UTC).isoformat()),
        ("", "time", None),
    ],
)
def test_property_texts_become_what_they_mean(value, kind, expected):
    assert typed(value, kind) == expected


def test_statistics_are_a_snapshot_a_day_and_amounts_are_those_of_the_orders(loaded, world):
    days = read(loaded, "select distinct snapshot_date from hubspot.email_statistics")
    assert days == [(date(2026, 11, 1),)]
    won = "select sum(amount_in_home_currency), count(*) from hubspot.deals where is_won"
    large = (
        "select sum(total_usd_cents), count(*) from read_parquet(?) where total_usd_cents >= 5000"
    )
    [(amount, deals)] = read(loaded, won)
    [(total_cents, orders)] = read(loaded, large, str(world / "truth" / "orders.parquet"))
    assert (amount, deals) == (Decimal(int(total_cents)) / 100, orders)
    sent = read(loaded, "select sum(sent), sum(sent - delivered) from hubspot.email_statistics")
    sends = "select count(*), count(*) filter (status <> 'sent') from read_parquet(?)"
    assert sent == read(loaded, sends, str(world / "truth" / "mail_sends.parquet"))
