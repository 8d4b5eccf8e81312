"""Publish the marts: copy what a report needs into a new file, then let a pointer name it.

Who reads an earlier snapshot goes on reading it: no file is ever written twice. A process that dies
at any moment leaves the pointer where it was, and what it wrote goes with the next publish.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from marketing_analytics.core.console import Console
from marketing_analytics.core.errors import MachineError, UserError
from marketing_analytics.core.locks import file_lock
from marketing_analytics.core.written import replace_file, sync_file, sync_folder, writing
from marketing_analytics.report.snapshots.columns import no_column
from marketing_analytics.report.snapshots.published import (
    NEEDED,
    check_of,
    statements,
    watched_statements,
)
from marketing_analytics.report.snapshots.values import check_values, overflowing
from marketing_analytics.warehouse import duckdb
from marketing_analytics.warehouse.marts import Marts, schema_of
from marketing_analytics.web.words import plural

POINTER = "current.json"
# what everybody who reads the pointer reads of it
POINTED = {"snapshot_id": str, "file": str, "snapshot_at": str, "tables": dict, "missing": list}
# how the name of a file ends that is still being written
UNFINISHED = ".new"
TABLES_SQL = "select table_name from duckdb_tables()"
KEPT_SNAPSHOTS = 3
LOCK_WAIT_SECONDS = 120.0
# of a million customers half as much again is used; twice the limit is no faster
MEMORY_LIMIT = "350MB"
# what PostgreSQL calls its types, by their number
POSTGRESQL_TYPES = {
    16: "boolean", 20: "bigint", 21: "bigint", 23: "integer", 700: "double", 701: "double",
    1082: "date", 1114: "timestamp", 1184: "timestamptz",
}  # fmt: skip
NUMERIC = 1700
# what of a statement says how its rows are sorted
ORDERED = "\norder by "


def publish_command(console: Console, marts: Marts, folder: Path) -> None:
    """Publish a snapshot, and say what is in it."""
    published = publish(marts, folder)
    if console.is_json:
        console.json(published)
        return
    tables = plural(len(published["tables"]), "table")
    rows = plural(sum(table["rows"] for table in published["tables"].values()), "row")
    console.prose(f"published {published['snapshot_id']}: {tables}, {rows}")
    if published["missing"]:
        console.prose(f"not built yet: {', '.join(published['missing'])}", indent="  ")


def publish(marts: Marts, folder: Path) -> dict[str, Any]:
    """Publish the marts into a folder and return what the pointer says of the snapshot.

    Raise UserError where the marts lack what every report needs, LockedError while another process
    publishes there, MachineError where the snapshot cannot be written whole, and what reading the
    warehouse raises.
    """
    with (
        file_lock(
            folder / ".lock",
            taken=f"another process publishes to {folder}",
            timeout_seconds=LOCK_WAIT_SECONDS,
        ),
        writing(folder),
    ):
        forget_unfinished(folder)
        at = datetime.now(UTC)
        name = f"{at:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        path, unfinished = folder / f"{name}.duckdb", folder / f"{name}{UNFINISHED}"
        with duckdb.new_file(unfinished):
            tables = copied_whole(marts, unfinished)
        content = {
            "schema_version": 1,
            "snapshot_id": name,
            "file": path.name,
            "snapshot_at": at.isoformat(timespec="seconds"),
            "tables": tables,
            "missing": missing_of(tables),
        }
        unfinished.rename(path)
        try:
            sync_folder(folder)
            replace_file(folder / POINTER, json.dumps(content, indent=2) + "\n")
        except MachineError:
            # the pointer is where it was: nobody reads it
            path.unlink(missing_ok=True)
            raise
        forget_old(folder, path)
    return content


def copied_whole(marts: Marts, path: Path) -> dict[str, Any]:
    """Copy into a new file that holds everything on the disk, and return rows by table."""
    tables = copy_postgresql(marts, path) if marts.is_postgresql else copy_file(marts, path)
    lacking = [name for name in NEEDED if name not in tables]
    if lacking:
        raise UserError(
            f"{marts} lacks what every report needs: {', '.join(lacking)}",
            hint="build the marts with dbt first",
        )
    check_whole(path, tables)
    sync_file(path)
    return tables


def missing_of(tables: Iterable[str]) -> list[str]:
    """Return the tables that are published where there are any, and are not among these."""
    return sorted({*statements(), *watched_statements("")} - set(tables))


def check_whole(path: Path, tables: Mapping[str, Any]) -> None:
    """Raise MachineError where a file, opened again, does not hold all rows of its tables."""
    duckdb.check_without_log(path)
    with contextlib.closing(duckdb.connect(path, is_read_only=True)) as connection:
        found = {name for (name,) in connection.execute(TABLES_SQL).fetchall()}
        broken = [
            name
            for name, table in tables.items()
            if name not in found or rows_of(connection, name) != table["rows"]
        ]
    if broken:
        raise MachineError(f"{path} was not written whole: {', '.join(broken)}")


def rows_of(connection: Any, table: str) -> int:
    """Return how many rows a table has."""
    return int(connection.execute(f"select count(*) from {table}").fetchone()[0])  # noqa: S608


def copy_file(marts: Marts, path: Path) -> dict[str, Any]:
    """Copy from a DuckDB file into a new one, and return rows by table."""
    source = Path(marts.address)
    connection = duckdb.connect(path)
    try:
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        # views name the database they were made in
        with marts.reading() as reading:
            schema = schema_of(reading)
        # who writes comes between the look for the schema and this
        duckdb.attach_beside(connection, source, source.stem, wait_seconds=LOCK_WAIT_SECONDS)
        marts.attach_raw(connection)
        connection.execute(f'use "{source.stem}"."{schema}"')
        new = f'"{path.stem}".main'
        found: dict[str, Any] = {}
        for name, statement in {**statements(), **watched_statements(schema)}.items():
            with telling_the_column(connection, statement):
                rows = copied(connection, f"{new}.{name}", statement, check_of(name))
            if rows is not None:
                found[name] = {"rows": rows}
        for name, statement in statements().items():
            if name in found:
                check_values(connection, name, f"{new}.{name}", statement)
        # to close does the same, and is silent where it fails
        connection.execute(f'checkpoint "{path.stem}"')
    finally:
        connection.close()
    return found


def copied(connection: Any, table: str, statement: str, check: str = "") -> int | None:
    """Copy one table and return its rows; None where the warehouse does not have it.

    `check` is another statement that must not fail. Raise UserError where a column is missing.
    """
    import duckdb as engine

    try:
        rows, _, order = statement.partition(ORDERED)
        if check:
            connection.execute(f"describe {check}")
        written = f"{numbered(connection, table, rows)}{ORDERED}{order}" if order else rows
        connection.execute(f"create table {table} as {written}")
    except (engine.CatalogException, engine.BinderException) as error:
        if told := no_column(connection, statement, error, engine.Error):
            raise told from None
        return None
    return rows_of(connection, table)


@contextlib.contextmanager
def telling_the_column(connection: Any, rows: str, source: str = "") -> Iterator[None]:
    """Raise UserError with mart and column where a value of the rows does not fit into its type.

    `source` is the statement that reads the marts, where `rows` read a copy.
    """
    import duckdb as engine

    try:
        yield
    except (engine.ConversionException, engine.OutOfRangeException) as error:
        raise overflowing(connection, rows, engine.Error, source) or error from None


def numbered(connection: Any, table: str, statement: str) -> str:
    """Return a statement whose texts are numbers of the few there are, in their order.

    What is sorted is large: by numbers that takes a third of the time.
    """
    described = connection.execute(f"describe {statement}").fetchall()
    casts = []
    for name, kind, *_ in described:
        if kind == "VARCHAR":
            # the empty one, since there must be one
            texts = f"select '' union select {name} from ({statement}) where {name} is not null"  # noqa: S608
            connection.execute(f"create type {table}_{name} as enum ({texts} order by 1)")
            casts.append(f"cast({name} as {table}_{name}) as {name}")
    return f"select * replace ({', '.join(casts)}) from ({statement})" if casts else statement  # noqa: S608


def copy_postgresql(marts: Marts, path: Path) -> dict[str, Any]:
    """Copy from a schema of a server into a new file, and return rows by table."""
    import psycopg2

    connection = duckdb.connect(path)
    found: dict[str, Any] = {}
    try:
        with marts.reading() as reading:
            schema = schema_of(reading)
            for name, statement in {**statements(), **watched_statements(schema)}.items():
                try:
                    if check := check_of(name):
                        reading.execute(f"{check} limit 0")
                    described = reading.execute(f"{statement} limit 0").description
                except psycopg2.errors.UndefinedTable:
                    continue
                except psycopg2.errors.UndefinedColumn as error:
                    raise no_column(reading, statement, error, psycopg2.Error) or error from None
                columns = {column.name: type_of(column) for column in described}
                with tempfile.NamedTemporaryFile(
                    dir=path.parent, prefix=f"{path.name}.", suffix=".csv"
                ) as file:
                    written_out(reading, statement, file)
                    rows = loaded(connection, name, columns, Path(file.name), statement)
                    found[name] = {"rows": rows}
                if name in statements():
                    check_values(connection, name, name, statement)
        connection.execute("checkpoint")
    finally:
        connection.close()
    return found


def written_out(reading: Any, statement: str, file: Any) -> None:
    """Write the rows of a statement on a server into a CSV file."""
    import psycopg2

    try:
        reading.execute("select 1").copy_expert(
            f"copy ({statement}) to stdout with (format csv, null '\\N')", file
        )
    except psycopg2.errors.NumericValueOutOfRange as error:
        raise overflowing(reading, statement, psycopg2.Error) or error from None
    file.flush()


def loaded(
    connection: Any, table: str, columns: dict[str, str], file: Path, statement: str
) -> int | None:
    """Load a CSV file of a statement into a new table and return its rows."""
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    # nothing can be guessed from the file of an empty table
    rows = (
        f"select * from read_csv({duckdb.quoted(file)}, header = false, auto_detect = false,"  # noqa: S608
        f" delim = ',', quote = '\"', escape = '\"', nullstr = '\\N', columns = {{{types}}})"
    )
    order = statement.partition(ORDERED)[2]
    with telling_the_column(connection, rows, statement):
        if not order:
            return copied(connection, table, rows)
        # its texts are looked through one by one
        connection.execute(f"create or replace temp table loaded as {rows}")
        return copied(connection, table, f"from loaded{ORDERED}{order}")


def type_of(column: Any) -> str:
    """Return DuckDB's type for a column of PostgreSQL."""
    if column.type_code == NUMERIC:
        has_scale = column.precision and column.precision <= 38
        return f"decimal({column.precision}, {column.scale})" if has_scale else "decimal(38, 12)"
    return POSTGRESQL_TYPES.get(column.type_code, "varchar")


def forget_unfinished(folder: Path) -> None:
    """Remove what killed processes left of snapshots that no pointer ever named."""
    for path in folder.glob(f"[0-9]*{UNFINISHED}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def forget_old(folder: Path, newest: Path) -> None:
    """Remove all snapshots but the last ones, and those that were not written whole."""
    for log in folder.glob("*.duckdb.wal"):
        # what is named has none
        log.with_suffix("").unlink(missing_ok=True)
        log.unlink(missing_ok=True)
    others = sorted(path for path in folder.glob("*.duckdb") if path != newest)
    for path in others[: -(KEPT_SNAPSHOTS - 1)]:
        path.unlink(missing_ok=True)


def current(folder: Path) -> dict[str, Any]:
    """Return what the pointer says. Raise MachineError where nothing was published."""
    pointer = folder / POINTER
    try:
        content: dict[str, Any] = json.loads(pointer.read_text(encoding="utf-8"))
        check_pointer(content)
    except FileNotFoundError:
        raise MachineError(
            f"nothing is published in {folder}", hint="marketing report publish does it"
        ) from None
    except (OSError, ValueError) as error:
        raise MachineError(
            f"cannot read {pointer}: {error}", hint="marketing report publish writes it anew"
        ) from None
    return content


def check_pointer(content: Any) -> None:
    """Raise ValueError for what no publish wrote."""
    given = content if isinstance(content, dict) else {}
    wrong = [name for name, kind in POINTED.items() if not isinstance(given.get(name), kind)]
    if wrong:
        raise ValueError(f"it does not say {', '.join(wrong)}")
    datetime.fromisoformat(given["snapshot_at"])
