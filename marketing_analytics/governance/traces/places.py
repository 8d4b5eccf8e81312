"""Everything that is stored in files: what lies in them, and where a mark of a person is left."""

from __future__ import annotations

import contextlib
import gzip
import json
import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import MachineError, reason_of
from marketing_analytics.governance.traces.marks import Mark, Search
from marketing_analytics.governance.traces.tables import Stored, tables_in, values_of
from marketing_analytics.warehouse import duckdb

DUCKDB, PARQUET, GZIP = b"DUCK", b"PAR1", b"\x1f\x8b"
STATES = "_dlt_pipeline_state"


@dataclass(frozen=True)
class Left:
    """A mark that was found, and where."""

    place: str
    kind: str

    def as_json(self) -> dict[str, str]:
        """Return the form of the `--json` output."""
        return {"place": self.place, "kind": self.kind}


@dataclass
class Scan:
    """What was looked at, and what was found."""

    files: int = 0
    bytes: int = 0
    values: int = 0
    left: list[Left] = field(default_factory=list)

    def note(self, place: str, marks: Iterable[Mark]) -> None:
        """Keep what was found at a place, each kind once."""
        self.left += [Left(place, kind) for kind in sorted({mark.kind for mark in marks})]


def files_in(folders: Iterable[Path], left_out: Iterable[Path] = ()) -> list[Path]:
    """Return the files of some folders, or files, without those that are left out."""
    without = [path.resolve() for path in left_out]
    found: set[Path] = set()
    for folder in folders:
        inside = folder.rglob("*") if folder.is_dir() else [folder]
        found |= {path.resolve() for path in inside if path.is_file() and not path.is_symlink()}
    return sorted(p for p in found if not any(p.is_relative_to(other) for other in without))


def begins_with(path: Path, sign: bytes, at: int = 0) -> bool:
    """Return whether a file has the sign of its kind."""
    with path.open("rb") as file:
        return file.read(at + len(sign))[at:] == sign


def is_duckdb(path: Path) -> bool:
    """Return whether a file is one of DuckDB's."""
    return begins_with(path, DUCKDB, 8)


def scan(files: Iterable[Path], search: Search, keys: Search) -> Scan:
    """Look for marks in all bytes of files, and in the values that they hold packed.

    Pseudonyms are looked for wherever tombstones are not: in the values of databases.
    """
    found = Scan()
    both = Search((*search.marks, *keys.marks))
    for path in files:
        try:
            scan_file(path, search, both, found)
        except OSError as error:
            raise MachineError(f"cannot read {path}: {reason_of(error)}") from None
    return found


def scan_file(path: Path, search: Search, both: Search, found: Scan) -> None:
    """Look into one file."""
    found.files += 1
    found.bytes += path.stat().st_size
    if is_duckdb(path):
        found.note(str(path), (mark for _, mark in bytes_found(path, search)))
        with contextlib.closing(duckdb.connect(path, is_read_only=True)) as connection:
            scan_tables(connection, f"{path}: ", both, found)
        return
    found.note(str(path), (mark for _, mark in bytes_found(path, both)))
    if begins_with(path, GZIP):
        found.note(
            str(path), (mark for _, mark in both.found_in(gzip.decompress(path.read_bytes())))
        )
    if begins_with(path, PARQUET):
        for values in parquet_values(path):
            found.values += len(values)
            found.note(str(path), both.among(values).values())


def bytes_found(path: Path, search: Search) -> Iterator[tuple[int, Mark]]:
    """Yield the marks in the bytes of a file."""
    if path.stat().st_size == 0:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        # a slice of it is bytes, of which the search takes a piece at a time
        yield from search.found_in(content)  # type: ignore[arg-type]


def scan_tables(connection: Any, name: str, search: Search, found: Scan) -> None:
    """Look into every value of text of a database."""
    for table in tables_in(connection):
        for column in table.texts:
            values = readable(table, column, values_of(connection, table, column))
            found.values += len(values)
            found.note(f"{name}{table}.{column}", search.among(values).values())


def readable(table: Stored, column: str, values: Sequence[str]) -> Sequence[str]:
    """Return values as they can be read: dlt packs its state."""
    if (table.name, column) != (STATES, "state"):
        return values
    from dlt.common.versioned_state import decompress_state

    return [json.dumps(decompress_state(value)) for value in values]


def parquet_values(path: Path) -> Iterator[list[str]]:
    """Yield the values of every column of a Parquet file, as texts."""
    import pyarrow.parquet as pq

    for column in pq.ParquetFile(path).read().columns:
        yield sorted({str(value) for value in column.to_pylist() if value is not None})
