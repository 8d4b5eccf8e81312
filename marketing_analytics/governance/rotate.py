"""Put a new key in force: every stored pseudonym becomes that of the new key, joins stay.

The raw tables change in one transaction, the plain values last: they say which new pseudonym an
old one becomes, so a call that was killed is finished by the next one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from marketing_analytics.core.commands import program
from marketing_analytics.core.errors import UserError
from marketing_analytics.governance.erase import Where, finish_loads, rewrite_files
from marketing_analytics.governance.traces.person import (
    KINDS,
    PSEUDONYM,
    Databases,
    databases,
    of_persons,
)
from marketing_analytics.governance.traces.tables import Stored, tables_in, values_of
from marketing_analytics.ingest.engine.persons import RETIRED_SETTING, Key
from marketing_analytics.ingest.platforms import source_names
from marketing_analytics.ingest.raw.erasures import erased_pseudonyms
from marketing_analytics.ingest.raw.state import note_state, stored_state
from marketing_analytics.warehouse import duckdb
from marketing_analytics.warehouse.transactions import transaction


@dataclass
class Rotated:
    """What became of a rotation."""

    pseudonym_count: int = 0
    columns: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    needs_old_key: bool = False


def rotate(where: Where, new: Key, old_keys: Iterable[Key]) -> Rotated:
    """Replace the pseudonyms of the key in force by those of a new one.

    Raise UserError where the key in force is not among the old ones, or a pseudonym has no
    plain value to make a new one of: then nothing is changed.
    """
    with where.place.writer_lock(where.wait_seconds):
        finish_loads(where)
        warehouses = where.warehouses()
        for path in warehouses:
            duckdb.connect(path, wait_seconds=where.wait_seconds).close()
        done = Rotated()
        with databases(where.place, where.wait_seconds) as found:
            old = key_in_force(found.raw, new, list(old_keys))
            become = mapping(found, new)
            done.pseudonym_count = len(become)
            done.needs_old_key = any(
                not one.startswith(f"{new.version}-") for one in erased_pseudonyms(found.raw)
            )
            with transaction(found.raw):
                for table in found.raw_tables:
                    done.columns += replaced_in(found.raw, table, become, old)
                for source in source_names():
                    state = stored_state(found.raw, source)
                    if state.get("pseudonym_key") == old.mark:
                        note_state(found.raw, source, {"pseudonym_key": new.mark})
            for path in warehouses:
                with contextlib.closing(duckdb.connect(path)) as connection:
                    done.dropped += drop_with(connection, become)
            with transaction(found.restricted):
                for table in of_persons(found.restricted_tables):
                    replace(found.restricted, table, "person_key", become)
        rewrite_files(where, warehouses)
    return done


def key_in_force(connection: Any, new: Key, old_keys: list[Key]) -> Key:
    """Return the key of the stored pseudonyms. Raise UserError where it is not given."""
    known = {stored_state(connection, source).get("pseudonym_key") for source in source_names()}
    known -= {None}
    given = {key.mark: key for key in (*old_keys, new)}
    if strange := sorted(str(mark) for mark in known - given.keys()):
        raise UserError(
            f"the tables hold pseudonyms of key {strange[0].partition('-')[0]}, "
            "and its secret is not given",
            hint=f"give the new key as the key, and that one in {RETIRED_SETTING}",
        )
    if any(key.version == new.version and key.mark != new.mark for key in old_keys):
        raise UserError(
            f"the new key has the version of an old one, {new.version}",
            hint=f"give it the version {new.version + 1}",
        )
    in_force = [given[str(mark)] for mark in known if mark != new.mark]
    # all are new already: what a killed call left is finished
    return in_force[0] if in_force else (old_keys[0] if old_keys else new)


def mapping(found: Databases, new: Key) -> dict[str, str]:
    """Return the new pseudonym of every old one of which the plain value is known."""
    become = {}
    for table in of_persons(found.restricted_tables):
        query = f"select person_key, kind, value from {table.quoted}"  # noqa: S608
        for pseudonym, kind, value in found.restricted.execute(query).fetchall():
            if kind in KINDS and PSEUDONYM.fullmatch(pseudonym):
                made = new.pseudonym(kind, value)
                if made and made != pseudonym:
                    become[pseudonym] = made
    return become


def replaced_in(connection: Any, table: Stored, become: Mapping[str, str], old: Key) -> list[str]:
    """Replace pseudonyms in the columns of a raw table; return the columns."""
    changed = []
    for name in table.pseudonyms:
        present = [one for one in values_of(connection, table, name) if PSEUDONYM.fullmatch(one)]
        unknown = [o for o in present if o not in become and o.startswith(f"{old.version}-")]
        if unknown and become:
            raise UserError(
                f"{len(unknown):,} pseudonyms in {table}.{name} have no plain value to make "
                "new ones of; nothing was changed",
                hint=f"read that source again first: `{program()} ingest run --reread`",
            )
        if any(one in become for one in present):
            replace(connection, table, name, become)
            changed.append(f"{table}.{name}")
    return changed


def replace(connection: Any, table: Stored, column: str, become: Mapping[str, str]) -> None:
    """Replace the values of a column by others."""
    if not become:
        return
    connection.execute("create temporary table become (was varchar, is_now varchar)")
    pairs = [list(become), list(become.values())]
    connection.execute(
        "insert into become select unnest(cast(? as varchar[])), unnest(cast(? as varchar[]))",
        pairs,
    )
    connection.execute(
        f'update {table.quoted} set "{column}" = become.is_now from become '  # noqa: S608
        f'where {table.quoted}."{column}" = become.was'
    )
    connection.execute("drop table become")


def drop_with(connection: Any, become: Mapping[str, str]) -> list[str]:
    """Drop the tables that dbt built with old pseudonyms: the next run builds them anew."""
    versions = {one.partition("-")[0] for one in become}
    dropped = []
    for table in tables_in(connection):
        for column in table.texts:
            found = (PSEUDONYM.search(value) for value in values_of(connection, table, column))
            if any(one and one[0].partition("-")[0] in versions for one in found):
                connection.execute(f"drop table {table.quoted} cascade")
                dropped.append(str(table))
                break
    return dropped
