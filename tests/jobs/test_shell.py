"""config show and completion: where settings come from, what a prompt gets."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from marketing_analytics.jobs.commands import completion
from marketing_analytics.jobs.runs.known import KnownKey, cache_path, read_known
from marketing_analytics.jobs.settings import FLAGS
from tests.jobs.faulty_cloud import TOKEN

ROOT = Path(__file__).resolve().parents[2]
ONE = 'jobs = { one-job = { execute_steps = ["dbt build"] } }\n'


def origins(jobs, *flags):
    """Return value and origin of the settings by name."""
    code, out, _ = jobs("config", "show", "--json", *flags)
    assert code == 0
    return {s["name"]: (s["value"], s["origin"]) for s in json.loads(out)["settings"]}


def test_each_setting_is_shown_with_its_origin(jobs, job_file, monkeypatch, tmp_path):
    file = job_file(f'team_name = "sales"\nproject_id = 7\n{ONE}')
    for name in ("ENVIRONMENT_ID", "PROJECT_ID", "CI_COMMIT_REF_SLUG", "DBTCLOUD_HOST_URL"):
        monkeypatch.delenv(name)
    from marketing_analytics.jobs import settings

    monkeypatch.setattr(settings, "ask_git", lambda *_: "Feature/Y")
    found = origins(jobs, "--config", file, "--user", "Ben")
    assert found == {
        "DBTCLOUD_ACCOUNT_ID": ("1", "environment"),
        "DBTCLOUD_TOKEN": ("**********", "environment"),
        "PROJECT_ID": ("7", f"{file}:2:1"),
        "ENVIRONMENT_ID": (None, "not set"),
        "DBTCLOUD_HOST_URL": ("https://cloud.getdbt.com", "default"),
        "TEAM_NAME": ("sales", f"{file}:1:1"),
        "CI_COMMIT_REF_SLUG": ("feature-y", "git"),
        "GITLAB_USER_LOGIN": ("ben", "--user"),
    }
    assert set(found) - {"DBTCLOUD_HOST_URL"} == set(FLAGS)
    # a flag beats the environment, which beats the file
    assert origins(jobs, "--config", file, "--account-id", 9)["DBTCLOUD_ACCOUNT_ID"][0] == "9"
    monkeypatch.setenv("TEAM_NAME", "ops")
    assert origins(jobs, "--config", file)["TEAM_NAME"] == ("ops", "environment")
    assert origins(jobs, "--shared")["CI_COMMIT_REF_SLUG"] == (None, "not used with --shared")


def test_a_place_is_that_of_the_file_that_counts(jobs, job_file, environ, monkeypatch):
    monkeypatch.delenv("PROJECT_ID")
    first = job_file(f"project_id = 7\n{ONE}", "first.tfvars")
    second = job_file("\nproject_id = 8\n", "second.tfvars")
    found = origins(jobs, "--config", first, "--config", second)
    assert found["PROJECT_ID"] == ("8", f"{second}:2:1")
    own = job_file(ONE.replace("{ exec", "{ environment_id = 6, exec"), "own.tfvars")
    monkeypatch.delenv("ENVIRONMENT_ID")
    assert origins(jobs, "--config", own)["ENVIRONMENT_ID"] == ("6", f"the jobs of {own}")


def test_what_is_wrong_or_missing_is_said_and_no_error(jobs, monkeypatch, screen):
    monkeypatch.setenv("PROJECT_ID", "seven")
    monkeypatch.delenv("DBTCLOUD_ACCOUNT_ID")
    screen(80)
    code, out, _ = jobs("config", "show")
    assert code == 0
    assert "PROJECT_ID is not an id: 'seven'" in out
    assert "DBTCLOUD_ACCOUNT_ID: not set" in out


@pytest.mark.parametrize("columns", [None, 80, 40])
def test_no_secret_is_shown_and_the_screen_is_not_left(jobs, screen, columns, tmp_path):
    if columns:
        screen(columns)
    secret = tmp_path / "token"
    secret.write_text("Scratch-token-1234567890abcdef\n")
    for flags in ((), ("--token-file", secret), ("--json",), ("--team", f"x-{TOKEN}")):
        _, out, err = jobs("config", "show", *flags)
        assert TOKEN not in out + err
        assert "Scratch-token" not in out + err
    if columns:
        out = jobs("config", "show")[1]
        assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines())) <= columns


# completion


@pytest.fixture
def known(jobs, cloud, job_file):
    """Deploy a job and list it, so that its key is known; return the file of keys."""
    jobs("deploy", "--config", job_file(ONE))
    mark = "[jobs:v1 marketing-team/shared-job]"
    cloud.copy_job(cloud.active()[0], name="shared", description=mark)
    jobs("list")
    return cache_path(cloud.url, 1, 2)


def complete(*words):
    """Return what a shell gets for words, the last of which is not complete."""
    import click.testing

    from marketing_analytics.cli import main

    environment = {
        completion.COMPLETE_VARIABLE: "bash_complete",
        "COMP_WORDS": " ".join(["marketing", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = click.testing.CliRunner().invoke(main, [], env=environment)
    assert (done.exit_code, done.stderr) == (0, "")
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


COMMANDS = ["run", "logs", "cancel", "retry", "artifacts", "history"]


def test_keys_are_completed_without_a_call(known, cloud):
    cloud.requests.clear()
    for command in COMMANDS:
        assert complete("jobs", command, "one") == ["one-job"]
        assert complete("jobs", command, "--shared", "shar") == ["shared-job"]
        assert complete("jobs", command, "shar") == []
    assert cloud.requests == []


def test_commands_and_flags_are_completed(known):
    assert complete("jobs", "art") == ["artifacts"]
    assert "--in-order" in complete("jobs", "run", "--in")
    assert complete("jobs", "completion", "po") == ["powershell"]


def test_the_keys_are_kept_for_the_user_alone_and_without_secrets(known):
    assert stat.S_IMODE(known.stat().st_mode) == 0o600
    assert stat.S_IMODE(known.parent.stat().st_mode) == 0o700
    text = known.read_text()
    assert TOKEN not in text
    assert list(json.loads(text)) == ["written_at", "keys"]
    keys, age_seconds = read_known(known)
    assert KnownKey("one-job", "marketing-team", "feature-x") in keys
    assert age_seconds < 60


def test_ten_thousand_keys_are_read_within_100_ms_of_work(known):
    entries = [[f"job-{n}", "marketing-team", "feature-x"] for n in range(10_000)]
    known.write_text(json.dumps({"written_at": 0, "keys": entries}))
    # of this thread, and the best of some: others work on the machine too
    taken = []
    for _ in range(5):
        started = time.thread_time()
        assert len(read_known(known)[0]) == 5_000
        taken.append(time.thread_time() - started)
    assert min(taken) < 0.1


WRONG = {
    "no JSON": "{",
    "a list": "[]",
    "no keys": '{"keys": 5}',
    "no texts": '{"keys": [[1, 2, 3]]}',
    "too short": '{"keys": [["one-job"]]}',
    "commands": '{"keys": [["one$(rm -rf x)", "marketing-team", "feature-x"]]}',
    "binary": "\x00\xff",
}


def test_a_broken_file_of_keys_is_no_error_at_a_prompt(known):
    for case, text in WRONG.items():
        known.write_text(text)
        assert complete("jobs", "run", "one") == [], case


def test_wrong_settings_are_no_error_at_a_prompt(known, monkeypatch):
    for name in ("DBTCLOUD_ACCOUNT_ID", "PROJECT_ID", "DBTCLOUD_HOST_URL"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "nonsense\x1b")
            assert complete("jobs", "run", "one") == []


@pytest.fixture
def started(monkeypatch):
    """Keep the processes from starting that would read the keys anew; return their words."""
    found = []
    monkeypatch.setattr(subprocess, "Popen", lambda words, **rest: found.append((words, rest)))
    return found


def test_old_keys_are_shown_and_read_anew_behind_the_prompt_once(known, started):
    an_hour_ago = time.time() - 3_600
    os.utime(known, (an_hour_ago, an_hour_ago))
    for _ in range(3):
        assert complete("jobs", "run", "one") == ["one-job"]
    [(words, rest)] = started
    assert words[1:5] == ["-m", "marketing_analytics", "jobs", "list"]
    assert TOKEN not in " ".join(words)
    assert completion.COMPLETE_VARIABLE not in rest["env"]
    assert rest["start_new_session"]


def test_what_reads_the_keys_anew_writes_them(known, started, monkeypatch):
    known.unlink()
    assert complete("jobs", "run", "one") == []
    [(words, rest)] = started
    monkeypatch.undo()
    done = subprocess.run(words, env=rest["env"], cwd=rest["cwd"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert KnownKey("one-job", "marketing-team", "feature-x") in read_known(known)[0]


def test_without_a_token_nothing_is_started(known, started, monkeypatch):
    known.unlink()
    monkeypatch.delenv("DBTCLOUD_TOKEN")
    assert complete("jobs", "run", "one") == []
    assert started == []


def test_a_cache_that_cannot_be_written_stops_no_command(jobs, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert jobs("list")[0] == 0


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_the_scripts_name_the_program_and_its_path_where_it_is_none(shell):
    text = completion.script_of(shell, "marketing", ["marketing"], "marketing jobs completion")
    assert "@" not in re.sub(r'"\$@"|@\(|@f|@args', "", text)
    text = completion.script_of(shell, "tool", ["/a b/python", "/c/tool.py"], "x")
    assert "'/a b/python'" in text
    assert completion.COMPLETE_VARIABLE in text


TYPED = {
    "bash": """{script}
COMP_WORDS=(tool run one); COMP_CWORD=2; COMPREPLY=(); _tool_completion; echo "${{COMPREPLY[@]}}"
tool --help | head -1""",
    "fish": """{script}
complete --do-complete 'tool run one'
tool --help | head -1""",
    "zsh": """autoload -U compinit; compinit -D -u
{script}
compadd() {{ local -a all; eval "all=(\\"\\${{${{@[-1]}}[@]}}\\")"; print -r -- $all; }}
words=(tool run one); CURRENT=3; _tool_completion
tool --help | head -1""",
}


@pytest.mark.slow
@pytest.mark.parametrize("shell", sorted(TYPED))
def test_a_shell_completes_keys_with_the_script(known, tmp_path, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    words = [sys.executable, str(ROOT / "scripts" / "dbt_job_manager.py")]
    text = completion.script_of(shell, "tool", words, "x")
    file = tmp_path / "typed"
    file.write_text(TYPED[shell].format(script=text))
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        [shell, str(file)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[0] == "one-job"
    assert done.stdout.splitlines()[1].startswith("Usage: ")
