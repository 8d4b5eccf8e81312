"""What is published of customers and e-mail from PostgreSQL is what is published from DuckDB."""

from __future__ import annotations

import duckdb
import psycopg2
import pytest

from benchmarks.customer_marts import TABLES, add_customers
from benchmarks.small_marts import LAST, write_marts
from marketing_analytics.report.snapshots.publish import publish
from marketing_analytics.report.snapshots.published import statements
from marketing_analytics.report.snapshots.snapshot import opened
from marketing_analytics.warehouse.marts import Marts
from tests.ingest.database_servers import postgresql

pytestmark = pytest.mark.slow
TYPES = {"HUGEINT": "numeric(38, 0)", "DOUBLE": "double precision", "UBIGINT": "bigint"}


def copy(source, url, folder):
    """Copy the marts of a DuckDB file into the schema `marts` of a server."""
    with duckdb.connect(str(source)) as marts, psycopg2.connect(url) as server:
        cursor = server.cursor()
        marts.execute("use marts.marts")
        cursor.execute("create schema marts")
        tables = marts.execute(
            "select distinct table_name from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
        for (table,) in tables:
            columns = marts.execute(f"describe {table}").fetchall()
            typed = ", ".join(f"{name} {TYPES.get(kind, kind)}" for name, kind, *_ in columns)
            cursor.execute(f"create table marts.{table} ({typed})")
            file = folder / f"{table}.csv"
            marts.execute(f"copy {table} to '{file}' (header false, nullstr '\\N')")
            with file.open() as text:
                cursor.copy_expert(
                    f"copy marts.{table} from stdin with (format csv, null '\\N')", text
                )


def test_both_publish_the_same_tables(tmp_path):
    path = write_marts(tmp_path / "marts.duckdb", days=40)
    add_customers(path, LAST, customers=160, days=120)
    publish(Marts(str(path)), tmp_path / "duckdb")
    with postgresql() as url:
        copy(path, url, tmp_path)
        publish(Marts(url, "marts"), tmp_path / "postgresql")
    written = set(statements()) - {"ad_days"}
    with opened(tmp_path / "duckdb") as ours, opened(tmp_path / "postgresql") as theirs:
        assert set(ours.about["tables"]) == set(theirs.about["tables"])
        named = written & set(ours.about["tables"])
        assert {"acquisition_channels", "cohort_months", "email_campaigns"} <= named
        assert len(named) > len(TABLES)
        for table in sorted(named):
            rows = [
                sorted(
                    str([plain(value) for value in row])
                    for row in snapshot.connection.execute(f"select * from {table}").fetchall()
                )
                for snapshot in (ours, theirs)
            ]
            assert rows[0] == rows[1], table


def plain(value):
    """Return a number without its type, rounded as both engines keep it."""
    is_number = not isinstance(value, bool | str | type(None)) and hasattr(value, "__float__")
    return round(float(value), 6) if is_number else value
