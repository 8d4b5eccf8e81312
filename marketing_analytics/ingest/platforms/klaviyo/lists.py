"""Klaviyo's JSON:API: lists in pages, what is included beside them, and what its errors mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from marketing_analytics.core.errors import AuthError, RemoteError, TerminalError
from marketing_analytics.ingest.engine.answers import Cursors, part, records
from marketing_analytics.ingest.engine.governor import BrokenAnswerError, Governor
from marketing_analytics.ingest.engine.job import Job
from marketing_analytics.ingest.engine.tables import pluck_one

if TYPE_CHECKING:
    import httpx

BASE_URL = "https://a.klaviyo.com/api"
REVISION = "2026-07-15"
# a list that is not there for this key is missing alone
DENIED = 403

Resource = dict[str, Any]
Columns = dict[str, list[Any]]


def address(settings: Mapping[str, str]) -> str:
    """Return where the API is."""
    return settings.get("KLAVIYO_BASE_URL") or BASE_URL


def open_governor(job: Job) -> Governor:
    """Return what sends the requests of a job."""
    return Governor(
        "Klaviyo",
        address(job.settings),
        setting="KLAVIYO_BASE_URL",
        limits=job.limits,
        stop=job.stop,
        classify=classify,
        on_wait=job.notes.put,
        headers={
            "Authorization": f"Klaviyo-API-Key {job.setting('KLAVIYO_API_KEY')}",
            "revision": job.settings.get("KLAVIYO_REVISION") or REVISION,
            "Accept": "application/vnd.api+json",
        },
        # amounts stay the text that they are
        loads=lambda body: json.loads(body, parse_float=str),
    )


def pages(governor: Governor, path: str, params: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the pages of a list.

    The cursor in `links.next` is followed, not the address: the key goes to no other host.
    """
    cursors = Cursors(f"Klaviyo's list {path}")
    cursor = ""
    while True:
        page = governor.get(path, {**params} | ({"page[cursor]": cursor} if cursor else {}))
        if "data" not in page:
            raise BrokenAnswerError(f"the answer to {path} has no data")
        yield page
        following = part(page, "links", path).get("next")
        if not following:
            return
        cursor = parse_qs(urlsplit(str(following)).query).get("page[cursor]", [""])[0]
        if not cursor:
            raise BrokenAnswerError(f"the answer to {path} has a next page without a cursor")
        cursors.check(cursor)


def resources(governor: Governor, path: str, params: Mapping[str, str]) -> list[Resource]:
    """Return all resources of a list."""
    found: list[Resource] = []
    for page in pages(governor, path, params):
        found += records(page, "data", path)
    return found


def columns_of(
    governor: Governor, path: str, params: Mapping[str, str], paths: Mapping[str, str]
) -> Columns:
    """Return the columns of a list that may be long: resources are let go with their page."""
    found: Columns = {name: [] for name in paths}
    for page in pages(governor, path, params):
        for name, values in pluck_all(records(page, "data", path), paths).items():
            found[name] += values
    return found


def with_included(
    governor: Governor, path: str, params: Mapping[str, str], relation: str
) -> tuple[list[Resource], list[Resource], list[str | None]]:
    """Return a list, the resources included beside it by `relation`, and the parent of each."""
    kind = relation.removesuffix("s")
    found: list[Resource] = []
    children: list[Resource] = []
    parents: dict[str, str] = {}
    for page in pages(governor, path, {**params, "include": relation}):
        rows = records(page, "data", path)
        found += rows
        children += [row for row in records(page, "included", path) if row.get("type") == kind]
        for row in rows:
            for child in children_of(row, relation, path):
                parents[str(child.get("id"))] = str(row.get("id"))
    return found, children, [parents.get(str(child.get("id"))) for child in children]


def children_of(row: Mapping[str, Any], relation: str, path: str) -> list[Resource]:
    """Return the references of a resource by one of its relationships."""
    relationships = part(row, "relationships", path)
    return records(part(relationships, relation, path), "data", path)


def pluck_all(rows: list[Resource], paths: Mapping[str, str]) -> Columns:
    """Return the columns of resources. Raise BrokenAnswerError where they are built otherwise."""
    try:
        return {name: pluck_one(rows, path.split(".")) for name, path in paths.items()}
    except AttributeError:
        raise BrokenAnswerError("Klaviyo sent a resource whose parts are no objects") from None


def classify(response: httpx.Response) -> RemoteError | None:
    """Return what a refusal of Klaviyo means; waits are told apart by their status alone."""
    status = response.status_code
    if status not in {400, 401, 403, 404, 405, 410}:
        return None
    message = f"Klaviyo refused {response.request.url.path}: {detail_of(response)}"
    if status == DENIED:
        return AuthError(message, hint="give KLAVIYO_API_KEY read access to it", status_code=status)
    if status == 401:
        return AuthError(message, hint="check KLAVIYO_API_KEY", status_code=status)
    return TerminalError(message, status_code=status)


def detail_of(response: httpx.Response) -> str:
    """Return what an error says of itself."""
    try:
        error = response.json()["errors"][0]
        return str(error.get("detail") or error["title"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return f"HTTP {response.status_code}"
