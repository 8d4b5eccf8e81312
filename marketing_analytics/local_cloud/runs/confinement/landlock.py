"""Landlock: a process of Linux gives up all files but those it names, for itself and its children.

It needs no rights and cannot be undone. Where the kernel has none (before 5.13, or not Linux),
nothing happens and `confine` says so. The numbers are those of linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION, PATH_BENEATH = 1, 1
PR_SET_NO_NEW_PRIVS = 38
# a right is a bit: execute, write file, read file, read folder, eleven ways to make and remove
EXECUTE, WRITE_FILE, READ_FILE, READ_FOLDER, TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
READ = EXECUTE | READ_FILE | READ_FOLDER
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
# by version: moving files between folders came with 2, truncating with 3
RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
# signals to processes outside came with 6
SCOPE_VERSION, SIGNALS = 6, 1 << 1
OF_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/opt", "/etc", "/run", "/sys")
# its own and the machine's: what else is there tells the environment of other processes
OF_PROC = (
    "self",
    "cpuinfo",
    "meminfo",
    "stat",
    "loadavg",
    "mounts",
    "filesystems",
    "version",
    "sys",
)
OF_HOME = (".gitconfig", ".config/git", ".ssh/known_hosts", ".ssh/config")


class Ruleset(ctypes.Structure):
    """What is forbidden unless a rule allows it."""

    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class Rule(ctypes.Structure):
    """What is allowed below an open file or folder."""

    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


def version() -> int:
    """Return the version of Landlock that the kernel has, 0 for none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, ASK_VERSION)))


def confine(writable: Iterable[str], readable: Iterable[str] = ()) -> bool:
    """Give up all files but those below `writable`, `readable` and the system's own.

    Return whether the kernel can; raise OSError when it refuses.
    """
    found = version()
    if not found:
        return False
    system = ctypes.CDLL(None, use_errno=True)
    rights = RIGHTS[min(found, 3)]
    ruleset = Ruleset(rights, 0, SIGNALS if found >= SCOPE_VERSION else 0)
    size = ctypes.sizeof(ruleset) if found >= SCOPE_VERSION else ctypes.sizeof(ctypes.c_uint64)
    descriptor = checked(system.syscall(CREATE_RULESET, ctypes.byref(ruleset), size, 0))
    try:
        for path in (*of_machine(), *readable):
            allow(system, descriptor, path, READ)
        for path in ("/dev", *writable):
            allow(system, descriptor, path, rights)
        checked(system.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        checked(system.syscall(RESTRICT_SELF, descriptor, 0))
    finally:
        os.close(descriptor)
    return True


def of_machine() -> Sequence[str]:
    """Return what every program reads: the system, this Python, and how git is set up."""
    python = (sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path)
    own = [f"/proc/{name}" for name in OF_PROC] + [str(Path.home() / name) for name in OF_HOME]
    return [*OF_SYSTEM, *(path for path in python if path), *own]


def allow(system: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    """Allow rights below a path; one that is not there needs none."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        is_folder = Path(path).is_dir()
        rule = Rule(rights if is_folder else rights & OF_FILES, descriptor)
        checked(system.syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(descriptor)


def checked(result: int) -> int:
    """Return what a call of the system gave. Raise OSError when it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result
