"""`python -m benchmarks` prints every published figure, and fails when a target is missed."""

from __future__ import annotations

import subprocess
import sys

FIGURES = (
    "install",
    "command_start",
    "hostile_inputs",
    "jobs_as_code",
    "jobs_faults",
    "world",
    "attribution",
    "ingest_load",
    "ingest_memory",
    "ingest_sync",
    "markov",
    "ltv",
    "segments",
    "demo",
    "run_overhead",
    "server_list",
    "server_kills",
    "ui_first_view",
    "cloud_lists",
    "report_kills",
)


def main() -> int:
    """Run every benchmark; return 1 when one of them missed its target."""
    missed = []
    for name in FIGURES:
        print(f"\n{name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            missed.append(name)
    print(f"\nmissed: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
