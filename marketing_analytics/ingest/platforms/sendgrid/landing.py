"""The folder in which the receiver lays down events, and from which they are loaded.

A file is written under a lock as `*.part` and gets its name `*.jsonl` once it is complete. A
receiver that was killed leaves a `*.part` without a lock: whoever comes next completes it.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from marketing_analytics.core.written import sync_folder

PART, WHOLE = ".part", ".jsonl"
MOST_FILE_BYTES = 16 * 2**20
MOST_FILE_SECONDS = 60.0


class Landing:
    """Writes lines durably; safe to share by threads."""

    def __init__(
        self,
        folder: Path,
        *,
        most_bytes: int = MOST_FILE_BYTES,
        most_seconds: float = MOST_FILE_SECONDS,
    ) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        self.most_seconds = most_seconds
        self._lock = threading.Lock()
        self._file: int | None = None
        self._path = Path()
        self._size = 0
        self._opened_at = 0.0
        self._count = 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        seal_left_over(folder)

    def append(self, lines: bytes) -> None:
        """Write whole lines; on return they outlive a crash. Raise OSError, having kept none."""
        with self._lock:
            try:
                if self._file is None:
                    self._open()
                assert self._file is not None  # noqa: S101
                write_all(self._file, lines)
                os.fsync(self._file)
                self._size += len(lines)
            except OSError:
                self._abandon()
                raise
            if self._size >= self.most_bytes:
                self._seal()

    def seal_if_due(self) -> None:
        """Complete the file when it is old enough to be loaded."""
        with self._lock:
            if self._file is not None and time.monotonic() - self._opened_at >= self.most_seconds:
                self._seal()

    def close(self) -> None:
        """Complete the file."""
        with self._lock:
            if self._file is not None:
                self._seal()

    def _open(self) -> None:
        while True:
            self._count += 1
            stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
            path = self.folder / f"events-{stamp}-{os.getpid()}-{self._count}{PART}"
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            if take(file, path):
                break
            os.close(file)
        self._file, self._path, self._size = file, path, 0
        self._opened_at = time.monotonic()
        sync_folder(self.folder)

    def _seal(self) -> None:
        assert self._file is not None  # noqa: S101
        file, self._file = self._file, None
        try:
            complete(self._path)
        finally:
            os.close(file)

    def _abandon(self) -> None:
        """Take back what was not acknowledged, and leave the file to whoever seals it."""
        if self._file is None:
            return
        file, self._file = self._file, None
        with suppress(OSError):
            os.ftruncate(file, self._size)
        os.close(file)


def take(file: int, path: Path) -> bool:
    """Lock an open file; return whether it is ours and still has its name."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def write_all(file: int, lines: bytes) -> None:
    """Write everything; a disk may take it in pieces."""
    left = memoryview(lines)
    while left:
        left = left[os.write(file, left) :]


def complete(path: Path) -> None:
    """Give a file the name of a whole one; remove it when it is empty."""
    if path.stat().st_size:
        path.rename(path.with_suffix(WHOLE))
    else:
        path.unlink()
    sync_folder(path.parent)


def seal_left_over(folder: Path) -> None:
    """Complete the files that no receiver holds any more.

    A last line that is not whole was never acknowledged: SendGrid sends it again.
    """
    for path in sorted(folder.glob(f"*{PART}")):
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            if take(file, path):
                os.ftruncate(file, path.read_bytes().rfind(b"\n") + 1)
                os.fsync(file)
                complete(path)
        finally:
            os.close(file)


def whole_files(folder: Path) -> list[Path]:
    """Return the files that can be loaded, oldest first."""
    return sorted(folder.glob(f"*{WHOLE}"))
