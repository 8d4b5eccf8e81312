"""Read Mailchimp's lists, which are paged by offset and may change while they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marketing_analytics.core.errors import TerminalError
from marketing_analytics.ingest.engine.answers import EndlessListError, records, whole_number
from marketing_analytics.ingest.engine.governor import Governor
from marketing_analytics.ingest.engine.job import Job

PAGE_SIZE = 1000
READ_ATTEMPTS = 3
NOTHING: Mapping[str, str] = {}


def read_what_is_there(job: Job, governor: Governor, path: str, name: str) -> list[dict[str, Any]]:
    """Return what could be read of a list that nothing is deleted for; what is missing is told."""
    rows, problem = read_list(governor, path, name, "id")
    if problem:
        job.fail(problem)
    return rows


def read_whole(
    governor: Governor, path: str, name: str, key: str, params: Mapping[str, str] = NOTHING
) -> list[dict[str, Any]]:
    """Return a list; raise where it cannot be read to its end."""
    rows, problem = read_list(governor, path, name, key, params)
    if problem:
        raise problem
    return rows


def read_list(
    governor: Governor, path: str, name: str, key: str, params: Mapping[str, str] = NOTHING
) -> tuple[list[dict[str, Any]], TerminalError | None]:
    """Return a list, every element once, and what is wrong with it when it is not whole.

    Offsets shift when the list changes while it is read: doubles are dropped, and when
    elements are missing at the end the list is read again.
    """
    by_key: dict[Any, dict[str, Any]] = {}
    total = 0
    for _ in range(READ_ATTEMPTS):
        by_key, total, is_ended = read_once(governor, path, name, key, params)
        if not is_ended:
            return list(by_key.values()), EndlessListError(
                f"Mailchimp's list {path} does not end: a page brought nothing new"
            )
        if len(by_key) >= total:
            return list(by_key.values()), None
    return list(by_key.values()), TerminalError(
        f"Mailchimp gave {len(by_key)} of {total} elements of {path}",
        hint="the list changes while it is read, or its count is wrong; run again",
    )


def read_once(
    governor: Governor, path: str, name: str, key: str, params: Mapping[str, str]
) -> tuple[dict[Any, dict[str, Any]], int, bool]:
    """Return the elements of a list by key, how many it says to have, and whether it ended."""
    by_key: dict[Any, dict[str, Any]] = {}
    offset = 0
    while True:
        page = governor.get(path, {"count": PAGE_SIZE, "offset": offset, **params})
        rows = records(page, name, path)
        total = whole_number(page, "total_items", path)
        # an element without a key counts too: it is rejected with its reason later
        found = {key_of(row, key): row for row in rows}
        is_new = bool(found.keys() - by_key.keys())
        by_key |= found
        offset += len(rows)
        if not rows or offset >= total:
            return by_key, total, True
        if not is_new:
            return by_key, total, False


def key_of(row: Mapping[str, Any], key: str) -> Any:
    """Return what tells an element from the others; itself where it has no key."""
    found = row.get(key)
    return found if found and isinstance(found, str | int) else id(row)


def fields_of(name: str, paths: Iterable[str]) -> dict[str, str]:
    """Return the parameter that asks for these fields of every element, and for their number."""
    return {"fields": ",".join([*(f"{name}.{path}" for path in sorted(set(paths))), "total_items"])}
