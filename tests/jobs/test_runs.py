"""Several jobs in one command, retry, history, artifacts: what users see and how it exits."""

import json
import re
import stat
from pathlib import Path
from time import monotonic
from types import SimpleNamespace

import pytest

from marketing_analytics.jobs.runs import artifacts, follow, several
from marketing_analytics.jobs.runs.words import duration_words, worst_of

CHAIN = """jobs = {
  last   = { execute_steps = ["dbt test"], after = { job = "middle" } }
  first  = { execute_steps = ["dbt build"] }
  middle = { execute_steps = ["dbt build"], after = { job = "first" } }
  alone  = { execute_steps = ["dbt build"], schedule_cron = "0 9 * * *" }
}
"""
SUCCESS, ERROR, CANCELLED = 10, 20, 30


@pytest.fixture
def ids(jobs, cloud, job_file, monkeypatch, replaced):
    """Deploy a chain and a job beside it; return their ids by key. Nobody waits for a poll."""
    replaced(follow, "time", sleep=lambda seconds: None)
    monkeypatch.setattr(several, "CHAIN_SECONDS", 0.0)
    assert jobs("deploy", "--config", job_file(CHAIN))[0] == 0
    return {job["name"].rpartition("-")[2]: job["id"] for job in cloud.active()}


def table_of(out):
    """Return the cells of the last table by their first one."""
    lines = out[out.rindex(" job ") :].splitlines()[2:]
    return {cells[0]: cells[1:] for cells in map(str.split, lines) if cells}


def width_of(out):
    """Return the columns of the longest line, without colours."""
    return max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines()))


def test_jobs_of_a_chain_run_in_its_order_and_each_once(jobs, cloud, ids):
    cloud.ends = dict.fromkeys(ids.values(), SUCCESS)
    code, out, _ = jobs("run", "last", "first", "middle", "--in-order")
    assert code == 0, out
    # dbt Cloud starts two of them by itself: nobody starts them again
    assert cloud.runs_of_jobs == [ids["first"], ids["middle"], ids["last"]]
    assert out.count("started by its chain: run") == 2
    found = table_of(out)
    assert list(found) == ["last", "first", "middle"]
    assert {cells[1] for cells in found.values()} == {"success"}


def test_a_job_that_the_chain_does_not_start_is_started(jobs, cloud, ids, monkeypatch):
    monkeypatch.setattr("tests.jobs.faulty_cloud.add_runs_after", lambda *_: None)
    cloud.ends = dict.fromkeys(ids.values(), SUCCESS)
    assert jobs("run", "middle", "first", "--in-order")[0] == 0
    assert cloud.runs_of_jobs == [ids["first"], ids["middle"]]


@pytest.mark.parametrize(("status", "expected"), [(ERROR, 1), (CANCELLED, 20)])
def test_the_first_failure_ends_the_series_and_the_rest_is_told(jobs, cloud, ids, status, expected):
    cloud.ends = {ids["first"]: SUCCESS, ids["middle"]: status}
    words = ("run", "first", "middle", "last", "alone", "--in-order")
    code, out, _ = jobs(*words)
    assert code == expected
    assert cloud.runs_of_jobs == [ids["first"], ids["middle"]]
    assert [cells[1] for cells in table_of(out).values()][2:] == ["not", "not"]
    cloud.run_sql("delete from runs")
    events = [json.loads(line) for line in jobs(*words, "--json")[1].splitlines()]
    result = events[-1]
    assert list(result) == ["schema_version", "event", "exit_code", "runs"]
    assert result["exit_code"] == expected
    states = {run["key"]: run["status"] for run in result["runs"]}
    assert (states["first"], states["last"]) == ("success", "not started")


def test_jobs_that_run_at_a_time_are_followed_with_their_key_in_front(jobs, cloud, ids):
    cloud.ends = {ids["first"]: ERROR, ids["alone"]: SUCCESS}
    code, out, _ = jobs("run", "first", "alone", "--follow")
    assert code == 1
    assert re.search(r"^first \| run \d+: error", out, re.MULTILINE)
    assert re.search(r"^alone \| run \d+: success", out, re.MULTILINE)
    assert {key: cells[1] for key, cells in table_of(out).items()} == {
        "first": "error",
        "alone": "success",
    }


def test_who_starts_both_ends_of_a_chain_is_told_that_one_runs_twice(jobs, cloud, ids):
    _, out, err = jobs("run", "first", "middle")
    assert "middle runs again when first is done; --in-order runs it once" in err
    assert out.count("next: ") == 2


def test_a_failure_to_start_tells_what_goes_on(jobs, cloud, ids):
    cloud.fail("POST", f"/jobs/{ids['alone']}/run/$", 403)
    code, _, err = jobs("run", "first", "alone")
    assert code == 4
    assert f"run {cloud.runs[0]} goes on" in err


def test_one_run_is_one_document_and_several_are_a_list(jobs, cloud, ids):
    one = json.loads(jobs("run", "first", "--json")[1])
    assert list(one) == [
        *("schema_version", "run_id", "job_id", "key", "name", "environment_id", "status"),
        *("href", "started_at", "finished_at", "duration_seconds"),
    ]
    two = json.loads(jobs("run", "first", "alone", "--json")[1])
    assert list(two) == ["schema_version", "runs"]
    assert [run["key"] for run in two["runs"]] == ["first", "alone"]
    assert list(two["runs"][0]) == list(one)[1:]


class Clock:
    """A clock that goes on a second for each look at it."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        self.now += 1
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    """Let no real time pass in following."""
    clock = Clock()
    for module in (follow, several):
        monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.mark.parametrize("how", ["--follow", "--in-order"])
def test_a_run_that_takes_too_long_is_cancelled_and_that_is_21(jobs, cloud, ids, clock, how):
    code, out, _ = jobs("run", "first", "alone", how, "--timeout", 60)
    assert code == 21
    assert "cancelled: it had not ended after 60 s (--timeout)" in out
    states = {row[0] for row in cloud.run_sql("select status from runs")}
    assert states == {CANCELLED}
    assert table_of(out)["first"][1:3] == ["timed", "out"]
    # in order, the second was never started
    assert len(cloud.runs) == (1 if how == "--in-order" else 2)


def test_a_run_that_ends_while_it_is_cancelled_ended_as_it_did(jobs, cloud, ids, clock):
    cloud.script = [{"status": 3}] * 2 + [{"status": SUCCESS}]
    code, out, _ = jobs("run", "first", "--follow", "--timeout", 2)
    assert (code, "timed out" in out) == (0, False)


def test_a_timeout_that_nobody_waits_for_is_refused(jobs, cloud, ids):
    code, _, err = jobs("run", "first", "--timeout", "5")
    assert (code, cloud.runs) == (2, [])
    assert "--timeout needs --follow or --in-order" in err


def test_the_worst_end_is_the_exit_code():
    assert [worst_of(c) for c in ([], [0, 0], [0, 20, 21], [20, 1, 21], [20])] == [0, 0, 21, 1, 20]


# cancel, retry


def test_cancel_by_key_ends_all_runs_of_the_job_that_go_on(jobs, cloud, ids):
    assert "nothing to cancel" in jobs("cancel", "first")[1]
    for _ in range(2):
        jobs("run", "first")
    jobs("run", "alone")
    document = json.loads(jobs("cancel", "first", "--json")[1])
    assert [run["run_id"] for run in document["runs"]] == cloud.runs[:2]
    assert {run["status"] for run in document["runs"]} == {"cancelled"}
    assert jobs("cancel", cloud.runs[2], cloud.runs[1])[1] == (
        f"run {cloud.runs[2]}: cancelled\nrun {cloud.runs[1]}: cancelled\n"
    )


@pytest.mark.parametrize("word", ["key", "run"])
def test_retry_repeats_a_failed_run_and_is_sent_once(jobs, cloud, ids, word):
    jobs("run", "first")
    [failed] = cloud.runs
    cloud.run_sql("update runs set status = 20")
    # the answer is lost after the run was made
    cloud.fail("POST", "/retry/$", "lost")
    code, out, _ = jobs("retry", "first" if word == "key" else failed)
    assert code == 0
    assert f"run {cloud.runs[1]} repeats run {failed}" in out
    assert "from `dbt build` on" in out
    assert len(cloud.runs) == 2


def test_the_json_of_retry_has_these_fields(jobs, cloud, ids):
    jobs("run", "first")
    cloud.run_sql("update runs set status = 20")
    document = json.loads(jobs("retry", "first", "--json")[1])
    assert document["retried_run_id"] == cloud.runs[0]
    assert (document["run_id"], document["status"]) == (cloud.runs[1], "queued")


def test_retry_follows_and_exits_as_the_new_run(jobs, cloud, ids):
    jobs("run", "first")
    cloud.run_sql("update runs set status = 20")
    cloud.ends = {ids["first"]: CANCELLED}
    assert jobs("retry", "first", "-f")[0] == 20


REFUSED = {
    "success": (SUCCESS, "it did not fail"),
    "running": (3, "has not ended: it is running"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_retried_is_refused_with_the_reason(jobs, cloud, ids, case):
    status, said = REFUSED[case]
    jobs("run", "first")
    cloud.run_sql("update runs set status = :status", status=status)
    code, _, err = jobs("retry", "first")
    assert (code, len(cloud.runs)) == (2, 1)
    assert said in err


def test_only_the_latest_run_is_retried_and_a_job_that_never_ran_says_so(jobs, cloud, ids):
    jobs("run", "first")
    jobs("run", "first")
    cloud.run_sql("update runs set status = 20")
    code, _, err = jobs("retry", cloud.runs[0])
    assert (code, "its job has a later run" in err) == (2, True)
    code, _, err = jobs("retry", "alone")
    assert (code, "never ran" in err) == (2, True)


def test_logs_of_a_key_are_those_of_its_last_run(jobs, cloud, ids):
    jobs("run", "first")
    jobs("run", "first")
    assert jobs("logs", "first")[1].startswith(f"run {cloud.runs[1]}: queued")


def test_nothing_in_a_log_moves_the_cursor(jobs, cloud, ids):
    jobs("run", "first")
    logs = "\x1b[31mred\x1b[0m \x1b[2J\x1b]0;title\x07 1 of 1 OK created x\n"
    step = {"index": 4, "name": "evil\x1b[1A", "status": 20, "logs": logs}
    cloud.script = [{"status": 20, "status_message": "x\x1b[2Jy", "run_steps": [step]}]
    for words in (("logs", "first"), ("logs", "first", "-f")):
        out = jobs(*words)[1]
        assert "red" in out
        assert "\x1b" not in out


# history


def add_run(cloud, job_id, status, minutes, seconds, cause="by hand"):
    """Store a run that started so many minutes ago and took so many seconds."""
    run = cloud.ask("POST", f"/api/v2/accounts/1/jobs/{job_id}/run/", {"cause": cause})
    at = f"strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now', '-{minutes} minutes'"
    cloud.run_sql(
        f"update runs set status = :status, started_at = {at}), finished_at = {at}, :took) "
        "where id = :id",
        status=status,
        took=f"+{seconds} seconds",
        id=run["id"],
    )


def test_history_shows_ends_and_durations_the_newest_at_the_right(jobs, cloud, ids, screen):
    ends = [(SUCCESS, 10), (SUCCESS, 100), (ERROR, 1), (CANCELLED, 5), (SUCCESS, 30)]
    for number, (status, seconds) in enumerate(ends):
        add_run(cloud, ids["first"], status, 60 - number, seconds)
    document = json.loads(jobs("history", "first", "--json")[1])
    [job] = document["jobs"]
    assert list(job) == ["job_id", "key", "name", "success_share", "median_seconds", "runs"]
    assert (job["success_share"], job["median_seconds"]) == (0.75, 30.0)
    assert [run["duration_seconds"] for run in job["runs"]] == [30.0, 5.0, 1.0, 100.0, 10.0]
    assert job["runs"][0]["cause"] == "by hand"
    _, out, _ = jobs("history", "first", "--limit", 2)
    assert len(out.splitlines()) == 3
    for columns in (80, 40):
        screen(columns)
        out = jobs("history", "first")[1]
        assert "3 of 4 succeeded, median 30 s" in " ".join(out.split())
        assert "✓✓✗-✓" in out
        assert "▂█▁▁▃" in out
        assert width_of(out) <= columns


def test_history_of_all_has_a_line_for_each_job_of_the_place(jobs, cloud, ids, screen):
    add_run(cloud, ids["first"], SUCCESS, 5, 10)
    cloud.copy_job(cloud.active()[0], name="other", description="")
    document = json.loads(jobs("history", "--all", "--json")[1])
    assert [job["key"] for job in document["jobs"]] == sorted(ids)
    # one list of jobs, one of runs
    cloud.requests.clear()
    jobs("history", "--all")
    assert len(cloud.requests) == 2
    for columns in (80, 40):
        screen(columns)
        out = jobs("history", "--all")[1]
        assert all(key in out for key in ids)
        assert width_of(out) <= columns
    assert jobs("history")[0] == 2
    assert jobs("history", "first", "--all")[0] == 2


def test_history_of_a_job_whose_runs_are_older_than_those_read_is_complete(
    jobs, cloud, ids, monkeypatch
):
    from marketing_analytics.jobs.runs import history

    monkeypatch.setattr(history, "MAX_RUNS", 3)
    for key in ("first", "alone", "alone", "alone"):
        jobs("run", key)
    document = json.loads(jobs("history", "--all", "--json")[1])
    counts = {job["key"]: len(job["runs"]) for job in document["jobs"]}
    assert counts == {"alone": 3, "first": 1, "last": 0, "middle": 0}


def test_who_stops_following_several_sees_what_goes_on(jobs, cloud, ids, monkeypatch):
    def interrupt(seconds):
        raise KeyboardInterrupt

    # of this module alone: the server of the test sleeps too
    monkeypatch.setattr(follow, "time", SimpleNamespace(sleep=interrupt, monotonic=monotonic))
    cloud.ends = {ids["alone"]: SUCCESS}
    code, out, err = jobs("run", "first", "alone", "--follow")
    assert code == 130, err
    assert f"run {cloud.runs[0]} goes on" in err
    assert f"cancel {cloud.runs[0]}\n" in err
    assert {key: cells[1] for key, cells in table_of(out).items()} == {
        "first": "goes",
        "alone": "success",
    }


def test_durations_are_told_in_two_units():
    told = [duration_words(s) for s in (None, 0.4, 59.4, 59.6, 185, 3_660, 90_000)]
    assert told == ["-", "0 s", "59 s", "1 min 00 s", "3 min 05 s", "1 h 01 min", "1 d 01 h"]


# artifacts


@pytest.fixture
def run_id(jobs, cloud, ids, tmp_path):
    """Return a run that left artifacts, and go to an empty folder."""
    jobs("run", "first")
    from marketing_analytics.local_cloud.runs.artifacts import artifacts_folder

    folder = artifacts_folder(tmp_path / "cloud", cloud.runs[0]) / "step_4"
    (folder / "run" / "shop").mkdir(parents=True)
    (folder / "manifest.json").write_text('{"a": 1}')
    (folder / "run_results.json").write_text('{"b": "\x1b[2J"}')
    (folder / "run" / "shop" / "a b.sql").write_text("select 1")
    return cloud.runs[0]


def test_artifacts_are_listed_with_their_sizes(jobs, cloud, run_id, screen):
    document = json.loads(jobs("artifacts", run_id, "--json")[1])
    assert list(document) == ["schema_version", "run_id", "step", "artifacts"]
    assert {a["path"]: a["bytes"] for a in document["artifacts"]} == {
        "manifest.json": 8,
        "run/shop/a b.sql": 8,
        "run_results.json": 13,
    }
    assert jobs("artifacts", "first")[1].splitlines()[1] == "manifest.json\t8"
    screen(40)
    assert re.search(r"manifest\.json +8 B", jobs("artifacts", run_id)[1])
    assert "left no artifacts" in jobs("artifacts", run_id, "--step", 2)[1]


def test_artifacts_are_saved_below_a_folder_or_as_a_file(jobs, run_id, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert jobs("artifacts", run_id, "--get", "manifest.json")[0] == 0
    assert Path("manifest.json").read_text() == '{"a": 1}'
    assert jobs("artifacts", run_id, "--get", "*.sql", "--out", "new/one.sql")[0] == 0
    assert Path("new/one.sql").read_text() == "select 1"
    out = jobs("artifacts", run_id, "--get", "*", "--out", "all", "--json")[1]
    assert {Path(each["file"]).as_posix() for each in json.loads(out)["saved"]} == {
        "all/manifest.json",
        "all/run_results.json",
        "all/run/shop/a b.sql",
    }
    assert stat.S_IMODE(Path("all/manifest.json").stat().st_mode) == 0o644
    assert jobs("artifacts", run_id, "--get", "manifest.json", "--out", "-")[1] == '{"a": 1}'


def test_a_file_that_is_there_stays_unless_forced(jobs, run_id, tmp_path):
    there = tmp_path / "there.json"
    there.write_text("mine")
    words = ("artifacts", run_id, "--get", "manifest.json", "--out", there)
    code, _, err = jobs(*words)
    assert (code, there.read_text()) == (2, "mine")
    assert "--force" in err
    assert jobs(*words, "--force")[0] == 0
    assert there.read_text() == '{"a": 1}'


def test_an_artifact_that_is_too_large_leaves_nothing(jobs, run_id, tmp_path, monkeypatch):
    monkeypatch.setattr(artifacts, "MAX_FILE_BYTES", 4)
    folder = tmp_path / "out"
    code, _, err = jobs("artifacts", run_id, "--get", "manifest.json", "--out", f"{folder}/")
    assert code == 1
    assert "larger than" in err
    assert list(folder.iterdir()) == []


def test_a_download_that_breaks_is_repeated(jobs, cloud, run_id, tmp_path):
    cloud.fail("GET", "/manifest.json$", "cut", 503)
    target = tmp_path / "m.json"
    assert jobs("artifacts", run_id, "--get", "manifest.json", "--out", target)[0] == 0
    assert target.read_text() == '{"a": 1}'


EVIL = [
    "../x",
    "/etc/x",
    "a/../../x",
    "..",
    ".",
    "",
    "a\\b",
    "C:x",
    "a\x1b[2J",
    "a//b",
    "a\nb",
    "./a",
]


def test_a_name_that_leaves_the_folder_is_not_saved(jobs, run_id, tmp_path, monkeypatch):
    from marketing_analytics.cloud_api.client import CloudClient

    names = []
    monkeypatch.setattr(CloudClient, "artifacts", lambda self, run_id, step: [*names, "ok"])
    folder = tmp_path / "safe" / "below"
    for name in EVIL:
        names[:] = [name]
        code, out, err = jobs("artifacts", run_id, "--get", "*", "--out", f"{folder}/")
        assert code == 2, name
        assert "is not saved" in err
        assert "\x1b" not in out + err
    assert not (tmp_path / "safe").exists()


def test_a_link_that_leads_out_of_the_folder_is_not_followed(jobs, run_id, tmp_path):
    folder, outside = tmp_path / "safe", tmp_path / "outside"
    outside.mkdir()
    folder.mkdir()
    (folder / "run").symlink_to(outside)
    code, _, err = jobs("artifacts", run_id, "--get", "*.sql", "--out", folder)
    assert (code, list(outside.iterdir())) == (2, [])
    assert "leads out of" in err


def test_an_unknown_artifact_gets_a_suggestion(jobs, run_id):
    code, _, err = jobs("artifacts", run_id, "--get", "manifst.json")
    assert (code, "did you mean manifest.json?" in err) == (2, True)
    assert jobs("artifacts", run_id, "--out", "x")[0] == 2
