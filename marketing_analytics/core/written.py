"""Files that are whole or not there: written beside, synced, renamed."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from marketing_analytics.core.errors import MachineError, full_disk, reason_of

SYNCED_AT_ONCE = 16


def replace_file(path: Path, content: str | bytes, *, is_private: bool = False) -> None:
    """Write a file in one step: who reads it sees the old content or the new one.

    A private one is for its owner only. Raise MachineError when it cannot be written; the old
    one stays then.
    """
    if not path.name:
        raise MachineError(f"cannot write {path}: it is a folder")
    data = content.encode() if isinstance(content, str) else content
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        mode = 0o600 if is_private else 0o666
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            # in what is no folder it cannot even be looked for
            beside.unlink(missing_ok=True)
        raise MachineError(f"cannot write {path}: {error.strerror}") from None
    sync_folder(path.parent)


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Raise MachineError for whatever keeps files from being written into a folder inside."""
    try:
        yield
    except OSError as error:
        raise full_disk(error) or MachineError(
            f"cannot write {error.filename or folder}: {reason_of(error)}",
            hint=f"check the space and the permissions of {folder}, or give another place",
        ) from None


def sync_all(paths: Iterable[Path]) -> None:
    """Make the content of many files outlive a loss of power; side by side, they share the wait."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(SYNCED_AT_ONCE) as pool:
        list(pool.map(sync_file, paths))


def sync_file(path: Path) -> None:
    """Make the content of a file outlive a loss of power."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
