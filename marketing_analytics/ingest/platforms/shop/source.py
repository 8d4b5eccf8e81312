"""The shop's own SQL database: customers, orders, refunds, consents, budgets and targets.

Every table is copied as a whole from one transaction, so that deleted customers disappear
here too and the tables agree with each other. SQLite and PostgreSQL, by SQLAlchemy URL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marketing_analytics.core.errors import (
    PlatformError,
    TerminalError,
    TransientError,
    UserError,
)
from marketing_analytics.ingest.engine.job import Job, Piece
from marketing_analytics.ingest.engine.source import Source
from marketing_analytics.ingest.engine.tables import Table

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

ROWS_AT_ONCE = 50_000
CONNECT_TIMEOUT_SECONDS = 10

CUSTOMERS = Table(
    "customers",
    {
        "customer_id": "text",
        "email": "text",
        "country": "text",
        "created_at": "time",
        "updated_at": "time",
    },
    key=("customer_id",),
    mode="replace",
    personal={"customer_id": "customer", "email": "email"},
)
ORDERS = Table(
    "orders",
    {
        "order_id": "text",
        "customer_id": "text",
        "ordered_at": "time",
        "order_date": "date",
        "currency": "text",
        "total_cents": "count",
        "is_first_order": "count",
        "updated_at": "time",
    },
    key=("order_id",),
    mode="replace",
    required=("total_cents",),
    personal={"customer_id": "customer"},
)
REFUNDS = Table(
    "refunds",
    {
        "refund_id": "text",
        "order_id": "text",
        "refunded_at": "time",
        "currency": "text",
        "amount_cents": "count",
        "updated_at": "time",
    },
    key=("refund_id",),
    mode="replace",
    required=("amount_cents",),
)
CONSENTS = Table(
    "consents",
    {
        "consent_id": "text",
        "customer_id": "text",
        "purpose": "text",
        "is_granted": "count",
        "changed_at": "time",
        "source": "text",
    },
    key=("consent_id",),
    mode="replace",
    personal={"customer_id": "customer"},
)
BUDGETS = Table(
    "budgets",
    {
        "budget_month": "text",
        "platform": "text",
        "campaign_id": "text",
        "currency": "text",
        "amount_cents": "count",
    },
    key=("budget_month", "platform", "campaign_id"),
    mode="replace",
)
TARGETS = Table(
    "targets",
    {"target_month": "text", "metric": "text", "target_value": "rate"},
    key=("target_month", "metric"),
    mode="replace",
)
EXCHANGE_RATES = Table(
    "exchange_rates",
    {"currency": "text", "rate_date": "date", "usd_per_unit": "rate"},
    key=("currency", "rate_date"),
    mode="replace",
)
TABLES = (CUSTOMERS, ORDERS, REFUNDS, CONSENTS, BUDGETS, TARGETS, EXCHANGE_RATES)


def collect(job: Job) -> None:
    """Copy every table; nothing is kept unless all of them could be read."""
    job.plan(len(TABLES))
    with reading(job.setting("SHOP_DATABASE_URL")) as connection:
        pieces = [Piece(table, read_table(connection, table)) for table in TABLES]
    job.keep(pieces)
    job.done(len(TABLES))


def check(job: Job) -> list[tuple[str, str]]:
    """Ask every table for its columns and no row."""
    with reading(job.setting("SHOP_DATABASE_URL")) as connection:
        for table in TABLES:
            connection.execute(query_of(table).limit(0))
    return [("", f"{len(TABLES)} tables")]


@contextmanager
def reading(url: str) -> Iterator[Connection]:
    """Yield a connection that sees one moment of the database."""
    engine = connect(url)
    try:
        with database_errors(), engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                # its driver begins a transaction only for writes
                connection.exec_driver_sql("begin")
            yield connection
    finally:
        engine.dispose()


def connect(url: str) -> Engine:
    """Return an engine whose connection sees one moment of the database."""
    import sqlalchemy
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        address = sqlalchemy.make_url(url)
        if address.get_backend_name() == "sqlite":
            check_file(address.database)
            return sqlalchemy.create_engine(address)
        return sqlalchemy.create_engine(
            address.set(drivername=driver_of(address.drivername)),
            isolation_level="REPEATABLE READ",
            connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS},
        )
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError):
        raise UserError(
            "SHOP_DATABASE_URL is not a database address this program knows",
            hint="write sqlite:////path/shop.sqlite or postgresql://user:password@host/name",
        ) from None


def driver_of(name: str) -> str:
    """Return the driver that is installed where the address names none."""
    return "postgresql+psycopg2" if name in {"postgres", "postgresql"} else name


def check_file(path: str | None) -> None:
    """Refuse a file that does not exist; SQLite would make an empty one."""
    if not path or not Path(path).is_file():
        raise UserError(f"the shop database does not exist: {path}", hint="check SHOP_DATABASE_URL")


def read_table(connection: Connection, table: Table) -> dict[str, list[Any]]:
    """Return the columns of a whole table, read in batches."""
    names = list(table.columns)
    columns: dict[str, list[Any]] = {name: [] for name in names}
    rows = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query_of(table))
    for batch in rows.partitions():
        for name, values in zip(names, zip(*batch, strict=True), strict=True):
            columns[name] += values
    return columns


def query_of(table: Table) -> Any:
    """Return the query of a whole table."""
    import sqlalchemy

    columns: list[Any] = [sqlalchemy.column(name) for name in table.columns]
    return sqlalchemy.select(*columns).select_from(sqlalchemy.table(table.name))


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn what the driver raises into one sentence."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except DBAPIError as error:
        raise error_of_driver(error.orig) from None
    except SQLAlchemyError as error:
        raise TerminalError(f"the shop database failed: {type(error).__name__}") from None


def error_of_driver(error: BaseException | None) -> PlatformError:
    """Return our error for the first line of the driver's text."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if "no such table" in text or "does not exist" in text or "no such column" in text:
        return TerminalError(
            f"the shop database lacks something: {text}", hint="compare it with docs/ingestion.md"
        )
    return TransientError(f"cannot read the shop database: {text}", hint="run again")


SOURCE = Source(
    tables=TABLES,
    settings=("SHOP_DATABASE_URL",),
    collect=collect,
    restates="everything",
    check=check,
)
