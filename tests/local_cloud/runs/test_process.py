"""The dbt process and its pipe: it answers, it dies with its parent, it leaves nobody behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.tiny_cloud import STAND_IN
from marketing_analytics.local_cloud.runs.child.process import (
    DbtProcess,
    Template,
    describe_exit,
    is_running,
    kill_survivor,
)
from marketing_analytics.local_cloud.runs.child.program import (
    END_MARK,
    ORPHANED,
    pass_over_unheard,
)


@pytest.fixture
def start():
    """Return a function that starts a template of a command, the stand-in's by default."""
    templates: list[Template] = []

    def start(command=STAND_IN) -> Template:
        templates.append(Template(dict(os.environ), command))
        return templates[-1]

    yield start
    for template in templates:
        template.close()


@pytest.fixture
def template(start):
    return start()


@pytest.fixture
def process(template):
    process = template.start()
    yield process
    process.close()


def written(folder, text: str) -> tuple[str, ...]:
    """Return the command of a program that copies itself, with `load` as given."""
    program = folder / "program.py"
    program.write_text(
        "import os, subprocess, sys, threading, time\n"
        "from marketing_analytics.local_cloud.runs.child.program import copy_on_request\n"
        f"{text}\n"
        "copy_on_request(int(sys.argv[1]), int(sys.argv[2]), load)\n"
    )
    return (sys.executable, str(program))


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
    assert process.exit_code == 0
    assert not process.is_alive()


def test_it_ends_when_its_stdin_ends_even_without_a_signal(process):
    process._input.close()
    process.wait(20)
    assert process.end_in_words() == f"exit code {ORPHANED}"


def test_it_does_not_start_for_a_parent_that_is_gone_already():
    done = subprocess.run([*STAND_IN, "0", "1"], timeout=20, check=False)
    assert done.returncode == ORPHANED


PARENT = """
import os, signal, sys, time
from marketing_analytics.local_cloud.runs.child.process import Template, start_of
stops_itself = ["sh", "-c", 'kill -STOP $$; exec "$@"', "sh"]
pid = Template(dict(os.environ), [*stops_itself, *sys.argv[1:]]).popen.pid
os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
print(pid, start_of(pid), flush=True)
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


SERVER = """
import os, sys, time
from marketing_analytics.local_cloud.runs.child.process import Template
template = Template(dict(os.environ), sys.argv[1:])
process = template.start()
process.request(["run", "ignore-signals", "sleep=600"], os.environ, os.getcwd())
print(template.popen.pid, process.pid, process.started, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("killed", ["server", "template"])
def test_what_runs_dies_with_what_it_was_copied_from_and_with_the_server(killed):
    command = [sys.executable, "-c", SERVER, *STAND_IN]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    template, pid, started = server.stdout.readline().split()
    assert is_running(int(pid), started)
    os.kill(server.pid if killed == "server" else int(template), signal.SIGKILL)
    until = time.monotonic() + 20
    while is_running(int(pid), started):
        assert time.monotonic() < until, "it outlives its server"
        time.sleep(0.01)
    server.kill()
    server.wait()
    server.stdout.close()


def test_a_process_whose_template_was_killed_is_closed_all_the_same(template, tmp_path):
    process = template.start()
    process.request(["run", "sleep=600"], os.environ, tmp_path)
    template.popen.kill()
    assert process.end_in_words() == "signal SIGKILL"
    with pytest.raises(OSError, match="has ended"):
        template.start()
    assert not template.is_alive()


def test_copies_know_nothing_of_each_other(template, tmp_path):
    first, second = template.start(), template.start()
    assert (first.pid, first.nonce) != (second.pid, second.nonce)
    first.request(["run", "sleep=600"], os.environ, tmp_path)
    second.request(["run", "exit=3"], os.environ, tmp_path)
    assert read_until_mark(second).endswith(f"{second.nonce} 3\n")
    # the pipe of one is not held open by the other
    first._input.close()
    first.wait(20)
    assert first.end_in_words() == f"exit code {ORPHANED}"
    second.finish(20)
    assert second.exit_code == 0


def test_many_are_started_and_closed_at_once(template, tmp_path):
    def run(code: int) -> int | None:
        process = template.start()
        process.request(["run", f"exit={code}"], os.environ, tmp_path)
        assert read_until_mark(process).endswith(f"{process.nonce} {code}\n")
        process.finish(20)
        return process.exit_code

    before = open_files()
    with ThreadPoolExecutor(max_workers=8) as pool:
        assert list(pool.map(run, range(24))) == [0] * 24
    assert open_files() == before


def open_files() -> int:
    """Return how many files this process has open, 0 where that is not told."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def test_a_program_that_cannot_be_loaded_says_why_in_each_run(start, tmp_path):
    text = "def load():\n    import no_such_module_of_dbt\n"
    process = start(written(tmp_path, text)).start()
    process.request(["run"], os.environ, tmp_path)
    said = read_until_mark(process)
    assert "No module named 'no_such_module_of_dbt'" in said
    assert said.endswith(f"{END_MARK} {process.nonce} 1\n")
    process.close()


def test_a_program_that_hangs_while_it_loads_is_given_up(tmp_path):
    text = "def load():\n    time.sleep(600)\n"
    template = Template(dict(os.environ), written(tmp_path, text), load_seconds=0.5)
    try:
        with pytest.raises(OSError, match="has ended"):
            template.start()
        assert template.popen.wait(20) == -signal.SIGKILL
    finally:
        template.close()


NO_ROOM_AT_FIRST = """
def load():
    fork = os.fork
    def full():
        os.fork = fork
        raise BlockingIOError(11, "Resource temporarily unavailable")
    os.fork = full
    return lambda _: 0
"""


def test_a_machine_without_room_for_another_process_ends_none_of_the_others(start, tmp_path):
    template = start(written(tmp_path, NO_ROOM_AT_FIRST))
    with pytest.raises(OSError, match="no room for another process"):
        template.start()
    process = template.start()
    process.request(["run"], os.environ, tmp_path)
    assert read_until_mark(process).endswith(f"{process.nonce} 0\n")
    process.finish(20)
    assert template.is_alive()


def test_what_is_copied_has_one_thread():
    """Of more, a copy would have the locks and not the threads that give them back."""
    template = Template(dict(os.environ))
    try:
        process = template.start()
        process.close()
        assert len(list(Path(f"/proc/{template.popen.pid}/task").iterdir())) == 1
    finally:
        template.close()


def test_a_server_that_ignores_ctrl_c_can_interrupt_it(start, tmp_path):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = start().start()
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


STARTS_ANOTHER = """
def load():
    def run(_):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(child.pid, flush=True)
        os._exit(0)
    return run
"""


def test_closing_ends_what_the_child_started_too(start, tmp_path):
    process = start(written(tmp_path, STARTS_ANOTHER)).start()
    process.request(["run"], os.environ, tmp_path)
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
