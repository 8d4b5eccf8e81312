"""Time the installation into an empty folder with an empty package cache, in seconds."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET_SECONDS = 120


def main() -> int:
    """Print the figure; return 1 when the target is missed."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(copy)], check=True)
        environment = {**os.environ, "UV_CACHE_DIR": f"{folder}/uv", "PIP_NO_CACHE_DIR": "1"}
        started = time.perf_counter()
        command = ["make", "install", f"PYTHON={sys.executable}"]
        subprocess.run(command, cwd=copy, env=environment, check=True, capture_output=True)
        seconds = time.perf_counter() - started
    print(f"make install, nothing cached: {seconds:.0f} s, target {TARGET_SECONDS}")
    return 0 if seconds <= TARGET_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
