"""Time whole `marketing` commands: `--help`, best and median of ten, in milliseconds."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 10
MARKETING = str(Path(sys.executable).parent / "marketing")


def milliseconds(command: list[str]) -> list[float]:
    """Return the wall time of each of the runs of a command, after one warm-up."""
    times = []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append((time.perf_counter() - started) * 1000)
    return times[1:]


def main() -> None:
    """Print the figures."""
    for arguments in (["--help"], ["jobs", "--help"]):
        times = milliseconds([MARKETING, *arguments])
        print(
            f"marketing {' '.join(arguments)}: median {statistics.median(times):.0f} ms,"
            f" best {min(times):.0f} ms"
        )


if __name__ == "__main__":
    main()
