"""Stands in for dbt where its start-up would be the whole test: same pipe, same death.

Each command leaves two lines in `$DBT_EFFECTS`: the run and `start`, the run and `end`.
Words after `dbt run`: `sleep=SECONDS`, `exit=CODE`, `print=BYTES`, `ignore-signals`, and
`link=FILE`, which puts links to a file, and a pipe, where the server will write and read, and
`wait`, which writes its results into a pipe.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from marketing_analytics.local_cloud.runs.child.program import Runs, copy_on_request


def note(what: str) -> None:
    path = os.environ.get("DBT_EFFECTS")
    if path:
        # one write of a short line to a file opened for appending is never torn
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(handle, f"{os.environ['DBT_CLOUD_RUN_ID']} {what}\n".encode())
        os.close(handle)


def plant(led_to: Path) -> None:
    """Do what a hostile model could: links to a file of the server, and a pipe nobody reads."""
    target = Path(os.environ["DBT_TARGET_PATH"])
    debug = Path(os.environ["DBT_LOG_PATH"])
    for folder in (target, debug):
        folder.mkdir(parents=True, exist_ok=True)
    (target / "manifest.json").write_text("{}")
    for name in (target / "partial_parse.msgpack", debug / "dbt.log"):
        name.symlink_to(led_to)
    next_log = target.parents[1] / "steps" / f"{int(debug.name) + 1}.log"
    # a kernel with Landlock keeps a step out of there
    with contextlib.suppress(PermissionError):
        os.mkfifo(next_log.with_suffix(".jsonl"))
        next_log.symlink_to(led_to)


def run(args: Sequence[str]) -> int:
    options = dict(word.partition("=")[::2] for word in args)
    try:
        if "ignore-signals" in options:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        # who waits for this line may send a signal at once
        note("start")
        for _ in range(int(options.get("print", "0")) >> 16):
            os.write(1, b"x" * (1 << 16))
        if "link" in options:
            plant(Path(options["link"]))
        if "wait" in options:
            results = Path(os.environ["DBT_TARGET_PATH"], "run_results.json")
            os.mkfifo(results)
            results.write_text("{}")
        time.sleep(float(options.get("sleep", "0")))
    except KeyboardInterrupt:
        return 2
    note("end")
    return int(options.get("exit", "0"))


def load() -> Runs:
    return run


if __name__ == "__main__" and len(sys.argv) > 2:
    copy_on_request(int(sys.argv[1]), int(sys.argv[2]), load)
