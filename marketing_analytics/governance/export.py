"""All that is stored of a person, for herself: an answer to a request for access."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from marketing_analytics.core.errors import MachineError, reason_of
from marketing_analytics.governance.traces.person import (
    Databases,
    Person,
    databases,
    declared,
    find,
    of_persons,
    owners_of,
)
from marketing_analytics.governance.traces.tables import Stored, rows_with
from marketing_analytics.ingest.engine.persons import Key
from marketing_analytics.ingest.raw.places import Place

SCHEMA_VERSION = 1


def export(place: Place, key: Key, given: str, wait_seconds: float) -> dict[str, Any]:
    """Return every row of a person, by source and table, with the plain values."""
    with place.writer_lock(wait_seconds), databases(place, wait_seconds) as found:
        person = find(found, key, given)
        tables = [*plain_rows(found, person), *raw_rows(found, person)]
    return {
        "schema_version": SCHEMA_VERSION,
        "exported_at": datetime.now(UTC).isoformat(),
        "row_count": sum(len(table["rows"]) for table in tables),
        "tables": tables,
    }


def plain_rows(found: Databases, person: Person) -> list[dict[str, Any]]:
    """Return the plain values of a person."""
    return [
        shown(table, rows)
        for table in of_persons(found.restricted_tables)
        if (rows := rows_with(
            found.restricted, table, "person_key", owners_of(person), table.columns
        ))
    ]  # fmt: skip


def raw_rows(found: Databases, person: Person) -> list[dict[str, Any]]:
    """Return the rows of raw tables that tell of a person."""
    tables, answers = declared(), []
    for table in found.raw_tables:
        asked = dict.fromkeys(table.pseudonyms, person.keys)
        one = tables.get((table.schema, table.name))
        for column, kind in (one.links if one else {}).items():
            asked[column] = person.links.get(kind, set())
        rows: dict[tuple[Any, ...], None] = {}
        for column, values in asked.items():
            rows |= dict.fromkeys(rows_with(found.raw, table, column, values, table.columns))
        if rows:
            answers.append(shown(table, list(rows)))
    return answers


def shown(table: Stored, rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    """Return rows of a table with the names of their columns; what dlt adds is left out."""
    kept = [index for index, name in enumerate(table.columns) if not name.startswith("_dlt")]
    return {
        "source": table.source,
        "table": str(table),
        "rows": [{table.columns[index]: row[index] for index in kept} for row in rows],
    }


def write(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all. Raise MachineError."""
    new = path.with_name(f"{path.name}.new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise MachineError(
            f"cannot write {path}: {reason_of(error)}", hint="give another place"
        ) from None
