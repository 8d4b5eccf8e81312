"""A lock on a file that dies with the process that holds it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from marketing_analytics.core.errors import LockedError, MachineError

POLL_SECONDS = 0.1


@contextmanager
def file_lock(
    path: Path,
    *,
    taken: str,
    hint: str = "",
    timeout_seconds: float = 0.0,
    is_shared: bool = False,
) -> Iterator[None]:
    """Hold an exclusive lock, or one that others may share.

    Raise LockedError when it stays taken: `taken` says by what, the holder's process and its
    start follow. The file stays: removing it would let two writers lock two files of one name.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise MachineError(
            f"cannot write {path}: {error.strerror}",
            hint=f"check the space and the permissions of {path.parent}, or give another place",
        ) from None
    try:
        kind = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
        acquire(descriptor, taken, hint, time.monotonic() + timeout_seconds, kind)
        os.ftruncate(descriptor, 0)
        since = datetime.now(UTC).strftime("%H:%M:%S UTC")
        # the lock holds without a word of who has it: a full disk takes none
        with contextlib.suppress(OSError):
            os.pwrite(descriptor, f"process {os.getpid()} since {since}".encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def acquire(descriptor: int, taken: str, hint: str, give_up_at: float, kind: int) -> None:
    """Take the lock of an open file, or raise LockedError when the time is over."""
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= give_up_at:
                holder = os.pread(descriptor, 200, 0).decode(errors="replace")
                who = holder or "a process that has just started"
                raise LockedError(f"{taken}: {who}", hint=hint or "wait until it ends") from None
            time.sleep(POLL_SECONDS)
