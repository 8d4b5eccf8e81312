"""Google Analytics Data API v1beta: token endpoint, metadata and runReport of one property.

Sessions are processed within two days, so the last days grow. The faults `sampled`,
`thresholded` and `other_row` make the next answer one of less quality, and say so in it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.ga4_reports.errors import (
    ReportError,
    exhausted,
    invalid,
    unknown_field,
)
from marketing_analytics.simulate.platforms.ga4_reports.query import (
    DIMENSIONS,
    METRICS,
    Query,
    parse_query,
)
from marketing_analytics.simulate.platforms.ga4_reports.report import (
    Facts,
    Row,
    ordered,
    with_other_row,
    written,
)

TOKEN_SECONDS = 3_600
HOUR_US = 3_600_000_000
CURRENCY, ZONE = "USD", "Etc/UTC"
# of a standard property: bucket, size, hours until it is full again, name in a refusal
BUCKETS = (
    ("tokensPerDay", 200_000, 24, "per day"),
    ("tokensPerHour", 40_000, 1, "per hour"),
    ("tokensPerProjectPerHour", 14_000, 1, "per project per hour"),
)
CONCURRENT, SERVER_ERRORS, THRESHOLDED = 10, 10, 120
# how a client of Google's asks for JSON
QUERY_PARAMETERS = {
    "$alt": {"json", "json;enum-encoding=int"},
    "alt": {"json"},
    "prettyPrint": {"true", "false"},
}
FLAWS = ("sampled", "thresholded", "other_row")


class Quota:
    """The tokens of the property, by the hour and the day of the simulated clock."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self.spent: dict[tuple[str, int], int] = {}

    def left(self, bucket: str, size: int, hours: int) -> int:
        """Return what is left of a bucket."""
        return size - self.spent.get((bucket, self.clock.now_us // (hours * HOUR_US)), 0)

    def check(self) -> None:
        """Raise ReportError when a bucket is empty."""
        for bucket, size, hours, words in BUCKETS:
            if self.left(bucket, size, hours) <= 0:
                raise exhausted(words)

    def spend(self, tokens: int) -> dict[str, dict[str, int]]:
        """Use up tokens and return what an answer says of the quota."""
        said = {}
        for bucket, size, hours, _ in BUCKETS:
            place = (bucket, self.clock.now_us // (hours * HOUR_US))
            self.spent[place] = self.spent.get(place, 0) + tokens
            said[bucket] = {"consumed": tokens, "remaining": self.left(bucket, size, hours)}
        return said | {
            "concurrentRequests": {"remaining": CONCURRENT},
            "serverErrorsPerProjectPerHour": {"remaining": SERVER_ERRORS},
            "potentiallyThresholdedRequestsPerHour": {"remaining": THRESHOLDED},
        }


class Ga4Reports:
    """The emulator of one world."""

    def __init__(self, world: WorldFiles, clock: SimulatedClock) -> None:
        self.clock = clock
        self.facts = Facts(world.folder / "ga4")
        self.property = str(300_000_000 + world.seed)
        self.client = {
            "client_id": f"sim-{world.seed}.apps.googleusercontent.example",
            "client_secret": f"sim-analytics-secret-{world.seed}",
            "refresh_token": f"1//sim-analytics-refresh-token-{world.seed}",
        }
        self.tokens: dict[str, float] = {}
        self.quota = Quota(clock)
        self.control = PlatformControl("ga4_reports", clock, self.refuse, self.forget)
        self.app = Starlette(
            routes=[
                Route("/token", self.token, methods=["POST"]),
                Route(
                    "/v1beta/properties/{property}:runReport",
                    self.guarded(self.run_report),
                    methods=["POST"],
                ),
                Route("/v1beta/properties/{property}/metadata", self.guarded(self.metadata)),
            ],
            exception_handlers={HTTPException: no_route},
        )

    def settings(self, url: str) -> dict[str, str]:
        """Return the settings of a client."""
        return {
            "GA4_REPORTS_BASE_URL": f"{url}/v1beta",
            "GA4_REPORTS_TOKEN_URL": f"{url}/token",
            "GA4_REPORTS_CLIENT_ID": self.client["client_id"],
            "GA4_REPORTS_CLIENT_SECRET": self.client["client_secret"],
            "GA4_REPORTS_REFRESH_TOKEN": self.client["refresh_token"],
            "GA4_PROPERTY_IDS": self.property,
        }

    def forget(self) -> None:
        """Forget tokens and what was spent."""
        self.tokens.clear()
        self.quota.spent.clear()

    def refuse(self, kind: str, retry_after: float | None, request: Request) -> Response:
        """Return the error body of an injected fault."""
        if request.url.path == "/token":
            return token_refusal(kind)
        if kind == "expired_token":
            self.tokens.clear()
            return unauthenticated().answer()
        if kind == "status_500":
            return ReportError(500, "Internal error encountered.").answer()
        return exhausted("per hour", 1 if retry_after is None else retry_after).answer()

    async def token(self, request: Request) -> Response:
        """Answer POST /token: a refresh token for an access token that lives an hour."""
        form = await request.form()
        if form.get("grant_type") != "refresh_token":
            return oauth_error("unsupported_grant_type", "Invalid grant_type")
        for name in ("client_id", "client_secret"):
            if form.get(name) != self.client[name]:
                return oauth_error("invalid_client", "The OAuth client was not found.", 401)
        if form.get("refresh_token") != self.client["refresh_token"]:
            return oauth_error("invalid_grant", "Token has been expired or revoked.")
        token = f"ya29.sim-analytics-{len(self.tokens) + 1}-{time.monotonic_ns():x}"
        self.tokens[token] = time.monotonic() + TOKEN_SECONDS
        return JSONResponse(
            {
                "access_token": token,
                "expires_in": TOKEN_SECONDS - 1,
                "scope": "https://www.googleapis.com/auth/analytics.readonly",
                "token_type": "Bearer",
            }
        )

    def guarded(
        self, handler: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that checks token, property and parameters, and renders errors."""

        async def endpoint(request: Request) -> Response:
            try:
                self.check(request)
                return await handler(request)
            except ReportError as error:
                return error.answer()

        return endpoint

    def check(self, request: Request) -> None:
        """Raise ReportError unless token, parameters of the address and property are right."""
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if self.tokens.get(bearer, 0) < time.monotonic():
            raise unauthenticated()
        for name, value in request.query_params.items():
            if value not in QUERY_PARAMETERS.get(name, ()):
                raise unknown_field(name)
        asked = request.path_params["property"]
        if not asked.isdigit():
            raise invalid(f"Invalid property ID: {asked}. A numeric Property ID is required.")
        if asked not in {self.property, "0"}:
            message = (
                "User does not have sufficient permissions for this property. To learn more "
                "about Property ID, see https://developers.google.com/analytics/devguides/"
                "reporting/data/v1/property-id."
            )
            raise ReportError(403, message)

    async def metadata(self, request: Request) -> Response:
        """Answer the fields that are served."""
        fields: dict[str, list[dict[str, Any]]] = {
            "dimensions": [{"apiName": name, "uiName": name} for name in DIMENSIONS],
            "metrics": [
                {"apiName": name, "uiName": name, "type": kind} for name, kind in METRICS.items()
            ],
        }
        name = f"properties/{request.path_params['property']}/metadata"
        return JSONResponse({**fields, "name": name})

    async def run_report(self, request: Request) -> Response:
        """Answer runReport: a page of a report."""
        if request.path_params["property"] == "0":
            raise invalid("Property 0 has metadata alone.")
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            raise invalid("Invalid JSON payload received. Unexpected token.") from None
        self.quota.check()
        query = parse_query(body, datetime.fromtimestamp(self.clock.now_us / 1e6, UTC).date())
        flaw = self.control.take(request.url.path, FLAWS)
        return JSONResponse(self.report(query, flaw.kind if flaw else ""))

    def report(self, query: Query, flaw: str) -> dict[str, Any]:
        """Return the answer to a query; proto JSON leaves out what is empty."""
        is_thresholded = flaw == "thresholded"
        rows = self.facts.rows(query, self.clock.now_us, is_thresholded=is_thresholded)
        if not query.keeps_empty:
            rows = [row for row in rows if any(row[1]) or not query.metrics]
        if flaw == "other_row":
            rows = with_other_row(query, rows)
        page = ordered(query, rows)[query.offset : query.offset + query.limit]
        answer: dict[str, Any] = {
            "dimensionHeaders": [{"name": name} for name in query.dimensions],
            "metricHeaders": [{"name": name, "type": METRICS[name]} for name in query.metrics],
            "rows": [row_of(query, row) for row in page],
            "rowCount": len(rows),
            "metadata": metadata_of(flaw),
            "kind": "analyticsData#runReport",
        }
        if query.has_totals and rows:
            total = ("RESERVED_TOTAL",) * len(query.dimensions)
            values = self.facts.totals(query, self.clock.now_us)
            answer["totals"] = [row_of(query, (total, values))]
        # rows and fields cost tokens; at least one for a request
        spent = self.quota.spend(1 + len(page) * (len(query.dimensions) + 1) // 1_000)
        if query.has_quota:
            answer["propertyQuota"] = spent
        return {name: value for name, value in answer.items() if value not in ([], 0)}


def row_of(query: Query, row: Row) -> dict[str, Any]:
    """Return a row of a report: all values are text."""
    key, values = row
    pairs = zip(query.metrics, values, strict=True)
    found = {
        "dimensionValues": [{"value": text} for text in key],
        "metricValues": [{"value": written(metric, value)} for metric, value in pairs],
    }
    return {name: cells for name, cells in found.items() if cells}


def metadata_of(flaw: str) -> dict[str, Any]:
    """Return what an answer says of itself; false is left out."""
    said: dict[str, Any] = {"currencyCode": CURRENCY, "timeZone": ZONE}
    if flaw == "sampled":
        said["samplingMetadatas"] = [{"samplesReadCount": "500", "samplingSpaceSize": "1000"}]
    if flaw == "thresholded":
        said["subjectToThresholding"] = True
    if flaw == "other_row":
        said["dataLossFromOtherRow"] = True
    return said


async def no_route(request: Request, _: Exception) -> Response:
    """Answer an address that the API does not have."""
    return ReportError(404, f"Method not found: {request.method} {request.url.path}").answer()


def unauthenticated() -> ReportError:
    """Return the refusal of a missing, wrong or old token."""
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
        "cookie or other valid authentication credential."
    )
    return ReportError(401, message)


def oauth_error(name: str, description: str, status: int = 400) -> Response:
    """Return an error of the token endpoint."""
    return JSONResponse({"error": name, "error_description": description}, status_code=status)


def token_refusal(kind: str) -> Response:
    """Return the token endpoint's answer to an injected fault."""
    if kind == "expired_token":
        return oauth_error("invalid_grant", "Token has been expired or revoked.")
    if kind == "status_429":
        return oauth_error("rate_limit_exceeded", "Too many requests.", 429)
    return oauth_error("internal_failure", "Please try again.", 500)


EMULATOR = Ga4Reports
