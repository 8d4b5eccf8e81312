"""The artifacts of a run: kept per step, listed and found by path without leaving their folder."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import MachineError
from marketing_analytics.core.plain_files import read_plain
from marketing_analytics.core.redaction import MASK
from marketing_analytics.core.written import replace_file

# dbt's own caches, of no use to a reader
LEFT_OUT = frozenset({"partial_parse.msgpack", "perf_info.json"})
MAX_PATH_LENGTH = 1024


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


def keep_artifacts(
    data_folder: Path,
    run_id: int,
    step_index: int,
    target: Path,
    metadata: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
    *,
    is_last: bool = False,
) -> bool:
    """Put dbt's target folder in the step's place, which appears whole or not at all.

    Return whether there was anything to keep. `metadata` is what dbt Cloud says of the run;
    the values of `secrets` are masked in every file. The folder itself is taken when no later step
    wants it: a copy of all that a large project compiles costs seconds, most of it for new folders.
    """
    if not any((target / name).is_file() for name in ("manifest.json", "run_results.json")):
        return False
    place = artifacts_folder(data_folder, run_id) / f"step_{step_index}"
    part = place.with_name(f".step_{step_index}.part")
    shutil.rmtree(part, ignore_errors=True)
    if is_last:
        part.parent.mkdir(parents=True, exist_ok=True)
        target.rename(part)
        for folder, folders, files in os.walk(part):
            unwanted = no_artifacts(folder, [*folders, *files], secrets)
            folders[:] = [name for name in folders if name not in unwanted]
            for name in unwanted:
                remove(Path(folder, name))
    else:
        shutil.copytree(target, part, ignore=partial(no_artifacts, secrets=secrets))
    if metadata:
        freshen_metadata(part / "manifest.json", metadata)
    mask_files(part, secrets)
    shutil.rmtree(place, ignore_errors=True)
    part.rename(place)
    return True


def no_artifacts(folder: str, names: Iterable[str], secrets: Sequence[str] = ()) -> set[str]:
    """Return which names are none: dbt's caches, what has no name to show, and what is no file."""
    return {name for name in names if not is_artifact(Path(folder, name), secrets)}


def is_artifact(path: Path, secrets: Sequence[str]) -> bool:
    """Return whether a file or folder is kept.

    A model in Python can make a link to what it may not read itself.
    """
    name = path.name
    if name in LEFT_OUT or not can_be_shown(name) or any(secret in name for secret in secrets):
        return False
    mode = path.lstat().st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def can_be_shown(path: str) -> bool:
    """Return whether a path is text in one line: an address can hold it, and a page show it."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in path)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def mask_files(folder: Path, secrets: Sequence[str]) -> None:
    """Mask known values in every file below a folder."""
    # a number stays one: JSON must stay JSON
    masks = {secret: "9" * len(secret) if secret.isdigit() else MASK for secret in secrets}
    wanted = [
        (text.encode("utf-8", "surrogateescape"), mask.encode()) for text, mask in masks.items()
    ]
    for file in folder.rglob("*") if wanted else ():
        if not file.is_file() or file.is_symlink():
            continue
        found = masked = file.read_bytes()
        for secret, mask in wanted:
            masked = masked.replace(secret, mask)
        if masked != found:
            file.write_bytes(masked)


def freshen_metadata(manifest: Path, metadata: Mapping[str, str]) -> None:
    """Write into a manifest which run it is of.

    dbt takes it from the parse file, so after a partial parse it tells of an earlier run.
    """
    begin = '{"metadata": '
    try:
        text = manifest.read_text("utf-8")
    except OSError:
        return
    if not text.startswith(begin):
        return
    found, end = json.JSONDecoder().raw_decode(text, len(begin))
    if found.get("env") != dict(metadata):
        found["env"] = dict(metadata)
        manifest.write_text(begin + json.dumps(found) + text[end:], "utf-8")


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
    except (OSError, ValueError, KeyError, TypeError):
        return None
