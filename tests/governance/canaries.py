"""Persons with marked addresses, names, phones and ids, loaded as ingestion does."""

from __future__ import annotations

import hashlib
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from click.testing import CliRunner
from raw_tables import FIRST_DAY, KEY, TABLES, moment, small_world
from small_warehouse import PROJECT, SCHEMA

from marketing_analytics.audiences.cli import group as audience_group
from marketing_analytics.audiences.identifiers import sha256
from marketing_analytics.governance.cli import group
from marketing_analytics.governance.traces.marks import marks_of, search_of
from marketing_analytics.ingest.engine.erased import Erased
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.raw import journal
from marketing_analytics.ingest.raw.database import RawDatabase
from marketing_analytics.ingest.raw.erasures import erased_pseudonyms
from marketing_analytics.ingest.raw.places import DuckDBFile, place_of

NOW = datetime(2026, 11, 9, 6, tzinfo=UTC)
SETTING = f"{KEY.version}:{KEY.secret.decode()}"


def email(number):
    return f"{number:05d}.Canary@mark.example"


def values_of(number):
    """Return everything that tells of a canary, by kind."""
    return {
        "email": email(number),
        "customer": f"K{number:05d}canary",
        "device": f"{number:05d}9.canary-0",
        "phone": f"+49 1{number:05d} 77",
        "first_name": f"Vn{number:05d}ary",
        "last_name": f"Nn{number:05d}ary",
        "klaviyo profile": f"01H{number:05d}PROFILE",
    }


def search_for(numbers):
    """Return the search for all marks of some canaries."""
    return search_of(
        mark
        for number in numbers
        for kind, value in values_of(number).items()
        for mark in marks_of(kind, value)
    )


def marked(kind, value):
    """Return a canary's value in the place of one of the small world."""
    number = value and re.search(r"\d+", value.removeprefix("md5"))
    if not number or not value.startswith(("c", "C", "md5-", "dev-")):
        return value
    own = values_of(int(number[0]))
    if kind == "device":
        return own["device"][:-1] + value[-1]
    if kind == "member":
        return hashlib.md5(own["email"].lower().encode()).hexdigest()
    return own[kind]


def canary_rows(count):
    """Return the rows of the small world with canaries in the place of its customers."""
    rows = small_world(seed=1, customers=count)
    for name, table in TABLES.items():
        kinds = [table.personal.get(column) for column in table.columns]
        rows[name] = [
            tuple(
                marked(kind, value) if kind else value
                for kind, value in zip(kinds, row, strict=True)
            )
            for row in rows[name]
        ]
    for number in range(count):
        own, at = values_of(number), moment(1)
        names = (own["first_name"], own["last_name"])
        profile = own["klaviyo profile"]
        add(rows, "klaviyo.profiles", profile_id=profile, email=own["email"], updated_at=at)
        row = {"phone_number": own["phone"], "external_id": own["customer"]}
        add(rows, "klaviyo.profiles", replace=True, **row, first_name=names[0], last_name=names[1])
        add(
            rows,
            "klaviyo.events",
            event_id=f"e{number}",
            event_at=at,
            event_date=at.date(),
            metric_id="m",
            profile_id=profile,
        )
        add(
            rows,
            "hubspot.contacts",
            contact_id=f"7{number}",
            email=own["email"].upper(),
            first_name=names[0],
            last_name=names[1],
            phone=own["phone"],
        )
    return rows


def add(rows, name, *, replace=False, **values):
    """Add a row by its columns, or more columns to the last one."""
    columns = list(TABLES[name].columns)
    row = list(rows[name].pop()) if replace else [None] * len(columns)
    for column, value in values.items():
        row[columns.index(column)] = value
    rows[name].append(tuple(row))


def feed(path, rows, sources=None):
    """Load rows as a run of ingestion does, into a file or a PostgreSQL database."""
    place = DuckDBFile(path) if isinstance(path, Path) else place_of(path, Path.cwd())
    database = RawDatabase(place, wait_seconds=5)
    by_source = {}
    for name, table in TABLES.items():
        by_source.setdefault(name.split(".")[0], []).append(table)
    with database.open() as connection:
        database.prepare(dict.fromkeys(by_source, ()))
        database.declare(by_source)
        known = erased_pseudonyms(connection)
    for source in sources or by_source:
        job = Job(source, {}, FIRST_DAY, NOW, state={"pseudonym_key": KEY.mark}, key=KEY)
        job.erased = Erased(frozenset(known), (KEY,))
        job.declare(by_source[source])
        for table in by_source[source]:
            if found := rows[f"{source}.{table.name}"]:
                columns = dict(zip(table.columns, map(list, zip(*found, strict=True)), strict=True))
                parts = set(zip(*(columns[name] for name in table.part_by), strict=True))
                job.add(table, columns, parts=sorted(parts, key=repr))
        database.load(job.take(), NOW)
    with database.open() as connection:
        journal.create(connection)
    return path


def privacy(*arguments, given_on_stdin=None, **settings):
    """Run a command of the group in this process."""
    return invoked(group, arguments, settings, given_on_stdin)


def export_audience(warehouse, *arguments):
    """Export an audience of a warehouse that dbt built."""
    folder = warehouse.folder
    place = ("--project-dir", PROJECT, "--profiles-dir", PROJECT)
    given = ("export", *arguments, *place, "--raw-database", folder / "raw.duckdb")
    settings = {"MARKETING_DEV_DATABASE": str(folder / "wh.duckdb"), "DBT_SCHEMA": SCHEMA}
    return invoked(audience_group, given, settings)


def invoked(commands, arguments, settings, given_on_stdin=None):
    """Run a command in this process; it may change the environment of a process of its own."""
    given = {"MARKETING_PSEUDONYM_KEY": SETTING} | settings
    before = dict(os.environ)
    try:
        return CliRunner().invoke(
            commands, [str(one) for one in arguments], env=given, input=given_on_stdin
        )
    finally:
        os.environ.clear()
        os.environ.update(before)


def in_segment(warehouse, segment, count):
    """Return the numbers of the canaries of a segment of RFM, as dbt built it."""
    query = f"select customer_key, segment from {SCHEMA}.fct_customer_rfm"
    keys = {key for key, name in rows_of(warehouse.folder / "wh.duckdb", query) if name == segment}
    return [
        number
        for number in range(count)
        if KEY.pseudonym("customer", values_of(number)["customer"]) in keys
    ]


def hashed_email(number):
    """Return what an audience holds of a canary."""
    return sha256(email(number).lower())


def rows_of(path, query):
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()
