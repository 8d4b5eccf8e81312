"""Faults between jobs: each is planted in a small file over a small project and found."""

import pytest

from marketing_analytics.jobs.lineage.checks import findings_of
from marketing_analytics.jobs.lineage.project import Fault, Node, Project, Work
from marketing_analytics.jobs.model import read_job_text

# raw -> stg (a view) -> orders -> report
NODES = {
    "source.raw": Node("raw", "source"),
    "model.stg": Node("stg", "model", ("source.raw",), is_looked_through=True),
    "model.orders": Node("orders", "model", ("model.stg",)),
    "model.report": Node("report", "model", ("model.orders",)),
    "model.inner": Node("inner", "model", ("model.orders",), is_stored=False),
    "test.orders": Node("not_null_orders", "test", ("model.orders",)),
}
ALL = ["stg", "orders", "report"]


def work(names, is_building=True, **more):
    kinds = {node.name: each for each, node in NODES.items()}
    return Work(frozenset(kinds[name] for name in names), is_building, **more)


WORKS = {
    "dbt build": work(ALL),
    "dbt build -s stg orders": work(["stg", "orders"]),
    "dbt build -s orders": work(["orders"]),
    "dbt build -s report": work(["report"]),
    "dbt test": work(["not_null_orders"], is_building=False),
    "dbt build -s state:modified+": Work(is_known=False),
    "dbt bild": Work(is_known=False, faults=(Fault("dbt refuses it: no", "write dbt build"),)),
}
PROJECT = Project(NODES, WORKS)
BOTH = {"makes": "dbt build -s stg orders", "reads": "dbt build -s report"}


def file_of(**jobs):
    """Return a job file; a job is its step and its other attributes, in lines."""
    lines = [
        f'  {key} = {{\n    execute_steps = ["{step}"]\n    {rest}\n  }}'
        for key, (step, rest) in jobs.items()
    ]
    return read_job_text("jobs = {\n" + "\n".join(lines) + "\n}\n")


def found(lengths=None, project=PROJECT, **jobs):
    """Return what is wrong, and check that each finding has its place and says what to do."""
    file = file_of(**jobs)
    findings = findings_of(file, project, lengths)
    for finding in findings:
        assert finding.hint
        assert finding.line > 0
        assert finding.source in file.source.text
    return findings


def at(hours, rest=""):
    return f'schedule_cron = "{hours}"\n    {rest}'


def two(makes, reads, lengths=None, **more):
    """Return what is wrong between a job that builds and one that reads what it builds."""
    return found(lengths, makes=(BOTH["makes"], makes), reads=(BOTH["reads"], reads), **more)


def test_a_reader_after_its_builder_is_right():
    assert two(at("0 6 * * *"), at("0 8 * * *")) == []


def test_a_reader_before_its_builder_is_found_at_its_schedule():
    [finding] = two(at("0 8 * * *"), at("0 6 * * *"))
    assert finding.message == (
        'job "reads" runs before job "makes", which builds what it reads: orders '
        "(Monday 06:00 and Monday 08:00 UTC)"
    )
    assert finding.source.strip() == 'schedule_cron = "0 6 * * *"'
    assert finding.source[finding.column - 1 :] == '"0 6 * * *"'


def test_schedules_repeat_as_cron_says():
    from datetime import timedelta

    from marketing_analytics.cloud_api.cron import next_ticks
    from marketing_analytics.jobs.lineage.schedule import BEGIN, DAYS_LOOKED_AT, ticks_of

    until = BEGIN + timedelta(days=DAYS_LOOKED_AT)
    for cron in (
        "7 6,18 * * *",
        "0 0 * * *",
        "0 9 * * 1-5",
        "0 9 * * 5L",
        "0 9 1 * *",
        "0 9 * 2 1",
    ):
        [job] = file_of(a=("dbt build", at(cron))).jobs
        said = next_ticks(cron, BEGIN - timedelta(minutes=1), 5000, until)
        # a week that begins before the last day ends after it
        ticks = [tick for tick in sorted(ticks_of(job)) if tick < DAYS_LOOKED_AT * 86_400]
        assert ticks == [(tick - BEGIN).total_seconds() for tick in said], cron


@pytest.mark.parametrize(
    ("makes", "reads", "count"),
    [
        # of the evening before
        ("0 23 * * *", "0 1 * * *", 0),
        ("0 1 * * *", "0 23 * * *", 0),
        # of this morning, and again later
        ("0 6,12,18 * * *", "0 11 * * *", 0),
        # on one day of the week only
        ("0 8 * * 3", "0 6 * * *", 1),
        ("0 5 * * 3", "0 6 * * *", 0),
        # the builder runs once a week, late; the reader next morning
        ("0 23 * * 0", "0 1 * * *", 0),
        # once a month, on a day that not every week has
        ("0 8 15 * *", "0 6 15 * *", 1),
        ("0 6 15 * *", "0 8 15 * *", 0),
        # the reader runs again after it, on the same day
        ("0 8 * * *", "0 6,9 * * *", 0),
        ("10 8 * * *", "0 * * * *", 0),
    ],
)
def test_which_schedules_are_in_order(makes, reads, count):
    assert len(two(at(makes), at(reads))) == count


def test_a_reader_that_starts_with_its_builder_is_found():
    [finding] = two(at("0 6,12 * * *"), at("0 12 * * *"))
    assert 'job "reads" reads orders while job "makes" builds them (Monday 12:00' in finding.message


def test_a_chain_is_in_order_and_against_the_order_found():
    assert two(at("0 6 * * *"), 'after = { job = "makes" }') == []
    [finding] = two('after = { job = "reads" }', at("0 6 * * *"))
    assert 'job "reads" runs before job "makes"' in finding.message
    # a job that waits for another cannot be waited for by it
    assert "or write after" not in finding.hint


def test_a_reader_through_a_view_reads_what_the_view_reads():
    stored = {**NODES, "model.stg": Node("stg", "model", ("model.orders",), is_looked_through=True)}
    stored["model.orders"] = Node("orders", "model")
    stored["model.report"] = Node("report", "model", ("model.stg",))
    jobs = {
        "views": ("dbt build", "on_pull_request = true"),
        "makes": ("dbt build -s orders", at("0 8 * * *")),
        "reads": ("dbt build -s report", at("0 6 * * *")),
    }
    messages = [finding.message for finding in found(project=Project(stored, WORKS), **jobs)]
    assert any('"reads" runs before job "makes"' in message for message in messages)


def test_a_reader_in_another_schema_or_environment_or_by_deferral_is_left_alone():
    for other in (
        "environment_id = 7",
        'env_vars = { DBT_SCHEMA = "mine" }',
        "deferring_environment_id = 7",
    ):
        assert two(at("0 8 * * *"), at("0 6 * * *", other)) == []


def test_two_jobs_that_build_a_table_at_the_same_minute_are_found_once():
    jobs = {
        "one": ("dbt build", at("0 6,12 * * *")),
        "two": ("dbt build -s orders", at("0 12 * * *")),
    }
    [finding] = found(**jobs)
    assert finding.message == (
        'jobs "one" and "two" build the same tables at the same time: orders (Monday 12:00 UTC)'
    )
    jobs["two"] = (jobs["two"][0], at("1 12 * * *"))
    assert found(**jobs) == []


def test_jobs_after_the_same_job_build_at_the_same_time():
    jobs = {
        "root": ("dbt build", at("0 6 * * *")),
        "one": ("dbt build -s orders", 'after = { job = "root" }'),
        "two": ("dbt build -s orders", 'after = { job = "root" }'),
    }
    [finding] = found(**jobs)
    assert '"one" and "two" build the same tables' in finding.message
    assert finding.source.strip() == 'after = { job = "root" }'


def test_past_runs_tell_what_overlaps():
    jobs = {
        "one": ("dbt build", at("0 6 * * *")),
        "two": ("dbt build -s orders", at("30 6 * * *")),
    }
    assert found({"one": 29 * 60.0}, **jobs) == []
    [finding] = found({"one": 45 * 60.0}, **jobs)
    assert "at the same time: orders (Monday 06:30 UTC; one takes 45 min)" in finding.message


def test_past_runs_tell_which_reader_starts_too_early():
    assert two(at("0 6 * * *"), at("30 6 * * *"), {"makes": 1700.0}) == []
    [finding] = two(at("0 6 * * *"), at("30 6 * * *"), {"makes": 2400.0})
    assert 'reads orders while job "makes", which takes 40 min, builds them' in finding.message
    # one that waits for it does not
    assert two(at("0 6 * * *"), 'after = { job = "makes" }', {"makes": 2400.0}) == []


def test_a_job_that_takes_longer_than_its_interval_is_found():
    jobs = {"all": ("dbt build", at("*/30 * * * *"))}
    assert found({"all": 1700.0}, **jobs) == []
    [finding] = found({"all": 2400.0}, **jobs)
    assert finding.message == 'job "all" takes 40 min and comes due again after 30 min'


def test_tables_that_no_job_builds_are_found_at_jobs():
    [finding] = found(makes=(BOTH["makes"], ""))
    assert finding.message == "a table is built by no job: report"
    assert (finding.line, finding.source) == (1, "jobs = {")
    assert found(all=("dbt build", "")) == []


def test_a_ci_job_builds_nothing_for_others():
    [finding] = found(makes=(BOTH["makes"], ""), ci=("dbt build", "on_pull_request = true"))
    assert "report" in finding.message


def test_a_file_whose_jobs_cannot_be_judged_or_only_test_is_not_said_to_leave_tables_out():
    assert found(slim=("dbt build -s state:modified+", ""), one=("dbt build -s orders", "")) == []
    assert found(tests=("dbt test", "")) == []


def test_a_step_that_fails_is_found_at_the_step():
    text = 'jobs = { a = { execute_steps = ["dbt build",\n  "dbt bild"] } }'
    [finding] = findings_of(read_job_text(text), PROJECT)
    assert finding.message == 'step 2 of job "a": dbt refuses it: no'
    assert (finding.line, finding.column) == (2, 3)


def test_freshness_that_no_source_has_is_found():
    project = Project(NODES, WORKS, has_freshness=False)
    [finding] = found(project=project, a=("dbt build", "run_source_freshness = true"))
    assert "no source of the project has any" in finding.message


def test_a_thousand_jobs_are_checked_within_seconds():
    import time

    jobs = {f"job-{n}": ("dbt build", at(f"{n % 60} {n // 60} * * *")) for n in range(1000)}
    file = file_of(**jobs)
    started = time.process_time()
    assert findings_of(file, PROJECT) == []
    assert time.process_time() - started < 5
