"""Whole runs through the engine, with a quick stand-in for the dbt process."""

from __future__ import annotations

import os
import signal

import pytest

from marketing_analytics.cloud_api.names import Scope
from marketing_analytics.core.errors import LockedError
from marketing_analytics.local_cloud.runs import engine as engine_module
from marketing_analytics.local_cloud.runs import progress, store
from marketing_analytics.local_cloud.runs import runner as runner_module
from marketing_analytics.local_cloud.runs.child import dialogue
from marketing_analytics.local_cloud.runs.child.process import is_running
from marketing_analytics.local_cloud.runs.publish import PublishSettings
from marketing_analytics.local_cloud.runs.requests import again
from marketing_analytics.local_cloud.store.connection import open_connection

pytestmark = pytest.mark.system


def statuses(cloud, run_id: int) -> list[int]:
    return [row.status for row in progress.list_steps(cloud.connection, run_id)]


def test_a_run_goes_through_all_its_steps(cloud, start_engine):
    start_engine()
    run = cloud.run(cloud.job(["dbt run", "dbt test"], generate_docs=True))
    row = cloud.wait(run)
    assert (row.status, row.status_message) == (10, None)
    assert statuses(cloud, run) == [10] * 6
    assert row.created_at <= row.dequeued_at <= row.started_at <= row.finished_at
    assert cloud.log(run, 3) == "The project names no packages: nothing to install.\n"
    assert "6 files of" in cloud.log(run, 1)
    assert '"schema": "tiny"' in cloud.log(run, 2)
    assert cloud.effect_lines() == [f"{run} start", f"{run} end"] * 3


def test_the_first_failing_step_ends_the_run_and_the_rest_is_skipped(cloud, start_engine):
    start_engine()
    run = cloud.run(cloud.job(["dbt run exit=1", "dbt test"], generate_docs=True))
    row = cloud.wait(run)
    assert row.status == 20
    assert row.status_message == (
        "Invoke dbt with `dbt run exit=1` failed: dbt ended with exit code 1"
    )
    assert statuses(cloud, run) == [10, 10, 10, 20, 30, 30]
    assert "Skipped, because step 4 failed" in cloud.log(run, 5)
    assert len(cloud.effect_lines()) == 2


@pytest.mark.parametrize(
    "commands",
    [
        ["dbt deps", "dbt run exit=1", "dbt run --select a", "dbt test"],
        ["dbt source freshness", "dbt run exit=1", "dbt run"],
        ["dbt docs generate", "dbt run exit=1", "dbt deps", "dbt run exit=1"],
    ],
)
def test_a_retry_does_what_is_left_whatever_the_server_does_with_the_same_words(
    cloud, start_engine, commands
):
    start_engine()
    run = cloud.run(cloud.job(commands, generate_docs=True, run_generate_sources=True))
    assert cloud.wait(run).status == 20
    row = cloud.row(run)
    assert again.left_steps(cloud.connection, row) == (commands[1], commands[2:])
    new = again.retry_run(cloud.connection, run)
    assert cloud.row(new).commands == commands[1:]


def test_links_and_pipes_that_a_model_makes_are_not_followed_by_the_server(cloud, start_engine):
    start_engine()
    theirs = cloud.data_folder / "theirs"
    theirs.write_text("nobody reads this, and nobody writes here")
    before = theirs.read_bytes()
    run = cloud.run(cloud.job([f"dbt run link={theirs}", "dbt run print=65536"]))
    assert cloud.wait(run).status == 10
    assert theirs.read_bytes() == before
    holds = [path for path in cloud.data_folder.rglob("*") if path.is_file() and path != theirs]
    assert [path for path in holds if path.is_symlink() or before in path.read_bytes()] == []
    assert cloud.log(run, 5)


def test_a_step_that_makes_dbt_wait_at_a_pipe_fails_and_says_which(
    cloud, start_engine, monkeypatch
):
    monkeypatch.setattr(dialogue, "LOOK_SECONDS", 0.1)
    start_engine()
    run = cloud.run(cloud.job(["dbt run wait", "dbt test"]))
    row = cloud.wait(run)
    assert row.status == 20
    pipe = cloud.data_folder / f"runs/{run}/own/target/run_results.json"
    assert f"made a pipe, {pipe}, at which dbt would wait for ever" in row.status_message
    assert statuses(cloud, run) == [10, 10, 10, 20, 30]
    assert "look for the model or package that makes it" in cloud.log(run)


def test_a_step_after_one_that_lost_the_dbt_process_says_so(cloud, start_engine, monkeypatch):
    monkeypatch.setattr(dialogue, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(
        "marketing_analytics.local_cloud.runs.steps.FRESHNESS_COMMAND", "dbt source wait"
    )
    start_engine()
    run = cloud.run(cloud.job(run_generate_sources=True))
    assert "the dbt process ended with signal SIGKILL" in cloud.wait(run).status_message
    assert statuses(cloud, run) == [10, 10, 10, 20, 20]


def test_freshness_and_docs_do_not_fail_the_run(cloud, start_engine, monkeypatch):
    monkeypatch.setattr(
        "marketing_analytics.local_cloud.runs.steps.FRESHNESS_COMMAND", "dbt source exit=1"
    )
    monkeypatch.setattr(
        "marketing_analytics.local_cloud.runs.steps.DOCS_COMMAND", "dbt docs exit=1"
    )
    start_engine()
    run = cloud.run(cloud.job(generate_docs=True, run_generate_sources=True))
    assert cloud.wait(run).status == 10
    assert statuses(cloud, run) == [10, 10, 10, 20, 10, 20]


@pytest.mark.parametrize(("key", "steps"), [("dashboard", 5), ("other", 4)])
def test_a_good_run_of_a_publishing_job_ends_with_the_report(cloud, start_engine, key, steps):
    start_engine(publish=PublishSettings(frozenset({"dashboard"})))
    description = Scope("team", "branch", "user").mark_of(key)
    run = cloud.run(cloud.job(description=description))
    # there are no marts: the step says so, and the run is no worse for it
    assert cloud.wait(run).status == 10
    found = statuses(cloud, run)
    assert len(found) == steps
    if key == "dashboard":
        assert found[-1] == 20
        assert "there is no DuckDB file at" in cloud.log(run, 5)


def test_a_command_that_may_not_run_fails_its_step_with_the_reason(cloud, start_engine):
    start_engine()
    run = cloud.run(cloud.job(["rm -rf /"]))
    row = cloud.wait(run)
    assert row.status == 20
    assert "'rm -rf /' is not a dbt command" in row.status_message
    assert "every step starts with `dbt`" in cloud.log(run)
    assert cloud.effect_lines() == []


def test_a_project_that_is_not_there_fails_the_first_step(cloud, start_engine):
    cloud.connection.execute("update projects set source_path = '/nowhere'")
    start_engine()
    run = cloud.run(cloud.job())
    assert "there is no folder /nowhere" in cloud.wait(run).status_message
    assert statuses(cloud, run) == [20, 30, 30, 30]


def test_cancelling_a_run_interrupts_it(cloud, start_engine, wait_until):
    start_engine()
    run = cloud.run(cloud.job(["dbt run sleep=60", "dbt test"]))
    wait_until(lambda: cloud.effect_lines())
    pid, started = cloud.row(run).process_id, cloud.row(run).process_started_at
    store.request_cancel(cloud.connection, run)
    row = cloud.wait(run)
    assert (row.status, row.status_message) == (30, "Cancelled by user.")
    assert statuses(cloud, run) == [10, 10, 10, 30, 30]
    wait_until(lambda: not is_running(pid, started))


def test_a_process_that_ignores_signals_is_killed(cloud, start_engine, wait_until):
    start_engine()
    run = cloud.run(cloud.job(["dbt run ignore-signals sleep=60"]))
    wait_until(lambda: cloud.effect_lines())
    store.request_cancel(cloud.connection, run)
    assert cloud.wait(run, seconds=8).status == 30


def test_a_run_that_takes_too_long_is_cancelled_and_says_so(cloud, start_engine):
    start_engine()
    run = cloud.run(cloud.job(["dbt run sleep=60"], execution={"timeout_seconds": 1}))
    row = cloud.wait(run)
    assert (row.status, row.is_timed_out) == (30, 1)
    assert "timeout of 1 second" in row.status_message


def test_a_killed_dbt_process_ends_the_run_and_the_next_one_starts(cloud, start_engine, wait_until):
    start_engine()
    job = cloud.job(["dbt run sleep=0.3"])
    run, following = cloud.run(job), cloud.run(job)
    wait_until(lambda: cloud.effect_lines())
    os.killpg(cloud.row(run).process_id, signal.SIGKILL)
    row = cloud.wait(run, seconds=5)
    assert row.status == 20
    assert "the dbt process ended with signal SIGKILL" in row.status_message
    assert cloud.wait(following).status == 10


def test_a_flood_of_output_does_not_block_the_run(cloud, start_engine):
    start_engine()
    run = cloud.run(cloud.job([f"dbt run print={64 << 20}"]))
    assert cloud.wait(run, seconds=30).status == 10
    log = progress.step_log_path(cloud.data_folder, run, 4)
    assert log.stat().st_size < 22 << 20
    assert b"the rest is not kept" in log.read_bytes()[-100:]


def test_environments_run_side_by_side_and_one_environment_in_turn(cloud, start_engine, wait_until):
    start_engine()
    first = [cloud.run(cloud.job(["dbt run sleep=0.5"], environment_id=1)) for _ in range(2)]
    second = [cloud.run(cloud.job(["dbt run sleep=0.5"], environment_id=2)) for _ in range(2)]
    wait_until(lambda: len(cloud.effect_lines()) == 2)
    assert cloud.row(first[1]).wait_reason.startswith(f"behind run {first[0]}, which writes")
    for run in first + second:
        assert cloud.wait(run).status == 10
    for one, two in (first, second):
        assert cloud.row(one).finished_at <= cloud.row(two).dequeued_at


def test_stopping_the_engine_ends_its_runs_and_keeps_the_queue(cloud, start_engine, wait_until):
    engine = start_engine()
    job = cloud.job(["dbt run sleep=60"])
    run, queued = cloud.run(job), cloud.run(job)
    wait_until(lambda: cloud.effect_lines())
    engine.stop()
    assert cloud.row(run).status == 20
    assert cloud.row(run).status_message.startswith("The server was stopped")
    assert cloud.row(queued).status == 1
    cloud.change("update runs set steps = '[]' where id = :id", id=queued)
    engine.start()
    assert cloud.wait(queued).status == 10


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_second_engine_on_the_same_folder_is_refused(cloud, start_engine):
    start_engine()
    with pytest.raises(LockedError, match=f"in use by another server: process {os.getpid()}"):
        start_engine()


def test_a_runner_that_breaks_off_does_not_keep_its_run(cloud, start_engine, monkeypatch):
    def break_off(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("marketing_analytics.local_cloud.runs.runner.Runner._run_to_end", break_off)
    start_engine()
    row = cloud.wait(cloud.run(cloud.job()))
    assert (row.status, row.is_crashed) == (20, 1)
    assert row.status_message.startswith("The worker of this run broke off")


def test_a_disk_that_is_full_is_a_sentence_not_a_stuck_run(cloud, start_engine, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("marketing_analytics.local_cloud.runs.runner.write_profile", full)
    start_engine()
    row = cloud.wait(cloud.run(cloud.job()))
    assert row.status == 20
    assert "No space left on device" in row.status_message


def test_a_good_run_stays_one_when_its_artifacts_cannot_be_kept(cloud, start_engine, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("marketing_analytics.local_cloud.runs.keeping.keep_artifacts", full)
    start_engine()
    row = cloud.wait(cloud.run(cloud.job()))
    assert (row.status, row.status_message, row.has_artifacts) == (10, None, 0)
    said = "The artifacts of this step could not be kept: No space left on device."
    assert said in cloud.log(row.id, 4)


def test_what_dbt_is_copied_from_is_replaced_when_it_ended(cloud, start_engine, wait_until):
    engine = start_engine()
    wait_until(lambda: engine._template)
    first = engine._template
    run = cloud.run(cloud.job(["dbt run sleep=600"]))
    wait_until(lambda: cloud.row(run).process_id)
    first.popen.kill()
    row = cloud.wait(run)
    assert row.status == 20
    assert "signal SIGKILL" in row.status_message
    assert cloud.wait(cloud.run(cloud.job())).status == 10
    last = engine._template
    assert last is not first
    engine.stop()
    assert not last.is_alive()


def test_a_run_says_when_no_process_can_be_started(cloud, start_engine):
    start_engine(program=("false",), template_seconds=0.3)
    row = cloud.wait(cloud.run(cloud.job()))
    assert row.status == 20
    assert row.status_message.startswith("The worker of this run broke off")


def test_cancelling_at_random_moments_always_ends_in_a_legal_state(cloud, start_engine):
    import random
    import time

    random_source = random.Random(13)
    start_engine()
    job = cloud.job(["dbt run sleep=0.05"])
    seen = set()
    for _ in range(12):
        run = cloud.run(job)
        time.sleep(random_source.uniform(0, 0.3))
        store.request_cancel(cloud.connection, run)
        row = cloud.wait(run, seconds=5)
        seen.add(row.status)
        assert row.status in (10, 30)
        assert all(status in (10, 30) for status in statuses(cloud, run))
    assert 30 in seen


def test_a_store_that_often_fails_delays_the_engine_but_loses_nothing(
    cloud, start_engine, monkeypatch
):
    import random
    import sqlite3

    random_source = random.Random(4)
    for name in ("claim_runs", "renew_leases", "reap_runs", "cancel_requests", "tick"):
        place = f"marketing_analytics.local_cloud.runs.engine.{name}"
        real = getattr(engine_module, name)

        def faulty(*args, _real=real, **settings):
            if random_source.random() < 0.3:
                raise sqlite3.OperationalError("database is locked")
            return _real(*args, **settings)

        monkeypatch.setattr(place, faulty)
    start_engine()
    jobs = [cloud.job(["dbt run sleep=0.05"], environment_id=number) for number in (1, 2, 3)]
    runs = [cloud.run(job) for job in jobs for _ in range(3)]
    assert [cloud.wait(run, seconds=40).status for run in runs] == [10] * 9
    assert sorted(cloud.effect_lines()) == sorted(
        f"{run} {what}" for run in runs for what in ("start", "end")
    )


def test_a_folder_of_a_lost_store_is_moved_aside_by_a_run_of_the_same_id(cloud, start_engine):
    run = cloud.run(cloud.job())
    old = progress.step_log_path(cloud.data_folder, run, 4)
    old.parent.mkdir(parents=True)
    old.write_text("of another run\n")
    start_engine()
    assert cloud.wait(run).status == 10
    assert "of another run" not in cloud.log(run)
    (aside,) = (cloud.data_folder / "runs").glob(f"{run}.before_*/steps/4.log")
    assert aside.read_text() == "of another run\n"


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_full_disk_breaks_a_run_off_in_one_line_and_it_ends_once_there_is_room(
    cloud, start_engine, monkeypatch, caplog
):
    def open_full(path, **settings):
        connection = open_connection(path)
        # sqlite says SQLITE_FULL at the next page, as it does on a full disk
        connection.execute("pragma max_page_count = 1")
        return connection

    monkeypatch.setattr(runner_module, "open_connection", open_full)
    start_engine()
    job = cloud.job(["dbt run"] * 300)
    row = cloud.wait(cloud.run(job))
    assert (row.status, row.is_crashed) == (20, True)
    assert row.status_message.startswith("The worker of this run broke off")
    (line,) = [entry for entry in caplog.records if entry.action == "run_broke_off"]
    assert line.getMessage() == f"run {row.id} broke off: database or disk is full"
    assert not line.exc_info
    monkeypatch.setattr(runner_module, "open_connection", open_connection)
    cloud.change("update jobs set payload = :payload", payload='{"execute_steps": ["dbt run"]}')
    assert cloud.wait(cloud.run(job)).status == 10
