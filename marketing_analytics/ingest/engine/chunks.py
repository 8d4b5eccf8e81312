"""A table that comes in chunks: each is cast when it comes, and waits on disk, not in memory.

What holds for an answer holds for all chunks together: the share that may not fit, one row a key.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from marketing_analytics.ingest.engine.tables import (
    Rejected,
    Table,
    check_share,
    fit,
    without_duplicates,
)


class Chunks:
    """The chunks of one table; `folder` is where they wait."""

    def __init__(self, table: Table, folder: Path | None = None) -> None:
        self.table = table
        self.folder = folder
        self.rejected: list[Rejected] = []
        self._built = [fit(table, {name: [] for name in table.columns})[0]]
        self._row_count = 0

    def add(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Cast the next rows and put them away."""
        built, rejected = fit(self.table, columns)
        self._row_count += len(next(iter(columns.values())))
        self._built.append(on_disk(built, self.folder))
        self.rejected += rejected

    def whole(self) -> Any:
        """Return all rows as one Arrow table; raise MisfitError when most of them do not fit."""
        check_share(self.table, self.rejected, self._row_count)
        return without_duplicates(pa.concat_tables(self._built), self.table.key)


def on_disk(built: Any, folder: Path | None) -> Any:
    """Return an Arrow table as a view of a file without a name, gone with its last reader."""
    with tempfile.TemporaryFile(dir=folder) as file:
        with pa.ipc.new_file(file, built.schema) as writer:
            writer.write_table(built)
        file.flush()
        view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return pa.ipc.open_file(pa.py_buffer(view)).read_all()
