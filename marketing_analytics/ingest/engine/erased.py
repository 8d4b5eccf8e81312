"""Persons who were erased: what platforms tell of them again is not kept.

What is known of them is keyed pseudonyms alone, so every row that comes is asked under the key of
today, and under the keys before it of which there are such pseudonyms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from marketing_analytics.core.errors import UserError
from marketing_analytics.ingest.engine.persons import (
    KEY_SETTING,
    RETIRED_SETTING,
    Key,
    key_from,
    key_of,
    pseudonyms,
)
from marketing_analytics.ingest.engine.tables import ATTRIBUTES, Rejected, Table


@dataclass(frozen=True)
class Erased:
    """The pseudonyms of erased persons, and the keys that make them."""

    pseudonyms: frozenset[str] = frozenset()
    keys: tuple[Key, ...] = ()

    def without(self, table: Table, built: Any) -> Any:
        """Return the Arrow rows of a table that do not tell of an erased person."""
        if not self.pseudonyms or not built.num_rows:
            return built
        known = pa.array(sorted(self.pseudonyms), pa.string())
        for name, kind in kinds_of(table).items():
            for key in self.keys:
                made = pseudonyms(key, kind, built.column(name))
                built = built.filter(pc.invert(pc.is_in(made, known)))
        return built

    def without_rejected(self, table: Table, rejected: Sequence[Rejected]) -> list[Rejected]:
        """Return the rows that did not fit without those that name an erased person."""
        if not self.pseudonyms:
            return list(rejected)
        kinds = set(kinds_of(table).values())
        return [row for row in rejected if not self._names(kinds, orjson.loads(row.raw_json))]

    def _names(self, kinds: Iterable[str], received: Any) -> bool:
        texts = list(texts_in(received))
        return any(
            key.pseudonym(kind, text) in self.pseudonyms
            for key in self.keys
            for kind in kinds
            for text in texts
        )


def kinds_of(table: Table) -> dict[str, str]:
    """Return the columns of a table by which a person is known, and what they are."""
    own = {name: kind for name, kind in table.personal.items() if kind not in ATTRIBUTES}
    return own | dict(table.links)


def texts_in(value: Any) -> Iterator[str]:
    """Return all texts and numbers inside of a JSON value, as texts."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)
    elif value is not None:
        yield str(value)


def erased_with(known: Iterable[str], settings: Mapping[str, str]) -> Erased:
    """Return erased persons by their pseudonyms.

    Raise UserError where the key of one is not given: it would be loaded again.
    """
    found = frozenset(known)
    versions = {int(pseudonym.partition("-")[0]) for pseudonym in found}
    now = key_of(settings)
    given = {key.version: key for key in (*retired_keys(settings), *([now] if now else []))}
    if missing := sorted(versions - given.keys()):
        raise UserError(
            f"persons were erased under key {missing[0]}, which is not given: "
            "they would be loaded again",
            hint=f"add it to {RETIRED_SETTING}, or give it as {KEY_SETTING}",
        )
    return Erased(found, tuple(given[version] for version in sorted(versions)))


def retired_keys(settings: Mapping[str, str]) -> list[Key]:
    """Return the keys before that of today; raise UserError for one that cannot be used."""
    texts = settings.get(RETIRED_SETTING, "").split(",")
    return [key_from(text, RETIRED_SETTING) for text in texts if text.strip()]
