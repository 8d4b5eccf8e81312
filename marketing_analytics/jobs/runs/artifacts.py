"""The files that a run left: list them with their sizes, save some of them."""

from __future__ import annotations

import contextlib
import difflib
import fnmatch
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from marketing_analytics.core.errors import TerminalError, UserError
from marketing_analytics.core.signs import visible

if TYPE_CHECKING:
    from marketing_analytics.cloud_api.client import CloudClient

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_TOTAL_BYTES = 1024 * 1024 * 1024
# each size is a request; a run of a large project leaves thousands of files
MAX_SIZES = 200
THREADS = 8
MAX_NAME_LENGTH = 1024
# what a file name may not have on one of the systems that people use
UNUSABLE = set('\\:*?"<>|')


def sizes_of(
    client: CloudClient, run_id: int, names: Sequence[str], step: int | None
) -> dict[str, int | None]:
    """Return the sizes of artifacts in bytes; None where the server does not tell."""

    def size(name: str) -> int | None:
        try:
            return client.artifact_size(run_id, name, step)
        except TerminalError:
            # listed, but gone by now
            return None

    asked = [name for name in names if is_safe(name)][:MAX_SIZES]
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(asked, pool.map(size, asked), strict=True))


def chosen(names: Sequence[str], patterns: Sequence[str], run_id: int) -> list[str]:
    """Return the artifacts that patterns name. Raise UserError for one that names none."""
    found: dict[str, None] = {}
    for pattern in patterns:
        matching = [pattern] if pattern in names else fnmatch.filter(names, pattern)
        if not matching:
            close = difflib.get_close_matches(pattern, names, n=1)
            hint = f"did you mean {visible(close[0])}?" if close else "list them without --get"
            raise UserError(f"run {run_id} has no artifact {pattern}", hint=hint)
        found |= dict.fromkeys(matching)
    return list(found)


def is_safe(name: str) -> bool:
    """Return whether an artifact's path stays below a folder, on every system."""
    path = PurePosixPath(name)
    return (
        bool(name)
        and len(name) <= MAX_NAME_LENGTH
        and not path.is_absolute()
        and ".." not in path.parts
        and visible(name) == name
        and name.isprintable()
        and not UNUSABLE & set(name)
        and str(path) == name.rstrip("/")
        and name != "."
    )


def targets(names: Sequence[str], out: str | None) -> dict[str, Path]:
    """Return where each artifact is saved: below a folder, or a single one as the file itself.

    Raise UserError for a name that would leave the folder.
    """
    for name in names:
        if not is_safe(name):
            raise UserError(
                f"the artifact {visible(name)} has a name that is not saved",
                hint="its path leaves the folder or has characters that no file may have",
            )
    folder = Path(out or ".")
    is_folder = out is None or out.endswith(("/", "\\")) or folder.is_dir() or len(names) > 1
    if not is_folder:
        return {names[0]: folder}
    return {name: below(folder, name) for name in names}


def below(folder: Path, name: str) -> Path:
    """Return the path of an artifact in a folder. Raise UserError when a link leads out of it."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{path} leads out of {folder}", hint="choose another --out")
    return path


def save(
    client: CloudClient,
    run_id: int,
    places: dict[str, Path],
    step: int | None,
    *,
    is_forced: bool,
) -> dict[str, int]:
    """Save artifacts and return their sizes. Raise UserError, before anything, for a file there.

    A file is whole or not there.
    """
    taken = [path for path in places.values() if path.exists() or path.is_symlink()]
    if taken and not is_forced:
        raise UserError(
            f"{taken[0]} exists already; nothing was saved",
            hint="choose another --out, or --force to replace it",
        )
    sizes: dict[str, int] = {}
    for name, path in places.items():
        room = min(MAX_FILE_BYTES, MAX_TOTAL_BYTES - sum(sizes.values()))
        sizes[name] = save_one(client, run_id, name, path, step, room)
    return sizes


def save_one(
    client: CloudClient, run_id: int, name: str, path: Path, step: int | None, max_bytes: int
) -> int:
    """Save one artifact, of at most so many bytes, under a name of its own until it is whole."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            beside = Path(file.name)
            try:
                size = client.save_artifact(run_id, name, step, file, max_bytes)
                file.close()
                beside.chmod(0o644)
                beside.replace(path)
            except BaseException:
                with contextlib.suppress(OSError):
                    beside.unlink()
                raise
    except FileExistsError as error:
        raise UserError(
            f"{error.filename} is a file, not a folder", hint="choose another --out"
        ) from None
    except (IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise UserError(
            f"cannot write {path}: {error.strerror}", hint="choose another --out"
        ) from None
    return size


def to_stdout(client: CloudClient, run_id: int, name: str, step: int | None) -> None:
    """Write one artifact to stdout; on a terminal what would move the cursor becomes a sign."""
    with tempfile.TemporaryFile() as file:
        client.save_artifact(run_id, name, step, file, MAX_FILE_BYTES)
        file.seek(0)
        if sys.stdout.isatty():
            for line in file:
                sys.stdout.write(visible(line.decode("utf-8", "replace")))
            return
        sys.stdout.flush()
        while part := file.read(1 << 16):
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()


def size_words(count: int | None) -> str:
    """Return a size such as `1.4 MB`; a dash for None."""
    if count is None:
        return "-"
    size, units = float(count), ["B", "kB", "MB", "GB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{count} B" if units[0] == "B" else f"{size:.1f} {units[0]}"
