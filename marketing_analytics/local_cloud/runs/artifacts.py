"""The artifacts of a run: kept per step, listed and found by path without leaving their folder."""

from __future__ import annotations

import contextlib
import json
import os
import secrets as random_names
import stat
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import MachineError
from marketing_analytics.core.masking import Masks, has_masked, masked_blocks, masks_of
from marketing_analytics.core.plain_files import (
    MAX_BYTES,
    open_plain,
    read_plain,
    remove_any,
    remove_tree,
)
from marketing_analytics.core.written import replace_file

# dbt's own caches, of no use to a reader
LEFT_OUT = frozenset({"partial_parse.msgpack", "perf_info.json"})
MAX_PATH_LENGTH = 1024
# what all steps of a run keep together
MAX_RUN_BYTES = 2 << 30
BLOCK_BYTES = 4096
# kept first, whatever else there is no room for
OF_DBT = ("manifest.json", "run_results.json", "sources.json", "catalog.json")


def run_folder(data_folder: Path, run_id: int) -> Path:
    """Return the folder of all that a run leaves on disk."""
    return data_folder / "runs" / str(int(run_id))


def own_folder(data_folder: Path, run_id: int) -> Path:
    """Return the part of the folder of a run that its steps write to."""
    return run_folder(data_folder, run_id) / "own"


def make_room(data_folder: Path, run_id: int) -> None:
    """Move away what stands where a run is about to write: of a lost store, or of a broken try."""
    folder = run_folder(data_folder, run_id)
    if folder.exists():
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        folder.rename(folder.with_name(f"{folder.name}.before_{moment}"))


def artifacts_folder(data_folder: Path, run_id: int) -> Path:
    """Return the folder that holds one folder per step."""
    return run_folder(data_folder, run_id) / "artifacts"


@dataclass
class Room:
    """How many bytes a run may still keep, and how many files found no room."""

    left: int
    refused: int = 0

    def takes(self, size: int) -> bool:
        """Return whether a file of this size finds room, and give it that."""
        is_taken = on_disk(size) <= self.left
        self.left -= on_disk(size) if is_taken else 0
        self.refused += not is_taken
        return is_taken


def on_disk(size: int) -> int:
    """Return what a file takes in whole blocks: a million empty ones are not free either."""
    return max(1, -(-size // BLOCK_BYTES)) * BLOCK_BYTES


def room_of(data_folder: Path, run_id: int, place: Path) -> Room:
    """Return the room that the other steps of a run have left to that of a place."""
    walked = os.walk(artifacts_folder(data_folder, run_id))
    files = (Path(folder, name) for folder, _, names in walked for name in names)
    used = sum(on_disk(path.lstat().st_size) for path in files if not path.is_relative_to(place))
    return Room(max(0, MAX_RUN_BYTES - used))


def keep_artifacts(
    data_folder: Path,
    run_id: int,
    step_index: int,
    target: Path,
    metadata: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
    *,
    is_last: bool = False,
    say: Callable[[str], None] | None = None,
) -> bool:
    """Put dbt's target folder in the step's place, which appears whole or not at all.

    Return whether there was anything to keep. `metadata` is what dbt Cloud says of the run;
    the values of `secrets` are masked in every file. The folder itself is taken when no later step
    wants it: a copy of all that a large project compiles costs seconds, most of it for new folders.
    `say` is told what is left out for its size. Raise OSError when nothing can be kept.
    """
    if not any((target / name).is_file() for name in ("manifest.json", "run_results.json")):
        return False
    place = artifacts_folder(data_folder, run_id) / f"step_{step_index}"
    part = place.with_name(f".step_{step_index}.part")
    remove_tree(part)
    part.parent.mkdir(parents=True, exist_ok=True)
    masks = masks_of(secrets)
    room = room_of(data_folder, run_id, place)
    is_kept = partial(is_artifact, secrets=secrets, room=room, say=say)
    try:
        if is_last:
            target.rename(part)
        keep_files(part if is_last else target, part, masks, is_kept)
        if metadata and freshen_metadata(part / "manifest.json", metadata):
            keep_file(part / "manifest.json", part / "manifest.json", masks)
    except BaseException:
        remove_tree(part)
        raise
    remove_tree(place)
    part.rename(place)
    if room.refused and say:
        say(
            f"{room.refused} files of this step are no artifacts: "
            f"those of a run hold {MAX_RUN_BYTES >> 20} MiB in all."
        )
    return True


def keep_files(
    source: Path, part: Path, masks: Masks, is_kept: Callable[[Path, Path], bool]
) -> None:
    """Put what is kept of a folder, masked, into another one, or leave nothing else in the same.

    `is_kept` gets a path and the same relative to the folder.
    """
    for folder, folders, files in os.walk(source):
        place = Path(folder)
        inner = place.relative_to(source)
        files.sort(key=lambda name: (name not in OF_DBT, name))
        unwanted = {name for name in (*folders, *files) if not is_kept(place / name, inner / name)}
        if source == part:
            for name in unwanted:
                remove_any(place / name)
        (part / inner).mkdir(parents=True, exist_ok=True)
        folders[:] = [name for name in folders if name not in unwanted]
        for name in files:
            if name not in unwanted:
                keep_file(place / name, part / inner / name, masks)


def keep_file(source: Path, kept: Path, masks: Masks) -> None:
    """Copy a file, masked; in its own place it stays when there is nothing to mask."""
    with open_plain(source) as file:
        if source == kept and not has_masked(file, masks):
            return
        file.seek(0)
        beside = kept.with_name(f".{random_names.token_hex(8)}")
        with beside.open("xb") as copy:
            copy.writelines(masked_blocks(file, masks))
    beside.replace(kept)


def is_artifact(
    path: Path,
    inner: Path,
    *,
    secrets: Sequence[str],
    room: Room,
    say: Callable[[str], None] | None,
) -> bool:
    """Return whether a file or folder is kept; `inner` is its path as it is shown.

    dbt's caches are not, nor what no address can hold or tells a secret by its name. A model in
    Python can make a link to what it may not read itself, and a file of any size.
    """
    shown = inner.as_posix()
    if path.name in LEFT_OUT or len(shown) > MAX_PATH_LENGTH or not can_be_shown(shown):
        return False
    if any(secret in shown for secret in secrets):
        return False
    found = path.lstat()
    is_file = stat.S_ISREG(found.st_mode)
    is_large = is_file and found.st_size > MAX_BYTES
    if is_large and say:
        say(f"{shown} is no artifact: it is larger than {MAX_BYTES >> 20} MiB.")
    return stat.S_ISDIR(found.st_mode) or (is_file and not is_large and room.takes(found.st_size))


def can_be_shown(path: str) -> bool:
    """Return whether a path is text in one line: an address can hold it, and a page show it."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in path)


def freshen_metadata(manifest: Path, metadata: Mapping[str, str]) -> bool:
    """Write into a manifest which run it is of; return whether it told of another one.

    dbt takes it from the parse file, so after a partial parse it tells of an earlier run.
    """
    begin = '{"metadata": '
    try:
        text = read_plain(manifest).decode("utf-8")
        if not text.startswith(begin):
            return False
        found, end = json.JSONDecoder().raw_decode(text, len(begin))
        if found.get("env") == dict(metadata):
            return False
        found["env"] = dict(metadata)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        # a step can leave anything under this name
        return False
    manifest.write_text(begin + json.dumps(found) + text[end:], "utf-8")
    return True


def keep_parse_file(target: Path, parse_file: Path) -> None:
    """Put dbt's partial parse file where the next run of this environment and schema finds it."""
    fresh = target / "partial_parse.msgpack"
    if not fresh.is_file():
        return
    # dbt writes to this folder too: written beside under a name that it cannot know
    with contextlib.suppress(OSError, MachineError):
        replace_file(parse_file, read_plain(fresh))


def step_folder(data_folder: Path, run_id: int, step_index: int | None = None) -> Path | None:
    """Return the folder of a step's artifacts, of the last step that has some when None."""
    root = artifacts_folder(data_folder, run_id)
    if step_index is not None:
        chosen = root / f"step_{int(step_index)}"
        return chosen if chosen.is_dir() else None
    names = [path.name for path in root.glob("step_*")] if root.is_dir() else []
    numbers = [int(name[5:]) for name in names if name[5:].isdigit()]
    return root / f"step_{max(numbers)}" if numbers else None


def artifacts_of_steps(data_folder: Path, run_id: int, name: str) -> list[Path]:
    """Return a file of every step that has it, in the order of the steps."""
    root = artifacts_folder(data_folder, run_id)
    found = [path for path in root.glob(f"step_*/{name}") if path.parent.name[5:].isdigit()]
    return sorted(found, key=lambda path: int(path.parent.name[5:]))


def list_artifacts(data_folder: Path, run_id: int, step_index: int | None = None) -> list[str]:
    """Return the artifact paths relative to dbt's target folder, sorted; [] when there are none."""
    folder = step_folder(data_folder, run_id, step_index)
    if folder is None:
        return []
    return sorted(
        path
        for place, _, files in os.walk(folder)
        for name in files
        if can_be_shown(path := os.path.relpath(os.path.join(place, name), folder))  # noqa: PTH118
    )


def resolve_artifact(
    data_folder: Path, run_id: int, path: str, step_index: int | None = None
) -> Path | None:
    """Return the file of an artifact, or None when there is none or the path leads elsewhere."""
    folder = step_folder(data_folder, run_id, step_index)
    if folder is None or not path or len(path) > MAX_PATH_LENGTH or "\0" in path:
        return None
    root = folder.resolve()
    try:
        found = (root / path).resolve()
    except (OSError, RuntimeError, ValueError):
        return None
    # links are followed first, so one that leaves the folder is seen here
    is_inside = found.is_relative_to(root) and found != root
    return found if is_inside and found.is_file() else None


def part_in(path: Path, name: str) -> Any:
    """Return a part of a file that dbt left, None where it cannot be read."""
    try:
        return json.loads(read_plain(path))[name]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
