"""LinkedIn Marketing API, versioned: accounts, entities, conversion rules and adAnalytics.

`/rest/adAccounts`, `/rest/adAccounts/{id}`, below it `/adCampaignGroups`, `/adCampaigns`,
`/creatives`; `/rest/adAnalytics`, `/rest/conversions`, `/rest/adAccountUsers`, `/rest/posts`,
`/oauth/v2/accessToken`. Queries come in an address or, tunnelled, in a body.

Facts: learn.microsoft.com/linkedin/shared/api-guide, /linkedin/marketing/integrations/ads.
"""

from __future__ import annotations

import base64
import re
import time
from collections import Counter, deque
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from marketing_analytics.simulate.emulation.control import PlatformControl, SimulatedClock
from marketing_analytics.simulate.emulation.world_files import WorldFiles
from marketing_analytics.simulate.platforms.linkedin_ads.analytics import Analytics
from marketing_analytics.simulate.platforms.linkedin_ads.entities import (
    LinkedInEntities,
    chosen_creatives,
    searched,
)
from marketing_analytics.simulate.platforms.linkedin_ads.restli import (
    LinkedInError,
    id_of,
    ids_of,
    invalid,
    number_of,
    only,
    parse_query,
    text_of,
    texts_of,
)

# a version is served for about a year
OLDEST_VERSION, NEWEST_VERSION = "202511", "202611"
LONGEST_QUERY = 4_096
PAGE_SIZE, MOST_PAGE_SIZE, MOST_CREATIVES = 100, 1_000, 100
VALUES_SECONDS = 300.0
DAY_US = 86_400_000_000
FORM = "application/x-www-form-urlencoded"
DAY_MESSAGE = (
    "Resource level throttle APPLICATION_AND_MEMBER DAY limit for calls to this resource is "
    "reached."
)
VALUES_MESSAGE = "Data request limit reached: 45 million metric values over a five minute interval."


class LinkedInAds:
    """The emulator of one world."""

    def __init__(self, world: WorldFiles, clock: SimulatedClock) -> None:
        self.clock = clock
        self.token = f"AQVsim{world.seed}LinkedInToken"
        self.client = {
            "client_id": f"sim-linkedin-{world.seed}",
            "client_secret": f"sim-linkedin-secret-{world.seed}",
            "refresh_token": f"AQXsim{world.seed}LinkedInRefresh",
        }
        self.entities = LinkedInEntities(world)
        self.analytics = Analytics(world, self.entities.world_accounts)
        self.calls_a_day = 100_000
        self.values_in_five_minutes = 45_000_000
        self.calls: Counter[tuple[str, int]] = Counter()
        self.values: deque[tuple[float, int]] = deque()
        self.control = PlatformControl("linkedin_ads", clock, self.refuse, self.forget)
        account = "/rest/adAccounts/{account}"
        self.app = Starlette(
            routes=[
                Route("/oauth/v2/accessToken", self.access_token, methods=["POST"]),
                self.route("/rest/adAccounts", self.list_accounts),
                self.route(account, self.show_account),
                self.route(f"{account}/adCampaignGroups", self.list_groups),
                self.route(f"{account}/adCampaigns", self.list_campaigns),
                self.route(f"{account}/creatives", self.list_creatives),
                self.route("/rest/adAnalytics", self.list_analytics),
                self.route("/rest/conversions", self.list_rules),
                self.route("/rest/adAccountUsers", self.list_users),
                self.route("/rest/posts", self.list_posts),
                self.route("/{path:path}", no_resource),
            ]
        )

    def route(self, path: str, handler: Any) -> Route:
        """Return the route of an endpoint, which is asked by GET or by a tunnelling POST."""
        return Route(path, self.guarded(handler), methods=["GET", "POST", "PUT", "DELETE"])

    def settings(self, url: str) -> dict[str, str]:
        """Return the settings of a client."""
        return {
            "LINKEDIN_ADS_BASE_URL": f"{url}/rest",
            "LINKEDIN_ADS_ACCESS_TOKEN": self.token,
            "LINKEDIN_ADS_ACCOUNT_IDS": ",".join(self.entities.world_accounts),
            "LINKEDIN_ADS_TOKEN_URL": f"{url}/oauth/v2/accessToken",
            **{f"LINKEDIN_ADS_{name.upper()}": value for name, value in self.client.items()},
        }

    def forget(self) -> None:
        """Forget the calls that were counted."""
        self.calls.clear()
        self.values.clear()

    def refuse(self, kind: str, retry_after: float | None, request: Request) -> Response:
        """Return the error body of an injected fault."""
        if kind == "status_429":
            answer = (
                too_many(VALUES_MESSAGE) if retry_after == 0 else too_many(DAY_MESSAGE)
            ).answer()
            if retry_after is not None:
                answer.headers["retry-after"] = str(round(retry_after))
            return answer
        if kind == "expired_token":
            message = "The token used in the request has expired"
            return LinkedInError(401, "EXPIRED_ACCESS_TOKEN", message, service_code=65_602).answer()
        return LinkedInError(500, "INTERNAL_SERVER_ERROR", "Internal Server Error").answer()

    def guarded(self, handler: Any) -> Any:
        """Return an endpoint that checks headers and token, reads the query, renders errors."""

        async def endpoint(request: Request) -> Response:
            try:
                self.check_headers(request)
                text = await query_text(request)
                is_version_2 = request.headers.get("x-restli-protocol-version") == "2.0.0"
                parameters = parse_query(text, is_version_2=is_version_2)
                self.count_call(request)
                return JSONResponse(handler(request, parameters))
            except LinkedInError as error:
                return error.answer()

        return endpoint

    def check_headers(self, request: Request) -> None:
        """Raise LinkedInError unless token, version and protocol are right."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or not token:
            message = "Empty oauth2 access token"
            raise LinkedInError(401, "EMPTY_ACCESS_TOKEN", message, service_code=65_604)
        if token != self.token:
            message = "Invalid access token"
            raise LinkedInError(401, "INVALID_ACCESS_TOKEN", message, service_code=65_600)
        version = request.headers.get("linkedin-version", "")
        if not version:
            message = "A version must be present. Please specify a version by adding the header."
            raise LinkedInError(400, "VERSION_MISSING", message)
        if not re.fullmatch(r"\d{6}(\.\d{2})?", version):
            raise LinkedInError(400, "INVALID_VERSION", f"Invalid version {version}")
        if not OLDEST_VERSION <= version[:6] <= NEWEST_VERSION:
            message = f"Requested version {version[:6]}01 is not active"
            raise LinkedInError(426, "NONEXISTENT_VERSION", message)
        protocol = request.headers.get("x-restli-protocol-version", "1.0.0")
        if protocol not in {"1.0.0", "2.0.0"}:
            message = f"Rest.li protocol version {protocol} used by the client is not supported"
            raise LinkedInError(400, "INVALID_PROTOCOL_VERSION", message)

    def count_call(self, request: Request) -> None:
        """Count a call to a resource; raise LinkedInError beyond the limit of its day."""
        key = (request.url.path.split("/")[-1], self.clock.now_us // DAY_US)
        self.calls[key] += 1
        if self.calls[key] > self.calls_a_day:
            raise too_many(DAY_MESSAGE)

    def count_values(self, count: int) -> None:
        """Count metric values; raise LinkedInError beyond the limit of five minutes."""
        now = time.monotonic()
        while self.values and now - self.values[0][0] > VALUES_SECONDS:
            self.values.popleft()
        self.values.append((now, count))
        if sum(one for _, one in self.values) > self.values_in_five_minutes:
            raise too_many(VALUES_MESSAGE)

    async def access_token(self, request: Request) -> Response:
        """Answer POST /oauth/v2/accessToken."""
        form = await request.form()
        if form.get("grant_type") != "refresh_token":
            return token_error("invalid_request", "The grant type is not supported")
        for name, value in self.client.items():
            if form.get(name) != value:
                return token_error("invalid_request", f"The passed in {name} is invalid")
        return JSONResponse(
            {
                "access_token": self.token,
                "expires_in": 5_183_944,
                "refresh_token": self.client["refresh_token"],
                "refresh_token_expires_in": 31_536_000,
                "scope": "r_ads,r_ads_reporting",
            }
        )

    def list_accounts(self, request: Request, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer GET /adAccounts?q=search."""
        need_finder(parameters, "search")
        only(parameters, "q", "search", "pageSize", "pageToken", "count", "start")
        fields = ("status", "id", "name", "type", "reference")
        rows = searched(self.entities.accounts, parameters, fields)
        if {"start", "count"} & set(parameters):
            # the older way, which this list alone still takes
            return numbered_page(rows, parameters)
        return page(rows, parameters, MOST_PAGE_SIZE)

    def show_account(self, request: Request, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer GET /adAccounts/{id}."""
        only(parameters)
        account_id = self.account_of(request)
        return next(one for one in self.entities.accounts if str(one["id"]) == account_id)

    def list_groups(self, request: Request, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer GET /adAccounts/{id}/adCampaignGroups?q=search."""
        return self.search(request, parameters, self.entities.groups, ("status", "id", "name"))

    def list_campaigns(self, request: Request, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer GET /adAccounts/{id}/adCampaigns?q=search."""
        fields = ("status", "id", "name", "type", "campaignGroup")
        return self.search(request, parameters, self.entities.campaigns, fields)

    def search(
        self,
        request: Request,
        parameters: dict[str, Any],
        rows: list[dict[str, Any]],
        fields: tuple[str, ...],
    ) -> dict[str, Any]:
        """Return a page of what a search below an account finds."""
        need_finder(parameters, "search")
        only(parameters, "q", "search", "pageSize", "pageToken")
        mine = self.of_account(request, rows)
        return page(searched(mine, parameters, fields), parameters, MOST_PAGE_SIZE)

    def list_creatives(self, request: Request, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer GET /adAccounts/{id}/creatives?q=criteria."""
        if request.headers.get("x-restli-method", "").upper() != "FINDER":
            raise LinkedInError(400, "ILLEGAL_ARGUMENT", "The header X-RestLi-Method is missing")
        need_finder(parameters, "criteria")
        names = ("campaigns", "creatives", "intendedStatuses", "sortOrder")
        only(parameters, "q", "pageSize", "pageToken", *names)
        order = text_of(parameters, "sortOrder", "ASCENDING")
        if order not in {"ASCENDING", "DESCENDING"}:
            raise invalid("sortOrder", "sortOrder is one of ASCENDING, DESCENDING")
        rows = chosen_creatives(self.of_account(request, self.entities.creatives), parameters)
        rows = sorted(rows, key=lambda row: str(row["id"]), reverse=order == "DESCENDING")
        return page(rows, parameters, MOST_CREATIVES)

    def list_analytics(self, request: Request, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer GET /adAnalytics."""
        body, value_count = self.analytics.answer(parameters, self.clock.now_us)
        self.count_values(value_count)
        return body

    def list_rules(self, request: Request, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer GET /conversions?q=account."""
        need_finder(parameters, "account")
        only(parameters, "q", "account", "start", "count")
        account_id = id_of("account", text_of(parameters, "account"), "sponsoredAccount")
        known = account_id in self.entities.world_accounts
        return numbered_page(self.entities.rules(account_id) if known else [], parameters)

    def list_users(self, request: Request, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer GET /adAccountUsers?q=accounts."""
        need_finder(parameters, "accounts")
        only(parameters, "q", "accounts", "start", "count")
        one = parameters.get("accounts")
        given = {"accounts": [one] if isinstance(one, str) else one}
        rows = [
            user
            for account_id in ids_of(given, "accounts", "sponsoredAccount")
            if account_id in self.entities.world_accounts
            for user in self.entities.users(account_id)
        ]
        return numbered_page(rows, parameters)

    def list_posts(self, request: Request, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer GET /posts?q=dscAdAccount: the world has no video that is advertised."""
        need_finder(parameters, "dscAdAccount")
        only(parameters, "q", "dscAdAccount", "dscAdTypes", "start", "count")
        id_of("dscAdAccount", text_of(parameters, "dscAdAccount"), "sponsoredAccount")
        if texts_of(parameters, "dscAdTypes") != ["VIDEO"]:
            raise invalid("dscAdTypes", "only List(VIDEO) is emulated")
        return numbered_page([], parameters)

    def account_of(self, request: Request) -> str:
        """Return the account of the path. Raise LinkedInError where the token has no role."""
        account_id: str = request.path_params["account"]
        if account_id not in self.entities.world_accounts:
            message = "Not enough permissions to access: the member has no role on the account"
            raise LinkedInError(403, "ACCESS_DENIED", message, service_code=100)
        return account_id

    def of_account(self, request: Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows of the account of the path."""
        account = f"urn:li:sponsoredAccount:{self.account_of(request)}"
        return [row for row in rows if row["account"] == account]


async def query_text(request: Request) -> str:
    """Return the query as it was written: in the address, or in the body of a tunnelled GET."""
    text: str = request.scope["query_string"].decode("ascii", "replace")
    if len(text) > LONGEST_QUERY:
        raise LinkedInError(414, "URI_TOO_LONG", "Request-URI Too Long")
    if request.method == "GET":
        return text
    override = request.headers.get("x-http-method-override", "").upper()
    if request.method != "POST" or override != "GET":
        message = f"{override or request.method} is not emulated: nothing is written"
        raise LinkedInError(405, "METHOD_NOT_ALLOWED", message)
    if text or not request.headers.get("content-type", "").startswith(FORM):
        message = f"a tunnelled query is the whole query, in a body of {FORM}"
        raise LinkedInError(400, "ILLEGAL_ARGUMENT", message)
    return (await request.body()).decode("utf-8", "replace")


def too_many(message: str) -> LinkedInError:
    """Return the refusal of a caller who asks too much."""
    return LinkedInError(429, "TOO_MANY_REQUESTS", message, service_code=101)


def need_finder(parameters: dict[str, Any], name: str) -> None:
    """Raise LinkedInError unless this finder is asked for."""
    if parameters.get("q") != name:
        raise invalid("q", f"q is {name}")


def no_resource(request: Request, _: dict[str, Any]) -> dict[str, Any]:
    """Raise LinkedInError: there is nothing at this path."""
    message = f"No virtual resource found: {request.url.path.removeprefix('/rest')}"
    raise LinkedInError(404, "RESOURCE_NOT_FOUND", message)


def page(rows: list[dict[str, Any]], parameters: dict[str, Any], highest: int) -> dict[str, Any]:
    """Return one page of a list with cursors; the last page has none."""
    size = number_of(parameters, "pageSize", PAGE_SIZE, highest)
    start = read_cursor(text_of(parameters, "pageToken"))
    end = start + max(size, 1)
    token = {"nextPageToken": write_cursor(end)} if end < len(rows) else {}
    return {"elements": rows[start:end], "metadata": token}


def numbered_page(rows: list[dict[str, Any]], parameters: dict[str, Any]) -> dict[str, Any]:
    """Return one page of a list that is counted."""
    start = number_of(parameters, "start", 0, 10**9)
    count = number_of(parameters, "count", 10, 1_000)
    paging = {"start": start, "count": count, "links": [], "total": len(rows)}
    return {"elements": rows[start : start + count], "paging": paging}


def write_cursor(start: int) -> str:
    """Return a cursor."""
    return base64.urlsafe_b64encode(f"p{start:05d}".encode()).decode()


def read_cursor(text: str) -> int:
    """Return where the page of a cursor begins. Raise LinkedInError."""
    if not text:
        return 0
    try:
        return int(base64.urlsafe_b64decode(text.encode()).decode().removeprefix("p"))
    except (ValueError, UnicodeError):
        raise invalid("pageToken", "the cursor is not one of this list") from None


def token_error(error: str, description: str) -> Response:
    """Return a refusal of the token server."""
    return JSONResponse({"error": error, "error_description": description}, status_code=400)


EMULATOR = LinkedInAds
