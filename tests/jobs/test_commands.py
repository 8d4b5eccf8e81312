"""cleanup, validate and the script: what users see and which exit code they get."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEV = ROOT / "env_file" / "dev_env.tfvars"
ONE = 'jobs = { a = { execute_steps = ["dbt build"], description = "Builds." } }\n'


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
