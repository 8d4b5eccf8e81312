"""Load collected rows into the raw database with dlt, and keep the notes on what was read.

dlt gives load packages that survive a crash, state that is stored together with the rows, and
other destinations behind the same calls. Its defaults that do not suit are set here: Parquet
load files, no telemetry, nothing in the home directory, nothing left behind after a load.
"""

from __future__ import annotations

import contextlib
import copy
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import DiskFullError, PlatformError, full_disk
from marketing_analytics.core.redaction import redact, secrets_of
from marketing_analytics.ingest.engine.job import Package
from marketing_analytics.ingest.engine.persons import RESTRICTED_TABLES
from marketing_analytics.ingest.engine.tables import (
    DELETED,
    Part,
    Table,
    finish,
    without_duplicates,
)
from marketing_analytics.ingest.raw.declared import (
    check_is_ours,
    declare,
    declare_tables,
    tables_of,
)
from marketing_analytics.ingest.raw.few_rows import FEW_ROWS, store_rows
from marketing_analytics.ingest.raw.left_over import begin_anew
from marketing_analytics.ingest.raw.places import Place, check_name, opened
from marketing_analytics.ingest.raw.state import (
    forget_state,
    note_state,
    pipeline_name,
    stored_state,
)
from marketing_analytics.ingest.raw.unchanged import is_stored, touch
from marketing_analytics.warehouse.transactions import transaction

OPTIONS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "LOAD__DELETE_COMPLETED_JOBS": "true",
    # the staging copies hold personal data
    "LOAD__TRUNCATE_STAGING_DATASET": "true",
    "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID": "true",
}
IDENTITY_FILE = "database_id"


@dataclass(frozen=True)
class Stored:
    """What the database holds of a source: its state, and its rows by table and part."""

    state: dict[str, Any]
    counts: dict[str, dict[Part, int]]


class RawDatabase:
    """The database of all raw tables, and dlt's working folder."""

    def __init__(self, place: Place, *, wait_seconds: float) -> None:
        self.place = place
        self.wait_seconds = wait_seconds
        self.working = place.working
        self._connection: Any = None
        os.environ |= OPTIONS | {"DLT_DATA_DIR": str(self.working)}

    @contextlib.contextmanager
    def open(self) -> Iterator[Any]:
        """Yield a connection, inside of another context the same: to open a file is slow."""
        if self._connection is not None:
            yield self._connection
            return
        with opened(self.place, self.wait_seconds) as connection:
            self._connection = connection
            try:
                yield connection
            finally:
                self._connection = None

    def prepare(self, sources: Mapping[str, Sequence[Table]]) -> dict[str, Stored]:
        """Load what an earlier run left over; return what is stored of every source."""
        check_name(self.place, sources)
        with self.open() as connection:
            check_is_ours(connection, self.place)
            self._check_identity(connection)
            return {
                source: Stored(
                    self._restore(connection, source), stored_counts(connection, source, tables)
                )
                for source, tables in sources.items()
            }

    def declare(self, sources: Mapping[str, Sequence[Table]]) -> None:
        """Make sure that the tables of sources exist, so that dbt finds what it reads."""
        with self.open() as connection, transaction(connection):
            declare(connection, sources)

    def restricted(self) -> RawDatabase:
        """Return the database of plain values about persons."""
        return RawDatabase(self.place.restricted(), wait_seconds=self.wait_seconds)

    def _check_identity(self, connection: Any) -> None:
        """Throw the working folder away when it belongs to a database that is gone.

        Left-over packages of a deleted database would claim days that this one never got.
        """
        connection.execute("create schema if not exists _ingest")
        connection.execute("create table if not exists _ingest.identity (database_id varchar)")
        found = connection.execute("select database_id from _ingest.identity").fetchone()
        database_id = found[0] if found else uuid.uuid4().hex
        if not found:
            connection.execute("insert into _ingest.identity values (?)", [database_id])
        note = self.working / IDENTITY_FILE
        if not note.is_file() or note.read_text() != database_id:
            shutil.rmtree(self.working, ignore_errors=True)
            self.working.mkdir(parents=True)
            note.write_text(database_id)

    def _restore(self, connection: Any, source: str) -> dict[str, Any]:
        """Return the stored state of a source; only the database is believed."""
        left_over = self._folder(source)
        if left_over.is_dir():
            self._load_left_over(connection, source, left_over)
        shutil.rmtree(left_over, ignore_errors=True)
        return stored_state(connection, source)

    def _load_left_over(self, connection: Any, source: str, left_over: Path) -> None:
        """Load what a killed run left over; what cannot be loaded any more is read again.

        Where its load had begun, tables may hold half of it: then everything is read again.
        """
        has_begun = begin_anew(left_over)
        try:
            with load_errors(source, self.place):
                pipeline = self._pipeline(connection, source)
                pipeline.normalize()
                pipeline.load()
        except DiskFullError:
            raise
        except PlatformError:
            if has_begun:
                forget_state(connection, source)

    def _folder(self, source: str) -> Path:
        """Return dlt's working folder of a source; it exists only until a load has ended."""
        return self.working / "pipelines" / pipeline_name(source)

    def _pipeline(self, connection: Any, source: str) -> Any:
        import dlt

        from marketing_analytics.ingest.raw.dlt_settings import use_environment_alone

        use_environment_alone()
        return dlt.pipeline(
            pipeline_name(source),
            pipelines_dir=str(self.working / "pipelines"),
            destination=self.place.destination(connection),
            dataset_name=source,
        )

    def load_new(self, package: Package, loaded_at: datetime) -> None:
        """Store the rows of a package that are not stored yet; few of them without dlt."""
        with self.open() as connection:
            self.prepare({package.source: RESTRICTED_TABLES})
            with transaction(connection):
                declare_tables(connection, package.source, RESTRICTED_TABLES)
            rows = {
                table: found
                for table, batches in package.batches.items()
                if (found := new_rows(connection, package.source, table, batches)).num_rows
            }
            if sum(found.num_rows for found in rows.values()) > FEW_ROWS:
                batches = {table: [found] for table, found in rows.items()}
                self.load(replace(package, batches=batches), loaded_at)
                return
            with load_errors(package.source, self.place), transaction(connection):
                for table, found in rows.items():
                    store_rows(connection, package.source, table, found, loaded_at)

    def load(self, package: Package, loaded_at: datetime) -> None:
        """Store the rows and the state of a package, all or, after a crash, on the next run.

        Plain values of persons come first: a pseudonym that is stored can be looked up.
        """
        if package.persons:
            self.restricted().load_new(package.of_persons(), loaded_at)
        with self.open() as connection, load_errors(package.source, self.place):
            rest = self._without_unchanged(connection, package, loaded_at)
            if rest.batches:
                pipeline = self._pipeline(connection, package.source)
                pipeline.run(dlt_source(rest, loaded_at), loader_file_format="parquet")
        # the record of a finished load serves nobody; state is read from the database
        shutil.rmtree(self._folder(package.source), ignore_errors=True)

    def _without_unchanged(self, connection: Any, package: Package, loaded_at: datetime) -> Package:
        """Return what dlt has to load; where that is nothing, the state is stored already."""
        known = tables_of(connection, package.source)
        unchanged = {
            table: rows
            for table, rows in package.batches.items()
            if table.name in known and is_stored(connection, package.source, table, rows)
        }
        rest = {table: rows for table, rows in package.batches.items() if table not in unchanged}
        with transaction(connection):
            touch(connection, package.source, unchanged, loaded_at)
            if not rest and not note_state(connection, package.source, package.state):
                return package
        return replace(package, batches=rest)


def new_rows(connection: Any, schema: str, table: Table, batches: Sequence[Any]) -> Any:
    """Return the rows that a table does not have yet, the last of every key."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = without_duplicates(pa.concat_tables(batches), table.key)
    names = ", ".join(f'"{name}"' for name in table.columns)
    first = table.key[0]
    query = f'select {names} from "{schema}"."{table.name}" where "{first}" = any(?)'  # noqa: S608
    asked = pc.unique(found.column(first)).to_pylist()
    known = set(connection.execute(query, [asked]).fetchall())
    rows = zip(*(found.column(name).to_pylist() for name in table.columns), strict=True)
    return found.filter(pa.array([row not in known for row in rows], pa.bool_()))


def stored_counts(
    connection: Any, source: str, tables: Sequence[Table]
) -> dict[str, dict[Part, int]]:
    """Return the rows of every table that is replaced in parts or as a whole, by part."""
    present = tables_of(connection, source)
    counts = {}
    for table in tables:
        if table.mode != "merge" and table.name in present:
            names = ", ".join(f'"{name}"' for name in table.part_by)
            grouped = f"select {names}, count(*)" if names else "select count(*)"
            query = f'{grouped} from "{source}"."{table.name}"'
            query += f" group by {names}" if names else ""
            rows = connection.execute(query).fetchall()
            found = {tuple(row[:-1]): row[-1] for row in rows}
            # no rows are no part, also of a whole table
            counts[table.name] = {part: count for part, count in found.items() if count}
    return counts


def dlt_source(package: Package, loaded_at: datetime) -> Any:
    """Return one dlt source with a resource per table; they carry the state too."""
    import dlt

    def resources() -> list[Any]:
        return [dlt_resource(table, package, loaded_at) for table in package.batches]

    return dlt.source(resources, name=package.source, max_table_nesting=0)()


def dlt_resource(table: Table, package: Package, loaded_at: datetime) -> Any:
    """Return one table as a dlt resource: its rows, and how a load changes it."""
    import dlt
    import pyarrow as pa

    def rows() -> Iterator[Any]:
        # state can be written only while dlt reads a resource
        dlt.current.source_state().update(copy.deepcopy(package.state))
        batches = [finish(table, batch, loaded_at) for batch in package.batches[table]]
        yield pa.concat_tables([table.schema().empty_table(), *batches])

    hints: dict[str, Any] = {"write_disposition": "replace"}
    if table.mode != "replace":
        hints = {"write_disposition": {"disposition": "merge", "strategy": "delete-insert"}}
    if table.mode == "merge":
        hints["primary_key"] = list(table.key)
    if table.mode == "parts":
        hints["merge_key"] = list(table.part_by)
        hints["columns"] = {DELETED: {"data_type": "bool", "hard_delete": True}}
    return dlt.resource(rows, name=table.name, **hints)


@contextlib.contextmanager
def load_errors(source: str, place: Place) -> Iterator[None]:
    """Turn what dlt raises into one sentence; the rows stay where the next run finds them."""
    try:
        yield
    except PlatformError:
        raise
    except Exception as error:
        reason = root_of(error)
        text = str(reason).strip().splitlines()[0] if str(reason).strip() else type(reason).__name__
        text = redact(text, secrets_of())
        if full_disk(error):
            raise DiskFullError(
                f"no space left for {place}", hint="free some space and run again"
            ) from None
        raise PlatformError(
            f"could not load {source} into {place}: {text}", hint="run again; nothing is lost"
        ) from error


def root_of(error: BaseException) -> BaseException:
    """Return the error that began a chain of errors."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
