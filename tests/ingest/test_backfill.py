"""`marketing ingest backfill` reads days again, those and no others, and goes on when killed."""

import signal
import subprocess
import sys
from datetime import UTC, date, datetime

import duckdb
import pytest

from marketing_analytics.ingest.engine.backfill import Backfill
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.windows import Window
from marketing_analytics.ingest.platforms import load_source, source_names
from marketing_analytics.ingest.request import request_of

from .commands import NOW, QUICK, call, clean_environment, contents, ingest, read
from .scripted_platform import Answer, between
from .source_kit import slow

pytestmark = pytest.mark.system

META = "select date, count(*) from meta_ads.ad_insights group by date order by date"
# three days are loaded before the process is killed
KILLED = """
import os
from marketing_analytics.ingest import run
from marketing_analytics.ingest.platforms.ga4 import layout, source
layout.Folder.days_at_once = run.PACKAGE_ROWS = 1
read, load, calls = source.read_chunk, run.Run._load, []
def read_chunk(job, export, chunk):
    calls.append(chunk)
    if len(calls) > 3:
        job.stop.wait(30)
    read(job, export, chunk)
def load_and_die(self, job):
    while len(calls) < 4:
        job.stop.wait(0.01)
    load(self, job)
    os.kill(os.getpid(), 9)
source.read_chunk, run.Run._load = read_chunk, load_and_die
from marketing_analytics.cli import main
main()
"""


def backfill(database, source, *arguments, **settings):
    chosen = ("--source", source, "--raw-database", database)
    return call("backfill", *chosen, *arguments, **settings)


def change(database, query):
    with duckdb.connect(str(database)) as connection:
        connection.execute(query)


def test_a_final_day_is_read_again_and_what_is_outside_stays(shared_emulators, copy_of_loaded):
    before = dict(read(copy_of_loaded, META))
    days = "('2026-10-02', '2026-10-20')"
    change(copy_of_loaded, f"delete from meta_ads.ad_insights where date in {days}")
    days = ("--since", "2026-10-01", "--until", "2026-10-03", "--json")
    done = backfill(copy_of_loaded, "meta_ads", *days, **shared_emulators.settings)
    assert done.code == 0, done.out
    after = dict(read(copy_of_loaded, META))
    assert date(2026, 10, 20) in before
    assert after == {day: n for day, n in before.items() if day != date(2026, 10, 20)}


BY_DAYS = [name for name in source_names() if load_source(name).has_days]
QUICK_ONES = ["ga4", "mailchimp"]
CASES = [*QUICK_ONES, *slow(*(name for name in BY_DAYS if name not in QUICK_ONES))]


@pytest.mark.slow
@pytest.mark.parametrize("source", CASES)
def test_every_source_by_days_gives_the_same_rows_again(
    shared_emulators, copy_of_loaded, everything, source
):
    days = ("--since", "2026-10-01", "--json")
    done = backfill(copy_of_loaded, source, *days, **shared_emulators.settings)
    assert done.code == 0, done.out
    assert done.source(source)["windows"] > 0
    assert contents(copy_of_loaded) == everything


@pytest.mark.slow
def test_one_account_alone_and_an_account_that_is_none(shared_emulators, copy_of_loaded):
    query = "select distinct customer_id from google_ads.campaign_stats order by 1"
    (first,), (second,), *_ = read(copy_of_loaded, query)
    counts = "select customer_id, count(*) from google_ads.campaign_stats group by 1"
    before = dict(read(copy_of_loaded, counts))
    change(copy_of_loaded, "delete from google_ads.campaign_stats where date >= '2026-10-10'")
    left = dict(read(copy_of_loaded, counts))
    days = ("--since", "2026-10-01", "--account")
    settings = shared_emulators.settings
    done = backfill(copy_of_loaded, "google_ads", *days, f"{first[:3]}-{first[3:]}", **settings)
    assert done.code == 0, done.err
    after = dict(read(copy_of_loaded, counts))
    assert (after[first], after[second]) == (before[first], left[second])


@pytest.mark.slow
@pytest.mark.parametrize("source", CASES)
def test_an_account_that_is_none_is_refused_before_a_day_is_read(
    shared_emulators, copy_of_loaded, everything, source
):
    first = ()
    if source == "google_ads":
        query = "select min(customer_id) from google_ads.campaign_stats"
        first = ("--account", read(copy_of_loaded, query)[0][0])
    days = ("--since", "2026-10-01", *first, "--account", "4711", "--account", "4712")
    settings = shared_emulators.settings
    dry = backfill(copy_of_loaded, source, *days, "--dry-run", **settings)
    done = backfill(copy_of_loaded, source, *days, **settings)
    assert (dry.code, done.code) == (2, 2)
    for one in (dry, done):
        assert "there are no accounts 4711, 4712 to read again" in one.err
        assert "help: accounts are" in one.err
    assert contents(copy_of_loaded) == everything


KEPT = [
    ("meta_ads", date(2023, 10, 18)),
    ("google_ads", date(2023, 10, 18)),
    ("linkedin_ads", date(2016, 11, 3)),
    ("ga4_reports", date(2015, 8, 14)),
    ("sendgrid", date(2009, 1, 1)),
    ("klaviyo", date(2012, 1, 1)),
    ("shopify", date(2006, 1, 1)),
    ("mailchimp", date(2001, 1, 1)),
]


@pytest.mark.parametrize(("source", "first"), KEPT)
def test_days_that_no_platform_keeps_are_not_asked_for(monkeypatch, source, first):
    monkeypatch.setenv("MARKETING_NOW", NOW)
    request = request_of((source,), "0001-01-01", None, None)
    assert request.first_day(source) == first
    assert request.notes == [f"{source}: days before {first} are not kept by the platform"]
    usual = request_of((source,), "2026-10-01", None, None)
    assert (usual.first_day(source), usual.notes) == (date(2026, 10, 1), [])


def test_every_source_by_days_has_an_end_to_them():
    # the export is listed: it has the days that it has
    assert {source for source, _ in KEPT} == {*BY_DAYS} - {"ga4"}


def test_days_left_out_are_told(shared_emulators, copy_of_loaded):
    days = ("--since", "1900-01-01", "--until", "2030-01-01", "--dry-run", "--json")
    done = backfill(copy_of_loaded, "meta_ads", *days, **shared_emulators.settings)
    assert done.code == 0, done.err
    assert done.err.splitlines() == [
        "meta_ads: days before 2023-10-18 are not kept by the platform",
        "meta_ads: days after 2026-11-01 lie ahead and are not read",
    ]
    assert min(line["first_day"] for line in done.json["planned"]) == "2023-10-18"


@pytest.mark.slow
@pytest.mark.parametrize("source", CASES)
def test_a_dry_run_shows_the_days_and_reads_none(
    shared_emulators, copy_of_loaded, everything, source
):
    days = ("--since", "2026-10-01", "--until", "2026-10-10", "--dry-run")
    asked = []

    def note(request, answer):
        asked.append(request.path)
        return answer

    if source == "ga4":
        done = backfill(copy_of_loaded, source, *days, "--json", **shared_emulators.settings)
    else:
        with between(shared_emulators.settings, source, note) as settings:
            done = backfill(copy_of_loaded, source, *days, "--json", **settings)
        assert not [path for path in asked if "insights" in path or "sent-to" in path]
    assert done.code == 0, done.out
    planned = done.json["planned"]
    assert planned
    assert min(line["first_day"] for line in planned) >= "2026-10-01"
    assert max(line["last_day"] for line in planned) <= "2026-10-10"
    assert contents(copy_of_loaded) == everything


@pytest.mark.slow
def test_what_failed_is_read_by_the_next_one_and_nothing_else(shared_emulators, copy_of_loaded):
    asked = []

    def change(request, answer):
        if request.method == "POST" and request.path.endswith("/insights"):
            account = request.path.split("act_")[1].split("/")[0]
            asked.append(account)
            if account != asked[0]:
                return Answer({"error": {"message": "bad day", "code": 100}}, 400)
        return answer

    days = ("--since", "2026-10-05", "--until", "2026-10-05", "--json")
    with between(shared_emulators.settings, "meta_ads", change) as settings:
        done = backfill(copy_of_loaded, "meta_ads", *days, **settings)
    assert done.code == 5, done.out
    accounts = set(asked)
    planned = backfill(
        copy_of_loaded, "meta_ads", *days, "--dry-run", **shared_emulators.settings
    ).json["planned"]
    assert {line["account_id"] for line in planned} == accounts - {asked[0]}
    # a run between them does not make it forget
    assert ingest("--raw-database", copy_of_loaded, **shared_emulators.settings).code == 0
    rest = backfill(copy_of_loaded, "meta_ads", *days, **shared_emulators.settings)
    assert rest.source("meta_ads")["windows"] == len(accounts) - 1
    # done: the same again is another one
    anew = backfill(copy_of_loaded, "meta_ads", *days, **shared_emulators.settings)
    assert anew.source("meta_ads")["windows"] == len(accounts)


def test_a_killed_one_goes_on_where_it_was(shared_emulators, copy_of_loaded, everything):
    days = ("--source", "ga4", "--since", "2026-10-03", "--until", "2026-10-12")
    chosen = (*days, "--raw-database", str(copy_of_loaded))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, "ingest", "backfill", *chosen],
        env=clean_environment(**(QUICK | {"MARKETING_NOW": NOW} | shared_emulators.settings)),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = call("backfill", *chosen, "--json", **shared_emulators.settings)
    assert done.code == 0, done.out
    assert done.source("ga4")["windows"] == 10 - 3
    assert contents(copy_of_loaded) == everything


def test_what_cannot_be_read_by_days_is_told(shared_emulators, tmp_path):
    settings = shared_emulators.settings
    whole = backfill(tmp_path / "raw.duckdb", "shop", "--since", "2026-10-01", **settings)
    assert whole.code == 2
    assert "shop is not read by days" in whole.err
    days = ("--since", "2026-10-09", "--until", "2026-10-01")
    wrong = backfill(tmp_path / "raw.duckdb", "ga4", *days, **settings)
    assert (wrong.code, "lies before the first" in wrong.err) == (2, True)


def test_other_days_begin_another_one():
    window = Window(date(2026, 10, 1), date(2026, 10, 4))
    job = Job("x", {}, window.start, datetime(2026, 11, 1, tzinfo=UTC), backfill=Backfill(window))
    job.backfill.begin(job.state)
    job.mark("days", "act_1", Window(date(2026, 10, 1), date(2026, 10, 2)), date(2026, 11, 1))
    again = Backfill(window)
    again.begin(job.state)
    wanted = Window(date(2026, 9, 1), date(2026, 11, 1))
    assert [day.day for day in again.coverage("days", "act_1").days_to_read(wanted, 0)] == [3, 4]
    other = Backfill(window, frozenset({"1"}))
    other.begin(job.state)
    assert len(other.coverage("days", "act_1").days_to_read(wanted, 0)) == 4
    assert other.coverage("days", "2").days_to_read(wanted, 0) == []
