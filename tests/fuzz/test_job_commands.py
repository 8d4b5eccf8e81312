"""Random command lines and interrupted deploys of the deploy tool."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from marketing_analytics.jobs.cli import group

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTED = {0, 1, 2, 3, 4, 5, 20, 21, 130}
WORDS = [
    "deploy", "plan", "list", "cleanup", "run", "logs", "cancel", "validate", "doctor", "retry",
    "artifacts", "history", "diff", "config", "completion", "show", "bash", "--config",
    "--in-order", "--timeout", "--get", "--all", "--any", "--limit", "--all-environments",
    "--online", "--strict", "--manifest", "--project-dir",
    "env_file/dev_env.tfvars", "/dev/null", "nowhere.tfvars", "--dry-run", "--json", "--details",
    "--older-than", "7", "-1", "0", "x", "", "--yes", "--follow", "--team", "Team A", "--branch",
    "a/b", "--user", "--project-id", "--account-id", "--environment-id", "--host-url", "nonsense",
    "--allow-delete", "--step", "--token-file", "--shared", "--detailed-exitcode", "-h", "--help",
    "é", "\x00", "a" * 300, "--nope", "$(rm)", "http://127.0.0.1:9", "📈",
]  # fmt: skip


@pytest.fixture
def settings(monkeypatch, tmp_path):
    """Set an environment whose host nobody listens at."""
    for name, value in {
        "DBTCLOUD_ACCOUNT_ID": "1",
        "DBTCLOUD_TOKEN": "secret-token-1234",
        "PROJECT_ID": "2",
        "ENVIRONMENT_ID": "3",
        "DBTCLOUD_HOST_URL": "http://127.0.0.1:9",
        "CI_COMMIT_REF_SLUG": "b",
        "GITLAB_USER_LOGIN": "u",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "env_file").symlink_to(ROOT / "env_file")


def test_random_command_lines_end_with_a_documented_code(settings, monkeypatch):
    from marketing_analytics.cloud_api import client

    monkeypatch.setattr(client, "FIRST_ATTEMPTS", 1)
    for seed in range(1000):
        chance = random.Random(seed)
        arguments = [chance.choice(WORDS[:15])] if chance.random() < 0.8 else []
        arguments += chance.choices(WORDS, k=chance.randint(0, 7))
        result = CliRunner().invoke(group, arguments)
        assert result.exit_code in DOCUMENTED, arguments
        assert "Traceback" not in result.output, arguments
        assert "is a bug" not in result.output, (arguments, result.output)
        assert "secret-token-1234" not in result.output


class Silent(BaseHTTPRequestHandler):
    """Accepts everything and never answers."""

    def do(self):
        self.server.asked.set()
        time.sleep(30)

    do_GET = do_POST = do  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def silent_host():
    """Return a server that never answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    server.daemon_threads = True
    server.block_on_close = False
    server.asked = threading.Event()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_control_c_ends_with_130_and_no_traceback(settings, silent_host):
    env = {**os.environ, "DBTCLOUD_HOST_URL": f"http://127.0.0.1:{silent_host.server_port}"}
    process = subprocess.Popen(
        [sys.executable, ROOT / "scripts" / "dbt_job_manager.py", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
    )
    assert silent_host.asked.wait(30)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.strip() == "interrupted"


@pytest.mark.parametrize(
    "extra",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"COLUMNS": "20"},
        {"NO_COLOR": "1", "CLICOLOR_FORCE": "1"},
    ],
    ids=["ascii", "c_locale", "narrow", "no_colour"],
)
def test_odd_terminals_are_no_problem(settings, extra):
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "scripts" / "dbt_job_manager.py",
            "validate",
            "env_file/dev_env.tfvars",
        ],
        capture_output=True,
        env={**os.environ, **extra},
        check=False,
    )
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout


def test_a_closed_pipe_is_no_traceback(settings):
    command = f"{sys.executable} {ROOT}/scripts/dbt_job_manager.py --help | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
