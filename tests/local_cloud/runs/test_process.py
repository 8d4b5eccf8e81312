"""The dbt process and its pipe: it answers, it dies with its parent, it leaves nobody behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from benchmarks.tiny_cloud import STAND_IN
from marketing_analytics.local_cloud.runs.child.process import (
    END_MARK,
    ORPHANED,
    DbtProcess,
    describe_exit,
    is_running,
    kill_survivor,
    pass_over_unheard,
)


@pytest.fixture
def process():
    process = DbtProcess(dict(os.environ), STAND_IN)
    yield process
    process.close()


def read_until_mark(process: DbtProcess) -> str:
    text = b""
    until = time.monotonic() + 20
    while END_MARK.encode() not in text or not text.endswith(b"\n"):
        assert time.monotonic() < until
        text += process.read(0.1) or b""
    return text.decode()


def test_each_request_is_answered_with_its_exit_code(process, tmp_path):
    for code in (0, 3):
        process.request(["run", f"exit={code}"], os.environ, tmp_path)
        assert read_until_mark(process).endswith(f"{END_MARK} {process.nonce} {code}\n")


def test_a_process_that_was_asked_to_leave_leaves_by_itself(process, tmp_path):
    process.request(["run"], os.environ, tmp_path)
    read_until_mark(process)
    process.finish(20)
    assert process.popen.returncode == 0
    assert not process.is_alive()


def test_it_ends_when_its_stdin_ends_even_without_a_signal(process):
    process._input.close()
    process.wait(20)
    assert process.end_in_words() == f"exit code {ORPHANED}"


def test_it_does_not_start_for_a_parent_that_is_gone_already():
    command = [*STAND_IN, "nonce", "1"]
    done = subprocess.run(command, stdin=subprocess.PIPE, timeout=20, check=False)
    assert done.returncode == ORPHANED


PARENT = """
import os, signal, sys, time
from marketing_analytics.local_cloud.runs.child.process import DbtProcess
stops_itself = ["sh", "-c", 'kill -STOP $$; exec "$@"', "sh"]
process = DbtProcess(dict(os.environ), [*stops_itself, *sys.argv[1:]])
os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
print(process.pid, process.started, flush=True)
time.sleep(60)
"""


def test_it_leaves_when_its_parent_died_before_it_could_ask_for_the_signal():
    command = [sys.executable, "-c", PARENT, *STAND_IN]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid, started = parent.stdout.readline().split()
    # the child is stopped before its first moment: it has not asked for the parent-death signal
    assert is_running(int(pid), started)
    parent.kill()
    parent.wait()
    assert is_running(int(pid), started)
    os.kill(int(pid), signal.SIGCONT)
    until = time.monotonic() + 20
    while is_running(int(pid), started):
        assert time.monotonic() < until, "it outlives its parent"
        time.sleep(0.01)


def test_a_server_that_ignores_ctrl_c_can_interrupt_it(tmp_path):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = DbtProcess(dict(os.environ), STAND_IN)
    finally:
        signal.signal(signal.SIGINT, before)
    effects = tmp_path / "effects"
    environment = {**os.environ, "DBT_EFFECTS": str(effects), "DBT_CLOUD_RUN_ID": "1"}
    process.request(["run", "sleep=600"], environment, tmp_path)
    while not effects.is_file():
        time.sleep(0.01)
    process.signal(signal.SIGINT)
    assert read_until_mark(process).endswith(f"{END_MARK} {process.nonce} 2\n")
    process.close()


def test_closing_ends_what_the_child_started_too(tmp_path):
    program = tmp_path / "parent.py"
    program.write_text(
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
    )
    process = DbtProcess(dict(os.environ), (sys.executable, str(program)))
    text = b""
    while not text.endswith(b"\n"):
        text += process.read(1.0) or b""
    pid = int(text)
    # the leader has ended, its child has not
    process.wait(10)
    os.kill(pid, 0)
    process.close()
    until = time.monotonic() + 10
    while not is_zombie(pid):
        assert time.monotonic() < until
        time.sleep(0.01)


def is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_closing_twice_harms_nobody(process):
    process.close()
    process.close()
    process.signal(signal.SIGKILL)
    assert not process.is_alive()
    assert not is_running(process.pid, process.started)
    assert not kill_survivor(process.pid, process.started)


def test_an_end_is_told_in_words():
    assert describe_exit(2) == "exit code 2"
    assert describe_exit(-9) == "signal SIGKILL"
    assert describe_exit(-250) == "signal 250"


@pytest.mark.parametrize(
    ("level", "heard"),
    [
        ("info", ["info", "error"]),
        ("warn", ["info", "error"]),
        ("debug", ["debug", "info", "error"]),
    ],
)
def test_dbt_drops_what_its_log_leaves_out_before_it_is_written_as_json(
    monkeypatch, tmp_path, level, heard
):
    from dbt.events import logging
    from dbt_common.events.event_manager_client import cleanup_event_logger, get_event_manager

    monkeypatch.setattr(logging, "get_stdout_config", logging.get_stdout_config)
    pass_over_unheard()
    given = {"LOG_PATH": tmp_path, "LOG_FORMAT": "json", "LOG_LEVEL": level, "USE_COLORS": False}
    more = {"LOG_LEVEL_FILE": "none", "QUIET": False, "DEBUG": False, "LOG_CACHE_EVENTS": False}
    logging.setup_event_logger(SimpleNamespace(**given, **more))
    try:
        (logger,) = get_event_manager().loggers
    finally:
        cleanup_event_logger()
    events = {
        name: SimpleNamespace(level=name, name="SQLQuery") for name in ("debug", "info", "error")
    }
    assert [
        name for name, info in events.items() if logger.filter(SimpleNamespace(info=info))
    ] == heard
