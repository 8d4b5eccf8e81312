"""Copy a project that is in no repository: everything but `.git` and dbt's target folder.

What was copied is noted beside the copy, by size and times of source and copy: a file whose
content changed under an old date has a new time of change, which nobody can set back.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from marketing_analytics.core.errors import MachineError
from marketing_analytics.core.plain_files import remove_any

# size, times of content and of inode, inode
Print = list[int]
Listing = dict[str, list[Print]]


def copy_files(source: Path, names: Collection[str], tree: Path, listing: Path) -> int:
    """Make `tree` hold these files of a folder and no others; return how many were copied.

    Raise MachineError when that cannot be done.
    """
    try:
        tree.mkdir(parents=True, exist_ok=True)
        known = read_listing(listing)
        remove_others(tree, names)
        new: Listing = {}
        copied = 0
        for name in names:
            new[name], is_new = copy_file(str(source), str(tree), name, known.get(name))
            copied += is_new
        part = listing.with_name(f"{listing.name}.part")
        part.write_text(json.dumps(new), "utf-8")
        part.replace(listing)
    except OSError as error:
        raise MachineError(f"cannot copy the project {source}: {error}") from None
    return copied


def copy_changes(source: Path, names: Collection[str], tree: Path) -> None:
    """Make some files of `tree` what they are in a folder; what is gone there goes here."""
    kept = [name for name in names if is_file_or_link(source / name)]
    try:
        # first: where a file or a link was, a folder may be by now, and the other way about
        for name in set(names).difference(kept):
            if is_file_or_link(tree / name):
                (tree / name).unlink()
        for name in kept:
            copy_file(str(source), str(tree), name, None)
    except OSError as error:
        raise MachineError(f"cannot copy the changes of {source}: {error}") from None


def read_listing(listing: Path) -> Listing:
    """Return what was copied last time, nothing when that is not known."""
    with contextlib.suppress(OSError, ValueError):
        known: Listing = json.loads(listing.read_text("utf-8"))
        return known
    return {}


def print_of(path: str) -> Print:
    """Return what a file cannot keep when its content changes."""
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode) and not is_kept_link(path):
        found = os.stat(path)  # noqa: PTH116
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def is_kept_link(path: str) -> bool:
    """Return whether a link is copied as one: it leads to a folder, or nowhere as some editors'."""
    return os.path.islink(path) and not os.path.isfile(path)  # noqa: PTH113, PTH114


def is_file_or_link(path: Path) -> bool:
    """Return whether a path is a file or any link, itself or what it leads to."""
    return path.is_symlink() or path.is_file()


def copy_file(
    folder: str, tree: str, name: str, known: list[Print] | None
) -> tuple[list[Print], bool]:
    """Copy one file unless source and copy are as they were; return their prints, and whether.

    Paths are texts: most files are only looked at, and a Path costs more than that.
    """
    source, target = f"{folder}/{name}", f"{tree}/{name}"
    there = print_of(source)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if known == [there, print_of(target)]:
            return known, False
    make_way(Path(tree), name)
    if is_kept_link(source):
        Path(target).symlink_to(Path(source).readlink())
    else:
        shutil.copy2(source, target)
    return [there, print_of(target)], True


def make_way(tree: Path, name: str) -> None:
    """Remove what stands in the place of a file or of its folders, and make those.

    A link in the place of a folder would lead out of the tree.
    """
    target = tree / name
    for above in reversed([one for one in target.parents if one.is_relative_to(tree)]):
        if is_file_or_link(above):
            above.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_any(target)


def remove_others(tree: Path, names: Collection[str]) -> None:
    """Remove from a copy what its source does not have."""
    wanted = set(names)
    folders = {parent for name in names for parent in parents_of(name)}
    for place, inner, files in os.walk(tree):
        prefix = os.path.relpath(place, tree) + "/"
        prefix = "" if prefix == "./" else prefix
        for name in [*files, *inner]:
            path = Path(place, name)
            is_link_or_file = name in files or path.is_symlink()
            if is_link_or_file and prefix + name not in wanted:
                path.unlink()
            elif not is_link_or_file and prefix + name not in folders:
                shutil.rmtree(path)
        inner[:] = [name for name in inner if prefix + name in folders]


def drop_traps(folder: Path | str, *, is_deep: bool) -> None:
    """Remove links and pipes in a folder, which a step may have made.

    The server would follow the ones and wait at the others.
    """
    waiting = [os.fspath(folder)]
    while waiting:
        # a thread of the step may take away what was listed
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for entry in entries_of(waiting.pop()):
                drop_trap(entry, waiting, is_deep=is_deep)


def drop_trap(entry: os.DirEntry[str], waiting: list[str], *, is_deep: bool) -> None:
    """Remove a link or a pipe; have a folder looked through."""
    with contextlib.suppress(FileNotFoundError, IsADirectoryError):
        if entry.is_dir(follow_symlinks=False):
            waiting += [entry.path] * is_deep
        elif not entry.is_file(follow_symlinks=False) and not is_socket(entry):
            os.unlink(entry)  # noqa: PTH108


def find_pipe(folders: Iterable[Path]) -> str | None:
    """Return a pipe in some folders, None for none: who opens it waits for its other end."""
    waiting = [os.fspath(folder) for folder in folders]
    while waiting:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            for entry in entries_of(waiting.pop()):
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                # a file, the usual case, costs no look at the disk
                elif not entry.is_file(follow_symlinks=False) and is_pipe(entry):
                    return entry.path
    return None


def entries_of(folder: str) -> list[os.DirEntry[str]]:
    """Return what is in a folder; nothing where its path is too long for the system."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return []


def is_pipe(entry: os.DirEntry[str]) -> bool:
    """Return whether this is a pipe, not a link to one."""
    return stat.S_ISFIFO(entry.stat(follow_symlinks=False).st_mode)


def is_socket(entry: os.DirEntry[str]) -> bool:
    """Return whether this is a socket, which nobody can open as a file."""
    return stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode)


def parents_of(name: str) -> Iterator[str]:
    """Yield the folders above a relative path."""
    end = name.rfind("/")
    while end > 0:
        yield name[:end]
        end = name.rfind("/", 0, end)


def list_folder(folder: Path, left_out: Collection[Path] = ()) -> list[str]:
    """Return every file below a folder, relative to it: all but `.git` and what is left out.

    Links to folders are followed, once each on the way down.
    """
    return sorted(walk(str(folder), "", frozenset(map(str, left_out)), ()))


def walk(
    folder: str, prefix: str, left_out: frozenset[str], above: tuple[tuple[int, int], ...]
) -> Iterator[str]:
    """Yield the files below a folder."""
    found = os.stat(folder)  # noqa: PTH116
    here = (found.st_dev, found.st_ino)
    if here in above:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name == ".git" or entry.path in left_out:
                continue
            if entry.is_dir():
                yield from walk(entry.path, f"{prefix}{entry.name}/", left_out, (*above, here))
            elif entry.is_file() or entry.is_symlink():
                # not a pipe: reading it would wait for ever
                yield f"{prefix}{entry.name}"
