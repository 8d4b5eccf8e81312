"""One writer per raw database: a file lock that names its holder and frees itself on a crash."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from marketing_analytics.core.errors import LockedError, MachineError

POLL_SECONDS = 0.2


@contextlib.contextmanager
def hold_lock(database: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the lock of a raw database; raise LockedError when it is not free in time."""
    path = database.with_name(database.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise MachineError(f"cannot write beside the raw database: {error}") from None
    with file:
        _acquire(file, database, wait_seconds)
        _write_holder(file)
        try:
            yield
        finally:
            # the file stays: removing it would let two writers lock two files of one name
            _clear(file)
            fcntl.flock(file, fcntl.LOCK_UN)


def _acquire(file: IO[str], database: Path, wait_seconds: float) -> None:
    give_up_at = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up_at:
                raise LockedError(
                    f"another ingestion writes {database}: {_holder(file)}",
                    hint=f"waited {wait_seconds:.0f} s; run again when it has ended, "
                    "or set INGEST_LOCK_WAIT_SECONDS",
                ) from None
            time.sleep(POLL_SECONDS)
        else:
            return


def _write_holder(file: IO[str]) -> None:
    _clear(file)
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    file.write(json.dumps({"process": os.getpid(), "started_at": started_at}))
    file.flush()


def _clear(file: IO[str]) -> None:
    file.seek(0)
    file.truncate()
    file.flush()


def _holder(file: IO[str]) -> str:
    """Return who holds the lock, as far as it has said so."""
    try:
        file.seek(0)
        holder = json.loads(file.read())
        return f"process {holder['process']}, since {holder['started_at']}"
    except (ValueError, KeyError):
        return "a process that has just started"
