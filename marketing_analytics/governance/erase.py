"""Erase a person wherever something of her is stored, and prove it.

What brings her back is closed first (tombstones), what is needed to find her goes last (the plain
values). So a call that was killed is finished by the next one.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marketing_analytics.governance.receipts import Receipt, count_erased
from marketing_analytics.governance.traces.marks import Search
from marketing_analytics.governance.traces.person import (
    Databases,
    Person,
    databases,
    declared,
    find,
    of_persons,
    owners_of,
)
from marketing_analytics.governance.traces.places import (
    STATES,
    Scan,
    files_in,
    is_duckdb,
    scan,
    scan_tables,
)
from marketing_analytics.governance.traces.tables import Stored, delete_with, tables_in, values_of
from marketing_analytics.ingest.engine.persons import Key, restricted
from marketing_analytics.ingest.platforms import source_names
from marketing_analytics.ingest.raw.database import RawDatabase
from marketing_analytics.ingest.raw.erasures import note_erased
from marketing_analytics.ingest.raw.places import DuckDBFile, Place
from marketing_analytics.ingest.raw.state import note_state, pipeline_name, stored_state
from marketing_analytics.warehouse import duckdb
from marketing_analytics.warehouse.transactions import transaction

# an order by the names that models give its number
ORDERS = ("order_id", "conversion_id", "transaction_id")
ERASED = "[erased]"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Where:
    """The raw database, the folders of all else, and what in them is left alone."""

    place: Place
    folders: tuple[Path, ...]
    left_out: tuple[Path, ...] = ()
    wait_seconds: float = 0.0

    def files(self) -> list[Path]:
        """Return all files in which something of a person may be."""
        return files_in(self.folders, self.left_out)

    def own(self) -> set[Path]:
        """Return the files of the raw database itself."""
        places = (self.place, self.place.restricted())
        return {place.path.resolve() for place in places if isinstance(place, DuckDBFile)}

    def warehouses(self) -> list[Path]:
        """Return the other DuckDB files: what dbt built."""
        return [path for path in self.files() if path not in self.own() and is_duckdb(path)]


@dataclass
class Report:
    """What was deleted, and what was found afterwards."""

    pseudonyms: list[str]
    deleted: dict[str, int] = field(default_factory=dict)
    rewritten: list[str] = field(default_factory=list)
    cleaned: list[str] = field(default_factory=list)
    scan: Scan = field(default_factory=Scan)
    mark_count: int = 0
    shared_count: int = 0
    # audiences that were handed on with them, and how many of them each had
    exports: dict[Receipt, int] = field(default_factory=dict)

    def add(self, place: str, count: int) -> None:
        """Count deleted rows."""
        if count:
            self.deleted[place] = self.deleted.get(place, 0) + count

    def as_json(self) -> dict[str, Any]:
        """Return the document of `--json`; it names nobody."""
        return {
            "schema_version": SCHEMA_VERSION,
            "pseudonyms": self.pseudonyms,
            "deleted": self.deleted,
            "rewritten": self.rewritten,
            "cleaned": self.cleaned,
            "scanned": {
                "files": self.scan.files,
                "bytes": self.scan.bytes,
                "values": self.scan.values,
                "marks": self.mark_count,
                "values_of_others_too": self.shared_count,
            },
            "left": [left.as_json() for left in self.scan.left],
            "exports": [
                one.as_json() | {"erased_now": count} for one, count in self.exports.items()
            ],
        }


def erase(where: Where, key: Key, given: Sequence[str]) -> Report:
    """Erase persons and return the report. Raise UserError where one of them is not known."""
    with where.place.writer_lock(where.wait_seconds):
        finish_loads(where)
        warehouses = where.warehouses()
        for path in warehouses:
            # in use: said before anything is deleted
            duckdb.connect(path, wait_seconds=where.wait_seconds).close()
        with databases(where.place, where.wait_seconds) as found:
            persons = [find(found, key, one) for one in given]
            close_door(found, key, persons)
            report = begun(persons)
            search = joined(person.search for person in persons)
            keys = joined(person.search_of_keys for person in persons)
            for path in warehouses:
                erase_in_warehouse(path, persons, Search((*search.marks, *keys.marks)), report)
            clean_texts(where, Search((*search.marks, *keys.marks)), report)
            erase_in_raw(found, persons, search, report)
            erase_plain(found, persons, search, report)
        rewrite(where, warehouses, report)
        report.scan = scan(where.files(), search, keys)
        scan_server(where, Search((*search.marks, *keys.marks)), report.scan)
    return report


def finish_loads(where: Where) -> None:
    """Load what a killed run left over: no package of it stays."""
    database = RawDatabase(where.place, wait_seconds=where.wait_seconds)
    database.prepare(dict.fromkeys(source_names(), ()))
    apart = database.restricted()
    if apart.place.exists():
        apart.prepare({restricted(name): () for name in source_names()})


def close_door(found: Databases, key: Key, persons: Iterable[Person]) -> None:
    """Keep the pseudonyms by which ingestion knows the persons again."""
    with transaction(found.raw):
        for person in persons:
            note_erased(found.raw, person.pseudonyms(key), uuid.uuid4().hex)


def begun(persons: Sequence[Person]) -> Report:
    """Return a report in which nothing is deleted yet."""
    report = Report(sorted({key for person in persons for key in person.keys}))
    report.mark_count = sum(len(person.marks) for person in persons)
    report.shared_count = sum(len(person.shared) for person in persons)
    return report


def joined(searches: Iterable[Search]) -> Search:
    """Return one search for the marks of several."""
    marks = {mark.pattern: mark for search in searches for mark in search.marks}
    return Search(tuple(marks.values()))


def keys_of(persons: Iterable[Person]) -> set[str]:
    """Return the pseudonyms of all of them."""
    return {key for person in persons for key in person.keys}


def links_of(persons: Iterable[Person]) -> dict[str, set[str]]:
    """Return the platforms' numbers of all of them, by what they are."""
    found: dict[str, set[str]] = {}
    for person in persons:
        for kind, values in person.links.items():
            found.setdefault(kind, set()).update(values)
    return found


def delete_marked(connection: Any, table: Stored, search: Search) -> int:
    """Delete the rows of a table in which a text holds a mark; names alone tell nobody."""
    count = 0
    for column in table.texts:
        marked = search.among(values_of(connection, table, column))
        values = [value for value, mark in marked.items() if not mark.is_word]
        if values:
            count += delete_with(connection, table, column, values)
    return count


def erase_in_raw(
    found: Databases, persons: Sequence[Person], search: Search, report: Report
) -> None:
    """Delete the rows of raw tables, and the numbers in the notes on what was read."""
    keys, links, tables = keys_of(persons), links_of(persons), declared()
    with transaction(found.raw):
        report.exports = count_erased(found.raw, keys)
        for table in found.raw_tables:
            if table.name == STATES:
                continue
            count = sum(delete_with(found.raw, table, column, keys) for column in table.pseudonyms)
            one = tables.get((table.source, table.name))
            for column, kind in (one.links if one else {}).items():
                if values := links.get(kind):
                    count += delete_with(found.raw, table, column, values)
            count += delete_marked(found.raw, table, search)
            report.add(f"{table}", count)
        for table in found.raw_tables:
            if table.name == STATES and not table.schema.endswith("_staging"):
                forget_in_state(
                    found.raw, table, {value for all_ in links.values() for value in all_}
                )


def forget_in_state(connection: Any, table: Stored, values: set[str]) -> None:
    """Take the platforms' numbers out of a source's state, and its former states away."""
    state = stored_state(connection, table.source)
    cleaned = without(state, values)
    if cleaned != state:
        note_state(connection, table.source, cleaned)
        newest = f"select max(created_at) from {table.quoted}"  # noqa: S608
        old = f"delete from {table.quoted} where pipeline_name = ? and created_at < ({newest})"  # noqa: S608
        connection.execute(old, [pipeline_name(table.source)])


def without(value: Any, values: set[str]) -> Any:
    """Return a JSON value without the keys and items that are among some values."""
    if isinstance(value, Mapping):
        return {
            name: without(inner, values)
            for name, inner in value.items()
            if name not in values and not (isinstance(inner, str) and inner in values)
        }
    if isinstance(value, list):
        kept = [inner for inner in value if not (isinstance(inner, str) and inner in values)]
        return [without(inner, values) for inner in kept]
    return value


def erase_plain(
    found: Databases, persons: Sequence[Person], search: Search, report: Report
) -> None:
    """Delete the plain values, and rows that did not fit in which one of them stands."""
    owners = {owner for person in persons for owner in owners_of(person)}
    plain = of_persons(found.restricted_tables)
    with transaction(found.restricted):
        for table in found.restricted_tables:
            if table in plain:
                count = delete_with(found.restricted, table, "person_key", owners)
            else:
                count = delete_marked(found.restricted, table, search)
            report.add(f"{table}", count)


def erase_in_warehouse(
    path: Path, persons: Sequence[Person], search: Search, report: Report
) -> None:
    """Delete rows of what dbt built; the next run builds the totals again."""
    orders = {
        value for kind, values in links_of(persons).items() if "order" in kind for value in values
    }
    with contextlib.closing(duckdb.connect(path)) as connection, transaction(connection):
        for table in tables_in(connection):
            count = delete_marked(connection, table, search)
            for column in ORDERS:
                if orders and column in table.texts:
                    count += delete_with(connection, table, column, orders)
            report.add(f"{path.name}: {table}", count)


def clean_texts(where: Where, search: Search, report: Report) -> None:
    """Put a word in the place of marks in logs, artifacts and other files of text."""
    exact = Search(tuple(mark for mark in search.marks if not mark.is_word))
    for path in where.files():
        if is_duckdb(path):
            continue
        content = path.read_bytes()
        if b"\0" in content[:4096] or not (found := list(exact.found_in(content))):
            continue
        for mark in sorted({mark.pattern for _, mark in found}, key=len, reverse=True):
            content = replaced_in(content, mark)
        new = path.with_name(f"{path.name}.new")
        new.write_bytes(content)
        new.chmod(path.stat().st_mode & 0o777)
        new.replace(path)
        report.cleaned.append(str(path))


def replaced_in(content: bytes, mark: bytes) -> bytes:
    """Return bytes without a mark, however it is written."""
    lowered, parts, begin = content.lower(), [], 0
    while (place := lowered.find(mark, begin)) >= 0:
        parts += [content[begin:place], ERASED.encode()]
        begin = place + len(mark)
    return b"".join([*parts, content[begin:]])


def rewrite(where: Where, warehouses: Iterable[Path], report: Report) -> None:
    """Write all databases anew, the plain values last; on a server, its tables."""
    report.rewritten += rewrite_files(where, warehouses)
    if isinstance(where.place, DuckDBFile):
        return
    with contextlib.closing(where.place.connect(where.wait_seconds)) as connection:
        for table in tables_in(connection):
            if f"{table}" in report.deleted or table.name == STATES:
                connection.execute(f"vacuum (full) {table.quoted}")
                report.rewritten.append(f"{table}")


def rewrite_files(where: Where, warehouses: Iterable[Path]) -> list[str]:
    """Write the DuckDB files anew, the plain values last; return their paths."""
    raw = [where.place, where.place.restricted()]
    files = [*warehouses, *(place.path for place in raw if isinstance(place, DuckDBFile))]
    there = [path for path in files if path.exists()]
    for path in there:
        duckdb.rewrite(path, wait_seconds=where.wait_seconds)
    return [str(path) for path in there]


def scan_server(where: Where, search: Search, found: Scan) -> None:
    """Look into every value of a raw database that is no file."""
    if not isinstance(where.place, DuckDBFile):
        with contextlib.closing(where.place.connect(where.wait_seconds)) as connection:
            scan_tables(connection, "", search, found)
