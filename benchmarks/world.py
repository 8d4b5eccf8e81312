"""Time the simulation of the default world, 5,000 customers over 180 days, in seconds."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

MARKETING = str(Path(sys.executable).parent / "marketing")
TARGET_SECONDS = 25


def main() -> int:
    """Print the figure; return 1 when the target is missed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [MARKETING, "simulate", "build", "--seed", "1", "--out", f"{folder}/world"]
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - started
    print(f"marketing simulate build: {seconds:.1f} s, target {TARGET_SECONDS}")
    return 0 if seconds <= TARGET_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
