"""Lists of HubSpot, read to their end, and tables that hold nothing else than such a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from marketing_analytics.core.errors import TerminalError
from marketing_analytics.ingest.engine.answers import Cursors, part, records, whole_number
from marketing_analytics.ingest.engine.governor import Governor
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.tables import Part, Table, build, count_parts

# of a million contacts, and some
MOST_PAGES = 100_000

Record = dict[str, Any]


def pages(governor: Governor, path: str, params: Mapping[str, Any]) -> Iterator[list[Record]]:
    """Yield the pages of a list; raise where it goes round or misses what it says to have."""
    cursors = Cursors(f"HubSpot's list {path}", MOST_PAGES)
    asked = dict(params)
    found = 0
    while True:
        body = governor.get(path, asked)
        rows = records(body, "results", path)
        found += len(rows)
        yield rows
        total = whole_number(body, "total", path)
        following = part(part(body, "paging", path), "next", path).get("after")
        if not following:
            break
        cursors.check(str(following))
        asked["after"] = following
    if found < total:
        raise TerminalError(f"HubSpot gave {found} of {total} elements of {path}", hint="run again")


def whole_list(governor: Governor, path: str, params: Mapping[str, Any]) -> list[Record]:
    """Return all elements of a list."""
    return [row for page in pages(governor, path, params) for row in page]


def loaded_parts(job: Job, table: Table) -> list[Part]:
    """Return the parts of a table that are loaded."""
    return list(job.guard.loaded.get(table.name, {}))


def add_whole(
    job: Job, table: Table, columns: Mapping[str, Sequence[Any]], raw: Sequence[Any] | None = None
) -> None:
    """Keep a table's whole content: what is not in it any more is deleted."""
    built, rejected = build(table, columns, raw)
    parts = dict.fromkeys([*loaded_parts(job, table), *count_parts(table, built)])
    job.add_built(table, built, parts=list(parts), rejected=rejected)
