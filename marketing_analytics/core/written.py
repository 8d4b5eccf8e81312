"""Files that are whole or not there: written beside, synced, renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from marketing_analytics.core.errors import MachineError

SYNCED_AT_ONCE = 16


def replace_file(path: Path, content: str | bytes, *, is_private: bool = False) -> None:
    """Write a file in one step: who reads it sees the old content or the new one.

    A private one is for its owner only. Raise MachineError when it cannot be written; the old
    one stays then.
    """
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
        beside.unlink(missing_ok=True)
        raise MachineError(f"cannot write {path}: {error.strerror}") from None
    sync_folder(path.parent)


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
