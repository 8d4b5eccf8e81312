"""The places that a raw database can be in, and what differs between them."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from marketing_analytics.core.errors import AuthError, MachineError, UserError
from marketing_analytics.core.locks import file_lock
from marketing_analytics.ingest.raw.declared import check_is_ours
from marketing_analytics.warehouse import duckdb, postgresql

WAIT_HINT = "or set INGEST_LOCK_WAIT_SECONDS"
RUN_AGAIN = "run again when it has ended, or set INGEST_LOCK_WAIT_SECONDS"


class Place(Protocol):
    """A database that rows are loaded into."""

    @property
    def working(self) -> Path:
        """Return dlt's working folder."""
        ...

    def __str__(self) -> str:
        """Return its name for people, without a secret."""
        ...

    def writer_lock(self, wait_seconds: float) -> contextlib.AbstractContextManager[None]:
        """Return the lock of the one writer; raise LockedError when it stays taken."""
        ...

    def connect(self, wait_seconds: float, *, is_read_only: bool = False) -> Any:
        """Return a connection with `execute(sql, values)`, `?` for values, and `close`."""
        ...

    def exists(self) -> bool:
        """Return whether anything can have been loaded."""
        ...

    def check(self) -> str:
        """Return what a run would find; raise what would stop it from writing."""
        ...

    def destination(self, connection: Any) -> Any:
        """Return dlt's destination."""
        ...

    def restricted(self) -> Place:
        """Return the place of plain values about persons."""
        ...


@dataclass(frozen=True)
class DuckDBFile:
    """One DuckDB file; what tells of persons lies in a second one, which dbt never opens."""

    path: Path

    @property
    def working(self) -> Path:
        """Return dlt's working folder, beside the file."""
        return self.path.with_name(self.path.name + ".dlt")

    def __str__(self) -> str:
        """Return the path."""
        return str(self.path)

    def writer_lock(self, wait_seconds: float) -> contextlib.AbstractContextManager[None]:
        """Return the lock of a file beside it."""
        return file_lock(
            self.path.with_name(self.path.name + ".lock"),
            taken=f"another ingestion writes {self}",
            hint=f"waited {wait_seconds:.0f} s; {RUN_AGAIN}",
            timeout_seconds=wait_seconds,
        )

    def connect(self, wait_seconds: float, *, is_read_only: bool = False) -> Any:
        """Return a connection; while it is open no other process can use the file."""
        return duckdb.connect(
            self.path, is_read_only=is_read_only, wait_seconds=wait_seconds, hint=WAIT_HINT
        )

    def exists(self) -> bool:
        """Return whether the file is there."""
        return self.path.exists()

    def check(self) -> str:
        """Return what a run would find; raise what would stop it from writing."""
        folder = nearest(self.path.parent)
        if not os.access(folder, os.W_OK):
            raise MachineError(f"{folder} cannot be written", hint="give another --raw-database")
        if not self.exists():
            return "the first run makes it"
        with self.writer_lock(0.0), opened(self, 0.0) as connection:
            check_is_ours(connection, self)
            return "can be written, nobody else uses it"

    def destination(self, connection: Any) -> Any:
        """Return dlt's destination over an open connection."""
        import dlt

        return remembering(
            dlt.destinations.duckdb(connection, replace_strategy="insert-from-staging")
        )

    def restricted(self) -> DuckDBFile:
        """Return the file beside it."""
        return DuckDBFile(self.path.with_name(f"{self.path.stem}_restricted{self.path.suffix}"))


@dataclass(frozen=True, repr=False)
class PostgreSQL:
    """A database on a PostgreSQL server; what tells of persons lies in schemas of its own."""

    url: str
    working_parent: Path

    @property
    def working(self) -> Path:
        """Return dlt's working folder, one for each database."""
        digest = hashlib.sha256(str(self).encode()).hexdigest()[:12]
        return self.working_parent / f"{digest}.dlt"

    def __str__(self) -> str:
        """Return the address without the password."""
        return postgresql.without_password(self.url)

    def writer_lock(self, wait_seconds: float) -> contextlib.AbstractContextManager[None]:
        """Return a lock of the server, which dies with our connection."""
        return postgresql.advisory_lock(
            self.url,
            "marketing ingest",
            taken=f"another ingestion writes {self}",
            hint=f"waited {wait_seconds:.0f} s; {RUN_AGAIN}",
            timeout_seconds=wait_seconds,
        )

    def connect(self, wait_seconds: float, *, is_read_only: bool = False) -> Any:
        """Return a connection; every statement is a transaction of its own."""
        return postgresql.connect(self.url, is_read_only=is_read_only)

    def exists(self) -> bool:
        """Return true: a database is made by its server."""
        return True

    def check(self) -> str:
        """Return what a run would find; raise what would stop it from writing."""
        query = "select has_database_privilege(current_database(), 'CREATE')"
        with opened(self, 0.0) as connection:
            if not connection.execute(query).fetchone()[0]:
                raise AuthError(
                    f"{self} lets its user make no schema", hint="grant create on the database"
                )
            check_is_ours(connection, self)
        with self.writer_lock(0.0):
            return "can be written, nobody else does"

    def destination(self, connection: Any) -> Any:
        """Return dlt's destination; Parquet goes in by ADBC. Raise MachineError without it."""
        import dlt

        check_driver()
        pass_empty_files_over()
        return remembering(
            dlt.destinations.postgres(self.url, replace_strategy="insert-from-staging")
        )

    def restricted(self) -> PostgreSQL:
        """Return the same database: rights go by schema there."""
        return self


def remembering(destination: Any) -> Any:
    """Return a destination of dlt that works out once what it is capable of.

    dlt asks fifty times in a load, and looks for settings everywhere each time.
    """
    work_out = destination.capabilities
    known: dict[Any, Any] = {}

    def capabilities(config: Any = None, naming: Any = None) -> Any:
        if config is not None:
            return work_out(config, naming)
        kind = type(naming)
        if kind not in known:
            known[kind] = work_out(naming=naming)
        # dlt changes what it is given
        return known[kind].copy()

    destination.capabilities = capabilities
    return destination


def check_driver() -> None:
    """Raise MachineError without ADBC: dlt would write rows as text, where "" is null."""
    if find_spec("adbc_driver_postgresql") is None:
        raise MachineError(
            "the package adbc-driver-postgresql is not installed",
            hint="rows go into PostgreSQL by it: install the requirements again",
        )


def pass_empty_files_over() -> None:
    """Let ADBC not be asked to load a Parquet file without rows, which dlt 1.31 fails on."""
    import pyarrow.parquet as pq
    from dlt.destinations._adbc_jobs import AdbcParquetCopyJob as Job

    if getattr(Job.run, "passes_empty_files_over", False):
        return
    load = Job.run

    def run(self: Any) -> None:
        if pq.read_metadata(self._file_path).num_rows:
            load(self)

    run.passes_empty_files_over = True  # type: ignore[attr-defined]
    Job.run = run  # type: ignore[method-assign]


def place_of(text: str, working_parent: Path) -> Place:
    """Return the place of an address or a path. Raise UserError for an address of something else.

    `working_parent` holds the working folders of databases that are no files.
    """
    scheme, separator, _ = text.partition("://")
    if not separator:
        return DuckDBFile(checked_path(Path(text).expanduser().resolve()))
    if scheme in {"postgresql", "postgres"}:
        return PostgreSQL(postgresql.checked_url(text), working_parent)
    raise UserError(
        f"no raw database can be at a {scheme} address",
        hint="give a path for a DuckDB file, or postgresql://user:<password>@host/name",
    )


def checked_path(path: Path) -> Path:
    """Return the path of a DuckDB file or of none yet. Raise UserError for anything else."""
    if not path.exists() or path.is_file():
        return path
    what = "a folder" if path.is_dir() else "no file"
    raise UserError(
        f"a raw database cannot be at {path}: it is {what}", hint=f"give {path / 'raw.duckdb'}"
    )


def nearest(folder: Path) -> Path:
    """Return a folder, or the first above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def check_name(place: Place, sources: Iterable[str]) -> None:
    """Refuse a DuckDB file named like a schema in it: DuckDB could not tell them apart."""
    if isinstance(place, DuckDBFile) and place.path.stem.lower() in sources:
        raise UserError(
            f"a raw database cannot be named like a source: {place}",
            hint=f"name the file {place.path.with_name('raw' + place.path.suffix)}, for example",
        )


@contextlib.contextmanager
def opened(place: Place, wait_seconds: float, *, is_read_only: bool = False) -> Iterator[Any]:
    """Yield a connection and close it."""
    connection = place.connect(wait_seconds, is_read_only=is_read_only)
    try:
        yield connection
    finally:
        connection.close()
