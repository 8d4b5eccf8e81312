"""What entities were called and allowed to spend: a row whenever one of that changed.

A platform answers with today's names only. Its entity table holds those; beside it a table made by
`history_of` keeps a row per change, first seen at `observed_at`, so that an entity is found by the
name it had. What was seen last is noted in the source's state, as a digest, with the rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from marketing_analytics.ingest.engine.job import Built, Job
from marketing_analytics.ingest.engine.tables import Kind, Table, as_json, build

OBSERVED_AT = "observed_at"
# of 64 bits: two values of one entity are never alike by chance
DIGEST_CHARACTERS = 16


def history_of(name: str, entities: Table, watched: Mapping[str, Kind]) -> Table:
    """Return the table of the changes of the watched columns."""
    own = {column: entities.columns[column] for column in entities.key}
    columns: dict[str, Kind] = {**own, OBSERVED_AT: "time", **watched}
    return Table(name, columns, key=(*entities.key, OBSERVED_AT))


def add_changes(job: Job, history: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Keep what differs from what was seen last; `columns` may hold more than is watched.

    Values that do not fit are noted by the entity table, not a second time here.
    """
    count = len(next(iter(columns.values()), ()))
    built, _ = build(history, {**columns, OBSERVED_AT: [job.now] * count})
    seen = job.state.get("history", {}).get(history.name, {})
    found = [digest_of(history, row) for row in built.to_pylist()]
    changed = [index for index, (own, digest) in enumerate(found) if seen.get(own) != digest]
    if not changed:
        return
    news = dict(found[index] for index in changed)

    def note() -> None:
        job.state.setdefault("history", {}).setdefault(history.name, {}).update(news)

    job.keep_built([Built(history, built.take(changed))], note)


def digest_of(history: Table, row: Mapping[str, Any]) -> tuple[str, str]:
    """Return the entity's own key in words, and a digest of what is watched."""
    own = " ".join(str(row[name]) for name in history.key if name != OBSERVED_AT)
    watched = [row[name] for name in history.columns if name not in history.key]
    return own, hashlib.sha256(as_json(watched).encode()).hexdigest()[:DIGEST_CHARACTERS]
