"""The logs of a step, read from the run's folder."""

from __future__ import annotations

import os
from pathlib import Path

from marketing_analytics.core.plain_files import open_plain
from marketing_analytics.local_cloud.api.call import Call
from marketing_analytics.local_cloud.runs.progress import step_log_path
from marketing_analytics.local_cloud.runs.records import RunStep

MAX_LOG_BYTES = 8 * 1024 * 1024
DEBUG_LINES = 1_000


def step_logs(call: Call, step: RunStep, *, is_whole: bool) -> dict[str, str]:
    """Return logs and debug logs; the debug log keeps its last 1,000 lines unless `is_whole`."""
    path = step_log_path(call.data_dir, step.run_id, step.step_index)
    logs = read_tail(path)
    # steps that are not dbt's have no debug log
    debug = read_tail(path.with_suffix(".debug.log")) or logs
    last = "".join(debug.splitlines(keepends=True)[-DEBUG_LINES:])
    return {
        "logs": logs,
        "debug_logs": debug if is_whole else last,
        "truncated_debug_logs": last,
    }


def read_tail(path: Path) -> str:
    """Return a log, cut at its beginning when it is longer than 8 MiB; "" when there is none."""
    try:
        with open_plain(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_LOG_BYTES:
                file.seek(size - MAX_LOG_BYTES)
                file.readline()
            return file.read(MAX_LOG_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
