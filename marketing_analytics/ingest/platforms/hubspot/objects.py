"""CRM objects: the whole list at first and every few days, between them what has changed.

Changes are found by searches in order of the ids, each beginning behind the last id seen, so that
the 10,000 results a search can be paged through are never met. A search does not see the last
seconds, so the next run begins some minutes before the newest change of this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import chain, islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from marketing_analytics.core.errors import TerminalError
from marketing_analytics.ingest.engine.answers import EndlessListError, records, whole_number
from marketing_analytics.ingest.engine.governor import Governor
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.tables import Part, Rejected, build, count_parts
from marketing_analytics.ingest.platforms.hubspot.associations import add_associations
from marketing_analytics.ingest.platforms.hubspot.limits import SearchPace
from marketing_analytics.ingest.platforms.hubspot.lists import (
    Record,
    loaded_parts,
    pages,
    whole_list,
)
from marketing_analytics.ingest.platforms.hubspot.tables import ObjectType, property_columns

LIST_PAGE, SEARCH_PAGE = 100, 200
# so many records become rows at once
BATCH_RECORDS = 10_000
# a change may take so long to be found, and clocks may differ
OVERLAP = timedelta(minutes=10)


class ObjectReader:
    """Reads the objects of one type.

    Its part of the state: `changed_since` is where the next search begins, `read_whole_on` the
    day of the last whole list; while the first list is read, `next_after` says how far it is and
    `begun_at` when that was begun.
    """

    def __init__(
        self, job: Job, governor: Governor, pace: SearchPace, kind: ObjectType, whole_days: int
    ) -> None:
        self.job = job
        self.governor = governor
        self.pace = pace
        self.kind = kind
        self.path = f"/crm/v3/objects/{kind.name}"
        self.state: dict[str, str] = job.state.setdefault("objects", {}).setdefault(kind.name, {})
        self.is_known = "changed_since" in self.state
        read_on = self.state.get("read_whole_on", date.min.isoformat())
        is_old = (job.now.date() - date.fromisoformat(read_on)).days >= whole_days
        self.is_whole = job.is_reread or not self.is_known or is_old
        self.names = list(kind.properties.values())
        self.begun_at = self.state.get("begun_at") or job.now.isoformat()
        self.newest: datetime | None = None

    def read(self) -> None:
        """Read the archived objects, then the whole list or what has changed."""
        # one that is restored in between comes with the other list
        archived = whole_list(self.governor, self.path, self.asked(is_archived=True))
        is_begun = "next_after" in self.state and not self.job.is_reread
        if self.is_whole and loaded_parts(self.job, self.kind.table) and not is_begun:
            self.replace(archived)
        elif self.is_whole:
            self.add_all(self.listed(self.state.get("next_after", "")), archived)
        else:
            since = datetime.fromisoformat(self.state["changed_since"])
            self.add_all(self.changed(since), archived)
        self.job.done()

    def add_all(self, found: Iterable[Record], archived: list[Record]) -> None:
        """Keep objects as they come; a first list that is cut short goes on behind the last."""
        for batch in batches(each_once(chain(found, archived))):
            built, rejected = self.built(batch)
            parts = list(count_parts(self.kind.table, built))
            add_associations(self.job, self.governor, self.kind.name, parts)
            mark = {"next_after": str(max(map(number_of, batch))), "begun_at": self.begun_at}
            self.keep(built, rejected, parts, {} if self.is_known else mark)
        self.finish()

    def replace(self, archived: list[Record]) -> None:
        """Keep the whole list; what is loaded and not in it is deleted."""
        tables, rejected = [self.built([])[0]], list[Rejected]()
        for batch in batches(each_once(chain(self.listed(), archived))):
            built, refused = self.built(batch)
            tables.append(built)
            rejected += refused
        whole = pa.concat_tables(tables)
        found = list(count_parts(self.kind.table, whole))
        parts = dict.fromkeys([*loaded_parts(self.job, self.kind.table), *found])
        try:
            add_associations(self.job, self.governor, self.kind.name, found, is_whole=True)
        finally:
            # where both shrank, both are held back now, so that one more read is enough
            self.keep(whole, rejected, list(parts), {})
        self.finish()

    def keep(
        self, built: Any, rejected: list[Rejected], parts: list[Part], mark: dict[str, str]
    ) -> None:
        """Keep rows and say how far the list is."""
        newest = pc.max(built.column("updated_at")).as_py()
        self.newest = max(filter(None, [self.newest, newest]), default=None)
        self.job.add_built(
            self.kind.table,
            built,
            parts=parts,
            rejected=rejected,
            note=lambda: self.state.update(mark),
        )

    def finish(self) -> None:
        """Say that all was read, and from when on the next run looks for changes.

        Not from later than this run began: an object may change after its page was read.
        """
        begun_at = datetime.fromisoformat(self.begun_at)
        mark = {}
        if self.newest or not self.is_known:
            since = min(self.newest or begun_at, begun_at) - OVERLAP
            mark["changed_since"] = since.isoformat()
        if self.is_whole:
            mark["read_whole_on"] = begun_at.date().isoformat()
        empty, _ = self.built([])

        def note() -> None:
            self.state.pop("next_after", None)
            self.state.pop("begun_at", None)
            self.state.update(mark)

        self.job.add_built(self.kind.table, empty, note=note)

    def asked(self, *, is_archived: bool) -> dict[str, Any]:
        """Return the parameters of a list."""
        names = ",".join(self.names)
        archived = str(is_archived).lower()
        return {"limit": LIST_PAGE, "properties": names, "archived": archived}

    def listed(self, after: str = "") -> Iterator[Record]:
        """Yield the objects of the list, in order of their ids, from behind one of them."""
        params = self.asked(is_archived=False) | ({"after": after} if after else {})
        return chain.from_iterable(pages(self.governor, self.path, params))

    def changed(self, since: datetime) -> Iterator[Record]:
        """Yield the objects that changed since a moment, in order of their ids."""
        last_id = 0
        while True:
            self.pace.wait()
            body = self.governor.post(f"{self.path}/search", json=self.search(since, last_id))
            rows = records(body, "results", self.path)
            yield from rows
            total = whole_number(body, "total", self.path)
            if total <= len(rows):
                return
            if not rows:
                raise TerminalError(
                    f"HubSpot's search of {self.kind.name} gave none of {total} results",
                    hint="run again",
                )
            last_seen, last_id = last_id, max(map(number_of, rows))
            if last_id <= last_seen:
                raise EndlessListError(f"HubSpot's search of {self.kind.name} goes round")

    def search(self, since: datetime, last_id: int) -> dict[str, Any]:
        """Return the body of a search: changed since a moment, with a greater id."""
        changed = {
            "propertyName": self.kind.modified,
            "operator": "GTE",
            "value": str(int(since.timestamp() * 1000)),
        }
        behind = {"propertyName": "hs_object_id", "operator": "GT", "value": str(last_id)}
        return {
            "filterGroups": [{"filters": [changed, behind]}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": self.names,
            "limit": SEARCH_PAGE,
        }

    def built(self, rows: list[Record]) -> tuple[Any, list[Rejected]]:
        """Return records as rows, and what did not fit."""
        table = self.kind.table
        columns = property_columns(table, self.kind.properties, rows, self.path)
        columns[table.key[0]] = [row.get("id") for row in rows]
        columns["is_archived"] = [row.get("archived") or False for row in rows]
        columns["archived_at"] = [row.get("archivedAt") for row in rows]
        return build(table, columns, rows)


def each_once(rows: Iterable[Record]) -> Iterator[Record]:
    """Yield the first of all records with the same id; those without one are rejected later."""
    seen: set[str] = set()
    for row in rows:
        found = row.get("id")
        if not isinstance(found, str):
            yield row
        elif found not in seen:
            seen.add(found)
            yield row


def batches(rows: Iterator[Record]) -> Iterator[list[Record]]:
    """Yield records as lists that are not too long."""
    while batch := list(islice(rows, BATCH_RECORDS)):
        yield batch


def number_of(row: Record) -> int:
    """Return a record's id as a number, 0 where it is none."""
    text = str(row.get("id"))
    return int(text) if text.isdecimal() else 0
