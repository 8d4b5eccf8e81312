"""The home page, the list of jobs, the sources, a job's days and ticks, a run with changes."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from marketing_analytics.cloud_api.states import Status
from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.pages.jobs.ahead import ahead_of
from marketing_analytics.local_cloud.pages.jobs.calendar import calendar_of
from marketing_analytics.local_cloud.pages.jobs.trigger import overrides_of
from marketing_analytics.local_cloud.pages.overview.home import percent_words, telling_line
from marketing_analytics.local_cloud.runs.steps import parse_command
from marketing_analytics.local_cloud.store.connection import open_connection
from marketing_analytics.local_cloud.store.overview import DayOfJob, ended_since, first_run_since

NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def section(text, name):
    return re.search(rf'<section aria-labelledby="{name}">(.*?)</section>', text, re.DOTALL)[1]


def test_the_home_page_says_what_fails_and_why(seeded):
    failing = section(seeded.client().get("/").text, "failing")
    assert f'href="/runs/{seeded.ids["failed"]}"' in failing
    assert "<b>model fct_attribution</b>: Binder Error: Referenced column" in failing
    assert "Crashed" in failing
    # the newest failure first
    assert failing.index("customer-acquisition-funnel") < failing.index("attribution-daily-refresh")


def test_a_good_run_takes_a_job_off_the_failing_ones_and_a_cancelled_one_does_not(seeded):
    seeded.change(
        "insert into runs (account_id, project_id, environment_id, job_id, steps, schema_name,"
        " target_name, threads, status, created_at, updated_at)"
        " select account_id, project_id, environment_id, job_id, steps, schema_name, target_name,"
        " threads, 30, created_at, updated_at from runs where id = ?",
        (seeded.ids["failed"],),
    )
    client = seeded.client()
    assert "attribution-daily-refresh" in section(client.get("/").text, "failing")
    seeded.change("update runs set status = 10 where id = (select max(id) from runs)")
    assert "attribution-daily-refresh" not in section(client.get("/").text, "failing")


def test_the_home_page_says_what_runs_and_what_waits_for_what(seeded):
    text = seeded.client().get("/").text
    assert f'href="/runs/{seeded.ids["running"]}"' in section(text, "running")
    assert "10 nodes" in section(text, "running")
    assert "of the same job" in section(text, "waiting")
    assert "ga4.events" in text
    assert "Stale" in text


def test_the_home_page_is_calm_on_an_empty_store(empty_pages):
    text = empty_pages.get("/").text
    assert "No job fails." in text
    assert "Nothing runs." in text
    assert "No job has a schedule that is on." in text


def test_runs_are_counted_from_a_moment_on_without_reading_those_before(seeded):
    connection = open_connection(seeded.folder / "cloud.sqlite")
    rows = connection.execute("select id, created_at from runs order by id").fetchall()
    for row in (rows[0], rows[17], rows[30]):
        moment = datetime.fromisoformat(row["created_at"])
        assert first_run_since(connection, moment) == row["id"]
    assert first_run_since(connection, datetime.now(UTC)) == rows[-1]["id"] + 1
    hours = ended_since(connection, 1, datetime.now(UTC) - timedelta(days=1), 300.0)
    ended = connection.execute("select count(*) from runs where status >= 10").fetchone()[0]
    assert sum(hour.runs for hour in hours) == ended
    assert 0 < sum(hour.ticks_on_time for hour in hours) <= sum(hour.ticks for hour in hours)
    connection.close()


def test_the_list_of_jobs_is_filtered_by_every_part_of_its_form(seeded):
    client = seeded.client()

    def jobs(query):
        return len(re.findall(r'class="joblink', client.get(f"/jobs?{query}").text))

    assert jobs("") == 9
    assert jobs("search=ltv+FEATURE") == 1
    assert jobs("search=ltv+email") == 0
    assert jobs("state=never") == 1
    assert jobs("state=queued") == 1
    assert jobs("schedule=off") == 1
    assert jobs("environment=2") + jobs("environment=1") == 9
    assert client.get("/?search=ltv").headers["location"] == "/jobs?search=ltv"


def test_the_sources_show_the_newest_look_the_worst_first(seeded):
    text = seeded.client().get("/freshness").text
    places = [text.index(name) for name in ("ga4.events", "shop.orders", "google_ads.campaign")]
    assert places == sorted(places)
    assert "1 stale, 1 late, 2 fresh" in text


def test_ticks_say_where_clocks_change_and_runs_overlap():
    before = datetime(2026, 10, 24, 0, 0, tzinfo=UTC)
    ahead = ahead_of("0 6 * * *", before, BERLIN, 90_000.0)
    assert len(ahead.ticks) == 10
    assert [tick.note for tick in ahead.ticks][:3] == [
        "",
        "clocks change before it: 1 h earlier by the local clock",
        "",
    ]
    assert ahead.overlap.startswith("A run usually takes 25 h 00 min, the next tick may come after")
    assert not any(tick.note for tick in ahead_of("0 6 * * *", before, UTC, None).ticks)
    assert ahead_of("0 6 * * *", before, UTC, 60.0).overlap == ""
    assert ahead_of("no cron", before, UTC, 60.0).ticks == []


def test_a_day_with_a_failed_run_is_a_bad_day():
    days = [
        DayOfJob(day="2026-10-31", status=Status.SUCCESS, runs=3, last_id=8),
        DayOfJob(day="2026-10-31", status=Status.ERROR, runs=1, last_id=9),
        DayOfJob(day="2026-11-01", status=Status.SUCCESS, runs=1, last_id=10),
    ]
    calendar = calendar_of(days, NOW)
    by_words = {day.words: day for day in calendar.days}
    assert by_words["2026-10-31: 3 good, 1 failed"].tone == "error"
    assert by_words["2026-10-31: 3 good, 1 failed"].run_id == 9
    assert by_words["2026-11-01: 1 good"].tone == "success"
    assert calendar.words == "1 of 2 days without a failed run"
    # a Sunday closes its week
    assert calendar.days[-1].y == 6 * 15


def test_only_what_the_form_changes_is_overridden():
    own = ["dbt build", "dbt test"]
    assert overrides_of({}, own) == {}
    assert overrides_of({"steps": "dbt build\r\n dbt test \n\n", "git_branch": " "}, own) == {}
    given = {"steps": "dbt run", "threads_override": "8", "generate_docs_override": "no"}
    given |= {"schema_override": "x_y", "timeout_seconds_override": "0", "unknown": "1"}
    assert overrides_of(given, own) == {
        "steps_override": ["dbt run"],
        "threads_override": 8,
        "timeout_seconds_override": 0,
        "generate_docs_override": False,
        "schema_override": "x_y",
    }
    for wrong in ("0", "-1", "x", "1e3", "9" * 12, "٣"):
        with pytest.raises(UserError, match="threads is a whole number from 1"):
            overrides_of({"threads_override": wrong}, own)


def test_variables_of_the_form_go_to_every_step_that_takes_them():
    own = ["dbt deps", "dbt build -s a", "dbt source freshness"]
    given = {"vars": "days: 7\nname: it's\nat: 2026-01-01"}
    option = """ --vars '{"days": 7, "name": "it'"'"'s", "at": "2026-01-01"}'"""
    steps = ["dbt deps", f"dbt build -s a{option}", f"dbt source freshness{option}"]
    assert overrides_of(given, own) == {"steps_override": steps}
    read = parse_command(steps[1], target_name="default")
    assert read[3:] == ["--vars", '{"days": 7, "name": "it\'s", "at": "2026-01-01"}']
    for wrong in ("- 1", "7", "{", "7: x"):
        with pytest.raises(UserError, match="the variables"):
            overrides_of({"vars": wrong}, own)
    with pytest.raises(UserError, match="has --vars already"):
        overrides_of({"vars": "a: 1"}, ["dbt run --vars 'a: 2'"])


def test_lists_say_how_long_a_run_was_prepared(seeded):
    text = seeded.client().get("/runs").text
    row = re.search(rf'href="/runs/{seeded.ids["success"]}">(.*?)</tr>', text, re.DOTALL)[1]
    assert ">3.5 s to prepare</small>" in row
    assert "<dt>Prepared</dt><dd>" in seeded.client().get(f"/runs/{seeded.ids['success']}").text


def test_a_run_with_changes_is_started_by_the_form(seeded):
    client = seeded.client()
    assert "dbt test --select tag:critical" in client.get("/jobs/1/trigger").text
    sent = {"steps": "dbt run --select one", "threads_override": "3", "schema_override": "mine"}
    answer = client.post("/jobs/1/run", data=sent)
    assert answer.status_code == 303
    run = int(answer.headers["location"].rsplit("/", 1)[1])
    text = client.get(answer.headers["location"]).text
    assert "default, 3 threads" in text
    assert "schema, steps, threads" in text
    again = client.get(f"/jobs/1/trigger?run={run}").text
    assert "dbt run --select one" in again
    assert 'name="schema_override" value="mine"' in again
    wrong = client.post("/jobs/1/run", data={"threads_override": "many"})
    assert wrong.status_code == 409
    assert "threads is a whole number" in wrong.text
    assert client.get("/jobs/999/trigger").status_code == 404


def test_times_are_shown_in_the_zone_that_was_chosen(seeded):
    client = seeded.client()
    answer = client.post("/zone", data={"zone": "Asia/Tokyo", "next": "/jobs/1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs/1")
    text = client.get("/jobs/1").text
    assert "15:00 JST" in text
    assert '<option value="Asia/Tokyo" selected>' in text
    for name in ("../../etc/passwd", "Nowhere/Town", "x" * 500, "\0", ""):
        client.post("/zone", data={"zone": name})
        assert "JST" not in client.get("/jobs/1").text
    outside = client.post("/zone", data={"zone": "UTC", "next": "//evil.example"})
    assert outside.headers["location"] == "/"


def test_words_of_shares_and_messages():
    assert [percent_words(*pair) for pair in ((0, 0), (1, 1), (9999, 10_000), (1, 3))] == [
        "–",
        "100 %",
        "99.9 %",
        "33.3 %",
    ]
    assert telling_line("Runtime Error in model a (x.sql)\n  Binder Error: no b") == (
        "Binder Error: no b"
    )
    assert telling_line("Got 3 results\nmore") == "Got 3 results"
    assert telling_line("") == ""
