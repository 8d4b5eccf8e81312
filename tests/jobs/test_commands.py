"""list, cleanup, run, logs, cancel, validate: what users see and which exit code they get."""

import json
import re
from pathlib import Path

import pytest

from marketing_analytics.jobs.payload import compared

ROOT = Path(__file__).resolve().parents[2]
DEV = ROOT / "env_file" / "dev_env.tfvars"
ONE = 'jobs = { a = { execute_steps = ["dbt build"], description = "Builds." } }\n'


def test_list_shows_all_jobs_of_the_team_and_no_others(jobs, cloud, job_file):
    config = job_file(ONE)
    jobs("deploy", "--config", config)
    jobs("deploy", "--config", config, "--branch", "other")
    jobs("deploy", "--config", config, "--team", "sales")
    code, out, _ = jobs("list")
    assert code == 0
    assert "marketing-team-feature-x-anna-a" in out
    assert "marketing-team-other-anna-a" in out
    assert "sales" not in out


def test_a_piped_list_is_tab_separated_with_a_line_of_names(jobs, cloud, job_file):
    config = job_file(ONE.replace("a = {", 'a = { schedule_cron = "0 9 * * *",'))
    jobs("deploy", "--config", config)
    jobs("run", "a")
    [names, row] = [line.split("\t") for line in jobs("list")[1].splitlines()]
    assert names == [
        "id", "key", "branch", "user", "name", "cron", "next_run_at", "run", "status",
    ]  # fmt: skip
    found = dict(zip(names, row, strict=True))
    [job] = cloud.active()
    assert found["id"] == str(job["id"])
    assert (found["key"], found["branch"], found["user"]) == ("a", "feature-x", "anna")
    assert (found["name"], found["cron"]) == (job["name"], "0 9 * * *")


def list_on_a_terminal(columns):
    """Return what `list` shows on a terminal of so many columns, without colours."""
    import os
    import pty
    import subprocess
    import sys

    command = [sys.executable, ROOT / "scripts" / "dbt_job_manager.py", "list"]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"}
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 10_000)
        except OSError:
            break
    os.close(ours)
    assert process.wait(20) == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())


@pytest.mark.parametrize("columns", [120, 80, 40])
def test_a_list_fits_the_terminal_and_shows_the_key_that_run_takes(jobs, cloud, environ, columns):
    assert jobs("deploy", "--config", DEV)[0] == 0
    text = list_on_a_terminal(columns)
    assert all(len(line.rstrip()) <= columns for line in text.splitlines()), text
    for job in cloud.active():
        key = job["name"].removeprefix("marketing-team-feature-x-anna-")
        assert re.search(rf"^ *({job['id']} +)?{key}( |\r?$)", text, re.MULTILINE), text


@pytest.mark.parametrize("columns", [120, 40])
def test_a_list_parts_the_jobs_of_branches(jobs, cloud, job_file, columns):
    config = job_file(ONE)
    jobs("deploy", "--config", config)
    jobs("deploy", "--config", config, "--branch", "other")
    text = " ".join(list_on_a_terminal(columns).split())
    first, second = text.index("branch feature-x"), text.index("branch other")
    one, two = sorted((first, second))
    assert re.search(r"\ba\b.* on demand|\ba\b", text[one:two])
    assert re.search(r"\ba\b", text[two:])


def test_list_details_shows_steps_and_variables(jobs, cloud, job_file, screen):
    jobs("deploy", "--config", job_file(ONE))
    screen(80)
    out = jobs("list", "--details")[1]
    assert "$ dbt build" in out
    assert "DBT_SCHEMA=anna_feature_x" in out
    assert "Builds." in out


def test_list_details_shows_what_runs_beside_the_steps_and_when_it_changed(
    jobs, cloud, job_file, screen
):
    screen(80)
    flags = "run_source_freshness = true, generate_docs = true"
    jobs("deploy", "--config", job_file(ONE.replace("a = {", f"a = {{ {flags},")))
    out = jobs("list", "--details")[1]
    assert "$ dbt source freshness, first" in out
    assert "$ dbt docs generate, at the end" in out
    assert re.search(r"changed \d{4}-\d\d-\d\d \d\d:\d\d UTC, \d+ (s|min) ago$", out, re.MULTILINE)


def test_list_details_shows_every_attribute_that_says_something(jobs, cloud, job_file, screen):
    screen(80)
    flags = "on_merge = true, timeout_seconds = 90, run_lint = true, environment_id = 3"
    jobs("deploy", "--config", job_file(ONE.replace("a = {", f"a = {{ {flags},")))
    lines = [line.strip() for line in jobs("list", "--details")[1].splitlines()]
    assert {"timeout_seconds 90", "on_merge true", "run_lint true", "threads 4"} <= set(lines)
    assert not [line for line in lines if line.startswith(("run_compare_changes", "target_name"))]


def test_an_empty_list_says_so(jobs):
    code, out, err = jobs("list")
    assert (code, len(out.splitlines())) == (0, 1)
    assert "team marketing-team has no jobs in environment 3 of project 2" in err


def test_the_json_of_list_has_these_fields(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(ONE))
    document = json.loads(jobs("list", "--json")[1])
    assert list(document) == ["schema_version", "team", "environment_id", "elsewhere", "jobs"]
    assert list(document["jobs"][0]) == [
        "id",
        "key",
        "name",
        "branch",
        "user",
        "description",
        *[a.name for a in compared() if a.name != "description"],
        "next_run_at",
        "updated_at",
        "env_vars",
        "last_run",
        "created_at",
        "schedule",
        "drift",
    ]


def test_cleanup_deletes_old_branch_jobs_of_any_branch_and_says_why(jobs, cloud, job_file):
    config = job_file(ONE)
    jobs("deploy", "--config", config)
    jobs("deploy", "--config", config, "--branch", "other", "--user", "ben")
    jobs("deploy", "--config", config, "--team", "sales")
    for description in ("[jobs:v1 marketing-team/a]", "by hand"):
        cloud.copy_job(cloud.active()[0], description=description)
    cloud.age(12)
    code, out, _ = jobs("cleanup", "--older-than", "7", "--yes")
    assert code == 0
    assert "branch other of ben, last changed" in out
    assert "(12 days ago)" in out
    left = {job["description"] for job in cloud.active()}
    assert left == {
        "[jobs:v1 marketing-team/a]",
        "by hand",
        "Builds. [jobs:v1 sales/feature-x/anna/a]",
    }


def test_cleanup_keeps_young_jobs(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(ONE))
    cloud.age(6)
    assert "nothing to clean up" in jobs("cleanup", "--older-than", "7", "--yes")[1]
    assert len(cloud.active()) == 1


def test_cleanup_without_a_terminal_needs_yes(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(ONE))
    cloud.age(8)
    code, out, err = jobs("cleanup", "--older-than", "7", text="y\n")
    assert code == 2
    assert "--yes" in err
    assert len(cloud.active()) == 1
    code, out, _ = jobs("cleanup", "--older-than", "7", "--dry-run")
    assert code == 0
    assert "1 job would be deleted" in out
    assert len(cloud.active()) == 1


def test_the_json_of_cleanup_has_these_fields(jobs, cloud, job_file):
    jobs("deploy", "--config", job_file(ONE))
    document = json.loads(jobs("cleanup", "--older-than", "0", "--yes", "--json")[1])
    assert list(document) == [
        "schema_version", "team", "dry_run", "deletes", "spared", "unmerged", "schemas",
        "results", "restore_file",
    ]  # fmt: skip
    assert document["results"][0]["state"] == "done"
    assert cloud.active() == []


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


def test_without_its_packages_the_script_says_what_to_install():
    import subprocess
    import sys

    # -S: no site-packages
    command = [sys.executable, "-S", ROOT / "scripts" / "dbt_job_manager.py", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "the package click is not installed" in done.stderr
    assert "pip install -r requirements.txt" in done.stderr


def test_validate_needs_no_settings(script):
    done = script("validate", DEV, env={"DBTCLOUD_TOKEN": ""})
    assert done.returncode == 0
    assert "9 jobs, ok" in done.stdout


def test_git_gives_branch_and_user_when_nothing_else_does(script, environ, tmp_path, monkeypatch):
    import subprocess

    def git(*arguments):
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True, capture_output=True)

    git("init", "-b", "Feature/New_Thing")
    git("config", "user.email", "Anna.B@example.com")
    git("-c", "user.name=a", "commit", "--allow-empty", "-m", "x")
    monkeypatch.delenv("CI_COMMIT_REF_SLUG")
    monkeypatch.delenv("GITLAB_USER_LOGIN")
    done = script("deploy", "--config", DEV, "--dry-run", "--json", cwd=tmp_path)
    scope = json.loads(done.stdout)["scope"]
    assert scope == {"team": "marketing-team", "branch": "feature-new-thing", "user": "anna-b"}


def test_the_script_is_short_and_imports_nothing_heavy(environ):
    import subprocess
    import sys

    text = (ROOT / "scripts" / "dbt_job_manager.py").read_text()
    assert len(text.splitlines()) < 20
    code = (
        "import runpy, sys, atexit\n"
        "def report(): print(sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)\n"
        "atexit.register(report)\n"
        f"sys.argv = ['x', 'deploy', '--config', {str(DEV)!r}]\n"
        f"runpy.run_path({str(ROOT / 'scripts' / 'dbt_job_manager.py')!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stderr.splitlines()[-1].replace("'", '"')))
    heavy = {
        "dlt",
        "duckdb",
        "fastapi",
        "pydantic",
        "dbt",
        "pyarrow",
        "numpy",
        "sqlalchemy",
        "jinja2",
    }
    # httpx alone would take longer than all the rest of a plan
    assert not loaded & (heavy | {"httpx"})
    assert "http" in loaded


@pytest.mark.parametrize(
    ("answer", "left"), [("n", 1), ("", 1), ("y", 0)], ids=["no", "enter", "yes"]
)
def test_cleanup_asks_on_a_terminal(jobs, cloud, job_file, answer, left):
    import os
    import pty
    import subprocess
    import sys

    jobs("deploy", "--config", job_file(ONE))
    cloud.age(8)
    command = [sys.executable, ROOT / "scripts" / "dbt_job_manager.py", "cleanup"]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*command, "--older-than", "7"], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(ours, 1000)
    os.write(ours, answer.encode() + b"\n")
    while process.poll() is None:
        try:
            shown += os.read(ours, 1000)
        except OSError:
            break
    assert process.wait(20) == (0 if answer == "y" else 2)
    os.close(ours)
    assert len(cloud.active()) == left


def test_validate_tells_the_mistakes_of_all_files_and_ends_with_2(jobs, job_file):
    bad = ONE.replace("Builds.", "x" * 300).replace('"dbt build"', '"ls"')
    files = [
        job_file(bad, "one.tfvars"),
        job_file(ONE, "two.tfvars"),
        job_file(bad, "three.tfvars"),
    ]
    code, _, err = jobs("validate", *files)
    assert code == 2
    places = re.findall(r"--> (.*)", err)
    assert places == [f"{file}:1:{column}" for file in (files[0], files[2]) for column in (33, 54)]
    assert "4 errors" in err
    code, out, _ = jobs("validate", "--json", *files)
    document = json.loads(out)
    assert [error["where"] for error in document["errors"]] == places
    assert document["error"] == document["errors"][0]


def test_plan_and_deploy_tell_every_mistake_too(jobs, cloud, job_file):
    config = job_file(ONE.replace("Builds.", "x" * 300).replace('"dbt build"', '"ls"'))
    for command in ("plan", "deploy"):
        code, _, err = jobs(command, "--config", config)
        assert (code, "2 errors" in err) == (2, True)
    assert cloud.requests == []


def test_validate_tells_a_missing_file_among_the_mistakes_of_the_others(jobs, job_file, tmp_path):
    bad = job_file(ONE.replace("a =", "A! ="), "bad.tfvars")
    code, _, err = jobs("validate", bad, tmp_path / "none.tfvars", tmp_path)
    assert code == 2
    assert f"{bad}:1:" in err
    assert f"there is no file {tmp_path / 'none.tfvars'}\n  help: check the path" in err
    near = bad.with_suffix(".tfvar")
    assert f"did you mean {bad}?" in jobs("validate", near)[2]
    assert f"cannot read {tmp_path}: " in err
    assert "--config" not in err
    code, out, _ = jobs("validate", job_file(ONE))
    assert (code, out.endswith(": 1 job, ok\n")) == (0, True)


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--account-id", "{}"],
        ["list", "--host-url", "http://127.0.0.1:1/{}"],
        ["list", "--team", "{} X"],
        ["run", "{}"],
    ],
)
def test_a_token_in_a_file_is_never_printed(jobs, cloud, tmp_path, words):
    secret = "Scratch-token-1234567890abcdef"
    file = tmp_path / "tok"
    file.write_text(secret + "\n")
    words = [word.format(secret) for word in words]
    code, out, err = jobs(*words, "--token-file", file)
    assert code != 0
    assert err.startswith("error: ")
    assert secret.lower() not in (out + err).lower()


def test_no_team_is_suggested_that_is_made_of_a_secret(jobs, cloud, monkeypatch):
    monkeypatch.setenv("TEAM_NAME", "dbtc_Zk3JqP0rVtY8wLmN2sXbA7")
    code, _, err = jobs("list")
    assert code == 2
    assert "zk3jqp" not in err.lower()
    assert "like my-team" in err
