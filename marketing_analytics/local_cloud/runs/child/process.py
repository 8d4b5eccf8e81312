"""The dbt process of a run: both ends of its pipe, and what is known about processes.

The parent starts this file as a program of its own. The child imports dbt, then reads requests
from stdin (one JSON line each: args, environment, folder; null to leave), runs each as `dbt`
would, and answers on stdout with dbt's own output and one end mark. It dies with its parent: by a
parent-death signal (Linux), and because its stdin ends.

Started by path with -P, so this file imports nothing of ours before it is asked to run something.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import json
import os
import queue
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

END_MARK = "\x1emarketing-step-end"
PR_SET_PDEATHSIG = 1
ORPHANED = 71
# the one request that is none of dbt's
LINT = "lint"
READ_BYTES = 1 << 16
# takes the arguments of one command, returns its exit code
Runs = Callable[[Sequence[str]], int]


class DbtProcess:
    """A child in a process group of its own.

    Start it from a thread that outlives it: the parent-death signal fires when that thread ends.
    """

    def __init__(self, environment: Mapping[str, str], program: Sequence[str] = ()) -> None:
        self.nonce = secrets.token_hex(8)
        self._is_closed = False
        command = program or (sys.executable, "-P", str(Path(__file__).resolve()))
        self.popen = subprocess.Popen(
            [*command, self.nonce, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
        self.pid = self.popen.pid
        self.started = start_of(self.pid) or ""
        if self.popen.stdout is None or self.popen.stdin is None:
            raise OSError("no pipe to the dbt process")
        self.output = self.popen.stdout
        self._input = self.popen.stdin

    def request(
        self,
        args: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        *,
        writable: Sequence[Path] | None = None,
        readable: Sequence[Path] = (),
    ) -> None:
        """Ask the child to run one dbt command; a child that is gone is noticed by the reader.

        With `writable` it first gives up all files but those and `readable`, where the kernel can.
        """
        request: dict[str, Any] = {
            "args": list(args),
            "environment": dict(environment),
            "folder": str(folder),
        }
        if writable is not None:
            request["writable"] = [str(path) for path in writable]
            request["readable"] = [str(path) for path in readable]
        text = json.dumps(request)
        # one that was closed: its pipes raise ValueError
        with contextlib.suppress(OSError, ValueError):
            self._input.write(text.encode() + b"\n")
            self._input.flush()

    def read(self, seconds: float) -> bytes | None:
        """Return what the child printed, b"" when it closed its pipe, None after a silent wait."""
        if self._is_closed:
            return b""
        # poll, since select cannot wait for a file descriptor above 1023
        waiting = select.poll()
        waiting.register(self.output, select.POLLIN)
        if not waiting.poll(seconds * 1000):
            return None
        return os.read(self.output.fileno(), READ_BYTES)

    def finish(self, seconds: float) -> None:
        """Let the child leave in order, which folds DuckDB's log into its file; then end it."""
        if self._is_closed:
            return
        with contextlib.suppress(OSError):
            self._input.write(b"null\n")
            self._input.flush()
        self.wait(seconds)
        self.close()

    def is_alive(self) -> bool:
        """Return whether the child has not ended; its pid stays taken until `close`."""
        if self._is_closed:
            return False
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def wait(self, seconds: float) -> None:
        """Wait until the child has ended, at most so long."""
        until = time.monotonic() + seconds
        while self.is_alive() and time.monotonic() < until:
            time.sleep(0.01)

    def signal(self, number: int) -> None:
        """Send a signal to the whole process group."""
        if not self._is_closed:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def close(self) -> None:
        """End the child and what it started, at once, and leave no zombie."""
        if self._is_closed:
            return
        self.signal(signal.SIGKILL)
        # only now is the pid free for another process
        self.popen.wait()
        self._is_closed = True
        for pipe in (self._input, self.output):
            with contextlib.suppress(OSError):
                pipe.close()

    def end_in_words(self) -> str:
        """Return how a child that closed its pipe ended."""
        self.wait(5.0)
        self.close()
        return describe_exit(self.popen.returncode)


def start_of(pid: int) -> str | None:
    """Return a text that, with the pid, names a process for ever; None when it is gone.

    On Linux: the boot and the clock ticks since then (proc(5), stat field 22).
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except OSError:
        return None if Path("/proc/self/stat").exists() else start_elsewhere(pid)
    return None if fields[0] in "ZX" else f"{boot}-{fields[19]}"


def start_elsewhere(pid: int) -> str | None:
    """Return the start of a process where there is no /proc."""
    import psutil

    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def is_running(pid: int | None, started: str | None) -> bool:
    """Return whether this very process still lives; another one with its pid does not count."""
    return bool(pid and started and start_of(pid) == started)


def kill_survivor(pid: int | None, started: str | None) -> bool:
    """Kill the process group of a dbt process that outlived its server; return whether one did."""
    if pid is None or not is_running(pid, started):
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    return True


def describe_exit(code: int) -> str:
    """Return how a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"signal {-code}"


def serve(nonce: str, parent: int, load: Callable[[], Runs]) -> None:
    """Run in the child: do requests with what `load` returns, until stdin ends."""
    die_with(parent)
    # a server that a script started with `&` ignores it and hands that on; a cancel needs it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    requests: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=read_requests, args=(requests,), daemon=True).start()
    run = load()
    is_confined = False
    while True:
        request = requests.get()
        if request is None:
            leave()
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        # a folder of its own may have come with the environment
        tempfile.tempdir = None
        if "writable" in request and not is_confined:
            confine(request["writable"], request["readable"])
            is_confined = True
        code = run(request["args"])
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(1, f"\n{END_MARK} {nonce} {code}\n".encode())


def confine(writable: Sequence[str], readable: Sequence[str]) -> None:
    """Give up all other files; late, since a spare process does not know its run."""
    from marketing_analytics.local_cloud.runs.confinement import landlock

    landlock.confine(writable, readable)


def load_dbt() -> Runs:
    """Import dbt before the first request comes; return how to run a command.

    What is imported stays. The collector would look through it again and again: during the import
    for a tenth of its time, and in each full collection of a build.
    """
    gc.disable()
    run = import_dbt()
    gc.freeze()
    gc.enable()
    return run


def import_dbt() -> Runs:
    """Import what most commands need; return how to run one."""
    from dbt.cli.main import cli

    # dbt imports the adapter and its tasks only when it needs them, and works its schemas out then
    with contextlib.suppress(ImportError, AttributeError):
        import dbt.task.build
        import dbt.task.deps  # noqa: F401
        from dbt.adapters.duckdb import DuckDBCredentials
        from dbt.contracts.project import Project, ProjectFlags

        for contract in (ProjectFlags, Project, DuckDBCredentials):
            contract.json_schema()
        pass_over_unheard()
    return lambda args: run_linter(args[1:]) if args[0] == LINT else run_dbt(cli, args)


def pass_over_unheard() -> None:
    """Have dbt drop what its log leaves out before it writes that as JSON, not after.

    That is nine events in ten, among them the SQL of every statement.
    """
    from dbt.events import logging
    from dbt_common.events.base_types import EventLevel

    make = logging.get_stdout_config
    unheard = (EventLevel.DEBUG, EventLevel.TEST)

    def make_heard(*args: Any, **kwargs: Any) -> Any:
        config = make(*args, **kwargs)
        if config.level not in unheard:
            is_wanted = config.filter
            config.filter = lambda event: event.info.level not in unheard and is_wanted(event)
        return config

    logging.get_stdout_config = make_heard


def leave() -> NoReturn:
    """Close what dbt holds open and go; a full shutdown would trip over the reading thread."""
    atexit._run_exitfuncs()
    os._exit(0)


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent dies; leave if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(ORPHANED)


def read_requests(requests: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    """Pass on the requests; when stdin ends the parent is gone, and so are we."""
    for line in sys.stdin.buffer:
        requests.put(json.loads(line))
    os._exit(ORPHANED)


def run_linter(files: Sequence[str]) -> int:
    """Lint files in this process, which may reach no more than the run; return the exit code."""
    from marketing_analytics.local_cloud.runs.checks.linter import lint

    try:
        return lint(files)
    except KeyboardInterrupt:
        return 2


def run_dbt(cli: Any, args: Sequence[str]) -> int:
    """Run one dbt command in this process and return the exit code that `dbt` would have had."""
    try:
        cli.main(args=list(args), prog_name="dbt")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except KeyboardInterrupt:
        print("Interrupted.", flush=True)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), load_dbt)
