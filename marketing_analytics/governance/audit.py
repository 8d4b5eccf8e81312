"""Who is where, and what should not be: plain addresses, untagged columns, rows kept too long."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marketing_analytics.governance.erase import Where
from marketing_analytics.governance.project import described
from marketing_analytics.governance.receipts import Receipt, receipts
from marketing_analytics.governance.retain import Overdue, overdue
from marketing_analytics.governance.traces.tables import Stored, tables_in, values_of
from marketing_analytics.ingest.raw.places import opened
from marketing_analytics.warehouse import duckdb

ADDRESS = re.compile(r"[\w.+-]+(@|%40)[\w-]+(\.[\w-]+)*\.[A-Za-z]{2,}")
SCHEMA_VERSION = 1


@dataclass
class Audit:
    """What was found."""

    persons: dict[str, int] = field(default_factory=dict)
    addresses: dict[str, int] = field(default_factory=dict)
    untagged: list[str] = field(default_factory=list)
    overdue: list[Overdue] = field(default_factory=list)
    exports: list[Receipt] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Return whether nothing is where it should not be."""
        return not (self.addresses or self.untagged or self.overdue)

    def as_json(self) -> dict[str, Any]:
        """Return the document of `--json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "persons": self.persons,
            "addresses": self.addresses,
            "untagged": self.untagged,
            "overdue": [vars(one) for one in self.overdue],
            "exports": [one.as_json() for one in self.exports],
        }


def audit(where: Where, project: Path) -> Audit:
    """Look at the raw tables, at what dbt built, and at the project."""
    found = Audit(overdue=overdue(where.place, project, where.wait_seconds))
    with opened(where.place, where.wait_seconds, is_read_only=True) as connection:
        tables = [table for table in tables_in(connection) if not table.is_restricted]
        look(connection, tables, "", found)
        found.exports = receipts(connection)
    for path in where.warehouses():
        with contextlib.closing(
            duckdb.connect(path, is_read_only=True, wait_seconds=where.wait_seconds)
        ) as connection:
            look(connection, tables_in(connection), f"{path.name}: ", found)
    found.untagged = [
        f"{one.name}.{column} ({one.path.name})"
        for one in described(project)
        for column in one.untagged
    ]
    return found


def look(connection: Any, tables: Iterable[Stored], name: str, found: Audit) -> None:
    """Count persons by pseudonym, and the values that hold an address."""
    for table in tables:
        for column in table.texts:
            values = values_of(connection, table, column)
            if column in table.pseudonyms and values:
                found.persons[f"{name}{table}.{column}"] = len(values)
            elif count := sum(1 for value in values if ADDRESS.search(value)):
                found.addresses[f"{name}{table}.{column}"] = count
