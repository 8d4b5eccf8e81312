"""Who writes the raw database: DuckDB lets nobody read a file that another process writes."""

from __future__ import annotations

import fcntl
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

from marketing_analytics.core.errors import MachineError

POLL_SECONDS = 0.2
# struct flock of Linux: type, whence, start, length, process
LOCK = "hhqqi"


def writer_of(path: Path) -> int | None:
    """Return the process that holds the write lock of a DuckDB file, or None.

    The kernel is asked; trying to lock the file would get in the writer's way. Linux only:
    elsewhere dbt itself says that the file is locked.
    """
    if not sys.platform.startswith("linux"):
        return None
    try:
        with path.open("rb") as file:
            asked = struct.pack(LOCK, fcntl.F_RDLCK, 0, 0, 0, 0)
            answer = fcntl.fcntl(file.fileno(), fcntl.F_GETLK, asked)
    except OSError:
        return None
    kind, _, _, _, process_id = struct.unpack(LOCK, answer)
    return None if kind == fcntl.F_UNLCK else int(process_id)


def wait_for_writer(
    path: Path, seconds: float, *, say: Callable[[str], None], check: Callable[[], None]
) -> None:
    """Wait until nobody writes the file. Raise MachineError when that takes too long.

    `check` is called while waiting; it raises when the wait is to end.
    """
    give_up_at = time.monotonic() + seconds
    has_said = False
    while (process_id := writer_of(path)) is not None:
        if time.monotonic() >= give_up_at:
            raise still_written(path, process_id, seconds)
        if not has_said:
            say(f"Process {process_id} writes {path}; waiting up to {seconds:.0f} s for its end.")
            has_said = True
        check()
        time.sleep(POLL_SECONDS)


def still_written(path: Path, process_id: int, seconds: float) -> MachineError:
    """Return the error for a raw database that stays locked."""
    return MachineError(
        f"process {process_id} has been writing the raw database {path} for {seconds:.0f} s",
        hint="start the run again when the ingestion has ended",
    )


def is_lock_message(text: str, path: Path) -> bool:
    """Return whether dbt says that it could not open the raw database for its lock."""
    return "Could not set lock on file" in text and str(path) in text
