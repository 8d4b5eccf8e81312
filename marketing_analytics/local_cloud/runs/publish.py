"""Publish the report after a good run of a job that makes it.

The report's own command does it, while no other run may write the warehouse. It is no part of the
run's success: where it fails, the last pages stay up and say so themselves.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from marketing_analytics.local_cloud.runs.workspace import Workspace

STEP_NAME = "Publish the report"
TIMEOUT_SECONDS = 600.0
POLL_SECONDS = 0.1


def pages_folder(data_folder: Path, environment_id: int, schema: str) -> Path:
    """Return where the pages of a schema are; all of them are served."""
    return data_folder / "report" / f"env_{environment_id}" / schema


def refresh_command(workspace: Workspace, raw_database: Path | None) -> list[str]:
    """Return the command that publishes what a run has built."""
    place = Path(f"env_{workspace.environment_id}") / workspace.schema_name
    out = pages_folder(workspace.data_folder, workspace.environment_id, workspace.schema_name)
    command = [sys.executable, "-m", "marketing_analytics", "report", "refresh"]
    command += ["--warehouse", str(workspace.warehouse), "--schema", workspace.schema_name]
    command += ["--snapshots", str(workspace.data_folder / "snapshots" / place)]
    command += ["--out", str(out), "--home-url", "/"]
    return command + (["--raw-database", str(raw_database)] if raw_database else [])


def publish_report(
    workspace: Workspace,
    raw_database: Path | None,
    environment: Mapping[str, str],
    *,
    say: Callable[[str], None],
    check: Callable[[], None],
) -> str:
    """Run the command and return why it failed, "" when it did not; `check` raises to end it."""
    process = subprocess.Popen(
        refresh_command(workspace, raw_database),
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    give_up_at = time.monotonic() + TIMEOUT_SECONDS
    try:
        while process.poll() is None and time.monotonic() < give_up_at:
            check()
            time.sleep(POLL_SECONDS)
    finally:
        process.kill()
        said, _ = process.communicate()
        for line in said.splitlines():
            say(line)
    return "" if process.returncode == 0 else "the report was not published"
