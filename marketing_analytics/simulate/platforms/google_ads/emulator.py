"""Google Ads REST v26: token endpoint, accessible customers, searchStream and search.

`/token`, `customers:listAccessibleCustomers`, `googleAds:searchStream`, `googleAds:search`.

Shapes: google/ads/googleads protos in their JSON mapping (int64 as text, doubles as numbers).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.google_ads.gaql import GaqlError, Query, parse_query
from marketing_analytics.simulate.platforms.google_ads.rows import GoogleRows, check_fields

FAILURE = "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure"
TOKEN_SECONDS = 3_600
CHUNK_ROWS, PAGE_ROWS = 1_000, 10_000
DOUBLES = (
    "conversions",
    "conversions_value",
    "ctr",
    "average_cpc",
    "all_conversions",
    "all_conversions_value",
)
STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
}


class GoogleError(Exception):
    """An answer in the shape of google.rpc.Status with a GoogleAdsFailure."""

    def __init__(
        self, status: int, kind: str, name: str, message: str, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        error = {"errorCode": {kind: name}, "message": message}
        if details:
            error["details"] = details
        failure = {"@type": FAILURE, "errors": [error], "requestId": request_id()}
        self.body = {
            "error": {
                "code": status,
                "message": "Request contains an invalid argument." if status == 400 else message,
                "status": STATUS_NAMES[status],
                "details": [failure],
            }
        }

    def answer(self, *, in_array: bool) -> Response:
        """Return the HTTP answer; searchStream wraps it into an array."""
        return JSONResponse([self.body] if in_array else self.body, status_code=self.status)


def request_id() -> str:
    """Return an id that differs per request."""
    return f"sim{time.monotonic_ns():x}"


def camel(name: str) -> str:
    """Return snake_case as camelCase."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def json_value(name: str, value: Any) -> Any:
    """Return a value as the JSON mapping writes it: whole numbers of int64 fields as text."""
    if isinstance(value, bool) or name in DOUBLES or not isinstance(value, int):
        return value
    return str(value)


class Shaper:
    """Turns flat rows into nested ones with the asked fields and every resource's name."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        paths = {field: field for field in fields}
        for field in fields:
            *parents, _ = field.split(".")
            if parents[0] not in {"metrics", "segments"}:
                for depth in range(1, len(parents) + 1):
                    name = ".".join([*parents[:depth], "resource_name"])
                    paths.setdefault(name, name)
        self.paths = [
            (field, [camel(part) for part in field.split(".")], field.split(".")[-1])
            for field in paths
        ]
        self.mask = ",".join(".".join(camel(p) for p in field.split(".")) for field in fields)

    def shape(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return one nested row."""
        result: dict[str, Any] = {}
        for field, path, name in self.paths:
            if field in row:
                target = result
                for part in path[:-1]:
                    target = target.setdefault(part, {})
                target[path[-1]] = json_value(name, row[field])
        return result


class GoogleAds:
    """The emulator of one world."""

    def __init__(self, world: WorldFiles, clock: SimulatedClock) -> None:
        self.clock = clock
        self.rows = GoogleRows(world)
        self.client = {
            "client_id": f"sim-{world.seed}.apps.googleusercontent.example",
            "client_secret": f"sim-client-secret-{world.seed}",
            "refresh_token": f"1//sim-refresh-token-{world.seed}",
        }
        self.developer_token = f"sim-developer-token-{world.seed}"
        self.tokens: dict[str, float] = {}
        self.control = PlatformControl("google_ads", clock, self.refuse, self.tokens.clear)
        stream, search = "googleAds:searchStream", "googleAds:search"
        self.app = Starlette(
            routes=[
                Route("/token", self.token, methods=["POST"]),
                Route("/v26/customers:listAccessibleCustomers", self.guarded(self.accessible)),
                Route(
                    f"/v26/customers/{{customer}}/{stream}",
                    self.guarded(self.stream),
                    methods=["POST"],
                ),
                Route(
                    f"/v26/customers/{{customer}}/{search}",
                    self.guarded(self.search),
                    methods=["POST"],
                ),
            ]
        )

    def settings(self, url: str) -> dict[str, str]:
        """Return the settings of a client."""
        return {
            "GOOGLE_ADS_BASE_URL": f"{url}/v26",
            "GOOGLE_ADS_TOKEN_URL": f"{url}/token",
            "GOOGLE_ADS_DEVELOPER_TOKEN": self.developer_token,
            "GOOGLE_ADS_CLIENT_ID": self.client["client_id"],
            "GOOGLE_ADS_CLIENT_SECRET": self.client["client_secret"],
            "GOOGLE_ADS_REFRESH_TOKEN": self.client["refresh_token"],
            "GOOGLE_ADS_LOGIN_CUSTOMER_ID": self.rows.manager,
        }

    def refuse(self, kind: str, retry_after: float | None, request: Request) -> Response:
        """Return the error body of an injected fault."""
        in_array = request.url.path.endswith("searchStream")
        if request.url.path == "/token":
            return token_refusal(kind)
        if kind == "expired_token":
            self.tokens.clear()
            return expired().answer(in_array=in_array)
        if kind == "status_500":
            error = GoogleError(
                500, "internalError", "INTERNAL_ERROR", "Internal error encountered."
            )
            return error.answer(in_array=in_array)
        quota = {
            "rateScope": "DEVELOPER",
            "rateName": "Number of operations for basic access",
            "retryDelay": f"{round(1 if retry_after is None else retry_after)}s",
        }
        message = "Too many requests. Retry in the advertised time."
        error = GoogleError(
            429, "quotaError", "RESOURCE_EXHAUSTED", message, {"quotaErrorDetails": quota}
        )
        return error.answer(in_array=in_array)

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
        token = f"ya29.sim-{len(self.tokens) + 1}-{time.monotonic_ns():x}"
        self.tokens[token] = time.monotonic() + TOKEN_SECONDS
        scope = "https://www.googleapis.com/auth/adwords"
        return JSONResponse(
            {
                "access_token": token,
                "expires_in": TOKEN_SECONDS - 1,
                "scope": scope,
                "token_type": "Bearer",
            }
        )

    def guarded(self, handler: Any) -> Any:
        """Return an endpoint that checks the headers and renders errors."""

        async def endpoint(request: Request) -> Response:
            try:
                self.check(request)
                response: Response = await handler(request)
            except GoogleError as error:
                return error.answer(in_array=request.url.path.endswith("searchStream"))
            return response

        return endpoint

    def check(self, request: Request) -> None:
        """Raise GoogleError unless token and headers are right."""
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if bearer not in self.tokens:
            message = (
                "Request had invalid authentication credentials. Expected OAuth 2 access token."
            )
            raise GoogleError(401, "authenticationError", "OAUTH_TOKEN_INVALID", message)
        if self.tokens[bearer] < time.monotonic():
            raise expired()
        developer_token = request.headers.get("developer-token")
        if not developer_token:
            name = "DEVELOPER_TOKEN_PARAMETER_MISSING"
            message = "The developer-token header is missing."
            raise GoogleError(400, "requestError", name, message)
        if developer_token != self.developer_token:
            message = "The developer token is not valid."
            raise GoogleError(401, "authenticationError", "DEVELOPER_TOKEN_INVALID", message)

    def check_customer(self, request: Request) -> str:
        """Return the customer of the path. Raise GoogleError."""
        customer: str = request.path_params["customer"]
        login = request.headers.get("login-customer-id", "")
        if not re.fullmatch(r"\d+", customer):
            message = f"Invalid customer ID '{customer}'."
            raise GoogleError(400, "requestError", "INVALID_CUSTOMER_ID", message)
        if login and not login.isdigit():
            message = f"Invalid login-customer-id '{login}': digits only."
            raise GoogleError(400, "headerError", "INVALID_LOGIN_CUSTOMER_ID", message)
        if customer not in self.rows.accounts or login not in {self.rows.manager, customer}:
            message = "User doesn't have permission to access customer."
            raise GoogleError(403, "authorizationError", "USER_PERMISSION_DENIED", message)
        if self.rows.accounts[customer]["status"] != "ENABLED":
            message = "The customer account is not yet enabled or has been deactivated."
            raise GoogleError(403, "authorizationError", "CUSTOMER_NOT_ENABLED", message)
        return customer

    async def accessible(self, request: Request) -> Response:
        """Answer listAccessibleCustomers: what the user reaches directly."""
        return JSONResponse({"resourceNames": [f"customers/{self.rows.manager}"]})

    async def read(self, request: Request) -> tuple[dict[str, Any], Query, list[dict[str, Any]]]:
        """Return the body, the query and its rows. Raise GoogleError."""
        customer = self.check_customer(request)
        try:
            body = json.loads(await request.body() or b"{}")
            text = body["query"]
        except (ValueError, KeyError, TypeError):
            message = "The query is missing."
            raise GoogleError(400, "requestError", "REQUIRED_FIELD_MISSING", message) from None
        try:
            today = datetime.fromtimestamp(self.clock.now_us / 1e6, UTC).date()
            query = parse_query(str(text), today)
            check_fields(query)
            return body, query, self.select(query, customer)
        except GaqlError as error:
            raise GoogleError(400, "queryError", error.name, error.message) from None

    def select(self, query: Query, customer: str) -> list[dict[str, Any]]:
        """Return the flat rows of a query. Raise GaqlError."""
        has_metrics = any(f.startswith(("metrics.", "segments.")) for f in query.all_fields)
        if has_metrics and customer == self.rows.manager:
            message = "Metrics cannot be requested for a manager account."
            raise GaqlError("REQUESTED_METRICS_FOR_MANAGER", message)
        if has_metrics:
            rows = self.rows.report(query, customer, self.clock.now_us)
        else:
            rows = self.rows.entities(query.resource, customer)
        tests = [c for c in query.conditions if c.field != "segments.date"]
        chosen = [row for row in rows if all(c.holds(row[c.field]) for c in tests)]
        for field, is_descending in reversed(query.order_by):
            chosen.sort(key=lambda row: row[field], reverse=is_descending)
        return chosen[: query.limit]

    async def stream(self, request: Request) -> Response:
        """Answer searchStream: an array of chunks, written one by one."""
        _, query, rows = await self.read(request)
        return StreamingResponse(stream_chunks(query, rows), media_type="application/json")

    async def search(self, request: Request) -> Response:
        """Answer search: pages of 10,000 rows."""
        body, query, rows = await self.read(request)
        if "pageSize" in body:
            message = "Setting the page size is not supported."
            raise GoogleError(400, "requestError", "PAGE_SIZE_NOT_SUPPORTED", message)
        token = str(body.get("pageToken") or "p0")
        if not re.fullmatch(r"p\d+", token):
            message = "The page token is not valid."
            raise GoogleError(400, "requestError", "INVALID_PAGE_TOKEN", message)
        start, shaper = int(token[1:]), Shaper(query.fields)
        answer: dict[str, Any] = {"fieldMask": shaper.mask, "queryResourceConsumption": "100"}
        if part := rows[start : start + PAGE_ROWS]:
            answer["results"] = [shaper.shape(row) for row in part]
        if start + PAGE_ROWS < len(rows):
            answer["nextPageToken"] = f"p{start + PAGE_ROWS}"
        return JSONResponse(answer)


def stream_chunks(query: Query, rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a JSON array of chunks; only the last one tells the consumption."""
    shaper, number = Shaper(query.fields), request_id()
    starts = range(0, max(len(rows), 1), CHUNK_ROWS)
    for start in starts:
        chunk: dict[str, Any] = {}
        if part := rows[start : start + CHUNK_ROWS]:
            chunk["results"] = [shaper.shape(row) for row in part]
        chunk["fieldMask"] = shaper.mask
        chunk["requestId"] = number
        if start == starts[-1]:
            chunk["queryResourceConsumption"] = str(100 + len(rows))
        lead = "[" if start == 0 else ",\n"
        yield lead + json.dumps(chunk) + ("]" if start == starts[-1] else "")


def expired() -> GoogleError:
    """Return the error of an access token past its hour."""
    message = "Request had expired authentication credentials."
    return GoogleError(401, "authenticationError", "OAUTH_TOKEN_EXPIRED", message)


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


EMULATOR = GoogleAds
