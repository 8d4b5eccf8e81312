"""Who uses a world: servers side by side, each with settings of its own, or one build."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marketing_analytics.core.errors import LockedError, MachineError
from marketing_analytics.core.locks import file_lock

ENDPOINTS = "connections.env"


def lock_of(endpoints: Path) -> Path:
    """Return the file whose lock the server of a settings file holds."""
    return endpoints.with_name(f"{endpoints.name}.lock")


@contextmanager
def being_served(folder: Path, endpoints: Path) -> Iterator[None]:
    """Hold a world and a settings file while they are served. Raise LockedError."""
    with (
        held(folder, fcntl.LOCK_SH, f"the world in {folder} is being built", "wait until it ends"),
        file_lock(
            lock_of(endpoints),
            taken=f"another server serves this world by {endpoints}",
            hint="use that one, or give another --endpoints",
        ),
    ):
        yield


@contextmanager
def being_built(folder: Path) -> Iterator[None]:
    """Hold a world while it is written. Raise LockedError where it is served or being built."""
    hint = "end that process, or give another --out"
    lock = lock_of(folder / ENDPOINTS)
    if lock.exists():
        # it names the process
        with file_lock(lock, taken=f"the world in {folder} is being served", hint=hint):
            pass
    taken = f"another process serves or builds the world in {folder}"
    with held(folder, fcntl.LOCK_EX, taken, hint):
        yield


@contextmanager
def held(folder: Path, kind: int, taken: str, hint: str) -> Iterator[None]:
    """Hold a lock on a folder itself: it works where nothing may be written too."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise MachineError(
            f"cannot read {folder}: {error.strerror}", hint="check its permissions"
        ) from None
    try:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(taken, hint=hint) from None
        yield
    finally:
        os.close(descriptor)
