"""Keep what a person refuses (or takes back): the next dbt run leaves her out for that purpose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from marketing_analytics.governance.receipts import Receipt, receipts_with
from marketing_analytics.governance.traces.person import databases, find
from marketing_analytics.ingest.engine.persons import Key
from marketing_analytics.ingest.raw import journal
from marketing_analytics.ingest.raw.places import Place
from marketing_analytics.warehouse.transactions import transaction

PURPOSES = ("analytics", "marketing", "profiling")
COLUMNS = "pseudonym, purpose, is_granted, changed_at, _loaded_at"


@dataclass(frozen=True)
class Decided:
    """The pseudonyms of a person, and the audiences with her that were handed on before."""

    keys: Sequence[str]
    exports: Iterable[Receipt]


def decide(
    place: Place,
    key: Key,
    given: str,
    purposes: Sequence[str],
    *,
    is_granted: bool,
    wait_seconds: float,
) -> Decided:
    """Note a decision of a person under all her pseudonyms; return those."""
    with place.writer_lock(wait_seconds), databases(place, wait_seconds) as found:
        keys = sorted(find(found, key, given).keys)
        now = datetime.now(UTC)
        journal.create(found.raw)
        rows = [[one, purpose, is_granted, now, now] for purpose in purposes for one in keys]
        with transaction(found.raw):
            journal.insert(found.raw, "consents", COLUMNS, rows)
        return Decided(keys, tuple(receipts_with(found.raw, keys)))
