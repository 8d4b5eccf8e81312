"""Several variable files as one: a later file replaces a whole variable, maps are not merged."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from marketing_analytics.core.errors import FileError
from marketing_analytics.jobs.tfvars.values import Data, Source, Value


class Joined(Source):
    """Texts with one count of offsets, so that every place finds its own file."""

    def __init__(self, parts: Sequence[Source]) -> None:
        path = " + ".join(str(part.path) for part in parts)
        super().__init__("\n".join(part.text for part in parts), path)
        self.parts = parts
        self.errors = [error for part in parts for error in part.errors]
        self.starts = [0, *accumulate(len(part.text) + 1 for part in parts[:-1])]

    def part(self, at: int) -> tuple[Source, int]:
        """Return the file of an offset, and the offset in it."""
        index = bisect_right(self.starts, at) - 1
        return self.parts[index], at - self.starts[index]

    def place(self, at: int) -> tuple[int, int]:
        part, at = self.part(at)
        return part.place(at)

    def error(self, message: str, at: int, hint: str = "") -> FileError:
        part, at = self.part(at)
        return part.error(message, at, hint)


def join_files(files: Sequence[tuple[Source, Value]]) -> tuple[Source, Value]:
    """Return the variables of parsed files, as Terraform takes several -var-file."""
    if len(files) == 1:
        return files[0]
    source = Joined([source for source, _ in files])
    data: dict[str, Value] = {}
    keys: dict[str, int] = {}
    for start, (_, root) in zip(source.starts, files, strict=True):
        moved = moved_by(start, root)
        assert isinstance(moved.data, dict)  # noqa: S101
        data |= moved.data
        keys |= moved.keys
    return source, Value(data, source.starts[-1], keys)


def moved_by(count: int, value: Value) -> Value:
    """Return a value whose places, and those of all in it, are later by so many characters."""
    data: Data = value.data
    if isinstance(data, list):
        data = [moved_by(count, item) for item in data]
    elif isinstance(data, dict):
        data = {key: moved_by(count, item) for key, item in data.items()}
    keys = {key: at + count for key, at in value.keys.items()}
    return Value(data, value.at + count, keys, value.end + count)
