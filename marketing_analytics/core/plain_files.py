"""Open and remove files in folders that others write to, whatever they put there."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import BinaryIO

# a file of holes may claim any size; no artifact of dbt comes near
MAX_BYTES = 512 << 20


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
    """Return what a plain file holds. Raise OSError for anything else, and for one too large."""
    with open_plain(path) as file:
        if os.fstat(file.fileno()).st_size > MAX_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {MAX_BYTES >> 20} MiB", str(path))
        return file.read(MAX_BYTES)


def remove_any(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it; nothing where there is none."""
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)


def remove_tree(folder: Path) -> None:
    """Remove a folder as far as that goes, also one in which folders lie a thousand deep."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except RecursionError:
        subprocess.run(["rm", "-rf", "--", str(folder)], check=False, capture_output=True)
