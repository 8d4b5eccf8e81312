"""Watch the marts and publish the report after a good run of a job that makes it.

Their own commands do it, while no other run may write the warehouse. It is no part of the run's
success: where the report fails, the last pages stay up and say so themselves.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from marketing_analytics.local_cloud.runs.steps import Kind, Step
from marketing_analytics.local_cloud.runs.workspace import Workspace

PUBLISHING = Step(0, "Publish the report", Kind.PUBLISH, is_advisory=True)
TIMEOUT_SECONDS = 600.0
POLL_SECONDS = 0.1
MARKETING = (sys.executable, "-m", "marketing_analytics")


@dataclass(frozen=True)
class PublishSettings:
    """After which jobs, by their keys; the file of monitors; what their commands are told.

    `environment` holds the settings of this very server, for the monitor of its runs.
    """

    jobs: frozenset[str] = frozenset()
    monitors: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def pages_folder(data_folder: Path, environment_id: int, schema: str) -> Path:
    """Return where the pages of a schema are; all of them are served."""
    return data_folder / "report" / f"env_{environment_id}" / schema


def marts_options(workspace: Workspace, raw_database: Path | None) -> list[str]:
    """Return the options that name what a run has built."""
    options = ["--warehouse", str(workspace.warehouse), "--schema", workspace.schema_name]
    return options + (["--raw-database", str(raw_database)] if raw_database else [])


def watch_command(
    workspace: Workspace, raw_database: Path | None, monitors: Path | None
) -> list[str]:
    """Return the command that watches the marts; the report shows what it finds."""
    command = [*MARKETING, "monitor", "run", *marts_options(workspace, raw_database)]
    return command + (["--config", str(monitors)] if monitors else [])


def refresh_command(workspace: Workspace, raw_database: Path | None) -> list[str]:
    """Return the command that publishes the marts and builds the pages."""
    place = Path(f"env_{workspace.environment_id}") / workspace.schema_name
    out = pages_folder(workspace.data_folder, workspace.environment_id, workspace.schema_name)
    command = [*MARKETING, "report", "refresh", *marts_options(workspace, raw_database)]
    command += ["--snapshots", str(workspace.data_folder / "snapshots" / place)]
    return [*command, "--out", str(out), "--home-url", "/"]


def publish_report(
    workspace: Workspace,
    settings: PublishSettings,
    raw_database: Path | None,
    environment: Mapping[str, str],
    *,
    say: Callable[[str], None],
    check: Callable[[], None],
) -> str:
    """Watch, then publish; return why it failed, "" when it did not; `check` raises to end it.

    A monitor that finds something is what it is for: nothing has failed then.
    """
    given = {**environment, **settings.environment}
    called(watch_command(workspace, raw_database, settings.monitors), given, say, check)
    refresh = refresh_command(workspace, raw_database)
    code = called(refresh, given, say, check)
    return "" if code == 0 else "the report was not published"


def called(
    command: list[str],
    environment: Mapping[str, str],
    say: Callable[[str], None],
    check: Callable[[], None],
) -> int:
    """Run a command, hand on what it says, and return its exit code."""
    process = subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # read beside: a full pipe would stop it
    reader = threading.Thread(target=hand_on, args=(process, say), daemon=True)
    reader.start()
    give_up_at = time.monotonic() + TIMEOUT_SECONDS
    try:
        while process.poll() is None and time.monotonic() < give_up_at:
            check()
            time.sleep(POLL_SECONDS)
    finally:
        process.kill()
        reader.join()
        process.wait()
    return process.returncode


def hand_on(process: subprocess.Popen[str], say: Callable[[str], None]) -> None:
    """Say every line of a process, until it closes its pipe."""
    for line in process.stdout or ():
        say(line.rstrip())
