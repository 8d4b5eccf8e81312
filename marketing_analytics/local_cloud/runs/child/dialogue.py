"""The talk between a run and its dbt process: one request, then all that it prints."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from marketing_analytics.core.errors import UserError
from marketing_analytics.local_cloud.runs.child.process import DbtProcess
from marketing_analytics.local_cloud.runs.code.folder import drop_traps, find_pipe
from marketing_analytics.local_cloud.runs.code.settings import RunnerSettings
from marketing_analytics.local_cloud.runs.moves import FencedError, StopRunError
from marketing_analytics.local_cloud.runs.steps import LineReader, StepLog

Save = Callable[[StepLog], None]
# how often a step is looked at for pipes; a look that takes long waits so many times as long
LOOK_SECONDS = 10.0
LOOK_PAUSES = 50


@dataclass(frozen=True)
class Request:
    """One command: its arguments, what it sees, where it works and which files it may reach.

    `run` is the folder of the run, which the server reads and writes too; dbt writes into those of
    `written`.
    """

    args: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    run: Path
    writable: Sequence[Path] | None = None
    readable: Sequence[Path] = ()
    written: Sequence[Path] = ()


def pause_after(seconds: float) -> float:
    """Return how long to wait after a look at the files of a step that took so long."""
    return max(LOOK_SECONDS, LOOK_PAUSES * seconds)


class Dialogue:
    """Starts and asks the process of a run; `check` raises when the run must end.

    `start_process` returns the process, or raises OSError. `is_idle` is whether it has answered its
    last request.
    """

    def __init__(
        self,
        start_process: Callable[[], DbtProcess],
        settings: RunnerSettings,
        check: Callable[[], None],
    ) -> None:
        self._start_process = start_process
        self._process: DbtProcess | None = None
        self.settings = settings
        self.is_idle = False
        self._check = check

    def start(self) -> None:
        """Start the process. Raise OSError when there is none."""
        self._process = self._start_process()

    @property
    def process(self) -> DbtProcess:
        """Return the process that was started."""
        if self._process is None:
            raise RuntimeError("the process of a run is asked before it was started")
        return self._process

    def kill(self) -> None:
        """End the process, from another thread."""
        if self._process is not None:
            self._process.signal(signal.SIGKILL)

    def close(self) -> None:
        """End the process where it was started, and leave nothing of it."""
        if self._process is not None:
            self._process.close()

    def ask(self, request: Request, log: StepLog, save: Save | None = None) -> None:
        """Let dbt run a command, and take all it prints until its end mark, its death or a stop.

        `save` is called from time to time, and in the end.
        """
        self.is_idle = False
        self.process.request(
            request.args,
            request.environment,
            request.folder,
            writable=request.writable,
            readable=request.readable,
        )
        try:
            self._follow(request, log, save or (lambda _: None))
        finally:
            drop_traps(request.run, is_deep=True)

    def finish(self) -> None:
        """Let the process leave in order when it waits, else end it."""
        if self.is_idle:
            self.process.finish(self.settings.finish_seconds)
        else:
            self.process.close()

    def _follow(self, request: Request, log: StepLog, save: Save) -> None:
        reader = LineReader()
        saved_at = time.monotonic()
        look_at = saved_at + LOOK_SECONDS
        while log.exit_code is None and self._read_some(reader, log):
            if time.monotonic() - saved_at >= self.settings.save_seconds:
                save(log)
                saved_at = time.monotonic()
            self._stop_if_asked(reader, log)
            if (began := time.monotonic()) >= look_at:
                self._refuse_pipes(request)
                look_at = time.monotonic() + pause_after(time.monotonic() - began)
        save(log)

    def _refuse_pipes(self, request: Request) -> None:
        """End a step that made a pipe where dbt reads and writes: it would wait there for ever."""
        found = find_pipe((*request.written, request.folder))
        if found:
            self.process.close()
            raise UserError(
                f"the step made a pipe, {found}, at which dbt would wait for ever",
                hint="look for the model or package that makes it",
            )

    def _read_some(self, reader: LineReader, log: StepLog) -> bool:
        """Read what is there, waiting a little; return False when the process closed its pipe."""
        data = self.process.read(0.1)
        if data is None:
            return True
        log.take(reader.feed(data) if data else reader.rest())
        self.is_idle = log.exit_code is not None
        return bool(data)

    def _stop_if_asked(self, reader: LineReader, log: StepLog) -> None:
        """When the run must end, end dbt first: SIGINT, SIGTERM, SIGKILL, with patience."""
        try:
            self._check()
        except FencedError:
            # whoever took the run may already start it again
            self.process.close()
            raise
        except StopRunError:
            for number, seconds in (
                (signal.SIGINT, self.settings.interrupt_seconds),
                (signal.SIGTERM, self.settings.terminate_seconds),
            ):
                self.process.signal(number)
                if self._is_over_within(seconds, reader, log):
                    break
            if not self.is_idle:
                self.process.close()
            raise

    def _is_over_within(self, seconds: float, reader: LineReader, log: StepLog) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not self._read_some(reader, log) or log.exit_code is not None:
                return True
        return False
