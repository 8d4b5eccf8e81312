"""Shopify's Admin REST API over a built world: one shop, its orders and its customers.

`/admin/oauth/access_token` and `access_scopes.json`; under `/admin/api/<version>`: `shop.json`,
`orders.json`, `orders/count.json`, `orders/<id>.json`, `orders/<id>/refunds.json`, the same of
`customers`.

Lists are paged by cursors in the Link header, calls fill a leaky bucket, and errors are
`{"errors": ...}`.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.shopify.lists import LISTS, Page, matching, page_of
from marketing_analytics.simulate.platforms.shopify.records import ShopRecords
from marketing_analytics.simulate.platforms.shopify.refusals import RefusedError, not_found

API_VERSION = "2026-10"
VERSIONS = re.compile(r"20\d\d-(01|04|07|10)|unstable")
# that of Shopify Plus
BUCKET_SIZE, LEAK_PER_SECOND = 400, 20
SCOPES = ("read_orders", "read_all_orders", "read_customers")
TOKEN_SECONDS = 86_399
NO_ACCESS = "[API] Invalid API key or access token (unrecognized login or wrong password)"
TOO_FAST = (
    f"Exceeded {LEAK_PER_SECOND} calls per second for api client. "
    "Reduce request rates to resume uninterrupted service."
)
# a request holds its connection this long
LATENCY_SECONDS = 0.002


class Bucket:
    """The leaky bucket of calls, in real seconds."""

    def __init__(self) -> None:
        self.level = 0.0
        self.at = time.monotonic()

    def pour(self) -> bool:
        """Add a call; return whether there was room for it."""
        now = time.monotonic()
        self.level = max(0.0, self.level - (now - self.at) * LEAK_PER_SECOND)
        self.at = now
        if self.level + 1 > BUCKET_SIZE:
            return False
        self.level += 1
        return True

    def text(self) -> str:
        """Return the header's `used/size`."""
        return f"{round(self.level)}/{BUCKET_SIZE}"


class Shopify:
    """The emulator of one world."""

    def __init__(self, world: WorldFiles, clock: SimulatedClock) -> None:
        self.clock = clock
        self.records = ShopRecords(world)
        self.token = f"shpat_{world.seed:032x}"
        self.client_id = f"{world.seed + 1:032x}"
        self.client_secret = f"shpss_{world.seed + 2:032x}"
        # what the credentials were last exchanged for
        self.app_token = f"shpat_{world.seed + 3:032x}"
        self.bucket = Bucket()
        self.kept: tuple[int, dict[str, list[dict[str, Any]]]] = (-1, {})
        self.control = PlatformControl("shopify", clock, self.refuse, self.forget)
        below: list[tuple[str, Callable[[Request], Any]]] = [
            ("shop.json", self.shop),
            ("{name:listed}.json", self.listed),
            ("{name:listed}/count.json", self.count),
            ("{name:listed}/{id:int}.json", self.one),
            ("orders/{id:int}/refunds.json", self.refunds_of),
        ]
        routes = [
            Route("/admin/oauth/access_token", self.exchange, methods=["POST"]),
            Route("/admin/oauth/access_scopes.json", self.guarded(self.scopes)),
        ]
        for path, handler in below:
            for name in LISTS if "{name:listed}" in path else ("",):
                full = "/admin/api/{version}/" + path.replace("{name:listed}", name)
                routes.append(Route(full, self.guarded(handler), name=name or None))
        self.app = Starlette(routes=routes, exception_handlers={404: unknown, 405: unknown})

    def settings(self, url: str) -> dict[str, str]:
        """Return the settings of a client."""
        return {
            "SHOPIFY_BASE_URL": f"{url}/admin/api/{API_VERSION}",
            "SHOPIFY_SHOP": str(self.records.shop()["myshopify_domain"]),
            "SHOPIFY_SECRET": self.token,
        }

    def forget(self) -> None:
        """Empty the bucket."""
        self.bucket = Bucket()

    def refuse(self, kind: str, retry_after: float | None, _: Request) -> Response:
        """Return the error body of an injected fault."""
        if kind == "expired_token":
            return JSONResponse({"errors": NO_ACCESS}, 401)
        if kind == "status_429":
            return too_fast(2.0 if retry_after is None else retry_after)
        return JSONResponse({"errors": "Internal Server Error"}, 500)

    def guarded(self, handler: Callable[[Request], Any]) -> Any:
        """Return an endpoint that checks version, token and bucket and renders refusals."""

        async def endpoint(request: Request) -> Response:
            version = request.path_params.get("version", API_VERSION)
            token = request.headers.get("x-shopify-access-token")
            if not VERSIONS.fullmatch(version):
                return not_found().answer()
            if token not in {self.token, self.app_token}:
                return JSONResponse({"errors": NO_ACCESS}, 401)
            if not self.bucket.pour():
                return too_fast(2.0)
            await asyncio.sleep(LATENCY_SECONDS)
            try:
                found = handler(request)
            except RefusedError as refused:
                return refused.answer()
            page = found if isinstance(found, Page) else Page(found)
            response = Response(json.dumps(page.body), media_type="application/json; charset=utf-8")
            response.headers["x-shopify-shop-api-call-limit"] = self.bucket.text()
            response.headers["x-shopify-api-version"] = version
            if page.link:
                response.headers["link"] = page.link
            return response

        return endpoint

    async def exchange(self, request: Request) -> Response:
        """Answer the client credentials grant, as a form or as JSON."""
        text = (await request.body()).decode("utf-8", "replace")
        try:
            given = json.loads(text)
        except ValueError:
            given = {name: values[0] for name, values in parse_qs(text).items()}
        if not isinstance(given, dict) or given.get("grant_type") != "client_credentials":
            return refused_grant("unsupported_grant_type", "The grant type is not supported.")
        if given.get("client_id") != self.client_id:
            return refused_grant("application_cannot_be_found", "No app has this client id.")
        if given.get("client_secret") != self.client_secret:
            return refused_grant("invalid_client", "The client secret is not that of the app.")
        return JSONResponse(
            {
                "access_token": self.app_token,
                "scope": ",".join(SCOPES),
                "expires_in": TOKEN_SECONDS,
            }
        )

    def scopes(self, _: Request) -> dict[str, Any]:
        """Answer which scopes the token has."""
        return {"access_scopes": [{"handle": scope} for scope in SCOPES]}

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return all records of a list; those of one moment are kept."""
        now_us = self.clock.now_us
        if self.kept[0] != now_us:
            self.kept = (now_us, {})
        if name not in self.kept[1]:
            self.kept[1][name] = getattr(self.records, name)(now_us)
        return self.kept[1][name]

    def shop(self, request: Request) -> dict[str, Any]:
        """Answer shop.json."""
        return page_of(request, "shop", [self.records.shop()]).body

    def listed(self, request: Request) -> Page:
        """Answer a page of a list."""
        name = request.url.path.rpartition("/")[2].removesuffix(".json")
        return page_of(request, name, self.rows(name))

    def count(self, request: Request) -> dict[str, Any]:
        """Answer how many records pass the filters."""
        name = request.url.path.rsplit("/", 2)[1]
        return {"count": len(matching(dict(request.query_params), name, self.rows(name)))}

    def one(self, request: Request) -> dict[str, Any]:
        """Answer one record of a list by its id."""
        name = request.url.path.rsplit("/", 2)[1]
        return {name.removesuffix("s"): self.found(request, name)}

    def refunds_of(self, request: Request) -> dict[str, Any]:
        """Answer the refunds of an order."""
        return {"refunds": self.found(request, "orders")["refunds"]}

    def found(self, request: Request, name: str) -> dict[str, Any]:
        """Return the record of the path's id; raise RefusedError for none."""
        wanted = request.path_params["id"]
        record = next((row for row in self.rows(name) if row["id"] == wanted), None)
        if record is None:
            raise not_found()
        return record


def too_fast(retry_after: float) -> Response:
    """Return the refusal of a call too many."""
    headers = {"Retry-After": f"{retry_after:.1f}"}
    return JSONResponse({"errors": TOO_FAST}, 429, headers=headers)


def refused_grant(error: str, description: str) -> Response:
    """Return the refusal of credentials."""
    return JSONResponse({"error": error, "error_description": description}, 400)


async def unknown(_: Request, __: Exception) -> Response:
    """Answer an unknown path."""
    return not_found().answer()


EMULATOR = Shopify
