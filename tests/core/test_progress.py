"""Progress on a real terminal: drawn in place, cut to the width, gone afterwards."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios

import pytest

COLUMNS = 40
PROGRAM = """
import sys, time
from marketing_analytics.core.console import Console, run_guarded
console = Console()
def work():
    lines = ["a line that is much too long for it " * 9, "waits for the other"]
    with console.progress(lambda: lines):
        for number in range(3):
            time.sleep(0.5)
            console.line(f"done {number}")
        print("READY", file=sys.stderr, flush=True)
        time.sleep(float(sys.argv[1]))
sys.exit(run_guarded(work, console))
"""
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def start(seconds):
    """Start the program on a terminal of its own; return it and our end of the terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(seconds)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment, "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(theirs)
    return process, ours


def read_until(ours, end):
    """Return what the terminal got, up to a text or to the end of the program."""
    shown = b""
    while end is None or end not in shown:
        try:
            shown += os.read(ours, 10_000)
        except OSError:
            break
    return shown.decode()


@pytest.mark.parametrize("is_interrupted", [False, True], ids=["to the end", "interrupted"])
def test_progress_is_cut_to_the_terminal_and_leaves_it_as_it_was(is_interrupted):
    process, ours = start(60 if is_interrupted else 0)
    shown = read_until(ours, b"READY")
    if is_interrupted:
        process.send_signal(signal.SIGINT)
    shown += read_until(ours, None)
    os.close(ours)
    assert process.wait(20) == (130 if is_interrupted else 0)
    lines = re.split(r"[\r\n]+", CONTROL.sub("", shown))
    assert "a line that is much too long for it a…" in "\n".join(lines)
    assert max(map(len, lines)) < COLUMNS
    assert [line for line in lines if line.startswith("done")] == ["done 0", "done 1", "done 2"]
    # the cursor is shown again after it was hidden for the last time
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert ("interrupted" in shown) is is_interrupted
