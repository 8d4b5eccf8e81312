"""One moment of a SQL database, read with dlt's loader of tables.

Of dlt's `sql_database` the loader is used, not the resource: the tables of a shop agree with each
other only inside one transaction, and a value that does not fit must cost a value, not the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy
from dlt.sources.sql_database.helpers import TableLoader
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from marketing_analytics.core.errors import (
    AuthError,
    PlatformError,
    TerminalError,
    TransientError,
    UserError,
)

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

    from marketing_analytics.ingest.engine.tables import Table

SETTING = "SHOP_DATABASE_URL"
ADDRESSES = (
    "write sqlite:////path/shop.sqlite, postgresql://user:<password>@host/name or "
    "mariadb://user:<password>@host/name"
)
# of dlt's own default; 50,000 rows of eight columns are 25 MB
ROWS_AT_ONCE = 50_000
CONNECT_TIMEOUT_SECONDS = 10
# drivers that are installed, where the address names none
DRIVERS = {
    "postgres": "postgresql+psycopg2",
    "postgresql": "postgresql+psycopg2",
    "mariadb": "mariadb+pymysql",
    "mysql": "mysql+pymysql",
}
CONNECT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "psycopg2": {"connect_timeout": CONNECT_TIMEOUT_SECONDS},
    "psycopg": {"connect_timeout": CONNECT_TIMEOUT_SECONDS},
    # a TIMESTAMP comes in the zone of the session
    "pymysql": {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "init_command": "set time_zone = '+00:00'",
    },
}
# every statement of such a transaction sees the same moment; the first that is known is taken
SNAPSHOT_LEVELS = ("REPEATABLE READ", "SERIALIZABLE")

ABSENT = ("no such table", "no such column", "does not exist", "doesn't exist", "unknown column")
REFUSED = ("authentication failed", "access denied", "command denied", "permission denied")


class SnapshotLoader(TableLoader):
    """Reads a table in a transaction that is open already, as columns of the driver's values.

    Types are not reflected: those of the raw table are declared, and cast there row by row.
    """

    def __init__(self, connection: Connection, table: Table) -> None:
        columns = [sqlalchemy.Column[Any](name) for name in table.columns]
        known = sqlalchemy.Table(table.name, sqlalchemy.MetaData(), *columns)
        super().__init__(connection.engine, "sqlalchemy", known, {}, chunk_size=ROWS_AT_ONCE)
        self.connection = connection

    def _load_rows(self, query: Any, backend_kwargs: dict[str, Any]) -> Iterator[Any]:
        options = {"yield_per": self.chunk_size}
        with self.connection.execute(query, execution_options=options) as result:
            yield from self._convert_result(result, backend_kwargs)

    def _convert_result(self, result: Any, backend_kwargs: dict[str, Any]) -> Iterator[Any]:
        # plain text; its own names are of another class
        names = list(map(str, result.keys()))
        for rows in result.partitions():
            yield dict(zip(names, zip(*rows, strict=True), strict=True))


def read(connection: Connection, table: Table) -> Iterator[Mapping[str, Sequence[Any]]]:
    """Yield a table in chunks of columns."""
    yield from SnapshotLoader(connection, table).load_rows()


def glance(connection: Connection, table: Table) -> None:
    """Ask a table for its columns and no row."""
    columns = [sqlalchemy.Column[Any](name) for name in table.columns]
    known = sqlalchemy.Table(table.name, sqlalchemy.MetaData(), *columns)
    connection.execute(sqlalchemy.select(known).limit(0))


def absent_tables(connection: Connection, tables: Sequence[Table]) -> list[Table]:
    """Return those of some tables that are neither a table nor a view of the database."""
    asked = sqlalchemy.inspect(connection)
    return [table for table in tables if not asked.has_table(table.name)]


@contextmanager
def snapshot(url: str) -> Iterator[Connection]:
    """Yield a connection that sees one moment of the database; its errors are sentences."""
    engine = engine_of(url)
    try:
        with database_errors(), engine.connect() as connection:
            begin(connection)
            yield connection
    finally:
        engine.dispose()


def begin(connection: Connection) -> None:
    """Begin the transaction in which all tables are read."""
    dialect = connection.dialect
    if dialect.name == "sqlite":
        # its driver begins a transaction only for writes
        connection.exec_driver_sql("begin")
        return
    try:
        known = dialect.get_isolation_level_values(connection.connection.dbapi_connection)  # type: ignore[arg-type]
    except NotImplementedError:
        known = []
    for level in SNAPSHOT_LEVELS:
        if level in known:
            connection.execution_options(isolation_level=level)
            return


def engine_of(url: str) -> Engine:
    """Return an engine for an address; raise UserError for one that is of no use."""
    try:
        address = sqlalchemy.make_url(url)
    except (ArgumentError, ValueError):
        raise UserError(f"{SETTING} is not a database address", hint=ADDRESSES) from None
    check_parts(address)
    address = address.set(drivername=DRIVERS.get(address.drivername, address.drivername))
    try:
        arguments = CONNECT_ARGUMENTS.get(address.get_driver_name(), {})
        return sqlalchemy.create_engine(address, connect_args=arguments)
    except NoSuchModuleError:
        raise UserError(
            f"{SETTING} names a kind of database that is unknown: {address.drivername}",
            hint=f"{ADDRESSES}; others need the package of their SQLAlchemy dialect",
        ) from None
    except ModuleNotFoundError as error:
        raise UserError(
            f"{SETTING} needs the driver {error.name}, which is not installed",
            hint=f"install it beside this program, or {ADDRESSES}",
        ) from None
    except ArgumentError:
        raise UserError(f"{SETTING} is not a database address", hint=ADDRESSES) from None


def check_parts(address: URL) -> None:
    """Refuse what a driver would misunderstand, and show half a password in its error."""
    if any(sign in (address.host or "") for sign in "@/: "):
        raise UserError(
            f"{SETTING} is not a database address: its password holds a sign of addresses",
            hint="write @ as %40, : as %3A, / as %2F",
        )
    path = address.database
    # SQLite would make an empty file
    if address.get_backend_name() == "sqlite" and not (path and Path(path).is_file()):
        raise UserError(f"the shop database does not exist: {path}", hint=f"check {SETTING}")


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn what the driver raises into one sentence."""
    try:
        yield
    except DBAPIError as error:
        raise error_of_driver(error.orig) from None
    except SQLAlchemyError as error:
        raise TerminalError(f"the shop database failed: {type(error).__name__}") from None


def error_of_driver(error: BaseException | None) -> PlatformError:
    """Return our error for the first line of the driver's text."""
    # PyMySQL gives a number and a text
    text = str(error.args[-1] if error is not None and error.args else error).strip()
    text = text.splitlines()[0] if text else type(error).__name__
    if any(words in text.lower() for words in REFUSED):
        return AuthError(
            f"the shop database refuses access: {text}",
            hint=f"check user and password in {SETTING}; the user needs the right to read",
        )
    if any(words in text.lower() for words in ABSENT):
        return TerminalError(
            f"the shop database lacks something: {text}",
            hint="compare it with docs/platforms/shop.md; a view of that name will do",
        )
    return TransientError(
        f"cannot read the shop database: {text}",
        hint=f"check {SETTING} and that the server is running; then run again",
    )
