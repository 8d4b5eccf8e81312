"""Events that have landed are loaded once each, and their files removed only after that."""

import signal
import subprocess
import sys
from datetime import UTC, datetime

import orjson
import pytest

from marketing_analytics.ingest.engine.persons import key_of
from marketing_analytics.ingest.platforms.sendgrid.landing import Landing
from marketing_analytics.simulate.emulation.world_files import open_world
from marketing_analytics.simulate.platforms.sendgrid.mails import PostOffice

from .commands import QUICK, clean_environment, contents, ingest, read
from .scripted_platform import Answer, between
from .source_kit import KILLED, STAGES

pytestmark = pytest.mark.system

KEY = key_of(QUICK)
NOW = 1_793_512_800  # 2026-11-01T06:00:00Z
# statistics are beside the point of most tests here
SHORT = {"INGEST_SINCE": "2026-10-31"}


@pytest.fixture(scope="module")
def sent(world):
    """Return what the webhook sent until now."""
    events = [one for one in PostOffice(open_world(world)).box.events if one["timestamp"] <= NOW]
    return [{k: v for k, v in one.items() if k != "account"} for one in events]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "events"


def land(folder, events, name=""):
    text = b"".join(event if isinstance(event, bytes) else dumped(event) for event in events)
    if name:
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.jsonl").write_bytes(text)
        return
    writer = Landing(folder)
    writer.append(text)
    writer.close()


def dumped(event):
    return orjson.dumps(event) + b"\n"


def load(database, settings, folder, *arguments, **more):
    given = SHORT | settings | {"SENDGRID_EVENTS_PATH": folder} | more
    chosen = ("--source", "sendgrid", "--raw-database", database, "--json")
    done = ingest(*chosen, *arguments, **given)
    return done, done.source("sendgrid")


def events_in(database):
    return contents(database, "sendgrid")["sendgrid.events"]


def test_events_are_loaded_once_and_agree_with_the_statistics(
    shared_emulators, folder, tmp_path, sent
):
    settings, database = shared_emulators.settings, tmp_path / "raw.duckdb"
    settings = settings | {"INGEST_SINCE": "2026-10-01"}
    land(folder, sent)
    assert load(database, settings, folder)[0].code == 0
    # SendGrid sends again what it thinks was not received
    land(folder, [sent[5], *sent[:300]])
    assert load(database, settings, folder)[0].code == 0
    assert len(events_in(database)) == len(sent)
    [by_event] = read(
        database,
        "select count(*) filter (where event_type = 'delivered'), "
        "count(*) filter (where event_type = 'open'), "
        "count(*) filter (where event_type = 'open' and is_machine_open), "
        "count(*) filter (where event_type = 'click'), "
        "count(*) filter (where bounce_type = 'bounce'), "
        "count(*) filter (where bounce_type = 'blocked') from sendgrid.events",
    )
    [by_day] = read(
        database,
        "select sum(delivered), sum(opens), sum(clicks), sum(bounces), sum(blocks) "
        "from sendgrid.daily_stats",
    )
    delivered, opens, machine, clicks, bounces, blocks = by_event
    assert by_day == (delivered, opens, clicks, bounces, blocks)
    assert min(machine, clicks, bounces, blocks) > 0
    [shipping] = read(
        database,
        "select count(*) from sendgrid.events where event_type = 'processed' "
        "and list_contains(categories::json::varchar[], 'shipping')",
    )
    [counted] = read(
        database,
        "select sum(processed) from sendgrid.category_stats where category = 'shipping'",
    )
    assert shipping == counted


@pytest.mark.parametrize(
    "stage", ["load", *(pytest.param(s, marks=pytest.mark.slow) for s in STAGES)]
)
def test_a_run_killed_in_any_stage_loads_the_files_again(
    shared_emulators, folder, tmp_path, sent, stage
):
    settings, database = shared_emulators.settings, tmp_path / "raw.duckdb"
    land(folder, sent[:200])
    given = SHORT | settings | {"SENDGRID_EVENTS_PATH": folder, "SENDGRID_EVENTS_KEEP_DAYS": 0}
    chosen = ["--raw-database", str(database), "--source", "sendgrid"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, STAGES[stage]), "ingest", "run", *chosen],
        env=clean_environment(**given),
        capture_output=True,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(list(folder.iterdir())) == 1
    assert load(database, given, folder)[0].code == 0
    assert len(events_in(database)) == 200


@pytest.mark.slow
def test_a_file_is_removed_by_a_run_after_the_one_that_loaded_it(
    shared_emulators, folder, tmp_path, sent
):
    settings, database = shared_emulators.settings, tmp_path / "raw.duckdb"
    for number in range(3):
        land(folder, sent[number * 10 : number * 10 + 10])
        assert load(database, settings, folder, SENDGRID_EVENTS_KEEP_DAYS=0)[0].code == 0
        assert len(list(folder.iterdir())) == 1
    assert len(events_in(database)) == 30
    # a new database finds what is still there
    kept = load(tmp_path / "new.duckdb", settings, folder)[0]
    assert kept.code == 0
    assert len(events_in(tmp_path / "new.duckdb")) == 10
    load(tmp_path / "new.duckdb", settings, folder, MARKETING_NOW="2026-11-30T06:00:00Z")
    assert len(list(folder.iterdir())) == 1
    load(tmp_path / "new.duckdb", settings, folder, MARKETING_NOW="2026-12-01T06:00:00Z")
    assert list(folder.iterdir()) == []
    assert len(events_in(tmp_path / "new.duckdb")) == 10


def test_every_field_is_loaded_as_documented_and_no_address_stays_in_a_text(
    shared_emulators, folder, tmp_path
):
    bounce = {
        "email": "Who@Example.com",
        "timestamp": 1793500000,
        "event": "bounce",
        "type": "blocked",
        "bounce_classification": "Mailbox Unavailable",
        "sg_event_id": "e1",
        "sg_message_id": "m1",
        "status": "4.2.2",
        "reason": "550 <who@example.com>: mailbox full",
        "category": "one",
        "attempt": "5",
        "asm_group_id": 10,
        "order_id": "O1",
        "ip": "192.0.2.44",
        "useragent": "Mozilla/5.0",
        "customer": "who@example.com",
    }
    click = {
        "email": "x@example.com",
        "timestamp": 1793500001,
        "event": "click",
        "sg_event_id": "e2",
        "sg_message_id": "m2",
        "category": ["two", "three"],
        "url": "https://shop.example/?mail=x%40example.com&utm_source=mail",
        "custom_args": {"order_id": 7},
        "marketing_campaign_id": 12345,
        "marketing_campaign_name": "spring",
    }
    land(folder, [bounce, click])
    done, _ = load(
        tmp_path / "raw.duckdb",
        shared_emulators.settings,
        folder,
        SENDGRID_CUSTOM_ARGS="order_id, other",
    )
    assert done.code == 0, done.out
    plain = ("who@example.com", "x@example.com", "192.0.2.44")
    [columns] = read(
        tmp_path / "raw.duckdb",
        "select list(column_name) from information_schema.columns "
        "where table_schema = 'sendgrid' and table_name = 'events'",
    )
    assert not {"email_address", "ip_address", "user_agent"} & set(*columns)
    assert not [text for text in plain if text in str(contents(tmp_path / "raw.duckdb")).lower()]
    restricted = read(
        tmp_path / "raw_restricted.duckdb", "select kind, value from sendgrid_restricted.persons"
    )
    assert {("email_address", "Who@Example.com"), ("ip_address", "192.0.2.44")} <= {
        (kind if kind != "email" else "email_address", value) for kind, value in restricted
    }
    query = (
        "select event_type, event_at::varchar, bounce_type, bounce_class, status, reason, attempt, "
        "group_id, categories, clicked_url, custom_args, campaign_id, campaign_name "
        "from sendgrid.events order by event_id"
    )
    assert read(tmp_path / "raw.duckdb", query) == [
        (
            *("bounce", "2026-11-01 02:26:40+00", "blocked", "Mailbox Unavailable", "4.2.2"),
            *("550 <(address)>: mailbox full", 5, "10", '["one"]', None, '{"order_id":"O1"}'),
            *(None, None),
        ),
        (
            *("click", "2026-11-01 02:26:41+00", None, None, None, None, None, None),
            '["two","three"]',
            "https://shop.example/?mail=(address)&utm_source=mail",
            *('{"order_id":7}', "12345", "spring"),
        ),
    ]


@pytest.mark.slow
def test_a_line_that_is_no_event_is_kept_apart_and_a_file_without_one_is_named(
    shared_emulators, folder, tmp_path, sent
):
    settings, database = shared_emulators.settings, tmp_path / "raw.duckdb"
    odd = [b"no json\n", b"[1]\n", dumped({**sent[50], "sg_event_id": None})]
    land(folder, [*sent[:20], *odd], "a")
    done, source = load(database, settings, folder)
    assert (done.code, source["rejected"]) == (5, 3), done.out
    assert len(events_in(database)) == 20
    land(folder, odd[:1], "b")
    done, source = load(database, settings, folder)
    assert done.code == 5
    assert [error["message"][:14] for error in source["errors"]] == ["b.jsonl: 1 of "]
    assert len(events_in(database)) == 20


@pytest.mark.slow
def test_a_folder_that_is_none_costs_the_events_alone(shared_emulators, tmp_path, everything):
    done, source = load(tmp_path / "raw.duckdb", shared_emulators.settings, tmp_path / "nowhere")
    assert done.code == 5
    [error] = source["errors"]
    assert "SENDGRID_EVENTS_PATH is not a folder" in error["message"]
    expected = everything["sendgrid.suppressions"]
    assert contents(tmp_path / "raw.duckdb")["sendgrid.suppressions"] == expected


@pytest.mark.parametrize(
    ("scope", "lost"),
    [
        ("suppression.bounces.read", ("suppressions", "bounce")),
        pytest.param("categories.stats.read", ("category_stats", ""), marks=pytest.mark.slow),
    ],
)
def test_a_right_that_the_key_lacks_costs_one_list(
    shared_emulators, everything, tmp_path, scope, lost
):
    settings = dict(shared_emulators.settings)
    settings["SENDGRID_API_KEY"] += f"-without-{scope}"
    chosen = ("--source", "sendgrid", "--raw-database", tmp_path / "raw.duckdb", "--json")
    done = ingest(*chosen, **settings)
    source = done.source("sendgrid")
    assert (done.code, source["status"]) == (5, "partial"), done.out
    table, kind = lost
    assert len(source["errors"]) == 2
    for error in source["errors"]:
        assert error["message"].startswith(f"{kind or table} of account ")
        assert "access forbidden" in error["message"]
        assert "Settings > API Keys" in error["hint"]
    found = contents(tmp_path / "raw.duckdb")
    for name in ("daily_stats", "category_stats", "suppressions"):
        rows = everything[f"sendgrid.{name}"]
        if name == table:
            rows = [row for row in rows if kind and row[1] != kind]
        assert found[f"sendgrid.{name}"] == rows


@pytest.mark.slow
def test_a_key_without_any_right_ends_with_the_code_of_access(shared_emulators, tmp_path):
    def change(asked, answer):
        return Answer({"errors": [{"field": None, "message": "access forbidden"}]}, 403)

    with between(shared_emulators.settings, "sendgrid", change) as settings:
        done = ingest("--source", "sendgrid", "--raw-database", tmp_path / "raw.duckdb", **settings)
    assert done.code == 4, done.out + done.err


@pytest.mark.slow
def test_a_suppression_that_was_removed_disappears(emulators, tmp_path, world):
    query = "select email_key from sendgrid.suppressions where suppression_type = 'bounce'"
    bounces = [b for b in PostOffice(open_world(world)).box.suppressions if b.kind == "bounces"]
    # until the next one is cleared
    days = 1 + (min(b.removed for b in bounces if b.removed > NOW) - NOW) // 86_400
    later = NOW + days * 86_400
    cleared = [
        KEY.pseudonym("email", one.email)
        for one in bounces
        if one.created <= NOW < one.removed <= later
    ]
    assert cleared
    chosen = ("--source", "sendgrid", "--raw-database", tmp_path / "raw.duckdb")
    assert ingest(*chosen, **emulators.settings).code == 0
    before = {address for (address,) in read(tmp_path / "raw.duckdb", query)}
    emulators.control("sendgrid", "clock", {"advance_days": days})
    now = datetime.fromtimestamp(later, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert ingest(*chosen, **emulators.settings | {"MARKETING_NOW": now}).code == 0
    after = {address for (address,) in read(tmp_path / "raw.duckdb", query)}
    assert before - after == set(cleared)
