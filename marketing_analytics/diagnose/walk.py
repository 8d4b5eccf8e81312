"""Walk a chain: ask each link's query, let its judge say what it means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from marketing_analytics.diagnose.link import Finding, Link, Row, Verdict, ok, unknown
from marketing_analytics.warehouse.marts import Marts, schema_of

QUERIES = Path(__file__).parent / "queries"
# rows of a broken link that are shown: as many as there are sources
MOST_ROWS = 12
RAW = re.compile(r"\braw\.")
KEPT = re.compile(r"\bmonitor_schema\.")
# between the parts of a query, of which those without their tables are left out
BETWEEN = "\nunion all\n"
COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
TODAY_SQL = "select max(as_of_date) as today from int_calendar__as_of"
# what is known before the first order
OF_LOADS = ("stg_ingest__", "raw.", "monitor_")
NO_DATA = "no data yet: `marketing ingest run`, then build the marts with dbt"
# what engines say of a relation that is not there
ABSENT = re.compile(
    r"Table with name \"?([\w.]+)\"? does not exist"
    r"|relation \"([\w.]+)\" does not exist"
    r"|Catalog \"(raw)\" does not exist"
)


class AbsentError(Exception):
    """A table that a query reads is not there."""


def walk(connection: Any, marts: Marts, links: Sequence[Link]) -> Iterator[Finding]:
    """Yield what is found at each link, in their order; the connection reads the marts."""
    schema = schema_of(connection)
    is_empty = has_no_day(connection)
    for link in links:
        query = query_of(link, marts, schema)
        rows: list[Row] = []
        try:
            query, rows = answer(connection, query)
            verdict = unknown(NO_DATA) if is_empty and asks_of_marts(link) else link.judge(rows)
        except AbsentError as error:
            verdict = absent(str(error), link, marts)
        except Exception as error:
            if not is_of_engine(error):
                raise
            verdict = unknown(f"the warehouse says: {str(error).strip().splitlines()[0]}")
        yield Finding(link, verdict.status, verdict.sentence, query, tuple(rows[:MOST_ROWS]))


def has_no_day(connection: Any) -> bool:
    """Return whether the marts are there, and no order has told them which day it is."""
    try:
        (row,) = asked(connection, TODAY_SQL)
    except Exception as error:
        # each link says so itself
        if isinstance(error, AbsentError) or is_of_engine(error):
            return False
        raise
    return row["today"] is None


def asks_of_marts(link: Link) -> bool:
    """Return whether a link asks what marts hold, of which nothing can be said without data."""
    return not link.is_of_days and not any(name in link.tables for name in OF_LOADS)


def query_of(link: Link, marts: Marts, schema: str) -> str:
    """Return the query of a link as this warehouse takes it."""
    text = (QUERIES / f"{link.query}.sql").read_text(encoding="utf-8").strip()
    if marts.is_postgresql:
        # one database holds both there
        text = RAW.sub("", text)
    return KEPT.sub(lambda _: f'"{schema}_monitor".', text)


def answer(connection: Any, query: str) -> tuple[str, list[Row]]:
    """Return a query and its rows, without the parts whose tables are not there.

    Raise AbsentError with the name of a table where no part can be answered.
    """
    try:
        return query, asked(connection, query)
    except AbsentError:
        parts = COMMENT.sub("", query).split(BETWEEN)
        if len(parts) == 1 or not parts[0].startswith("select"):
            raise
        first = None
    there = []
    for part in parts:
        try:
            asked(connection, part)
        except AbsentError as error:
            first = first or error
        else:
            there.append(part)
    if not there and first:
        raise first
    query = BETWEEN.join(there)
    return query, asked(connection, query)


def asked(connection: Any, query: str) -> list[Row]:
    """Return the rows of a query. Raise AbsentError where a table is not there."""
    try:
        cursor = connection.execute(query)
    except Exception as error:
        found = ABSENT.search(str(error)) if is_of_engine(error) else None
        if not found:
            raise
        name = next(filter(None, found.groups()))
        raise AbsentError(name) from None
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def is_of_engine(error: Exception) -> bool:
    """Return whether a database refused the query."""
    return type(error).__module__.partition(".")[0] in ("duckdb", "_duckdb", "psycopg2")


def absent(name: str, link: Link, marts: Marts) -> Verdict:
    """Return what it means that a table is not there."""
    is_raw_closed = not marts.is_postgresql and not (marts.raw and marts.raw.exists())
    if name == "raw" or (is_raw_closed and "raw." in link.tables):
        return unknown("the raw database was not given: pass --raw-database")
    return ok(link.absent) if link.absent else unknown(f"{name} is not there: it was not built")


def first_broken(findings: Sequence[Finding]) -> Finding | None:
    """Return the first link that is broken."""
    return next((found for found in findings if found.status == "broken"), None)
