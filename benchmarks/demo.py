"""Run the whole demo in a folder of its own: wall seconds and peak memory of all processes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

MARKETING = str(Path(sys.executable).parent / "marketing")
# to look takes processor time itself
SAMPLE_SECONDS = 1.0
TARGET_SECONDS = 120
TARGET_GIGABYTES = 2


def tree_bytes(root: psutil.Process, demo_dir: str) -> int:
    """Return the memory of the demo, its children and its background processes, in bytes.

    Unique set size: memory shared between processes is not counted twice.
    """
    total = 0
    for process in psutil.process_iter(["pid"]):
        try:
            is_ours = process.pid == root.pid or any(demo_dir in a for a in process.cmdline())
            if not is_ours and not any(p.pid == root.pid for p in process.parents()):
                continue
            total += process.memory_full_info().uss
        except psutil.Error:
            continue
    return total


def main() -> int:
    """Print the figures; return 1 when the demo fails or a target is missed."""
    with tempfile.TemporaryDirectory() as folder:
        demo_dir = str(Path(folder) / "demo")
        started = time.perf_counter()
        demo = subprocess.Popen([MARKETING, "demo", "run", "--dir", demo_dir])
        root = psutil.Process(demo.pid)
        peak = 0
        sampling = threading.Event()
        while demo.poll() is None:
            peak = max(peak, tree_bytes(root, demo_dir))
            sampling.wait(SAMPLE_SECONDS)
        seconds = time.perf_counter() - started
    if demo.returncode:
        return 1
    gigabytes = peak / 2**30
    print(
        f"make demo: {seconds:.0f} s, peak {gigabytes:.2f} GB,"
        f" targets {TARGET_SECONDS} s and {TARGET_GIGABYTES} GB"
    )
    return 0 if seconds <= TARGET_SECONDS and gigabytes <= TARGET_GIGABYTES else 1


if __name__ == "__main__":
    sys.exit(main())
