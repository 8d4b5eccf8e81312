"""Lists use the indexes: what is not asked for is not in the statement that SQLite plans."""

from __future__ import annotations

import json
import re
from contextlib import closing

import pytest

from benchmarks.tiny_cloud import add_job, create_cloud, write_project
from marketing_analytics.cloud_api.states import Status
from marketing_analytics.local_cloud.runs.store import (
    ORDERS,
    RunFilter,
    count_runs,
    create_run,
    list_runs,
    newest_runs,
)
from marketing_analytics.local_cloud.store.connection import load_sql, open_connection
from marketing_analytics.local_cloud.store.jobs import get_job, list_lines
from marketing_analytics.local_cloud.store.narrowing import counting, narrowed
from marketing_analytics.local_cloud.store.schema import MIGRATIONS, open_store, read_scripts

ASKED = (
    {},
    {"statuses": (10,)},
    {"statuses": (1, 2, 3), "project_ids": (1,)},
    {"job_id": 1},
    {"environment_id": 1, "cause_categories": ("ui",)},
    {"created_from": "2026-01-01", "created_to": "2026-02-01"},
    {"search": "nightly"},
)


LIST_RUNS = load_sql("runs")["list_runs"]


@pytest.fixture
def connection(tmp_path):
    with closing(create_cloud(tmp_path, write_project(tmp_path / "project"))) as connection:
        yield connection


def named_job(connection, name):
    job_id = add_job(connection)
    connection.execute("update jobs set name = ? where id = ?", (name, job_id))
    return job_id


def plan_of(connection, statement, values):
    statement = "explain query plan " + narrowed(statement, values)
    return [row["detail"] for row in connection.execute(statement, values)]


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: "+".join(asked) or "all")
def test_no_list_of_runs_reads_all_rows_or_sorts_them(connection, asked):
    values = RunFilter(account_id=1, **asked).parameters() | {"limit": 50, "offset": 0}
    for order_by in ORDERS:
        plan = plan_of(connection, LIST_RUNS, {**values, "order_by": order_by})
        # the last sort is of the page alone
        inner = [step for step in plan[1:-1] if "SUBQUERY" not in step]
        assert not [step for step in inner if re.match(r"SCAN (r|runs)\b", step)], plan
        assert not [step for step in inner if step == "USE TEMP B-TREE FOR ORDER BY"] or (
            order_by.endswith("finished_at") and "created_from" in asked
        ), plan
    counted = plan_of(connection, counting(LIST_RUNS), values)
    assert "COVERING INDEX" in counted[0], counted


def test_a_statement_as_written_would_read_every_run(connection):
    values = RunFilter(account_id=1).parameters() | {"limit": 50, "offset": 0, "order_by": "-id"}
    written = f"explain query plan {LIST_RUNS}"
    plan = [row["detail"] for row in connection.execute(written, values)]
    assert any(step.startswith("SCAN r") for step in plan)


def test_narrowing_keeps_what_is_asked_for_with_its_brackets():
    statement = (
        "select 1 where (:a is null or x in (select y from z(:a))) and (:b is null or b = :b)"
        " order by case when :order_by = '-x' then x end desc,"
        " case when :order_by = 'y' then y end, id"
    )
    asked = narrowed(statement, {"a": "1", "b": None, "order_by": "-x"})
    assert asked == "select 1 where (x in (select y from z(:a))) and true order by x desc, id"
    assert narrowed(statement, {"a": None, "b": 0, "order_by": "id"}).endswith(
        "where true and (b = :b) order by id"
    )


def test_a_list_is_counted_by_its_limited_select_without_columns_and_order():
    rows = "from a where (b in (select c from d order by c))"
    plain = f"-- all a, from b\nselect a.*, f(g(a) from 1) {rows}"
    page = "order by a.x, a.id\nlimit :limit offset :offset"
    counted = f"select count(*)\n{rows}"
    assert counting(f"{plain} {page}") == counted
    nested = f"select a.*, p.name from a inner join p on a.p = p.id where a.id in ({plain} {page})"
    assert counting(f"{nested} order by a.id") == counted


def test_every_filter_and_order_gives_the_runs_it_gave_unnarrowed(connection):
    job_ids = [named_job(connection, name) for name in ("nightly", "hourly")]
    for place in range(6):
        create_run(connection, job_ids[place % 2], cause_category="ui" if place < 3 else "api")
    connection.execute("update runs set status = 10 where id in (1, 2)")
    for asked in ASKED:
        chosen = RunFilter(account_id=1, **asked)
        for order_by in ORDERS:
            values = chosen.parameters() | {"limit": 4, "offset": 1, "order_by": order_by}
            written = connection.execute(LIST_RUNS, values)
            page = list_runs(connection, chosen, order_by=order_by, limit=4, offset=1)
            assert [run.id for run in page.rows] == [row["id"] for row in written]
            everything = f"select count(*) from ({LIST_RUNS})"
            values |= {"limit": -1, "offset": 0}
            counted = connection.execute(everything, values).fetchone()[0]
            assert page.total_count == counted == count_runs(connection, chosen)
    newest = newest_runs(connection, RunFilter(account_id=1), limit=2, offset=1)
    assert [run.id for run in newest] == [5, 4]


def test_a_count_is_remembered_until_anybody_writes(connection, tmp_path):
    chosen = RunFilter(account_id=1)
    job_id = add_job(connection)
    with closing(open_connection(tmp_path / "cloud.sqlite")) as other:
        assert count_runs(other, chosen) == 0
        create_run(connection, job_id)
        assert count_runs(other, chosen) == 1
        read = []
        other.set_trace_callback(read.append)
        assert count_runs(other, chosen) == 1
        assert [text for text in read if "count(" in text] == []
        create_run(other, job_id)
        assert count_runs(other, chosen) == 2


def test_failures_since_the_last_success_are_counted_as_runs_end(connection):
    job_id = add_job(connection)
    for status, failures in ((20, 1), (20, 2), (30, 2), (10, 0), (20, 1)):
        run = create_run(connection, job_id)
        connection.execute("update runs set status = ? where id = ?", (status, run.id))
        assert get_job(connection, job_id).run_failure_count == failures
    # a crashed run that is tried again has not failed yet
    connection.execute("update runs set status = 1 where id = ?", (run.id,))
    assert get_job(connection, job_id).run_failure_count == 0


def test_an_upgrade_counts_the_failures_that_are_there(tmp_path):
    create_cloud(tmp_path, write_project(tmp_path / "project")).close()
    (tmp_path / "cloud.sqlite").unlink()
    scripts = read_scripts(MIGRATIONS)
    place = next(place for place, text in enumerate(scripts) if "run_failure_count" in text)
    old = tmp_path / "old"
    old.mkdir()
    for number, text in enumerate(scripts[:place], start=1):
        (old / f"{number:04}_step.sql").write_text(text)
    with closing(open_store(tmp_path / "cloud.sqlite", old)) as connection:
        connection.execute("pragma foreign_keys = off")
        names = "id, account_id, project_id, environment_id"
        connection.execute(
            f"insert into jobs ({names}, name, payload, created_at, updated_at)"
            " values (7, 1, 1, 1, 'a', '{}', '', '')"
        )
        for status in (20, 10, 20, 20):
            connection.execute(
                "insert into runs (account_id, project_id, environment_id, job_id, status, steps,"
                " schema_name, target_name, threads, created_at, updated_at)"
                " values (1, 1, 1, 7, ?, '[]', 's', 't', 1, '', '')",
                (status,),
            )
        connection.execute("delete from sqlite_sequence")
        connection.execute("insert into accounts values (1, 'a', 4, 1, '', '')")
        connection.execute(
            "insert into projects (id, account_id, name, source_path, created_at, updated_at)"
            " values (1, 1, 'a', '', '', '')"
        )
        connection.execute(
            "insert into environments (id, account_id, project_id, name, schema_name, created_at,"
            " updated_at) values (1, 1, 1, 'a', 's', '', '')"
        )
    with closing(open_store(tmp_path / "cloud.sqlite")) as connection:
        assert get_job(connection, 7).run_failure_count == 2


def test_the_lines_of_the_jobs_page_are_chosen_in_the_store(connection):
    account_id = 1
    job_ids = [named_job(connection, name) for name in ("Nightly load", "Hourly", "Weekly load")]
    run = create_run(connection, job_ids[0])
    connection.execute("update runs set status = ? where id = ?", (Status.ERROR, run.id))
    create_run(connection, job_ids[1])

    def names(**asked):
        page = list_lines(connection, account_id, limit=10, **asked)
        assert page.total_count == len(page.rows)
        return [line.name for line in page.rows]

    assert names() == ["Hourly", "Nightly load", "Weekly load"]
    assert names(words=["LOAD", "night"]) == ["Nightly load"]
    assert names(words=[str(job_ids[1])]) == ["Hourly"]
    assert names(tone="error") == ["Nightly load"]
    assert (names(tone="queued"), names(tone="never")) == (["Hourly"], ["Weekly load"])
    assert names(environment_id=2) == []
    page = list_lines(connection, account_id, limit=1, offset=1)
    assert (page.rows[0].name, page.total_count) == ("Nightly load", 3)


def test_the_payload_of_a_job_says_whom_it_waits_for_by_index(connection):
    plan = connection.execute(
        f"explain query plan {load_sql('jobs')['jobs_after']}", {"job_id": 1, "status": 10}
    ).fetchall()
    assert "jobs_by_parent" in json.dumps([row["detail"] for row in plan])


@pytest.mark.parametrize(
    ("file", "name", "index"),
    [
        ("runs", "active_runs", "runs_by_status"),
        ("runs", "count_active_runs", "runs_by_status"),
        ("runs", "engine_signs", "runs_by_status"),
        ("runs", "engine_signs", "jobs_by_next_run"),
        ("overview", "next_ticks", "jobs_by_next_run"),
    ],
)
def test_the_few_that_go_on_or_come_next_are_found_without_the_others(
    connection, file, name, index
):
    """Every page asks for them: an index of an account holds all of its runs and jobs."""
    statement = f"explain query plan {load_sql(file)[name]}"
    rows = connection.execute(statement, {"account_id": 1, "limit": 5})
    plan = [row["detail"] for row in rows]
    assert any(index in step for step in plan), plan
    # an account alone narrows nothing
    assert not [step for step in plan if re.search(r"\(account_id=\?( AND state=\?)?\)", step)]
