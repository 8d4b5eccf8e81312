"""What is kept of erased persons: keyed pseudonyms, so that no later load brings them back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from marketing_analytics.ingest.raw.declared import tables_of

SCHEMA, NAME = "_ingest", "erased"
MAKE = """create table if not exists _ingest.erased
    (pseudonym varchar, erasure_id varchar, erased_at timestamp with time zone)"""
READ = "select pseudonym from _ingest.erased"
READ_SAME = """select pseudonym from _ingest.erased where erasure_id in (
    select erasure_id from _ingest.erased where pseudonym = any(cast(? as varchar[])))"""
ADD = "insert into _ingest.erased values (?, ?, ?)"


def erased_pseudonyms(connection: Any) -> set[str]:
    """Return the pseudonyms of all erased persons."""
    if NAME not in tables_of(connection, SCHEMA):
        return set()
    return {pseudonym for (pseudonym,) in connection.execute(READ).fetchall()}


def erased_with_them(connection: Any, pseudonyms: Iterable[str]) -> set[str]:
    """Return what was erased together with some pseudonyms; nothing where none of them was."""
    if NAME not in tables_of(connection, SCHEMA):
        return set()
    return {found for (found,) in connection.execute(READ_SAME, [list(pseudonyms)]).fetchall()}


def note_erased(connection: Any, pseudonyms: Iterable[str], erasure_id: str) -> None:
    """Keep pseudonyms of an erased person that are not kept yet."""
    connection.execute(MAKE)
    known = erased_pseudonyms(connection)
    now = datetime.now(UTC)
    for pseudonym in sorted(set(pseudonyms) - known):
        connection.execute(ADD, [pseudonym, erasure_id, now])
