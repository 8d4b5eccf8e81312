"""run, logs and cancel: what users see of a run, and which exit code they get."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEV = ROOT / "env_file" / "dev_env.tfvars"
ONE = 'jobs = { a = { execute_steps = ["dbt build"], description = "Builds." } }\n'


STEP = {"index": 4, "name": "Invoke dbt with `dbt build`"}
LINES = "1 of 2 START sql view model a\n1 of 2 OK created sql view model a [OK in 0.1s]\n"


def script_of(final):
    return [
        {"status": 1, "run_steps": []},
        {"status": 3, "run_steps": [{**STEP, "status": 3, "logs": LINES}]},
        {
            **final,
            "run_steps": [
                {**STEP, "status": final["status"], "logs": LINES + "2 of 2 PASS test b\n"}
            ],
        },
    ]


ENDS = {
    "success": ({"status": 10}, 0),
    "error": ({"status": 20}, 1),
    "cancelled": ({"status": 30, "status_message": "Cancelled by user."}, 20),
    "timed_out": ({"status": 30, "status_message": "The run timed out after 60 s."}, 21),
}


@pytest.mark.parametrize("end", ENDS)
def test_run_follow_prints_each_line_once_and_exits_as_the_run(
    jobs, cloud, job_file, replaced, end
):
    from marketing_analytics.jobs.runs import follow

    replaced(follow, "time", sleep=lambda seconds: None)
    final, expected = ENDS[end]
    cloud.script = script_of(final)
    jobs("deploy", "--config", job_file(ONE))
    code, out, _ = jobs("run", "a", "--follow")
    assert code == expected
    assert out.count("1 of 2 OK created") == (2 if end == "error" else 1)
    assert out.count("2 of 2 PASS") == (2 if end == "error" else 1)
    assert "START" not in out or end == "error"
    assert f"step 4: {STEP['name']}" in out


def test_run_follow_says_why_a_run_waits_each_time_that_changes(jobs, cloud, job_file, replaced):
    from marketing_analytics.jobs.runs import follow

    replaced(follow, "time", sleep=lambda seconds: None)
    reason = "behind run 15, which writes the same warehouse file"
    cloud.script = [
        {"status": 1, "blocked_by": [3]},
        {"status": 1, "blocked_by": [15], "status_message": reason},
        {"status": 1, "blocked_by": [15], "status_message": reason},
        {"status": 10},
    ]
    jobs("deploy", "--config", job_file(ONE))
    out = jobs("run", "a", "--follow")[1]
    assert out.count("is queued behind run 3\n") == 1
    assert out.count(f"is queued {reason}\n") == 1


def test_who_stops_following_is_told_how_to_cancel_the_run(jobs, cloud, job_file):
    import signal
    import subprocess
    import sys

    cloud.script = [{"status": 3, "run_steps": []}] * 1000
    jobs("deploy", "--config", job_file(ONE))
    command = [sys.executable, "scripts/dbt_job_manager.py", "run", "a", "--follow"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, **streams)
    for line in process.stdout:
        if "is running" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.startswith("interrupted: run ")
    assert "goes on" in err
    pasted = re.search(r"cancel it: +(.*)", err)[1]
    done = subprocess.run(["bash", "-c", pasted], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "cancelled" in done.stdout


def test_run_events_are_json_lines_with_a_version(jobs, cloud, job_file, replaced):
    from marketing_analytics.jobs.runs import follow

    replaced(follow, "time", sleep=lambda seconds: None)
    cloud.script = script_of({"status": 10})
    jobs("deploy", "--config", job_file(ONE))
    out = jobs("run", "a", "--follow", "--json")[1]
    events = [json.loads(line) for line in out.splitlines()]
    assert {event["schema_version"] for event in events} == {1}
    assert events[-1]["event"] == "end"
    assert events[-1]["exit_code"] == 0


def test_a_run_whose_answer_is_lost_is_started_once(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(ONE))
    cloud.fail("POST", "/run/$", "lost")
    assert jobs("run", "a")[0] == 0
    assert len(cloud.runs) == 1


def test_an_unknown_job_gets_a_suggestion(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(ONE.replace(" a =", " attribution =")))
    code, _, err = jobs("run", "atribution")
    assert code == 2
    assert "did you mean attribution?" in err
    assert "did you mean" not in jobs("run", "nope")[2]


def test_logs_shows_steps_and_refuses_steps_that_are_not_there(jobs, cloud, job_file):
    cloud.script = [{"status": 20, "run_steps": [{**STEP, "status": 20, "logs": "boom\n"}]}]
    jobs("deploy", "--config", job_file(ONE))
    jobs("run", "a")
    run_id = cloud.runs[0]
    code, out, _ = jobs("logs", run_id)
    assert code == 0
    assert "== step 4: Invoke dbt with `dbt build` (error)" in out
    assert "boom" in out
    code, _, err = jobs("logs", run_id, "--step", "9")
    assert code == 2
    assert "has no step 9" in err
    document = json.loads(jobs("logs", run_id, "--json")[1])
    assert document["steps"][0]["logs"] == "boom"


def test_a_server_that_fails_says_what_to_do_next(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(ONE))
    cloud.fail("POST", r"/run/$", *[503] * 20)
    code, _, err = jobs("run", "a")
    assert code == 1
    assert "failed with 503" in err
    assert "help: look at what is there" in err


def test_cancel_tells_the_status(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(ONE))
    jobs("run", "a")
    assert "cancelled" in jobs("cancel", cloud.runs[0])[1]


def test_cancel_of_a_run_that_has_ended_says_how_it_ended(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(ONE))
    jobs("run", "a")
    cloud.run_sql("update runs set status = 20")
    run = cloud.runs[0]
    assert jobs("cancel", run)[1] == f"run {run} has ended: error\n"


@pytest.mark.parametrize("command", ["logs", "cancel"])
def test_a_run_that_is_not_there_is_named_in_one_sentence(jobs, command):
    code, _, err = jobs(command, "99")
    assert code == 1
    assert "there is no run 99 in account 1" in err
