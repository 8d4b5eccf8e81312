"""Start `marketing` commands in the background, wait until they are ready, stop them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from marketing_analytics.core.errors import MachineError, PlatformError
from marketing_analytics.demo.layout import REPOSITORY, Layout

READY_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 15.0
POLL_SECONDS = 0.05


def command(*arguments: str) -> list[str]:
    """Return the command line of a `marketing` command."""
    return [sys.executable, "-m", "marketing_analytics", *arguments]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the process environment with our settings on top."""
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, **settings}


def run(
    arguments: list[str], settings: Mapping[str, str], *, accepted: Collection[int] = (0,)
) -> str:
    """Run a command to its end and return its stdout.

    Raise PlatformError where its exit code is not one of those accepted.
    """
    result = subprocess.run(
        command(*arguments),
        cwd=REPOSITORY,
        env=environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    return judged(arguments, result.returncode, result.stdout, result.stderr, accepted=accepted)


def judged(
    arguments: list[str], code: int, stdout: str, stderr: str, *, accepted: Collection[int]
) -> str:
    """Return what a command said. Raise PlatformError where its exit code is not accepted."""
    if code not in accepted:
        said = (stderr.strip() or sentences_of(stdout).strip())[-2000:]
        raise PlatformError(f"`marketing {' '.join(arguments)}` failed\n{said}")
    return stdout


def sentences_of(output: str) -> str:
    """Return what a failed command said, as sentences also where it said it in JSON."""
    try:
        document = json.loads(output)
    except ValueError:
        return output
    errors = [document["error"]] if document.get("error") else []
    for source in document.get("sources") or []:
        errors.extend(
            {**error, "message": f"{source['source']}: {error['message']}"}
            for error in source["errors"]
        )
    lines = []
    for error in errors:
        lines.append(f"error: {error['message']}")
        if error.get("hint"):
            lines.append(f"  help: {error['hint']}")
    return "\n".join(lines) or output


class Background:
    """The background processes of one demo folder, known by process id and start time."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def start(
        self, name: str, arguments: list[str], settings: Mapping[str, str], ready: Path
    ) -> None:
        """Start a command and wait until it has written its `ready` file."""
        ready.unlink(missing_ok=True)
        with self.layout.log(name).open("w") as log:
            process = subprocess.Popen(
                command(*arguments),
                cwd=REPOSITORY,
                env=environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._remember(name, process.pid)
        self._wait_until_ready(name, process, ready)

    def _wait_until_ready(self, name: str, process: subprocess.Popen[bytes], ready: Path) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                said = self.layout.log(name).read_text().strip()[-1500:]
                raise MachineError(f"{name} did not start\n{said}")
            time.sleep(POLL_SECONDS)

    def _remember(self, name: str, process_id: int) -> None:
        import psutil

        known = self._known()
        known[name] = [process_id, psutil.Process(process_id).create_time()]
        self.layout.processes.write_text(json.dumps(known))

    def _known(self) -> dict[str, list[float]]:
        try:
            known: dict[str, list[float]] = json.loads(self.layout.processes.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return known

    def running(self) -> list[str]:
        """Return the names of the processes that live."""
        return [name for name, (pid, at) in self._known().items() if is_alive(int(pid), at)]

    def mark_up(self) -> None:
        """Note that the processes are meant to stay."""
        (self.layout.root / "up").touch()

    def is_up(self) -> bool:
        """Return whether processes that are meant to stay are running."""
        return (self.layout.root / "up").exists() and bool(self.running())

    def stop(self) -> list[str]:
        """Stop everything, by force after a while, and return the names of what was stopped."""
        stopped = self.running()
        known = self._known()
        for send in (signal.SIGTERM, signal.SIGKILL):
            targets = [known[name] for name in self.running()]
            for process_id, _ in targets:
                os.kill(int(process_id), send)
            wait_until_gone(targets)
        self.layout.processes.unlink(missing_ok=True)
        (self.layout.root / "up").unlink(missing_ok=True)
        return stopped


def wait_until_gone(targets: list[list[float]]) -> None:
    """Wait until the processes have ended, for a bounded time."""
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while any(is_alive(int(pid), at) for pid, at in targets) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def is_alive(process_id: int, started_at: float) -> bool:
    """Return whether this very process lives; a reused process id does not count."""
    import psutil

    try:
        process = psutil.Process(process_id)
        is_same = abs(process.create_time() - started_at) < 1
        return is_same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def free_port(last_url: str | None) -> int:
    """Return the port of the last address if it is free, so that open shells and pages stay true.

    0, any free port, otherwise.
    """
    import socket
    from urllib.parse import urlsplit

    port = urlsplit(last_url or "").port or 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port
