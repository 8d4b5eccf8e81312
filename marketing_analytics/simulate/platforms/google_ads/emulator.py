"""Google Ads REST v26: token endpoint, accessible customers, searchStream and search.

`/token`, `customers:listAccessibleCustomers`, `googleAds:searchStream`, `googleAds:search`.

Shapes: google/ads/googleads protos in their JSON mapping (int64 as text, doubles as numbers).
"""

from __future__ import annotations

import json
import re
import time
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.google_ads.answers import (
    PAGE_ROWS,
    camel,
    page,
    stream_chunks,
)
from marketing_analytics.simulate.platforms.google_ads.changes import changes, check_changes
from marketing_analytics.simulate.platforms.google_ads.dates import today_of
from marketing_analytics.simulate.platforms.google_ads.errors import (
    FrontError,
    GoogleError,
    bad_payload,
    expired,
    not_found,
    oauth_error,
    token_refusal,
    too_many_requests,
)
from marketing_analytics.simulate.platforms.google_ads.fields import DATES, check_query, test_of
from marketing_analytics.simulate.platforms.google_ads.gaql import GaqlError, Query, parse_query
from marketing_analytics.simulate.platforms.google_ads.reports import (
    WITHOUT_ENTITIES,
    GoogleReports,
)
from marketing_analytics.simulate.platforms.google_ads.rows import GoogleRows

TOKEN_SECONDS = 3_600
# each lives about a year
LIVE_VERSIONS = ("v23", "v24", "v25", "v26")
PARAMETERS = {"alt": {"json"}, "prettyPrint": {"true", "false"}}
SUMMARIES = ("UNSPECIFIED", "NO_SUMMARY_ROW", "SUMMARY_ROW_WITH_RESULTS", "SUMMARY_ROW_ONLY")
STREAM_KEYS: Mapping[str, type] = {"query": str, "summaryRowSetting": str}
SEARCH_KEYS: Mapping[str, type] = {
    "query": str, "pageToken": str, "pageSize": int, "validateOnly": bool, "searchSettings": dict,
}  # fmt: skip
SETTINGS_KEYS: Mapping[str, type] = {
    "omitResults": bool, "returnSummaryRow": bool, "returnTotalResultsCount": bool,
}  # fmt: skip


class GoogleAds:
    """The emulator of one world."""

    def __init__(self, world: WorldFiles, clock: SimulatedClock) -> None:
        self.clock = clock
        self.rows = GoogleRows(world)
        self.reports = GoogleReports(world, self.rows)
        self.client = {
            "client_id": f"sim-{world.seed}.apps.googleusercontent.example",
            "client_secret": f"sim-client-secret-{world.seed}",
            "refresh_token": f"1//sim-refresh-token-{world.seed}",
        }
        self.developer_token = f"sim-developer-token-{world.seed}"
        self.tokens: dict[str, float] = {}
        self.control = PlatformControl("google_ads", clock, self.refuse, self.tokens.clear)
        customers, one = "/{version}/customers", "/{version}/customers/{customer}"
        self.app = Starlette(
            routes=[
                Route("/token", self.token, methods=["POST"]),
                Route(f"{customers}:listAccessibleCustomers", self.guarded(self.accessible)),
                Route(f"{one}/googleAds:searchStream", self.guarded(self.stream), methods=["POST"]),
                Route(f"{one}/googleAds:search", self.guarded(self.search), methods=["POST"]),
            ],
            exception_handlers={404: unknown_route, 405: unknown_route},
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
        in_array = is_stream(request)
        if request.url.path == "/token":
            return token_refusal(kind)
        if kind == "expired_token":
            self.tokens.clear()
            return expired().answer(in_array=in_array)
        if kind == "status_500":
            message = "Internal error encountered."
            error = GoogleError(500, "internalError", "INTERNAL_ERROR", message)
            return error.answer(in_array=in_array)
        return too_many_requests(retry_after).answer(in_array=in_array)

    async def token(self, request: Request) -> Response:
        """Answer POST /token: a refresh token for an access token that lives an hour."""
        form = await request.form()
        for name in ("grant_type", "client_id", "client_secret"):
            if not form.get(name):
                return oauth_error("invalid_request", f"Required parameter is missing: {name}")
        if form["grant_type"] != "refresh_token":
            message = f"Invalid grant_type: {form['grant_type']}"
            return oauth_error("unsupported_grant_type", message)
        if form["client_id"] != self.client["client_id"]:
            return oauth_error("invalid_client", "The OAuth client was not found.", 401)
        if form["client_secret"] != self.client["client_secret"]:
            return oauth_error("invalid_client", "Unauthorized", 401)
        if not form.get("refresh_token"):
            return oauth_error("invalid_request", "Missing required parameter: refresh_token")
        if form["refresh_token"] != self.client["refresh_token"]:
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
        """Return an endpoint that checks version and headers and renders errors."""

        async def endpoint(request: Request) -> Response:
            try:
                check_address(request)
                self.check(request)
                response: Response = await handler(request)
            except FrontError as error:
                return error.answer(in_array=is_stream(request))
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
        # without the header it is the customer itself who asks
        login = request.headers.get("login-customer-id") or self.rows.manager
        if not re.fullmatch(r"\d+", customer):
            message = f"Invalid customer ID '{customer}'."
            raise GoogleError(400, "requestError", "INVALID_CUSTOMER_ID", message)
        if not login.isdigit():
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

    def select(
        self, body: Mapping[str, Any], customer: str, version: int
    ) -> tuple[Query, list[dict[str, Any]]]:
        """Return the query of a body and its flat rows. Raise GoogleError."""
        if not body.get("query"):
            message = "The query is missing."
            raise GoogleError(400, "requestError", "REQUIRED_FIELD_MISSING", message)
        try:
            zone = self.rows.accounts[customer]["timezone_name"]
            query = parse_query(body["query"], today_of(self.clock.now_us, zone))
            check_query(query, version)
            return query, self.chosen(query, customer)
        except GaqlError as error:
            raise GoogleError(400, error.kind, error.name, error.message) from None

    def chosen(self, query: Query, customer: str) -> list[dict[str, Any]]:
        """Return the flat rows of a query, filtered and in order. Raise GaqlError."""
        counted = [f for f in query.all_fields if f.startswith(("metrics.", "segments."))]
        is_manager = customer == self.rows.manager
        if is_manager and any(field.startswith("metrics.") for field in counted):
            message = "Metrics cannot be requested for a manager account."
            raise GaqlError("REQUESTED_METRICS_FOR_MANAGER", message)
        rows: Iterable[dict[str, Any]]
        if counted or query.resource in WITHOUT_ENTITIES:
            rows = self.reports.report(query, customer, self.clock.now_us)
        elif query.resource == "change_status":
            zone = self.rows.accounts[customer]["timezone_name"]
            check_changes(query, today_of(self.clock.now_us, zone))
            rows = changes(self.rows, customer, self.clock.now_us)
        else:
            rows = self.rows.entities(query.resource, customer)
        tests = [test_of(c) for c in query.conditions if c.field not in DATES]
        found = [row for row in rows if all(test(row) for test in tests)]
        for field, is_descending in reversed(query.order_by):
            # empty ones come first
            found.sort(key=lambda row: (row.get(field) is not None, row.get(field)))
            if is_descending:
                found.reverse()
        return found[: query.limit]

    async def stream(self, request: Request) -> Response:
        """Answer searchStream: an array of chunks, written one by one."""
        customer = self.check_customer(request)
        body = await body_of(request, STREAM_KEYS)
        setting = body.get("summaryRowSetting", SUMMARIES[0])
        if setting not in SUMMARIES:
            raise bad_payload(f"Invalid value at 'summary_row_setting', \"{setting}\"")
        query, rows = self.select(body, customer, version_of(request))
        check_summary(query, is_asked=setting.startswith("SUMMARY"))
        return StreamingResponse(stream_chunks(query, rows, setting), media_type="application/json")

    async def search(self, request: Request) -> Response:
        """Answer search: pages of 10,000 rows."""
        customer = self.check_customer(request)
        body = await body_of(request, SEARCH_KEYS)
        if "pageSize" in body:
            message = "Setting the page size is not supported."
            raise GoogleError(400, "requestError", "PAGE_SIZE_NOT_SUPPORTED", message)
        settings = checked(body.get("searchSettings", {}), SETTINGS_KEYS, "search_settings")
        if body.get("validateOnly") and body.get("pageToken"):
            name = "VALIDATE_ONLY_REQUEST_HAS_PAGE_TOKEN"
            raise GoogleError(400, "requestError", name, "Validation takes no page token.")
        query, rows = self.select(body, customer, version_of(request))
        check_summary(query, is_asked=bool(settings.get("returnSummaryRow")))
        if body.get("validateOnly"):
            return JSONResponse({})
        mark = f"{zlib.crc32(f'{customer} {query}'.encode()):08x}"
        start = start_of(body.get("pageToken") or f"{mark}-0", mark)
        answer = page(query, rows, start, settings)
        if start + PAGE_ROWS < len(rows):
            answer["nextPageToken"] = f"{mark}-{start + PAGE_ROWS}"
        return JSONResponse(answer)


def is_stream(request: Request) -> bool:
    """Return whether errors come inside of an array."""
    return request.url.path.endswith("searchStream")


def version_of(request: Request) -> int:
    """Return the number of the version that is asked."""
    return int(request.path_params["version"].removeprefix("v"))


async def unknown_route(_request: Request, _error: Exception) -> Response:
    """Answer what there is not."""
    return not_found().answer(in_array=False)


def check_address(request: Request) -> None:
    """Raise FrontError for a version that is gone or a parameter that nobody knows."""
    version = request.path_params["version"]
    if version not in LIVE_VERSIONS:
        if not re.fullmatch(r"v\d+", version) or int(version[1:]) > int(LIVE_VERSIONS[-1][1:]):
            raise not_found()
        message = f"Version {version} is deprecated. Requests to this version will be blocked."
        raise GoogleError(400, "requestError", "UNSUPPORTED_VERSION", message)
    for name, value in request.query_params.multi_items():
        if value not in PARAMETERS.get(name, ()):
            raise bad_payload(f'Unknown name "{name}": Cannot bind query parameter.')


async def body_of(request: Request, keys: Mapping[str, type]) -> dict[str, Any]:
    """Return the body with its keys in camelCase. Raise FrontError."""
    try:
        body = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError):
        raise bad_payload("Unexpected end of string or token.") from None
    return checked(body, keys, "")


def checked(body: Any, keys: Mapping[str, type], place: str) -> dict[str, Any]:
    """Return an object of known keys and types; both ways to write a key will do."""
    if not isinstance(body, dict):
        raise bad_payload("Root element must be a message." if not place else f"at '{place}'")
    found = {}
    for name, value in body.items():
        key = camel(name)
        if key not in keys:
            at = f" at '{place}'" if place else ""
            raise bad_payload(f'Unknown name "{name}"{at}: Cannot find field.')
        is_number = keys[key] is int and isinstance(value, bool)
        if value is not None and (is_number or not isinstance(value, keys[key])):
            raise bad_payload(f"Invalid value at '{name}', {json.dumps(value)}")
        if value is not None:
            found[key] = value
    return found


def check_summary(query: Query, *, is_asked: bool) -> None:
    """Raise GoogleError for the sum of a query without metrics."""
    if is_asked and not any(field.startswith("metrics.") for field in query.fields):
        name = "CANNOT_RETURN_SUMMARY_ROW_FOR_REQUEST_WITHOUT_METRICS"
        raise GoogleError(400, "requestError", name, "There are no metrics to be summed up.")


def start_of(token: str, mark: str) -> int:
    """Return the first row of a page; tokens belong to their query. Raise GoogleError."""
    match = re.fullmatch(r"([0-9a-f]{8})-(\d+)", token)
    if match is None or match[1] != mark or int(match[2]) % PAGE_ROWS:
        message = "The page token is not valid for this query."
        raise GoogleError(400, "requestError", "INVALID_PAGE_TOKEN", message)
    return int(match[2])


EMULATOR = GoogleAds
