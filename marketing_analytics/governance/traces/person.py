"""Who a person is in what was loaded: her pseudonyms, the platforms' numbers, the plain values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from marketing_analytics.core.errors import UserError
from marketing_analytics.governance.traces.marks import Mark, Search, marks_of, search_of
from marketing_analytics.governance.traces.tables import Stored, rows_with, tables_in
from marketing_analytics.ingest.engine.persons import PERSONS, Key
from marketing_analytics.ingest.engine.tables import Table
from marketing_analytics.ingest.platforms import load_source, source_names
from marketing_analytics.ingest.raw.erasures import erased_with_them
from marketing_analytics.ingest.raw.places import Place, opened

PSEUDONYM = re.compile(r"\d+-[0-9a-f]{32}")
# one person has one of them in a row, and rows with the same one are the same person
IDENTITIES = ("email_key", "customer_key", "member_key")
KINDS = ("email", "phone", "device", "customer", "member")
WORDS = ("first_name", "last_name")
# columns of visits that tell who was there, in this order
SEEN = {"customer_key", "device_key", "transaction_id"}
# platforms' numbers of a person that nothing else is numbered like
NUMBERS = ("hubspot contact", "klaviyo profile")


@dataclass
class Person:
    """What is known of one person; `links` are the platforms' numbers, by what they are."""

    given: str
    keys: set[str] = field(default_factory=set)
    links: dict[str, set[str]] = field(default_factory=dict)
    # kind and value; those that somebody else has too are no proof
    values: set[tuple[str, str]] = field(default_factory=set)
    shared: set[tuple[str, str]] = field(default_factory=set)
    is_erased: bool = False

    def pseudonyms(self, key: Key) -> set[str]:
        """Return all pseudonyms by which ingestion knows the person again."""
        made = {
            key.pseudonym(kind, value) or ""
            for kind, values in self.links.items()
            for value in values
        }
        return (self.keys | made) - {""}

    @property
    def marks(self) -> list[Mark]:
        """Return what the person leaves in bytes; of names only whole words."""
        own = self.values - self.shared
        own |= {
            (kind, value)
            for kind in NUMBERS
            for value in self.links.get(kind, ())
            if not value.isdigit()
        }
        return [
            mark
            for kind, value in sorted(own)
            for mark in marks_of(kind, value, is_word=kind in WORDS)
        ]

    @property
    def search(self) -> Search:
        """Return the search for her marks."""
        return search_of(self.marks)

    @property
    def search_of_keys(self) -> Search:
        """Return the search for her pseudonyms."""
        return search_of(Mark(key.encode(), "pseudonym") for key in self.keys)


@dataclass(frozen=True)
class Databases:
    """Open connections to the raw tables and to those of plain values, with what they hold."""

    raw: Any
    restricted: Any
    raw_tables: Sequence[Stored]
    restricted_tables: Sequence[Stored]


@contextmanager
def databases(place: Place, wait_seconds: float) -> Iterator[Databases]:
    """Yield both databases; the same one twice where rights go by schema."""
    with ExitStack() as stack:
        raw = stack.enter_context(opened(place, wait_seconds))
        apart = raw
        if place.restricted() != place:
            apart = stack.enter_context(opened(place.restricted(), wait_seconds))
        tables = tables_in(raw)
        yield Databases(
            raw,
            apart,
            [table for table in tables if not table.is_restricted],
            [table for table in tables_in(apart) if table.is_restricted],
        )


def first_keys(given: str, key: Key) -> set[str]:
    """Return the pseudonyms of what was given: an e-mail, an id, `kind:value` or a pseudonym."""
    kind, separator, value = given.partition(":")
    if PSEUDONYM.fullmatch(given.strip()):
        return {given.strip()}
    if separator and kind in KINDS:
        made = [key.pseudonym(kind, value)]
    elif "@" in given:
        made = [key.pseudonym("email", given)]
    else:
        made = [key.pseudonym("customer", given)]
    return {found for found in made if found}


def find(found: Databases, key: Key, given: str) -> Person:
    """Return who was given. Raise UserError where nobody is known by that."""
    keys = first_keys(given, key)
    if not keys:
        raise UserError("no person was given", hint="give an e-mail address or a customer id")
    person = Person(given, set(keys))
    erased = erased_with_them(found.raw, keys)
    person.is_erased = bool(erased)
    person.keys |= erased
    follow(found, person)
    if not person.links and not person.is_erased and person.keys == keys and not known(found, keys):
        raise UserError(
            "nobody is known by that in what was loaded",
            hint="give the e-mail address or the customer id as the shop has it, or device:ID",
        )
    add_links(found, person)
    add_devices(found, person)
    add_values(found, person)
    if "@" in given:
        person.values.add(("email", given.strip()))
    return person


def known(found: Databases, keys: set[str]) -> bool:
    """Return whether some row of a raw table has one of the pseudonyms."""
    return any(
        rows_with(found.raw, table, column, keys, [column])
        for table in found.raw_tables
        for column in table.texts
        if column.endswith("_key")
    )


def follow(found: Databases, person: Person) -> None:
    """Add all pseudonyms that stand in one row with one that is known, until there are no more."""
    together = [
        (table, [name for name in table.texts if name in IDENTITIES]) for table in found.raw_tables
    ]
    new = set(person.keys)
    while new:
        asked, new = new, set()
        for table, names in together:
            wanted = [*names, *(["phone_key"] if "phone_key" in table.texts else [])]
            if len(wanted) < 2:
                continue
            for name in names:
                for row in rows_with(found.raw, table, name, asked, wanted):
                    # a phone is of a household: it is hers, and leads to nobody else
                    phones = {row[-1]} if "phone_key" in wanted else set()
                    person.keys |= phones - {None}
                    new |= set(row) - phones - {None} - person.keys
        person.keys |= new


def add_devices(found: Databases, person: Person) -> None:
    """Add the devices on which the person logged in or ordered, and nobody else did."""
    orders = {order for kind, ids in person.links.items() if "order" in kind for order in ids}
    for table in found.raw_tables:
        if not set(table.texts) >= SEEN:
            continue
        asked = rows_with(found.raw, table, "customer_key", person.keys, ["device_key"])
        asked += rows_with(found.raw, table, "transaction_id", orders, ["device_key"])
        devices = {device for (device,) in asked if device}
        seen = rows_with(found.raw, table, "device_key", devices, sorted(SEEN))
        others = {
            device
            for customer, device, order in seen
            if (customer and customer not in person.keys) or (order and order not in orders)
        }
        person.keys |= devices - others


def declared() -> dict[tuple[str, str], Table]:
    """Return the tables of all sources, by source and name."""
    return {
        (source, table.name): table
        for source in source_names()
        for table in load_source(source).tables
    }


def add_links(found: Databases, person: Person) -> None:
    """Add the platforms' numbers of the person, and of what is hers alone, such as orders."""
    tables = declared()
    linked = [
        (stored, tables[stored.schema, stored.name])
        for stored in found.raw_tables
        if (stored.schema, stored.name) in tables and tables[stored.schema, stored.name].links
    ]
    for stored, table in linked:
        for column in (name for name in stored.texts if name in KEY_COLUMNS):
            for name, kind in table.links.items():
                rows = rows_with(found.raw, stored, column, person.keys, [name])
                person.links.setdefault(kind, set()).update(value for (value,) in rows if value)
    for stored, table in linked:
        # numbers that a platform had before for the same one
        for name, kind in table.links.items():
            if len(table.links) > 1 and (values := person.links.get(kind)):
                for row in rows_with(found.raw, stored, name, values, list(table.links)):
                    person.links[kind] |= {value for value in row if value}
    person.links = {kind: values for kind, values in person.links.items() if values}


KEY_COLUMNS = tuple(f"{kind}_key" for kind in KINDS)


def add_values(found: Databases, person: Person) -> None:
    """Add the plain values of the person, and which of them somebody else has too."""
    owners = owners_of(person)
    for table in of_persons(found.restricted_tables):
        rows = rows_with(found.restricted, table, "person_key", owners, ["kind", "value"])
        person.values |= {(kind, value) for kind, value in rows if value}
    asked = {value for _, value in person.values}
    for table in of_persons(found.restricted_tables):
        wanted = ["person_key", "kind", "value"]
        for owner, kind, value in rows_with(found.restricted, table, "value", asked, wanted):
            if owner not in owners:
                person.shared.add((kind, value))


def owners_of(person: Person) -> set[str]:
    """Return what plain values of a person are kept under: pseudonyms, else the row's own key."""
    return person.keys | {
        f"{name} {value}"
        for (_, name), table in declared().items()
        for kind in table.links.values()
        for value in person.links.get(kind, ())
    }


def of_persons(tables: Iterable[Stored]) -> list[Stored]:
    """Return the tables of plain values."""
    return [table for table in tables if table.name == PERSONS.name]
