"""The dbt processes of runs as the server sees them: what it asks of them, and how they end.

Each is a copy of one `Template`, which has imported dbt (`program`).
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from marketing_analytics.local_cloud.runs.child import program

READ_BYTES = 1 << 16
# a killed process is gone within this, or never
GONE_SECONDS = 5.0
# dbt is imported within this, also on a busy machine, or never
LOAD_SECONDS = 120.0


class Template:
    """A process that has imported dbt, and is copied for each run.

    Start it from a thread that outlives it: the parent-death signal fires when that thread ends.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        command: Sequence[str] = (),
        *,
        load_seconds: float = LOAD_SECONDS,
    ) -> None:
        self._control, theirs = socket.socketpair()
        self._control.settimeout(load_seconds)
        self._lock = threading.Lock()
        words = command or (sys.executable, "-P", str(Path(program.__file__).resolve()))
        with theirs:
            self.popen = subprocess.Popen(
                [*words, str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=dict(environment),
                start_new_session=True,
            )

    def start(self) -> DbtProcess:
        """Return a process for a run; it waits until dbt is imported.

        Raise OSError when this process has ended, or never gets that far.
        """
        nonce = secrets.token_hex(8)
        their_input, our_input = os.pipe()
        our_output, their_output = os.pipe()
        try:
            pid = self._ask({"nonce": nonce}, their_input, their_output)
            if pid == program.NOT_COPIED:
                raise OSError("the machine has no room for another process")
        except OSError:
            os.close(our_input)
            os.close(our_output)
            raise
        finally:
            os.close(their_input)
            os.close(their_output)
        return DbtProcess(self, nonce, pid, our_input, our_output)

    def exit_code_of(self, pid: int) -> int:
        """Wait until a killed process has ended, and free its pid; negative is a signal."""
        try:
            return self._ask({"ended": pid})
        except OSError:
            # this process has ended, and its copies with it
            return -signal.SIGKILL

    def is_alive(self) -> bool:
        """Return whether it can be copied."""
        return self.popen.poll() is None

    def close(self) -> None:
        """End it and all copies at once."""
        self.popen.kill()
        self.popen.wait()
        self._control.close()

    def _ask(self, request: Mapping[str, Any], *pipes: int) -> int:
        try:
            with self._lock:
                socket.send_fds(self._control, [json.dumps(request).encode()], pipes)
                answer = b""
                while not answer.endswith(b"\n"):
                    part = self._control.recv(64)
                    if not part:
                        raise EOFError
                    answer += part
        except (OSError, EOFError) as error:
            if isinstance(error, TimeoutError):
                # a late answer would be taken for that of who asks next
                self.popen.kill()
            raise OSError("the process that dbt is copied from has ended") from None
        return int(answer)


class DbtProcess:
    """The process of a run, in a process group of its own. Made by `Template.start`."""

    def __init__(
        self, template: Template, nonce: str, pid: int, input_pipe: int, output_pipe: int
    ) -> None:
        self.nonce = nonce
        self.pid = pid
        self.started = start_of(pid) or ""
        self.exit_code: int | None = None
        self._template = template
        self._input = os.fdopen(input_pipe, "wb")
        self._output = output_pipe

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
        self._send(json.dumps(request))

    def _send(self, line: str) -> None:
        # one that was closed: its pipe raises ValueError
        with contextlib.suppress(OSError, ValueError):
            self._input.write(f"{line}\n".encode())
            self._input.flush()

    def read(self, seconds: float) -> bytes | None:
        """Return what the child printed, b"" when it closed its pipe, None after a silent wait."""
        if self._is_closed:
            return b""
        # poll, since select cannot wait for a file descriptor above 1023
        waiting = select.poll()
        waiting.register(self._output, select.POLLIN)
        if not waiting.poll(seconds * 1000):
            return None
        return os.read(self._output, READ_BYTES)

    def finish(self, seconds: float) -> None:
        """Let the child leave in order, which folds DuckDB's log into its file; then end it."""
        if self._is_closed:
            return
        self._send("null")
        self.wait(seconds)
        self.close()

    @property
    def _is_closed(self) -> bool:
        return self.exit_code is not None

    def is_alive(self) -> bool:
        """Return whether the child has not ended; its pid stays taken until `close`."""
        return not self._is_closed and is_running(self.pid, self.started)

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
        self.wait(GONE_SECONDS)
        # only now is the pid free for another process
        self.exit_code = self._template.exit_code_of(self.pid)
        with contextlib.suppress(OSError):
            self._input.close()
        os.close(self._output)

    def end_in_words(self) -> str:
        """Return how a child that closed its pipe ended."""
        self.wait(5.0)
        self.close()
        return describe_exit(self.exit_code or 0)


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
        process = psutil.Process(pid)
        is_over = process.status() == psutil.STATUS_ZOMBIE
        return None if is_over else str(process.create_time())
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
