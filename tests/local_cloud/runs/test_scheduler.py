"""Cron ticks over simulated days: each at most once, none forgotten in silence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marketing_analytics.local_cloud.runs import scheduler, store
from marketing_analytics.local_cloud.runs.scheduler import tick

START = datetime(2026, 11, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def quick(cloud):
    if isinstance(cloud.store, Path):
        cloud.change("pragma synchronous = off")
    return cloud


def all_runs(cloud, **wanted):
    return store.list_runs(cloud.connection, store.RunFilter(**wanted), limit=100_000).rows


def test_a_week_of_a_cron_gives_each_tick_exactly_once_however_often_it_is_looked_at(quick):
    quick.job(cron="15 */6 * * 1-5")
    now, started = START, []
    while now < START + timedelta(days=7):
        for _ in range(2):
            started += tick(quick.connection, now)
        now += timedelta(minutes=7)
    times = [quick.row(run_id).scheduled_for for run_id in started]
    assert len(times) == 5 * 4
    assert len(set(times)) == len(times)
    assert times[0].startswith("2026-11-02 00:15:00")


def test_the_stored_next_run_is_the_tick_that_runs_next(quick):
    job = quick.job(cron="30 8 * * *")
    tick(quick.connection, START)
    shown = quick.connection.execute("select next_run_at from jobs").fetchone()[0]
    (run_id,) = tick(quick.connection, START + timedelta(hours=8, minutes=30, seconds=2))
    assert quick.row(run_id).scheduled_for == shown
    assert quick.row(run_id).job_id == job
    assert quick.row(run_id).cause_category == "scheduled"


def test_an_over_scheduled_job_has_one_queued_tick_at_most_for_a_whole_day(quick):
    job = quick.job(cron="* * * * *")
    asked_for = [quick.run(job) for _ in range(3)]
    for minute in range(24 * 60 + 1):
        tick(quick.connection, START + minute * MINUTE)
        queued = all_runs(quick, statuses=(1,), cause_categories=("scheduled",))
        assert len(queued) <= 1
        # every third minute the run that goes on is over and the waiting one starts
        if minute % 3 == 2 and queued:
            quick.change("update runs set status = 10 where id = :id", id=queued[0].id)
    ticks = all_runs(quick, cause_categories=("scheduled",))
    cancelled = [row for row in ticks if row.status == 30]
    assert len(ticks) == 24 * 60
    assert len(cancelled) >= 24 * 60 * 2 // 3 - 1
    assert all("replaces it" in row.status_message for row in cancelled)
    assert all(quick.row(run_id).status == 1 for run_id in asked_for)


def test_of_the_ticks_missed_while_down_only_the_latest_within_the_grace_runs(quick):
    quick.job(cron="*/10 * * * *")
    tick(quick.connection, START)
    started = tick(quick.connection, START + timedelta(days=30, minutes=25))
    assert [quick.row(run_id).scheduled_for[:16] for run_id in started] == ["2026-12-01 00:20"]


def test_a_tick_older_than_the_grace_is_skipped_and_the_next_one_is_planned(quick):
    quick.job(cron="0 6 * * *")
    tick(quick.connection, START)
    assert tick(quick.connection, START + timedelta(hours=8)) == []
    planned = quick.connection.execute("select next_run_at from jobs").fetchone()[0]
    assert planned == "2026-11-02 06:00:00.000000+00:00"


def test_a_clock_that_jumps_back_repeats_no_tick(quick):
    quick.job(cron="0 * * * *")
    seen = []
    for hours in (0, 1, 2, 3, 1, 2, 3, 4):
        seen += tick(quick.connection, START + timedelta(hours=hours, minutes=1))
    times = [quick.row(run_id).scheduled_for for run_id in seen]
    assert len(times) == len(set(times)) == 4


def test_a_clock_that_was_years_ahead_for_a_moment_stops_no_job(quick):
    daily, weekly = quick.job(cron="0 6 * * *"), quick.job(cron="0 6 * * 1")
    tick(quick.connection, START)
    tick(quick.connection, START.replace(year=2031))
    later = START + timedelta(hours=7)
    assert tick(quick.connection, later) == []
    assert scheduler.plan_again(quick.connection, later, ahead=timedelta(days=1)) == 2
    assert scheduler.plan_again(quick.connection, later, ahead=timedelta(0)) == 0
    started = tick(quick.connection, START + timedelta(days=1, hours=6, minutes=1))
    assert [quick.row(run_id).job_id for run_id in started] == [daily, weekly]


def test_a_tick_that_exists_already_is_not_queued_again(quick):
    job = quick.job(cron="0 * * * *")
    tick(quick.connection, START)
    (first,) = tick(quick.connection, START + timedelta(minutes=61))
    # as after an edit of the job, or a restored store
    quick.connection.execute("update jobs set next_run_at = '2026-11-01 01:00:00.000000+00:00'")
    assert tick(quick.connection, START + timedelta(minutes=62)) == []
    assert [row.id for row in all_runs(quick, job_id=job)] == [first]


def test_jobs_that_are_off_deleted_or_broken_do_not_stop_the_others(quick):
    broken = quick.job(cron="not a cron at all")
    off, deleted, good = (quick.job(cron="* * * * *") for _ in range(3))
    quick.change("update jobs set is_scheduled = 0 where id = :id", id=off)
    quick.change("update jobs set state = 2 where id = :id", id=deleted)
    tick(quick.connection, START)
    tick(quick.connection, START + MINUTE)
    assert {row.job_id for row in all_runs(quick)} == {good}
    assert broken


def test_every_minute_for_a_year_of_pause_is_caught_up_at_once():
    stored = "2026-01-01 00:00:00.000000+00:00"
    now = datetime(2026, 12, 31, 12, 0, 30, tzinfo=UTC)
    due, following = scheduler.latest_and_next("* * * * *", stored, now, timedelta(hours=1))
    assert due == now.replace(second=0)
    assert following == due + MINUTE


def test_the_engine_follows_the_clock_it_is_given(cloud, start_engine, wait_until):
    now = [START]
    cloud.job(cron="0 * * * *")
    start_engine(clock=lambda: now[0])
    wait_until(lambda: cloud.connection.execute("select next_run_at from jobs").fetchone()[0])
    now[0] += timedelta(minutes=60)
    wait_until(lambda: all_runs(cloud))
    assert cloud.wait(all_runs(cloud)[0].id).status == 10


def test_the_engine_plans_jobs_anew_when_its_clock_goes_back(cloud, start_engine, wait_until):
    now = [START]
    cloud.job(cron="0 6 * * *")

    def planned() -> str:
        return cloud.connection.execute("select next_run_at from jobs").fetchone()[0] or ""

    start_engine(clock=lambda: now[0])
    wait_until(planned)
    for year in (2031, 2026):
        now[0] = START.replace(year=year)
        wait_until(lambda year=year: planned().startswith(f"{year}-11-01"))
