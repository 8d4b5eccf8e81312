"""Klaviyo's API, revision 2026-07-15: account, metrics, profiles, events, campaigns, flows, lists.

Answers and errors are JSON:API. A request needs the private key and a revision. Requests beyond
the burst of an endpoint are refused with Retry-After; the limits of a minute and of a day are
only announced.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.klaviyo.offers import (
    BURSTS,
    LISTS,
    OPTIONAL,
    SINGLES,
)
from marketing_analytics.simulate.platforms.klaviyo.query import (
    Query,
    RefusedError,
    Resource,
    cursor_of,
    invalid,
    read_query,
    selected,
    shaped,
)
from marketing_analytics.simulate.platforms.klaviyo.records import Records

MEDIA_TYPE = "application/vnd.api+json"
SCHEME = "Klaviyo-API-Key "
REVISION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?")
LATEST_REVISION = "2026-07-15"
# relationship: the list that it points into
LIST_OF = {
    "metric": "metrics",
    "profile": "profiles",
    "campaign": "campaigns",
    "campaign-messages": "campaign-messages",
    "flow-actions": "flow-actions",
}
# what is true of every campaign of the account
ALL_CAMPAIGNS = {"messages.channel": "email"}
# parent and child of lists inside of a resource
NESTED = {
    "/api/campaigns/{id}/campaign-messages": ("campaigns", "campaign-messages"),
    "/api/flows/{id}/flow-actions": ("flows", "flow-actions"),
    "/api/flow-actions/{id}/flow-messages": ("flow-actions", "flow-messages"),
}
Handler = Callable[[Request], Any]


class Klaviyo:
    """The emulator of one world."""

    def __init__(self, world: WorldFiles, clock: SimulatedClock) -> None:
        self.clock = clock
        self.records = Records(world)
        self.api_key = f"pk_{world.seed:034x}"
        self.control = PlatformControl("klaviyo", clock, self.refuse, forget=self.forget)
        self.asked: dict[str, tuple[int, int]] = {}
        routes: list[tuple[str, Handler]] = [("/api/events", self.events)]
        routes += [(f"/api/{kind}", self.list_of(kind)) for kind in BURSTS if kind in PLAIN]
        routes += [(f"/api/{kind}/{{id}}", self.single_of(kind)) for kind in SINGLES]
        routes += [(path, self.nested_of(*kinds)) for path, kinds in NESTED.items()]
        self.app = Starlette(
            routes=[
                # its own links end with a slash
                Route(path + end, self.guarded(handler))
                for path, handler in routes
                for end in ("", "/")
            ],
            exception_handlers={404: not_found, 405: not_allowed},
        )

    def settings(self, url: str) -> dict[str, str]:
        """Return the settings of a client."""
        return {"KLAVIYO_BASE_URL": f"{url}/api", "KLAVIYO_API_KEY": self.api_key}

    def forget(self) -> None:
        """Forget how often each endpoint was asked."""
        self.asked.clear()

    def refuse(self, kind: str, retry_after: float | None, request: Request) -> Response:
        """Return the error body of an injected fault."""
        if kind == "expired_token":
            return rendered(wrong_key())
        if kind == "status_429":
            return rendered(throttled(), {"Retry-After": str(round(retry_after or 0))})
        detail = "An unexpected error occurred."
        return rendered(RefusedError(500, "error", "A server error occurred.", detail))

    def guarded(self, handler: Handler) -> Any:
        """Return an endpoint that checks key, revision and burst, and renders refusals."""

        async def endpoint(request: Request) -> Response:
            kind = request.url.path.removeprefix("/api/").partition("/")[0]
            try:
                self.check(request)
                left = self.take_turn(kind)
                body = handler(request)
            except RefusedError as error:
                wait = {"Retry-After": "1"} if error.status == 429 else {}
                return rendered(error, wait)
            limit = BURSTS[kind]
            headers = {
                "RateLimit-Limit": f"{limit}, {limit};w=1",
                "RateLimit-Remaining": str(left),
                "RateLimit-Reset": "1",
            }
            return Response(orjson.dumps(body), media_type=MEDIA_TYPE, headers=headers)

        return endpoint

    def check(self, request: Request) -> None:
        """Raise RefusedError unless key and revision are there."""
        authorization = request.headers.get("authorization", "")
        if not authorization.startswith(SCHEME):
            detail = "Missing or invalid authorization scheme or private key."
            title = "Authentication credentials were not provided."
            raise RefusedError(401, "not_authenticated", title, detail)
        if authorization.removeprefix(SCHEME) != self.api_key:
            raise wrong_key()
        revision = request.headers.get("revision", "")
        if not REVISION.fullmatch(revision) or revision > LATEST_REVISION:
            detail = f"A valid revision header is required, such as revision: {LATEST_REVISION}."
            raise invalid("revision", detail)

    def take_turn(self, kind: str) -> int:
        """Return how many requests the second has left. Raise RefusedError when it has none."""
        second = int(time.monotonic())
        since, count = self.asked.get(kind, (second, 0))
        count = count + 1 if since == second else 1
        self.asked[kind] = (second, count)
        if count > BURSTS[kind]:
            raise throttled()
        return BURSTS[kind] - count

    def list_of(self, kind: str) -> Handler:
        """Return the handler of a list."""

        def handler(request: Request) -> Any:
            query = read_query(request.query_params, request.url.path, LISTS[kind])
            known = ALL_CAMPAIGNS if kind == "campaigns" else {}
            rows = selected(self.records.lists_of(kind, self.clock.now_us), query, known)
            return self.page(request, query, rows, list)

        return handler

    def nested_of(self, parent: str, kind: str) -> Handler:
        """Return the handler of a list inside of a resource."""

        def handler(request: Request) -> Any:
            query = read_query(request.query_params, request.url.path, LISTS[kind])
            above = self.find(parent, request.path_params["id"])
            names = {one["id"] for one in above["relationships"][kind]["data"]}
            rows = self.records.lists_of(kind, self.clock.now_us)
            rows = selected([row for row in rows if row["id"] in names], query, {})
            return self.page(request, query, rows, list)

        return handler

    def single_of(self, kind: str) -> Handler:
        """Return the handler of one resource; a merged profile is found by its old id too."""

        def handler(request: Request) -> Any:
            query = read_query(request.query_params, request.url.path, SINGLES[kind])
            row = self.find(kind, request.path_params["id"])
            body = {"data": shaped(row, query, OPTIONAL), "links": {"self": str(request.url)}}
            return body | self.included([row], query)

        return handler

    def find(self, kind: str, name: str) -> Resource:
        """Return one resource. Raise RefusedError where there is none."""
        now_us = self.clock.now_us
        wanted = self.records.profiles.find(name, now_us) if kind == "profiles" else name
        for row in self.records.lists_of(kind, now_us):
            if row["id"] == wanted:
                return row
        detail = f"A {kind.removesuffix('s')} with id {name} does not exist."
        raise RefusedError(404, "not_found", "Not found.", detail)

    def events(self, request: Request) -> Any:
        """Answer GET /events."""
        query = read_query(request.query_params, request.url.path, LISTS["events"])
        now_us = self.clock.now_us
        found = self.records.events(now_us, query.conditions)
        if query.sort.startswith("-"):
            found.reverse()

        def made(events: list[int]) -> list[Resource]:
            return [self.records.event(event, now_us) for event in events]

        return self.page(request, query, found, made)

    def page(
        self,
        request: Request,
        query: Query,
        rows: list[Any],
        made: Callable[[list[Any]], list[Resource]],
    ) -> dict[str, Any]:
        """Return one page; `made` makes resources of its part of the rows."""
        end = query.offset + (query.page_size or len(rows))
        part = made(rows[query.offset : end])
        following = None
        if end < len(rows):
            cursor = {"page[cursor]": cursor_of(query, end)}
            following = str(request.url.include_query_params(**cursor))
        return {
            "data": [shaped(row, query, OPTIONAL) for row in part],
            "links": {"self": str(request.url), "next": following, "prev": None},
        } | self.included(part, query)

    def included(self, rows: list[Resource], query: Query) -> dict[str, Any]:
        """Return the resources that rows point to, where they are asked for."""
        if not query.includes:
            return {}
        found: dict[str, Resource] = {}
        for relation in query.includes:
            # tags and attributions: there are none
            if relation not in LIST_OF:
                continue
            by_id = {
                row["id"]: row
                for row in self.records.lists_of(LIST_OF[relation], self.clock.now_us)
            }
            for row in rows:
                data = row["relationships"][relation]["data"]
                for one in data if isinstance(data, list) else [data]:
                    found[one["id"]] = shaped(by_id[one["id"]], query, OPTIONAL)
        return {"included": list(found.values())}


PLAIN = ("accounts", "metrics", "profiles", "campaigns", "flows", "lists", "segments", "templates")


def rendered(error: RefusedError, headers: dict[str, str] | None = None) -> Response:
    """Return a refusal as an answer."""
    body = orjson.dumps(error.body())
    return Response(body, error.status, headers=headers, media_type=MEDIA_TYPE)


def wrong_key() -> RefusedError:
    """Return the refusal of a key that is none."""
    title = "Incorrect authentication credentials."
    return RefusedError(401, "authentication_failed", title, title)


def throttled() -> RefusedError:
    """Return the refusal of one request too many."""
    detail = "Request was throttled. Expected available in 1 second."
    return RefusedError(429, "throttled", "Request was throttled.", detail)


async def not_found(_: Request, __: Exception) -> Response:
    """Answer an unknown path."""
    detail = "The path you requested could not be found."
    return rendered(RefusedError(404, "not_found", "Not found.", detail))


async def not_allowed(request: Request, _: Exception) -> Response:
    """Answer a method that a path does not have."""
    detail = f'Method "{request.method}" not allowed.'
    return rendered(RefusedError(405, "method_not_allowed", "Method not allowed.", detail))


EMULATOR = Klaviyo
