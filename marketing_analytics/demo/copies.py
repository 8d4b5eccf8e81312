"""Commands in copies of a process that has imported them: a month runs the same few every day.

A command of its own imports for a third of its time. A copy does what the command does, in its own
environment, from the same entry point.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import tempfile
import threading
from collections.abc import Collection, Mapping
from multiprocessing.connection import wait
from pathlib import Path

from marketing_analytics.demo.layout import REPOSITORY
from marketing_analytics.demo.processes import environment, judged

NAMES = ("stdout", "stderr")
# what the commands import when they run; a name that is not there is passed over
IMPORTED = (
    "marketing_analytics.cli",
    "marketing_analytics.simulate.cli",
    "marketing_analytics.ingest.cli",
    "marketing_analytics.ingest.raw.dlt_settings",
    "marketing_analytics.ingest.platforms.shop.database",
    "marketing_analytics.report.cli",
    "marketing_analytics.report.build",
    "marketing_analytics.monitor.cli",
    "marketing_analytics.monitor.run",
    "marketing_analytics.diagnose.cli",
)


class Copies:
    """Runs commands in copies of one process, which ends with this one."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(IMPORTED))
        # the library asks after all its processes when one starts; two who ask at once are misled
        self._lock = threading.Lock()

    def run(
        self, arguments: list[str], settings: Mapping[str, str], *, accepted: Collection[int] = (0,)
    ) -> str:
        """Run a command to its end and return its stdout.

        Raise PlatformError where its exit code is not one of those accepted.
        """
        with tempfile.TemporaryDirectory() as folder:
            said = Path(folder)
            process = self._context.Process(
                target=become, args=(arguments, environment(settings), said)
            )
            with self._lock:
                process.start()
            wait([process.sentinel])
            with self._lock:
                code = process.exitcode
            texts = [(said / name).read_text() if (said / name).exists() else "" for name in NAMES]
        return judged(arguments, -1 if code is None else code, *texts, accepted=accepted)


def become(arguments: list[str], settings: Mapping[str, str], said: Path) -> None:
    """Be `python -m marketing_analytics` in this process."""
    for number, name in enumerate(NAMES, start=1):
        with (said / name).open("wb") as file:
            os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(settings)
    os.chdir(REPOSITORY)
    sys.argv = ["marketing", *arguments]
    runpy.run_module("marketing_analytics", run_name="__main__", alter_sys=True)
