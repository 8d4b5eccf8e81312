"""Open files in folders that others write to: never a link, a pipe or a folder in their place."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def plain_opener(path: str, flags: int) -> int:
    """Return a descriptor of a plain file, as an `opener`. Raise OSError for anything else.

    A link is not followed, and nothing waits for the other end of a pipe.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no plain file", path)
    return descriptor


def open_plain(path: Path) -> BinaryIO:
    """Return a plain file, open for reading. Raise OSError for anything else."""
    return open(path, "rb", opener=plain_opener)


def read_plain(path: Path) -> bytes:
    """Return what a plain file holds. Raise OSError for anything else."""
    with open_plain(path) as file:
        return file.read()
