"""All five sources from running emulators: exact, repeatable, safe against faults and kills."""

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from .commands import COMMAND, Emulators, clean_environment, contents, ingest, read, start_ingest
from .source_kit import slow

pytestmark = pytest.mark.system

PLATFORMS = ("meta_ads", "google_ads", "mailchimp")


def load(database, emulators, *arguments, **settings):
    return ingest(
        "--raw-database", database, "--json", *arguments, **(emulators.settings | settings)
    )


def load_one(platform, database, emulators, **settings):
    done = load(database, emulators, "--source", platform, **settings)
    return done, done.source(platform)


def only(sources, tables):
    """Return the tables of some sources, named by one text or several."""
    chosen = {sources} if isinstance(sources, str) else set(sources)
    return {name: rows for name, rows in tables.items() if name.split(".")[0] in chosen}


def without_history(tables):
    """Return the tables whose rows do not depend on when they were read."""
    return {name: rows for name, rows in tables.items() if not name.endswith("_history")}


def test_row_counts_equal_the_ledger(loaded, ledger):
    expected = {name: table["rows"] for name, table in ledger["raw_tables"].items()}
    found = {name: read(loaded, f"select count(*) from {name}")[0][0] for name in expected}
    assert found == expected


def test_nothing_was_rejected_and_no_tombstone_stayed(loaded):
    for platform in (*PLATFORMS, "ga4", "shop"):
        assert read(loaded, f"select * from {platform}._rejected") == []
    for table in ("meta_ads.ad_insights", "google_ads.campaign_stats", "mailchimp.sent_to"):
        assert read(loaded, f"select count(*) from {table} where _is_deleted") == [(0,)]


@pytest.mark.parametrize("currency", ["USD", "EUR"])
def test_spend_equals_the_ledger_to_the_cent(loaded, ledger, currency):
    query = "select sum({}) from {} where currency = ?"
    meta = read(loaded, query.format("spend", "meta_ads.ad_insights"), currency)
    google = read(loaded, query.format("cost_micros", "google_ads.campaign_stats"), currency)
    spend = ledger["spend"]
    assert meta[0][0] == Decimal(spend["meta_ads"]["by_currency"][currency])
    micros = Decimal(spend["google_ads"]["by_currency"][currency]) * 1_000_000
    assert int(google[0][0]) == micros


@pytest.mark.parametrize(
    ("platform", "table", "conversions"),
    [
        ("meta_ads", "meta_ads.ad_insights", "purchases"),
        ("google_ads", "google_ads.campaign_stats", "conversions"),
    ],
)
def test_clicks_impressions_and_claims_equal_the_ledger(
    loaded, ledger, platform, table, conversions
):
    query = f"select sum(impressions), sum(clicks), sum({conversions}) from {table}"
    expected = ledger["spend"][platform]
    claimed = Decimal(ledger["claimed"][platform]["conversions"])
    assert read(loaded, query) == [(expected["impressions"], expected["clicks"], claimed)]


def test_email_figures_equal_the_ledger(loaded, ledger):
    query = (
        "select count(*) filter (where action = 'open'), "
        "count(*) filter (where action = 'click') from mailchimp.email_activity "
        "where {} (select email_campaign_id from mailchimp.automation_emails)"
    )
    for part, condition in (("email", "campaign_id not in"), ("automation", "campaign_id in")):
        expected = ledger[part]
        assert read(loaded, query.format(condition)) == [
            (expected["opens_human"] + expected["opens_machine"], expected["clicks"])
        ]
    sent = ledger["email"]["sent"] + ledger["automation"]["sent"]
    assert read(loaded, "select count(*) from mailchimp.sent_to") == [(sent,)]
    gone = ledger["email"]["unsubscribes"] + ledger["automation"]["unsubscribes"]
    assert read(loaded, "select count(*) from mailchimp.unsubscribes") == [(gone,)]


def test_every_key_is_unique(loaded):
    keys = {
        "meta_ads.ad_insights": "account_id, date, ad_id",
        "google_ads.campaign_stats": "customer_id, date, campaign_id",
        "google_ads.ad_stats": "customer_id, date, ad_group_id, ad_id",
        "mailchimp.email_activity": "campaign_id, member_key, activity_index",
        "mailchimp.sent_to": "campaign_id, member_key",
        "mailchimp.reports": "campaign_id, snapshot_date",
    }
    for table, key in keys.items():
        query = f"select count(*) - count(distinct ({key})) from {table}"
        assert read(loaded, query) == [(0,)], table


def test_types_are_the_declared_ones(loaded):
    rows = read(
        loaded,
        "select table_schema || '.' || table_name || '.' || column_name, data_type "
        "from information_schema.columns where table_schema not like '%staging'",
    )
    found = dict(rows)
    assert found["meta_ads.ad_insights.spend"] == "DECIMAL(18,2)"
    assert found["meta_ads.ad_insights.purchases_28d_click"] == "DECIMAL(18,6)"
    assert found["google_ads.campaign_stats.conversions"] == "DECIMAL(18,6)"
    assert found["google_ads.campaign_stats.date"] == "DATE"
    assert found["mailchimp.email_activity.activity_at"] == "TIMESTAMP WITH TIME ZONE"
    assert found["shop.exchange_rates.usd_per_unit"] == "DECIMAL(18,4)"
    floats = {name for name, kind in found.items() if kind in {"DOUBLE", "FLOAT", "REAL"}}
    # dlt keeps no floats either
    assert floats == set()


@pytest.mark.slow
def test_a_google_token_that_expires_mid_run_is_renewed(emulators, everything, tmp_path):
    emulators.fault("google_ads", "expired_token", times=3, path=":searchStream")
    done, _ = load_one("google_ads", tmp_path / "raw.duckdb", emulators)
    assert done.code == 0, done.out
    assert contents(tmp_path / "raw.duckdb") == only("google_ads", everything)


@pytest.mark.slow
def test_a_meta_token_that_expires_mid_run_asks_for_a_login(emulators, everything, tmp_path):
    emulators.fault("meta_ads", "expired_token", times=1000, path="/insights")
    done, source = load_one("meta_ads", tmp_path / "raw.duckdb", emulators)
    assert done.code in {4, 5}
    assert source["errors"][0]["hint"] == "log in again and set META_ADS_ACCESS_TOKEN"
    emulators.control("meta_ads", "reset", {})
    assert load_one("meta_ads", tmp_path / "raw.duckdb", emulators)[0].code == 0
    assert contents(tmp_path / "raw.duckdb") == only("meta_ads", everything)


@pytest.mark.slow
@pytest.mark.parametrize("times", [5, *slow(1, 2)])
def test_a_failed_report_is_made_again_then_cut_in_two(emulators, everything, tmp_path, times):
    emulators.fault("meta_ads", "report_failed", times=times)
    done, _ = load_one("meta_ads", tmp_path / "raw.duckdb", emulators)
    assert done.code == 0, done.out
    assert contents(tmp_path / "raw.duckdb") == only("meta_ads", everything)


def test_one_failing_source_does_not_stop_the_others(emulators, tmp_path):
    emulators.fault("mailchimp", "status_500", times=100_000)
    beside = ("mailchimp", "shop", "sendgrid")
    chosen = [word for name in beside for word in ("--source", name)]
    done = load(tmp_path / "raw.duckdb", emulators, *chosen)
    assert done.code == 5
    states = {source["source"]: source["status"] for source in done.json["sources"]}
    assert states == {"mailchimp": "failed", "shop": "ok", "sendgrid": "ok"}


@pytest.mark.slow
def test_an_earlier_start_reads_what_is_missing(emulators, everything, tmp_path):
    database = tmp_path / "raw.duckdb"
    chosen = ["--source", "google_ads", "--source", "mailchimp"]
    assert load(database, emulators, "--since", "2026-10-20", *chosen).code == 0
    first = read(database, "select min(date) from google_ads.campaign_stats")
    assert str(first[0][0]) >= "2026-10-20"
    assert load(database, emulators, *chosen).code == 0
    assert contents(database) == only(("google_ads", "mailchimp"), everything)


@pytest.mark.slow
@pytest.mark.parametrize("tenths", range(4, 44, 2))
def test_a_run_killed_at_any_moment_is_made_whole_by_the_next(
    shared_emulators, everything, tmp_path, tenths
):
    database = tmp_path / "raw.duckdb"
    process = start_ingest("--raw-database", database, **shared_emulators.settings)
    time.sleep(tenths / 10)
    process.kill()
    process.communicate()
    done = load(database, shared_emulators)
    assert done.code == 0, done.out
    assert contents(database) == everything


@pytest.mark.slow
def test_a_deleted_database_is_loaded_anew_from_the_first_day(
    copy_of_loaded, shared_emulators, everything
):
    assert load(copy_of_loaded, shared_emulators, "--source", "google_ads").code == 0
    copy_of_loaded.unlink()
    assert load(copy_of_loaded, shared_emulators, "--source", "google_ads").code == 0
    assert contents(copy_of_loaded) == only("google_ads", everything)


READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
print(1, flush=True)
sys.stdin.read()
"""


def test_a_reader_in_another_process_is_waited_for_then_named(copy_of_loaded, shared_emulators):
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(copy_of_loaded)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as reader:
        assert reader.stdout.readline() == b"1\n"
        done = load(copy_of_loaded, shared_emulators, INGEST_LOCK_WAIT_SECONDS="0.5")
        reader.communicate(b"")
    assert done.code == 4
    assert f"PID {reader.pid}" in done.json["error"]["message"]


def test_the_command_prints_a_table(copy_of_loaded, shared_emulators):
    done = ingest("--raw-database", copy_of_loaded, "--source", "shop", **shared_emulators.settings)
    assert done.code == 0
    assert "shop" in done.out
    assert "ok" in done.out


@pytest.mark.slow
@pytest.mark.parametrize("days", [40, *slow(5)])
def test_days_restated_since_the_last_run_equal_a_fresh_load(emulators, copy_of_loaded, days):
    before = read(copy_of_loaded, "select sum(purchases) from meta_ads.ad_insights")
    for platform in PLATFORMS[:1]:
        emulators.control(platform, "clock", {"advance_days": days})
    now = (datetime(2026, 11, 1, 6, tzinfo=UTC) + timedelta(days=days)).isoformat()
    chosen = ["--source", "meta_ads", "--source", "google_ads"]
    done = load(copy_of_loaded, emulators, *chosen, MARKETING_NOW=now)
    assert done.code == 0, done.out
    fresh = copy_of_loaded.with_name("fresh.duckdb")
    assert load(fresh, emulators, *chosen, MARKETING_NOW=now).code == 0
    both = only(("meta_ads", "google_ads"), contents(copy_of_loaded))
    # a history tells when a run saw something first
    assert without_history(both) == without_history(contents(fresh))
    # the claims did mature, or this proves nothing
    assert read(copy_of_loaded, "select sum(purchases) from meta_ads.ad_insights") > before


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (signal.SIGINT, "interrupted"),
        *slow((signal.SIGTERM, "interrupted: asked to end (SIGTERM)")),
    ],
)
def test_an_interrupted_run_says_so_and_the_next_one_is_whole(
    emulators, everything, tmp_path, number, said
):
    emulators.fault("meta_ads", "slow", times=1, seconds=2.0, path="/insights")
    chosen = ["--raw-database", tmp_path / "raw.duckdb", "--source", "meta_ads"]
    process = start_ingest(*chosen, **emulators.settings)
    wait_until(lambda: emulators.control("meta_ads", "counters")["faults_injected"])
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert errors.strip().endswith(said)
    assert "Traceback" not in errors
    assert load(tmp_path / "raw.duckdb", emulators, "--source", "meta_ads").code == 0
    assert contents(tmp_path / "raw.duckdb") == only("meta_ads", everything)


def wait_until(condition, seconds=30):
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


@pytest.mark.slow
def test_a_world_of_one_customer_is_served_and_read_long_after_it_ended(tmp_path):
    build = ["simulate", "build", "--seed", "1", "--customers", "1", "--days", "7"]
    command = [*COMMAND, *build, "--end-date", "2026-10-31", "--out", str(tmp_path / "world")]
    subprocess.run(command, env=clean_environment(), check=True, capture_output=True, timeout=60)
    running = Emulators(tmp_path / "world", tmp_path)
    try:
        running.control("meta_ads", "clock", {"advance_days": 200})
        given = {"MARKETING_NOW": "2027-05-20T06:00:00Z", "INGEST_SINCE": "2026-10-01"}
        for _ in range(2):
            done = load(tmp_path / "raw.duckdb", running, **given)
            assert done.code == 0, done.out
    finally:
        running.stop()
