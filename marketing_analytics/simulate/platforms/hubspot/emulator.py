"""HubSpot's API: CRM objects, search, associations, pipelines, campaigns, e-mails, workflows.

`/crm/v3/objects/T`, `/T/X`, `/T/batch/read`, `/T/search` for contacts, companies and deals;
`/crm/v4/associations/T/U/batch/read`, `/crm/v4/objects/T/X/associations/U`; `/crm/v3/properties/T`,
`/crm/v3/schemas`, `/crm/v3/owners`, `/crm/v3/pipelines/T`; `/marketing/v3/campaigns`,
`/marketing/v3/emails`; `/automation/v4/flows`, `.../email-campaigns`; older ones: see `old_calls`.

Knobs: `search_ceiling`, `search_lag_seconds`, `burst_limit` (in ten seconds), `search_limit` (in
one), `daily_limit`, `token_minutes` (0: the token of a private app, which never expires).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.hubspot.crm_calls import CrmCalls
from marketing_analytics.simulate.platforms.hubspot.limits import CallLimits
from marketing_analytics.simulate.platforms.hubspot.marketing import Marketing
from marketing_analytics.simulate.platforms.hubspot.marketing_calls import MarketingCalls
from marketing_analytics.simulate.platforms.hubspot.objects import CrmObjects, hubspot_time
from marketing_analytics.simulate.platforms.hubspot.old_calls import OldCalls
from marketing_analytics.simulate.platforms.hubspot.refusals import (
    RefusalError,
    expired_token,
    invalid,
    invalid_token,
    missing,
    over_limit,
)

KNOBS = {
    "search_ceiling": 10_000,
    "search_lag_seconds": 10,
    # a real account has 100 to 250; more here, since tests would only wait for the wall clock
    "burst_limit": 1_000,
    "search_limit": 5,
    "daily_limit": 250_000,
    "token_minutes": 0,
}
LONG_WAIT_SECONDS = 60
MINUTE_US = 60_000_000


class HubSpot:
    """The emulator of one world."""

    def __init__(self, world: WorldFiles, clock: SimulatedClock) -> None:
        self.clock = clock
        marketing = Marketing(world)
        since_us = min(mail["created_us"] for mail in marketing.mails)
        self.token = f"pat-na1-{world.seed:032x}"
        self.limits = CallLimits()
        self.control = PlatformControl(
            "hubspot", clock, self.refuse, self.limits.forget, knobs=dict(KNOBS)
        )
        crm = CrmCalls(CrmObjects(world), clock, self.control.knobs, hubspot_time(since_us))
        marketing_calls = MarketingCalls(marketing, clock)
        old_calls = OldCalls(marketing, clock, since_us)
        routes = [*crm.routes(), *marketing_calls.routes(), *old_calls.routes()]
        # HubSpot takes an address with and without a slash at its end
        self.app = Starlette(
            routes=[
                Route(path + slash, self.guarded(handler), methods=[method])
                for method, path, handler in routes
                for slash in ("", "/")
            ],
            exception_handlers={404: unknown_route, 405: unknown_method},
        )

    def settings(self, url: str) -> dict[str, str]:
        """Return the settings of a client."""
        return {"HUBSPOT_BASE_URL": url, "HUBSPOT_ACCESS_TOKEN": self.token}

    def refuse(self, kind: str, retry_after: float | None, request: Request) -> Response:
        """Return the error body of an injected fault."""
        if kind == "expired_token":
            return expired_token().answer()
        if kind == "status_429":
            is_long = (retry_after or 0) > LONG_WAIT_SECONDS
            return over_limit("DAILY" if is_long else "TEN_SECONDLY_ROLLING", retry_after).answer()
        return RefusalError(500, "INTERNAL_ERROR", "internal error").answer()

    def guarded(self, handler: Callable[..., Any]) -> Any:
        """Return an endpoint that checks token and limits, and renders refusals."""

        async def endpoint(request: Request) -> Response:
            try:
                self.check_token(request)
                self.limits.count(request, self.clock.now_us, self.control.knobs)
                if request.method == "POST":
                    body = handler(request, await body_of(request))
                else:
                    body = handler(request)
            except RefusalError as refusal:
                return refusal.answer()
            answer = body if isinstance(body, Response) else JSONResponse(body)
            if not request.url.path.endswith("/search"):
                self.limits.tell(answer, self.control.knobs)
            return answer

        return endpoint

    def check_token(self, request: Request) -> None:
        """Raise RefusalError unless the token is right and its time is not over."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or value.strip() != self.token:
            raise invalid_token()
        minutes = self.control.knobs["token_minutes"]
        if minutes and self.clock.now_us > self.clock.start_us + minutes * MINUTE_US:
            raise expired_token()


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request. Raise RefusalError."""
    if "json" not in request.headers.get("content-type", ""):
        raise RefusalError(415, "VALIDATION_ERROR", "Content-Type must be application/json")
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise invalid("Invalid input JSON on line 1, column 1")
    return body


async def unknown_route(_: Request, __: Exception) -> Response:
    """Answer an address that leads nowhere."""
    return missing().answer()


async def unknown_method(request: Request, _: Exception) -> Response:
    """Answer a method that an address does not take."""
    return RefusalError(405, "VALIDATION_ERROR", f"{request.method} is not allowed").answer()


EMULATOR = HubSpot
